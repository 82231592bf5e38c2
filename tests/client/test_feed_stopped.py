"""A program that is stopped with SIGSTOP and woken: it says `stale` first, and then catches up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headwater import connection
from tests.client.chat_api import KEY, TOPIC, ChatApi
from tests.client.following import DEADLINE_SECONDS
from tests.conftest import ROOT


@pytest.fixture
async def follower(api: ChatApi) -> AsyncIterator[asyncio.subprocess.Process]:
    url = f"http://127.0.0.1:{api.port}/graphql"
    path = os.pathsep.join(str(ROOT / folder) for folder in (".", "client"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.client.follower", url, KEY, TOPIC,
        cwd=ROOT, env=os.environ | {"PYTHONPATH": path},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    yield process
    process.kill()
    await process.wait()


async def read_to(process: asyncio.subprocess.Process, **last: object) -> list[dict[str, Any]]:
    """The lines up to one."""
    assert process.stdout is not None
    lines: list[dict[str, Any]] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while last not in lines:
            line = await process.stdout.readline()
            assert line, "the program has ended"
            lines.append(json.loads(line))
    return lines


@pytest.mark.parametrize("seconds", [connection.WINDOW_SECONDS + 1.0, 15.0])
async def test_who_was_stopped_says_stale_before_anything_else(
    api: ChatApi, follower: asyncio.subprocess.Process, seconds: float
) -> None:
    await read_to(follower, looks="live")
    await api.say("one")
    await read_to(follower, seq=1)
    follower.send_signal(signal.SIGSTOP)
    await api.say("pushed meanwhile")
    api.commit("lost meanwhile")
    await asyncio.sleep(seconds)
    follower.send_signal(signal.SIGCONT)
    lines = await read_to(follower, seq=3)
    said = [line for line in lines if "seq" not in line]
    assert said, "nothing was said before the changes came"
    assert set(said[0].values()) == {"stale"}
    assert "seq" not in lines[0]
    assert [line["seq"] for line in lines if "seq" in line] == [2, 3]
    assert [line["state"] for line in lines if "state" in line][:1] == ["stale"]
    if {"looks": "live"} not in lines:
        await read_to(follower, looks="live")
