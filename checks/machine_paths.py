"""No path of one machine in a committed file: the project must run wherever it is cloned."""

import re
from pathlib import Path

from checks.project import committed_files, report, text_of

# A home, scratch or mount folder as the start of an absolute path, not as the end of a longer word, URL or glob.
_MACHINE_PATH = re.compile(
    r"(?<![\w.~*$}<>%-])(?<!:/)/(?:home|root|Users|tmp|private|mnt|media|work|workspace)/[\w.$-]+"
)
_FILE_URL = re.compile(r"\bfile:///[\w.]+")
_WINDOWS_PATH = re.compile(r"\b[A-Z]:\\\\?(?:Users|Temp|Windows)\b")

# Places where such a path is meant, each with the reason.
MEANT: dict[str, str] = {
    "checks/machine_paths.py": "holds the patterns",
    "tests/checks/test_machine_paths.py": "holds the examples",
}


def problems_in(name: str, text: str) -> list[str]:
    """The machine paths in one text, with their lines."""
    return [
        f"{name}:{number}: path of one machine: {match[0]}"
        for number, line in enumerate(text.splitlines(), 1)
        for pattern in (_MACHINE_PATH, _FILE_URL, _WINDOWS_PATH)
        for match in pattern.finditer(line)
    ]


def problems(root: Path) -> list[str]:
    found = []
    for path in committed_files(root):
        name = path.relative_to(root).as_posix()
        text = text_of(path)
        if text is None or name in MEANT:
            continue
        found += problems_in(name, text)
        if len(root.parts) > 2 and str(root) in text:
            found.append(f"{name}: holds the path of this clone")
    return found


if __name__ == "__main__":
    report(problems)
