"""Both clients present in a room of a running instance with a short rhythm, one of them stopped for a while."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headwater import Client, Unauthorized, connect
from tests.stack.instance import Instance
from tests.stack.private_rooms import create
from tests.stack.test_presence import BEAT, DELIVERY, GONE, new_room, quick
from tests.stack.users import sign_up
from tests.web.conftest import node, package
from tests.web.live.conftest import library

__all__ = ["library", "node", "package", "quick"]

pytestmark = pytest.mark.stack

SLEEPER = """
import asyncio, sys
from headwater import connect

async def main(url, key, room):
    async with connect(url=url, api_key=key) as hw, hw.present(room, name="sleeper"):
        print("here", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main(*sys.argv[1:]))
"""


def client(instance: Instance) -> Client:
    return connect(url=instance.outputs["graphql"], api_key=instance.outputs["apiKey"])


async def test_devices_come_stay_and_leave(quick: Instance) -> None:
    room = new_room()
    async with client(quick) as watcher, watcher.live(f"presence:{room}") as feed:

        async def until_there_are(*names: str) -> None:
            async with asyncio.timeout(GONE + DELIVERY):
                while sorted(each.name for each in feed.items.values()) != list(names):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

        async with client(quick) as hw:
            here = await hw.present(room, name="ada").__aenter__()  # ends with the client
            assert here.heartbeat_seconds == BEAT
            async with hw.present(room, name="bob") as other:
                assert other.client_id != here.client_id
                await until_there_are("ada", "bob")
                await asyncio.sleep(1.5 * GONE)  # nobody would be there by now without heartbeats
                await until_there_are("ada", "bob")
                assert not any(here.is_grey(each) for each in feed.items.values())
                assert here.presence is not None
                assert here.presence.last_seen > here.presence.joined_at
            await until_there_are("ada")
            assert here.is_present
        assert here.closed
        await until_there_are()


async def test_a_process_that_was_stopped_joins_again(quick: Instance) -> None:
    room = new_room()
    outputs = quick.outputs
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SLEEPER, outputs["graphql"], outputs["apiKey"], room,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"here\n"
        async with client(quick) as watcher, watcher.live(f"presence:{room}") as feed:
            assert len(feed.items) == 1
            process.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(GONE + DELIVERY + 5):
                while feed.items:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            process.send_signal(signal.SIGCONT)
            async with asyncio.timeout(DELIVERY + 5):
                while not feed.items:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        await asyncio.wait_for(process.communicate(b""), 15)
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_who_has_no_right_is_told(quick: Instance) -> None:
    private = create(sign_up(quick))
    async with client(quick) as hw:
        with pytest.raises(Unauthorized):
            async with hw.present(private.id):
                raise AssertionError


@pytest.mark.clients
def test_devices_in_typescript(quick: Instance, library: Path, node: str) -> None:
    outputs = quick.outputs
    done = subprocess.run(
        [node, "programs/presence.js", outputs["graphql"], outputs["apiKey"], new_room()],
        cwd=library, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["came"] == told["stayed"] == ["ada", "bob"]
    assert told["left"] == ["ada"]
    assert told["beats"] > 1000 * BEAT
    assert told["grey"] == [False, False]
    assert told["errors"] == [None, None]
    assert told["isPresent"] is False
