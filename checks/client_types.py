"""The clients' generated types are current: Python's always, TypeScript's where Node.js and its packages are."""

import shutil
import sys
from pathlib import Path

from checks.project import NOTE, ROOT, run

WEB = Path("client", "web")
SKIPPED = "THE TYPESCRIPT TYPES WERE NOT CHECKED: {reason}. Nothing is known about client/web/src/generated."


def python_problems(root: Path) -> list[str]:
    found = run([sys.executable, "-m", "tools.client_types", "--check"], root)
    return found[1:] or found  # the generator's own words are enough


def typescript_problems(root: Path) -> list[str]:
    found = run(["node", "codegen.js", "--check"], root / WEB)
    return found[1:] or found


def why_not(root: Path) -> str | None:
    """Why the TypeScript types cannot be checked on this machine."""
    if shutil.which("node") is None:
        return "there is no Node.js (node)"
    if not (root / WEB / "node_modules" / "@graphql-codegen" / "core").is_dir():
        return f"its packages are not installed (cd {WEB.as_posix()} && npm ci)"
    return None


def main() -> int:
    found = python_problems(ROOT)
    reason = why_not(ROOT)
    found += [] if reason else typescript_problems(ROOT)
    print(*found, *([SKIPPED.format(reason=reason)] if reason else []), sep="\n")
    return 1 if found else NOTE if reason else 0


if __name__ == "__main__":
    sys.exit(main())
