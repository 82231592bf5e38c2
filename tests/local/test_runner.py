"""What a running instance does when files change under it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from local.runner import Instance
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
