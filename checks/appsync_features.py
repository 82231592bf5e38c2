"""`docs/appsync.md` and `docs/event-sources.md`: what is emulated, chosen, refused or absent, held against the code.

A row is `| feature | state | where | source |`. What `where` names must exist; a refused row names the code that raises
`NotEmulated`. The other way round, every `NotEmulated` of what a page is about has a row there, and every `@choice` of
the contract has one in AppSync's.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from checks.project import report
from checks.symbols import missing

DOCUMENT = "docs/appsync.md"
STATES = ("emulated", "choice", "refused", "absent")
CONTRACT = "tests/contract"

# Where the data plane refuses what it does not have.
REFUSING = ("local/template.py", "local/appsync")

# Each page, and the code whose refusals it lists.
PAGES = {DOCUMENT: REFUSING, "docs/event-sources.md": ("local/event_sources",)}

_ROW = re.compile(r"^\|(.*)\|\s*$")
_RULE = re.compile(r"[\s|:-]*")
_REFERENCE = re.compile(r"`([^`]+)`")
_QUOTED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class Row:
    """One row of the tables. `where` is Markdown."""

    line: int
    feature: str
    state: str
    where: str
    source: str

    @property
    def references(self) -> list[str]:
        return _REFERENCE.findall(self.where)


@dataclass(frozen=True)
class Refusal:
    """A call of `NotEmulated`: its file, the function or class at the top level around it, its feature's own words."""

    path: str
    line: int
    symbols: frozenset[str]
    words: tuple[str, ...]


def rows_of(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), 1):
        match = _ROW.match(line)
        if match is None or _RULE.fullmatch(line):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", match[1])]
        if cells[1:2] == ["state"]:
            continue
        feature, state, where, source = (*cells, "", "", "", "")[:4]
        yield Row(number, feature, state, where, source)


def problems_in(text: str, root: Path, document: str = DOCUMENT) -> list[str]:
    """What is wrong with a page's rows, and what of the code has none."""
    rows = list(rows_of(text))
    refusals, choices = refusals_in(root, PAGES[document]), choices_in(root)
    found = [f"{document}:{problem}" for row in rows for problem in _row_problems(row, root, refusals, choices)]
    if document == DOCUMENT:
        named = {reference for row in rows if row.state == "choice" for reference in row.references}
        found += [f"{document}: has no row for the choice {choice}" for choice in sorted(choices - named)]
    refused = [row for row in rows if row.state == "refused"]
    for refusal in refusals:
        if not any(_covers(row, refusal) for row in refused):
            found.append(f"{document}: has no row for what {refusal.path}:{refusal.line} refuses")
    return found


def _row_problems(row: Row, root: Path, refusals: tuple[Refusal, ...], choices: frozenset[str]) -> Iterator[str]:
    place = f"{row.line}: {row.feature}"
    if row.state not in STATES:
        yield f"{place}: {row.state!r} is no state; there are {', '.join(STATES)}"
        return
    if not row.where or (not row.source and row.state != "absent"):
        yield f"{place}: needs where it is and a source"
    if not row.references and row.state != "absent":
        yield f"{place}: names nothing in backticks"
    references = row.references if row.state != "absent" else []
    yield from (f"{place}: {reason}" for each in references if (reason := _missing(root, each)))
    if row.state == "choice":
        for each in row.references:
            if not each.startswith("tests/"):
                yield f"{place}: {each} is no test"
            elif each.startswith(f"{CONTRACT}/") and each not in choices:
                yield f"{place}: {each} is not marked as a choice"
    if row.state == "refused":
        for path, symbol, words in _refused(row):
            here = [refusal for refusal in refusals if refusal.path == path]
            if not any(_matches(refusal, symbol, words) for refusal in here):
                yield f"{place}: {path} refuses nothing in {symbol}" if symbol else f"{place}: {path} says no {words!r}"


_missing = lru_cache(missing)  # large files are named by many rows


def _refused(row: Row) -> Iterator[tuple[str, str, str]]:
    """What a refused row names: path and symbol, or path and words."""
    for part in row.where.split(";"):
        for reference in _REFERENCE.findall(part):
            path, _, symbol = reference.partition(":")
            if symbol:
                yield path, symbol, ""
            else:
                yield from ((path, "", words) for words in _QUOTED.findall(part) or [""])


def _covers(row: Row, refusal: Refusal) -> bool:
    return any(path == refusal.path and _matches(refusal, symbol, words) for path, symbol, words in _refused(row))


def _matches(refusal: Refusal, symbol: str, words: str) -> bool:
    if symbol:
        return symbol in refusal.symbols
    return bool(words) and any(words in each for each in refusal.words)


@lru_cache
def refusals_in(root: Path, refusing: tuple[str, ...] = REFUSING) -> tuple[Refusal, ...]:
    """Every call of `NotEmulated` in some part of the project, the data plane unless said otherwise."""
    return tuple(_refusals(root, refusing))


def _refusals(root: Path, refusing: tuple[str, ...]) -> Iterator[Refusal]:
    for part in refusing:
        start = root / part
        for path in sorted(start.rglob("*.py")) if start.is_dir() else [start]:
            for top in ast.parse(path.read_text()).body:
                for node in ast.walk(top):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NotEmulated":
                        name = getattr(top, "name", "")
                        yield Refusal(
                            str(path.relative_to(root)), node.lineno, frozenset({name} - {""}), _words(node.args[0])
                        )


def _words(feature: ast.expr) -> tuple[str, ...]:
    """The literal parts of a string or an f-string."""
    parts = feature.values if isinstance(feature, ast.JoinedStr) else [feature]
    return tuple(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


@lru_cache
def choices_in(root: Path) -> frozenset[str]:
    """The cases of the contract that are marked as choices, as `path:function`."""
    return frozenset(_choices(root))


def _choices(root: Path) -> Iterator[str]:
    for path in sorted((root / CONTRACT).glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and any(_is_choice(each) for each in node.decorator_list):
                yield f"{path.relative_to(root)}:{node.name}"


def _is_choice(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "choice"


def problems(root: Path) -> list[str]:
    found = []
    for document in PAGES:
        path = root / document
        found += problems_in(path.read_text(), root, document) if path.is_file() else [f"{document} is missing"]
    return found


if __name__ == "__main__":
    report(problems)
