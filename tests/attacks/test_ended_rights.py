"""Who loses a right while their sockets are busy subscribing: none of them hears another word.

The starts and the end are sent at the same time, at moments left to chance, round after round. What was let in just
before the end is ended by the publisher's repetition; what came after is refused.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import websockets

from tests.attacks.target import Target
from tests.stack import private_rooms
from tests.stack.instance import Instance, eventually
from tests.stack.users import operator, sign_up

pytestmark = pytest.mark.stack

ROUNDS, SOCKETS, STARTS = 3, 4, 3
REPEATED_SECONDS = 1.5
"""Until the publisher has dealt with the stream's record of the end, which nobody is told of."""
SILENCE_SECONDS = 1.0
"""For so long nobody must hear what was said."""
LIVE = "subscription ($room: ID!) { onMessages(roomId: $room) { items { message { text } } } }"
KEY = 'mutation { createAuthKey(input: {name: "x", scopes: [READ]}) { key authKey { id } } }'
REVOKE = "mutation ($id: ID!) { revokeAuthKey(id: $id) { id } }"


class Busy:
    """A connection that subscribes to a room again and again, and keeps all that it hears."""

    def __init__(self, instance: Instance, token: str, room: str) -> None:
        self._outputs, self._room = instance.outputs, room
        self._authorization = {"host": self._outputs["graphql"].split("/")[2], "authorization": token}
        self.heard: list[dict[str, Any]] = []

    async def run(self, chance: random.Random, quiet: asyncio.Event) -> None:
        """Subscribe a few times within some tenths of a second, then listen until it is quiet."""
        header = base64.urlsafe_b64encode(json.dumps(self._authorization).encode()).decode().rstrip("=")
        names = [websockets.Subprotocol("graphql-ws"), websockets.Subprotocol(f"header-{header}")]
        async with websockets.connect(self._outputs["realtime"], subprotocols=names) as socket:
            reading = asyncio.create_task(self._read(socket))
            try:
                await socket.send('{"type": "connection_init"}')
                for number in range(STARTS):
                    await asyncio.sleep(chance.uniform(0, 0.1))
                    data = json.dumps({"query": LIVE, "variables": {"room": self._room}})
                    payload = {"data": data, "extensions": {"authorization": self._authorization}}
                    await socket.send(json.dumps({"id": str(number), "type": "start", "payload": payload}))
            except websockets.ConnectionClosed:
                pass  # it was ended meanwhile
            await quiet.wait()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, socket: websockets.ClientConnection) -> None:
        async for text in socket:
            self.heard.append(json.loads(text))

    @property
    def is_answered(self) -> bool:
        """Whether each start has its answer, or the connection its end."""
        kinds = [frame["type"] for frame in self.heard]
        return len(kinds) > STARTS or "complete" in kinds or "connection_error" in kinds

    @property
    def pushed(self) -> list[dict[str, Any]]:
        """What it was pushed."""
        return [frame for frame in self.heard if frame["type"] == "data"]


async def race(
    instance: Instance, chance: random.Random, token: str, room: str, end: Callable[[], Any], said: Callable[[str], Any]
) -> list[Busy]:
    """Some sockets subscribe while `end` takes the right away; then something is said, at once and once more later."""
    sockets, quiet = [Busy(instance, token, room) for _ in range(SOCKETS)], asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for each in sockets:
            tasks.create_task(each.run(chance, quiet))
        await asyncio.sleep(chance.uniform(0.05, 0.25))
        await asyncio.to_thread(end)
        await asyncio.to_thread(said, "at once")
        await asyncio.to_thread(eventually, lambda: all(each.is_answered for each in sockets), 20)
        await asyncio.sleep(REPEATED_SECONDS)
        await asyncio.to_thread(said, "later")
        await asyncio.sleep(SILENCE_SECONDS)
        quiet.set()
    return sockets


async def test_an_expelled_member_hears_nothing_more_on_any_socket(target: Target) -> None:
    instance, chance = target.instance, random.Random(5)
    owner, twin = await asyncio.to_thread(sign_up, instance), await asyncio.to_thread(sign_up, instance)
    for _ in range(ROUNDS):
        guest = await asyncio.to_thread(sign_up, instance)
        room = await asyncio.to_thread(private_rooms.create, owner)
        await asyncio.to_thread(room.bring, guest, twin)
        async with twin.listening((LIVE, {"room": room.id})) as member:
            sockets = await race(
                instance, chance, guest.access, room.id,
                partial(room.expel, guest), partial(room.send, owner),
            )  # fmt: skip
            assert await member.pushed()
            assert await member.pushed()
        assert [each.pushed for each in sockets] == [[]] * SOCKETS
        refused = await asyncio.to_thread(guest.ask, private_rooms.CHANGES, room=room.id)
        assert refused["errors"][0]["errorType"] == "Unauthorized"


async def test_a_revoked_key_hears_nothing_more_on_any_socket(target: Target) -> None:
    instance, chance = target.instance, random.Random(6)
    chief = await asyncio.to_thread(operator, instance)
    for _ in range(ROUNDS):
        made = await asyncio.to_thread(chief.data, KEY)
        room = f"public-{uuid.uuid4()}"
        sockets = await race(
            instance, chance, made["key"], room,
            partial(chief.data, REVOKE, id=made["authKey"]["id"]), partial(instance.send, room),
        )  # fmt: skip
        later = [frame for each in sockets for frame in each.pushed if "later" in json.dumps(frame)]
        assert later == []
