"""What a running instance does when files change under it."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from local.progress import Progress
from local.runner import Instance, RunnerError
from local.settings import load


@pytest.mark.parametrize("event", ["_redeploy", "_reload"])
async def test_a_broken_template_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: [\n")
    instance = Instance(load({"HEADWATER_STATE": str(tmp_path)}), template, "headwater")
    told = asyncio.Queue[Exception]()
    monkeypatch.setattr(instance.progress, "problem", told.put_nowait)
    unused = cast("Any", None)
    following = asyncio.create_task(instance._follow_changes(unused, unused, unused))
    for _ in range(2):
        getattr(instance, event).set()
        assert "template" in str(await told.get())
        for _ in range(100):  # turns of the loop in which nothing is left to do
            await asyncio.sleep(0)
        assert told.empty()
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


@pytest.mark.parametrize("state", ["file", "file/below", "locked"])
async def test_a_state_folder_that_cannot_be_is_said(tmp_path: Path, state: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "locked" / "lock").mkdir(parents=True)  # stands for a folder without the right to write
    instance = Instance(load({"HEADWATER_STATE": str(tmp_path / state)}), tmp_path / "template.yaml", "headwater")
    with pytest.raises(RunnerError, match="set HEADWATER_STATE"):
        await instance.run()


def test_what_people_copy_is_shown_whole() -> None:
    shown = io.StringIO()
    ca_file = f"/{'long' * 60}/authority[0].pem"
    Progress(Console(file=shown, width=40)).ready({"caFile": ca_file, "apiKey": "da2-x"})
    assert ca_file in shown.getvalue().split()
