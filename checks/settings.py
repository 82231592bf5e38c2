"""Every `HEADWATER_*` variable that the code reads is documented, and every documented one is read."""

import re
from pathlib import Path

from checks.project import committed_files, report, text_of

_VARIABLE = re.compile(r"\bHEADWATER_[A-Z][A-Z_]*[A-Z]\b")
_CODE_FOLDERS = ("local/", "backend/", "client/", "resolvers/", "streams/", "benchmarks/", "tests/fuzz/")

# Set by one of our processes for another, not by users.
INTERNAL = frozenset({"HEADWATER_NOTIFY", "HEADWATER_INVOKE"})


def variables(root: Path, *, documents: bool, folders: tuple[str, ...] = _CODE_FOLDERS) -> dict[str, str]:
    """Each variable and the first file that names it, in documents or in the code of some folders."""
    found: dict[str, str] = {}
    for path in committed_files(root):
        name = path.relative_to(root).as_posix()
        wanted = path.suffix == ".md" if documents else name.startswith(folders) and path.suffix != ".md"
        for variable in _VARIABLE.findall((text_of(path) if wanted else None) or ""):
            found.setdefault(variable, name)
    return found


def problems(root: Path) -> list[str]:
    code, documents = variables(root, documents=False), variables(root, documents=True)
    found = [
        f"{name}: reads {variable}, which README.md and docs/ do not explain"
        for variable, name in sorted(code.items())
        if variable not in documents and variable not in INTERNAL
    ]
    # Variables of the suite may be documented, but need not be.
    suite = variables(root, documents=False, folders=("tests/",))
    found += [
        f"{name}: explains {variable}, which no code reads"
        for variable, name in sorted(documents.items())
        if variable not in code and variable not in suite
    ]
    return found


if __name__ == "__main__":
    report(problems)
