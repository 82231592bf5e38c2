"""resolvers/rest/openapi.json describes the routes of backend/rest/routes.py as they are."""

import sys
from pathlib import Path

from checks.project import report, run


def problems(root: Path) -> list[str]:
    found = run([sys.executable, "-m", "tools.openapi", "--check"], root)
    return found[1:] or found  # the generator's own words are enough


if __name__ == "__main__":
    report(problems)
