"""The first table of `docs/errors.md` lists the errorTypes of `backend/domain/errors.py`, all of them, in its order."""

import ast
import re
from pathlib import Path

from checks.project import report

CODE = "backend/domain/errors.py"
DOCUMENT = "docs/errors.md"
ROOT_CLASS = "DomainError"


def error_types(source: str) -> list[str]:
    """The `type` of each class derived from DomainError, in the order of the module."""
    found = []
    derived = {ROOT_CLASS}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef) or not derived & {ast.unparse(each) for each in node.bases}:
            continue
        derived.add(node.name)
        found += [
            str(ast.literal_eval(member.value))
            for member in node.body
            if isinstance(member, ast.Assign) and ast.unparse(member.targets[0]) == "type"
        ]
    return found


def documented_types(text: str) -> list[str]:
    """The names in backticks that begin the rows of the document's first table."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return re.findall(r"^\|\s*`(\w+)`", table[0] if table else "", re.MULTILINE)


def problems(root: Path) -> list[str]:
    missing = [f"{name} is missing" for name in (CODE, DOCUMENT) if not (root / name).is_file()]
    if missing:
        return missing
    code = error_types((root / CODE).read_text())
    documented = documented_types((root / DOCUMENT).read_text())
    found = [f"{DOCUMENT}: does not explain {each}" for each in code if each not in documented]
    found += [f"{DOCUMENT}: explains {each}, which {CODE} does not have" for each in documented if each not in code]
    if not found and code != documented:
        found.append(f"{DOCUMENT}: the order is not that of {CODE}: {', '.join(code)}")
    return found


if __name__ == "__main__":
    report(problems)
