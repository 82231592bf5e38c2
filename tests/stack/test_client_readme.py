"""The first lines of the Python client's README, run as they are by a reader who has an instance."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from checks.documents import blocks
from tests.stack.instance import PROJECT, Instance

pytestmark = pytest.mark.stack

SECONDS = 60


def test_the_first_ten_lines_work(instance: Instance) -> None:
    first = next(iter(blocks((PROJECT / "client" / "README.md").read_text())))
    assert first.language == "python"
    assert len([line for line in first.text.splitlines() if line]) <= 10
    environment = os.environ | {"HEADWATER_STATE": str(instance.state), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", first.text], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    )
    in_time = threading.Timer(SECONDS, process.kill)
    in_time.start()
    try:
        assert process.stdout
        # The rest of the lines follows what others do, without end.
        assert next(line for line in process.stdout if " INSERT " in line and "hello" in line)
        instance.send("lobby", "and hello to you")
        assert next(line for line in process.stdout if " INSERT " in line and "and hello to you" in line)
    finally:
        in_time.cancel()
        process.kill()
        process.communicate()
