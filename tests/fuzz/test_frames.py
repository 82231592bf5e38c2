"""Random frames on real-time sockets: whatever is sent, the server answers or closes, and serves on."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from tests.fuzz.documents import Documents
from tests.fuzz.plane import EVERYTHING, Plane, encoded, plane, send
from tests.fuzz.rounds import fuzz
from tests.fuzz.sockets import (
    BINARY,
    CLOSE,
    CONTINUATION,
    HEADER,
    PING,
    PONG,
    Received,
    damaged,
    frame,
    handshake,
    start,
)
from tests.fuzz.test_queries import CREDENTIALS, forget_documents, post, request, still_serves

SOCKETS, FRAMES = 16, 15  # in a round; frames on each socket

LIVE = {"query": "subscription { onChange { id int } }", "variables": {}}
CHANGE = {"query": "mutation { change(input: {id: 1}) { id int string kind matrix next { id } } }"}


@pytest.fixture
async def served() -> AsyncIterator[Plane]:
    async with plane(EVERYTHING) as running:
        yield running


async def test_the_server_survives_random_frames(served: Plane) -> None:
    async def one_round(random: Random) -> None:
        await asyncio.gather(*(session(served, Random(random.random())) for _ in range(SOCKETS)))
        await still_serves(served)
        await still_subscribes(served)
        await forget_documents(served)

    await fuzz(served, one_round)


async def session(served: Plane, random: Random) -> None:
    """One socket's life: a handshake that may be wrong, random frames, and one of the ways to go."""
    writing = Frames(random, Documents(random, served.schema))
    async with served.connect() as (reader, writer):
        received = Received(reader)
        writer.write(writing.handshake())
        if not await received.upgraded():
            return
        reading = asyncio.ensure_future(received.rest())
        with suppress(ConnectionError):
            for _ in range(random.randint(1, FRAMES)):
                data = writing.frame()
                for piece in writing.pieces(data):
                    await send(writer, piece)
                if random.random() < 0.1:
                    await publish(served, random)
            if random.random() < 0.3:
                writer.transport.abort()
            else:  # a close frame alone might be taken for a part of a damaged frame before
                await send(writer, random.choice((b"", frame(b"\x03\xe8", CLOSE))))
                writer.write_eof()
        await reading


async def publish(served: Plane, random: Random) -> None:
    """A mutation, whose event goes to whoever is subscribed."""
    async with served.connect() as connection:
        assert (await post(connection, request(random, CHANGE, CREDENTIALS[0])))[0] == 200


async def still_subscribes(served: Plane) -> None:
    """A correct subscription is acknowledged, and completed when it is stopped."""
    async with served.connect() as (reader, writer):
        received = Received(reader)
        writer.write(handshake())
        assert await received.upgraded()
        writer.write(frame(encoded({"type": "connection_init"})) + frame(encoded(start("1", LIVE))))
        await received.of("start_ack", "1")
        writer.write(frame(encoded({"type": "stop", "id": "1"})))
        await received.of("complete", "1")


class Frames:
    """What a random client sends."""

    def __init__(self, random: Random, documents: Documents) -> None:
        self._random = random
        self._documents = documents
        self._ids: list[Any] = ["1"]

    def handshake(self) -> bytes:
        """Mostly right, by any carrier of the credentials."""
        random = self._random
        header = base64.b64encode(encoded(HEADER)).decode()
        right = handshake()
        return random.choices(
            (
                right,
                handshake(query=f"?header={header}&payload=e30="),
                right.replace(b": graphql-ws", f": graphql-ws, header-{header.rstrip('=')}".encode()),
                right.replace(b": graphql-ws", b": graphql-transport-ws"),
                right.replace(b": graphql-ws", b": soap"),
                right.replace(b"x-api-key: da2", b"x-api-key: da3"),
                handshake(query=f"?header={random.choice(('', '*', 'AAAA', header[:-9], 'e30=', 'W10='))}"),
                handshake(query="?header=" + base64.b64encode(encoded(self._documents.values.anything())).decode()),
                damaged(random, right[:-4]) + b"\r\n\r\n",
            ),
            (40, 10, 10, 10, 2, 2, 4, 4, 4),
        )[0]

    def frame(self) -> bytes:
        """One or more frames."""
        random = self._random
        text = self._text()
        match random.choices(range(10), (60, 8, 5, 5, 3, 3, 3, 3, 3, 2))[0]:
            case 0:
                return frame(text)
            case 1:
                middle = len(text) // 2
                between = frame(b"between", PING) if random.random() < 0.5 else b""
                return frame(text[:middle], first=0) + between + frame(text[middle:], CONTINUATION)
            case 2:
                return frame(random.randbytes(random.choice((0, 1, 125))), random.choice((PING, PONG)))
            case 3:
                return frame(random.choice((text, random.randbytes(50))), BINARY)
            case 4:
                return frame(text, masked=False)
            case 5:
                return frame(text, random.choice((3, 7, 11, 15)), first=random.choice((0x80, 0xC0, 0xA0, 0x90)))
            case 6:
                return frame(text, CONTINUATION)
            case 7:
                return frame(text, size=random.choice((0, len(text) + 1, 2**20 + 1, 2**63 - 1)))
            case 8:
                reasons = (b"", b"\x03", b"\x03\xe8bye", b"\x00\x00", b"\xff\xff", b"\x03\xe8\xff")
                return frame(random.choice(reasons), CLOSE)
            case _:
                return damaged(random, frame(text))

    def pieces(self, data: bytes) -> list[bytes]:
        """The data as it is written: mostly whole."""
        random = self._random
        if random.random() < 0.8 or len(data) > 500:
            return [data]
        cut = random.randint(0, len(data))
        return [data[:cut], data[cut:]] if random.random() < 0.8 else [bytes((byte,)) for byte in data]

    def _text(self) -> bytes:
        random = self._random
        values = self._documents.values
        match random.choices(range(9), (30, 15, 10, 10, 10, 10, 5, 5, 1))[0]:
            case 0:
                identifier = random.choice((*self._ids, str(len(self._ids))))
                self._ids.append(identifier)
                message: Any = start(identifier, self._documents.operation("subscription"))
            case 1:
                message = start(random.choice((*self._ids, values.anything())), self._documents.operation())
            case 2:
                message = {"type": "stop", "id": random.choice((*self._ids, values.anything()))}
            case 3:
                message = {"type": "connection_init", "payload": values.anything()}
            case 4:
                message = values.anything()
            case 5:
                message = self._altered(start("altered", LIVE))
            case 6:
                kind = random.choice(("ping", "subscribe", "complete", "data", "ka", ""))
                message = start("2", LIVE) | {"type": kind}
            case 7:
                return damaged(random, encoded(start("damaged", LIVE)))
            case _:
                large = b'{"type":"start","id":"' + b"x" * 1_100_000 + b'"}'
                return random.choice((b"[" * 100_000, large, b"\xff" * 10))
        return encoded(message, escaped=random.random() < 0.7)

    def _altered(self, message: Any) -> Any:
        """A message one of whose members, however deep, is missing or something else."""
        random = self._random
        inner = message
        while True:
            key = random.choice(list(inner))
            if isinstance(inner[key], dict) and inner[key] and random.random() < 0.7:
                inner = inner[key]
            elif random.random() < 0.5:
                inner[key] = self._documents.values.anything()
                return message
            else:
                del inner[key]
                return message


# The frames that end the Amplify simulator's process (its 2.16, each alone).

FATAL = {
    "a start with a syntax error": encoded(start("1", {"query": "subscription {", "variables": {}})),
    "a query as start": encoded(start("1", {"query": "{ leaf { id } }", "variables": {}})),
    "a wrong key in start": encoded(start("1", LIVE, {"host": "localhost", "x-api-key": "da2-wrong"})),
    "not JSON": b"meow",
}


@pytest.mark.parametrize("text", FATAL.values(), ids=FATAL.keys())
async def test_a_frame_that_ends_the_amplify_simulator_is_answered(served: Plane, text: bytes) -> None:
    async with served.connect() as (reader, writer), served.connect() as (other_reader, other_writer):
        for each in (writer, other_writer):
            each.write(handshake())
        received, elsewhere = Received(reader), Received(other_reader)
        assert await received.upgraded()
        assert await elsewhere.upgraded()
        other_writer.write(frame(encoded(start("other", LIVE))))
        await elsewhere.of("start_ack", "other")

        writer.write(frame(text))
        error = await received.of("error")
        assert error["payload"]["errors"], error
        # The same socket, the other socket and HTTP go on.
        writer.write(frame(encoded(start("1", LIVE))))
        await received.of("start_ack", "1")
        served.data.random = _Steady()
        await publish(served, Random(0))
        for socket in (received, elsewhere):
            event = await socket.of("data")
            assert event["payload"]["data"]["onChange"]["id"], event
    assert not served.log


class _Steady(Random):
    """Draws nothing unusual, so that a data source answers with a whole value."""

    def random(self) -> float:
        return 0.5
