"""A burst of changes, through the publisher and one by one: what `benchmarks/burst.py` measures."""

import sys
from pathlib import Path

# The backend is importable where Lambda's layer or pytest puts it, and otherwise not.
sys.path.append(str(Path(__file__).resolve().parents[2] / "backend"))
