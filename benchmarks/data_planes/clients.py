"""Raw clients that cost little, so that a measurement shows the server: counting sockets and posting connections."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter  # the loop's own clock counts milliseconds
from typing import Any

from benchmarks.data_planes.shape import API_KEY

CONNECTED_AT_ONCE = 50
LONG_SECONDS = 300.0

_DATA = b'"type":"data"'  # once in every data frame, wherever a server puts it
_ACKNOWLEDGED = b'"start_ack"'
_SEQ = re.compile(rb'"firstSeq":(\d+)')


class Arrivals:
    """Data frames over all sockets of a load; `reached` waits for a number of them."""

    def __init__(self) -> None:
        self._count = 0
        self._wanted = 0
        self._reached = asyncio.Event()

    def add(self, count: int) -> None:
        """Frames have arrived."""
        self._count += count
        if self._count >= self._wanted:
            self._reached.set()

    def expect(self, count: int) -> None:
        """Start over."""
        self._count, self._wanted = 0, count
        self._reached.clear()

    async def reached(self) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(LONG_SECONDS):
            await self._reached.wait()


class Subscriber(asyncio.Protocol):
    """A socket with one subscription. It keeps what it receives, with the moment, and parses nothing meanwhile."""

    def __init__(self, arrivals: Arrivals, opening: bytes, frames: bytes) -> None:
        self._arrivals = arrivals
        self._opening = opening
        self._frames = frames  # what to send once the socket is upgraded
        self._tail = b""
        self.chunks: list[bytes] = []
        self.moments: list[tuple[float, int]] = []  # when, and how many data frames
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        """Called by the event loop."""
        self.transport = transport
        transport.write(self._opening)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self.chunks.append(data)
        if not self.live.done():
            self._open(b"".join(self.chunks))
            return
        # A mark may lie across the end of a chunk.
        count = data.count(_DATA) + (self._tail + data[: len(_DATA) - 1]).count(_DATA)
        self._tail = data[1 - len(_DATA) :]
        if count:
            self.moments.append((perf_counter(), count))
            self._arrivals.add(count)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        if not self.live.done():
            self.live.set_exception(exc or ConnectionError(f"closed after {b''.join(self.chunks)[-300:]!r}"))

    def _open(self, received: bytes) -> None:
        if self._frames and b"\r\n\r\n" in received:
            self.transport.write(self._frames)
            self._frames = b""
        elif _ACKNOWLEDGED in received:
            self.live.set_result(None)

    def forget(self) -> None:
        """Let go of what was received so far."""
        self.chunks.clear()
        self.moments.clear()

    def numbers(self) -> list[int]:
        """The numbers of the events that it received."""
        return [int(number) for number in _SEQ.findall(b"".join(self.chunks))]


async def subscribe(port: int, arrivals: Arrivals, operations: Iterable[dict[str, Any]]) -> list[Subscriber]:
    """Open a socket with a live subscription for each operation."""
    gate = asyncio.Semaphore(CONNECTED_AT_ONCE)
    opening = _handshake(port)

    async def one(operation: dict[str, Any]) -> Subscriber:
        async with gate, asyncio.timeout(LONG_SECONDS):
            frames = _text({"type": "connection_init"}) + _text(_start(operation))
            _, subscriber = await asyncio.get_running_loop().create_connection(
                lambda: Subscriber(arrivals, opening, frames), "127.0.0.1", port
            )
            await subscriber.live
            return subscriber

    return await asyncio.gather(*map(one, operations))


def close(subscribers: Iterable[Subscriber]) -> None:
    """Reset the connections, so that none of their ports stays taken."""
    for subscriber in subscribers:
        subscriber.transport.abort()


def _handshake(port: int) -> bytes:
    header = base64.b64encode(json.dumps({"host": "localhost", "x-api-key": API_KEY}).encode()).decode()
    key = base64.b64encode(bytes(16)).decode()
    return (
        f"GET /graphql/realtime?header={header}&payload=e30= HTTP/1.1\r\nhost: localhost:{port}\r\n"
        "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        f"sec-websocket-protocol: graphql-ws\r\nsec-websocket-key: {key}\r\n\r\n"
    ).encode()


def _start(operation: dict[str, Any]) -> dict[str, Any]:
    extensions = {"authorization": {"host": "localhost", "x-api-key": API_KEY}}
    payload = {"data": json.dumps(operation), "extensions": extensions}
    return {"id": "6b5d3ae8-8d0c-4f3e-9a53-1f0c6b3c7a11", "type": "start", "payload": payload}


def _text(frame: dict[str, Any]) -> bytes:
    """A masked text frame; the mask is zero, which leaves the payload as it is."""
    data = json.dumps(frame).encode()
    size = bytes((0x80 | len(data),)) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + data


class Poster(asyncio.Protocol):
    """A kept-alive connection that posts one operation at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answered: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: Any) -> None:
        """Called by the event loop."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        received = self._received
        received += data
        head = received.find(b"\r\n\r\n") + 4
        if head < 4:
            return
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", received[:head])
        size = head + (int(length[1]) if length else 0)
        if len(received) >= size and self._answered is not None:
            self._answered.set_result(bytes(received[:size]))
            received.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("closed instead of an answer"))

    async def post(self, request: bytes) -> None:
        """Post and wait for the answer. Raises RuntimeError when it is no success."""
        self._answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        async with asyncio.timeout(LONG_SECONDS):
            answer = await self._answered
        if b" 200 " not in answer[:20] or b'"errors"' in answer or b'"publishMessages":{' not in answer:
            raise RuntimeError(answer.decode(errors="replace"))


@asynccontextmanager
async def posters(port: int, count: int) -> AsyncIterator[list[Poster]]:
    """Connections to post on. They are new each time, for servers close the idle ones (Node.js after 5 s)."""
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(Poster, "127.0.0.1", port) for _ in range(count)]
    try:
        yield [poster for _, poster in opened]
    finally:
        for transport, _ in opened:
            transport.abort()


def request(operation: dict[str, Any]) -> bytes:
    """An operation as the bytes of a request."""
    body = json.dumps(operation).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-api-key: {API_KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def post_all(posters: Sequence[Poster], requests: Sequence[bytes]) -> None:
    """Post each request on a connection of its own."""
    await asyncio.gather(*(poster.post(item) for poster, item in zip(posters, requests, strict=True)))
