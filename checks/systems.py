"""`docs/systems.md`: a row for every system that Headwater must contain, and each row tells the truth.

The last column names files or symbols in backticks, or says `later: issue N`, `later: <context>`, or
`replaced by X because Y`.
"""

import re
from pathlib import Path

from checks.project import report
from checks.symbols import missing

DOCUMENT = "docs/systems.md"

# The five articles and how many systems each one describes.
SYSTEMS = {"A": 10, "B": 14, "C": 16, "D": 12, "E": 6}
IDS = [f"{article}{number}" for article, count in SYSTEMS.items() for number in range(1, count + 1)]

_ROW = re.compile(r"^\|\s*([A-E]\d+)\s*\|(.*)\|\s*$")
_REFERENCE = re.compile(r"`([^`]+)`")
_LATER = re.compile(r"\blater: (?:issue \d+|[a-z][a-z ,]*)")
_REPLACED = re.compile(r"\breplaced by .+ because .+")


def problems_in(text: str, root: Path) -> list[str]:
    """What is wrong with the table: rows missing, doubled or out of order, empty cells, names that do not exist."""
    found: list[str] = []
    seen: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        row = _ROW.match(line)
        if row is None:
            continue
        place = f"{DOCUMENT}:{number}: {row[1]}"
        seen.append(row[1])
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row[2])]
        if len(cells) != 3 or not all(cells):
            found.append(f"{place}: needs a system, its form here, and where it is")
            continue
        where = cells[2]
        references = _REFERENCE.findall(where)
        found += [f"{place}: {reason}" for reason in (missing(root, each) for each in references) if reason]
        if not references and not _LATER.search(where) and not _REPLACED.search(where):
            found.append(f"{place}: names no file, no `later: ...` and no `replaced by X because Y`: {where!r}")
    if seen != IDS:
        absent = [each for each in IDS if each not in seen]
        doubled = sorted({each for each in seen if seen.count(each) > 1})
        unknown = [each for each in seen if each not in IDS]
        found.append(
            f"{DOCUMENT}: rows must be {', '.join(f'{a}1-{a}{n}' for a, n in SYSTEMS.items())}, in this order; "
            f"missing: {absent}, twice: {doubled}, unknown: {unknown}"
        )
    return found


def problems(root: Path) -> list[str]:
    path = root / DOCUMENT
    if not path.is_file():
        return [f"{DOCUMENT} is missing"]
    return problems_in(path.read_text(), root)


if __name__ == "__main__":
    report(problems)
