"""The repository as the checks see it: its root, its committed files, and how a check reports."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# How a check ends that failed nothing but has something to tell: the runner shows it. (Automake's "skipped".)
NOTE = 77

_UNTRACKED_PARTS = {".git", ".venv", ".headwater", ".aws-sam", "node_modules", "__pycache__"}


def committed_files(root: Path) -> list[Path]:
    """Every file that is or would be committed (tracked or untracked, not ignored), sorted, as absolute paths.

    Outside a git work tree (an unpacked archive, a test's folder) all files but caches and build results count.
    """
    if (root / ".git").exists():
        listing = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=root,
            check=True,
            capture_output=True,
        ).stdout
        found = [root / os.fsdecode(name) for name in listing.split(b"\0") if name]
    else:
        found = [path for path in root.rglob("*") if not _UNTRACKED_PARTS & set(path.relative_to(root).parts)]
    return sorted(path for path in found if path.is_file())


def text_of(path: Path) -> str | None:
    """The file's text, or None for a binary file (one with a NUL byte, or not UTF-8)."""
    content = path.read_bytes()
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def templates(root: Path) -> list[Path]:
    """The project's CloudFormation templates: the root template, then the nested ones by name."""
    return [path for path in [root / "template.yaml", *sorted((root / "stacks").glob("*.yaml"))] if path.is_file()]


def program(name: str) -> str:
    """The path of a program installed beside the running interpreter (`ruff`, `sam`), whatever PATH holds."""
    return str(Path(sys.executable).parent / name)


def run(command: Sequence[str], root: Path, **environment: str) -> list[str]:
    """Run a program that reports by its exit code; its output is the list of problems, empty when it succeeded."""
    done = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    shown = f"{Path(command[0]).name} {' '.join(command[1:])}"
    return [f"`{shown}` ended with {done.returncode}", *done.stdout.splitlines()]


def report(problems: Callable[[Path], list[str]]) -> None:
    """Print a check's problems and end the process: 0 when there are none, 1 otherwise."""
    found = problems(ROOT)
    for problem in found:
        print(problem)
    sys.exit(1 if found else 0)
