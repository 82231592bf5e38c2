"""Commands for a running instance say so when there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def seed(state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "seed", "README.md"],
        cwd=PROJECT,
        env={**os.environ, "HEADWATER_STATE": str(state)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("outputs", [None, {"pid": "ended"}], ids=["never started", "killed"])
def test_without_an_instance_the_message_says_how_to_start_one(
    tmp_path: Path, outputs: dict[str, object] | None
) -> None:
    if outputs:
        (tmp_path / "outputs.json").write_text(json.dumps({"pid": ended_process()}))
    answer = seed(tmp_path)
    assert answer.returncode == 2
    assert "no instance runs on" in answer.stderr
    assert "make dev" in answer.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", '{"graphql": 1}'])
def test_a_broken_outputs_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "outputs.json").write_text(text)
    answer = seed(tmp_path)
    assert answer.returncode == 2
    assert "outputs.json" in answer.stderr
    assert "Traceback" not in answer.stderr
