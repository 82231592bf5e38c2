"""Writers and readers of an instance under faults, and the verdict: what was lost, repeated or out of order."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from headwater import Change, Client, Feed, Message, connect
from headwater.errors import HeadwaterError
from local.control_client import ControlClient
from tests.stack.instance import PROJECT, Instance

GIVE_UP_SECONDS = 90.0

Faults = Mapping[str, Mapping[str, object]]
"""Options by the names of the faults."""


class Breakable:
    """An instance whose faults are set and cleared."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._control = ControlClient(instance.state)

    def set(self, name: str, **options: object) -> None:
        self._control.post(f"/faults/{name}", options)

    def clear(self, name: str = "") -> None:
        self._control.delete(f"/faults/{name}" if name else "/faults")

    def state(self, name: str) -> dict[str, Any]:
        """What a fault that is set did: `struck` and `last`."""
        faults = self._control.get("/faults")["faults"]
        found: dict[str, Any] = next(fault["set"] for fault in faults if fault["name"] == name)
        return found

    def struck(self, name: str) -> int:
        return int(self.state(name)["struck"])

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m local fault ...`."""
        environment = {"HEADWATER_STATE": str(self.instance.state), "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, "-m", "local", "fault", *arguments],
            cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def client(self) -> Client:
        outputs = self.instance.outputs
        return connect(url=outputs["graphql"], realtime_url=outputs["realtime"], api_key=outputs["apiKey"])


class Reader:
    """All that a room's feed handed out."""

    def __init__(self, feed: Feed[Message]) -> None:
        self.feed = feed
        self.changes: list[Change[Message]] = []

    async def run(self) -> None:
        async for event in self.feed:
            assert isinstance(event, Change), event
            self.changes.append(event)

    def texts(self) -> list[str]:
        return [change.item.text if change.item else "" for change in self.changes]


async def persistent(send: Callable[[], Any]) -> Any:
    """Call until it succeeds: what it does has an id of its own, so that it has one effect."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        try:
            return await send()
        except HeadwaterError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def write(client: Client, room: str, texts: list[str]) -> None:
    """One after the other, each until it is acknowledged."""
    for text in texts:
        identifier = uuid.uuid4().hex
        await persistent(lambda text=text, identifier=identifier: client.send_message(  # type: ignore[misc]
            room, text, author="judge", client_mutation_id=identifier
        ))  # fmt: skip


@asynccontextmanager
async def reading(broken: Breakable, rooms: list[str]) -> AsyncIterator[list[Reader]]:
    """A client per room that listens to it."""
    async with AsyncExitStack() as clients:
        readers, tasks = [], []
        for name in rooms:
            client = await clients.enter_async_context(broken.client())
            feed = client.live(f"room:{name}")
            await persistent(feed.start)
            readers.append(Reader(feed))
            tasks.append(asyncio.create_task(readers[-1].run()))
        try:
            yield readers
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def judge(
    broken: Breakable, faults: Faults, *, rooms: int = 4, messages: int = 40, in_order: bool = True
) -> None:
    """Write into rooms until each fault has struck, then clear them and write once more. Nothing is lost or repeated.

    `messages` are written into each room at least. `in_order`: the messages of a writer, which are different items,
    must come in their order too.
    """
    names = [f"judged-{uuid.uuid4()}" for _ in range(rooms)]
    texts: list[str] = []
    async with reading(broken, names) as readers, broken.client() as writer:
        for fault, options in faults.items():
            await asyncio.to_thread(lambda fault=fault, options=options: broken.set(fault, **options))  # type: ignore[misc]
        deadline = time.monotonic() + GIVE_UP_SECONDS
        try:
            idle = [*faults]
            while idle or len(texts) < messages:
                assert time.monotonic() < deadline, f"{idle} did not strike"
                more = [f"message {len(texts) + number}" for number in range(messages // 2)]
                texts += more
                await asyncio.gather(*(write(writer, name, more) for name in names))
                idle = [fault for fault in idle if not await asyncio.to_thread(broken.struck, fault)]
            if "drop-push" not in faults:  # the last one lost is noticed with the next change only
                await _until(lambda: all(len(set(reader.texts())) >= len(texts) for reader in readers), readers)
        finally:
            await asyncio.to_thread(broken.clear)
        # What comes last ends the wait for what must not come.
        await asyncio.gather(*(write(writer, name, ["the end"]) for name in names))
        await _until(lambda: all("the end" in reader.texts() for reader in readers), readers)
    for reader in readers:
        found = reader.texts()
        assert sorted(found) == sorted([*texts, "the end"]), json.dumps(found)
        assert [change.seq for change in reader.changes] == list(range(1, len(texts) + 2))
        if in_order:
            assert found == [*texts, "the end"]


async def _until(condition: Callable[[], bool], readers: list[Reader]) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        counts = [len(reader.changes) for reader in readers]
        assert time.monotonic() < deadline, f"after {GIVE_UP_SECONDS:.0f} s the readers have {counts} changes"
        await asyncio.sleep(0.05)
