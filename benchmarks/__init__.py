"""One claim a file: `python -m benchmarks.NAME` prints a table, and its status says whether the claim held."""

import sys
from pathlib import Path

# The backend is importable where Lambda's layer or pytest puts it, and otherwise not.
sys.path.append(str(Path(__file__).resolve().parents[1] / "backend"))
