"""The programs outside Python that others rely on: the CI entry and the commit hooks."""

import os
import subprocess
import sys

import yaml

from checks.__main__ import CHECKS
from checks.project import ROOT, program


def test_ci_runs_the_readmes_test_command() -> None:
    entry = ROOT / ".ci/run"
    assert os.access(entry, os.X_OK)
    subprocess.run(["bash", "-n", str(entry)], check=True)
    assert "exec make test" in entry.read_text()
    assert "make test" in (ROOT / "README.md").read_text()


def test_the_commit_hooks_are_valid_and_name_real_checks() -> None:
    subprocess.run([program("pre-commit"), "validate-config"], cwd=ROOT, check=True, capture_output=True)
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    commands = {hook["id"]: hook["entry"].split() for hook in repository["hooks"]}
    assert commands["checks"][:3] == [".venv/bin/python", "-m", "checks"]
    assert set(commands["checks"][3:]) <= set(CHECKS)


def test_one_check_runs_alone_and_fails_with_its_exit_code() -> None:
    alone = subprocess.run(
        [sys.executable, "-m", "checks.machine_paths"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (alone.returncode == 0) == (alone.stdout == "")
