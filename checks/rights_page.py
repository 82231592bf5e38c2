"""docs/rights.md shows the table of backend/domain/rights.py as it is."""

import sys
from pathlib import Path

from checks.project import report, run


def problems(root: Path) -> list[str]:
    found = run([sys.executable, "-m", "tools.rights_page", "--check"], root)
    return found[1:] or found  # the generator's own words are enough


if __name__ == "__main__":
    report(problems)
