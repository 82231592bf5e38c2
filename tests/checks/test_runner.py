"""`python -m checks`: the runner knows every check, and each check's file is one."""

import subprocess
import sys

from checks.__main__ import CHECKS
from checks.project import ROOT

# What checks are made of; every other module of the package is a check.
PARTS = {"__init__", "__main__", "project", "cloudformation", "symbols", "operation_uses"}


def test_the_runner_runs_every_check_there_is() -> None:
    assert {path.stem for path in (ROOT / "checks").glob("*.py")} - PARTS == set(CHECKS)


def run(*names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checks", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_line_for_each_check_with_its_time() -> None:
    done = run("machine_paths", "settings")
    lines = {line.split()[1]: line.split() for line in done.stdout.splitlines() if line.endswith(" s")}
    assert set(lines) == {"machine_paths", "settings"}
    assert all(line[0] in {"ok", "FAIL"} and float(line[2]) >= 0 for line in lines.values())


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    done = run("nothing")
    assert done.returncode == 2
    assert "no such check: nothing; there are: " in done.stdout
    assert "machine_paths" in done.stdout
