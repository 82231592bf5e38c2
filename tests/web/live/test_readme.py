"""The README's first lines, run as they are by a reader who has an instance and the built package."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from checks.documents import blocks
from tests.stack.instance import PROJECT, Instance

pytestmark = [pytest.mark.stack, pytest.mark.clients]

SECONDS = 60


def test_the_first_ten_lines_work(library: Path, node: str, instance: Instance, tmp_path: Path) -> None:
    first = next(iter(blocks((PROJECT / "client" / "web" / "README.md").read_text())))
    assert first.language == "js"
    assert len([line for line in first.text.splitlines() if line]) <= 10
    (tmp_path / "chat.mjs").write_text(first.text)
    (tmp_path / ".headwater").symlink_to(instance.state)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "headwater").symlink_to(library)
    process = subprocess.Popen([node, "chat.mjs"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    in_time = threading.Timer(SECONDS, process.kill)
    in_time.start()
    try:
        assert process.stdout
        # The rest of the lines follows what others do, without end.
        assert next(line for line in process.stdout if line.split()[1:] == ["INSERT", "hello"])
        instance.send("lobby", "and hello to you")
        assert next(line for line in process.stdout if line.endswith("INSERT and hello to you\n"))
    finally:
        in_time.cancel()
        process.kill()
        process.communicate()
