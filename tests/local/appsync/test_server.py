"""HTTP/1.1 on the wire: keep-alive, pipelining, limits, slow and broken clients, stopping."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.appsync.http1 import MAX_BODY_BYTES
from local.appsync.http_messages import Request, Response
from local.certificates import certificates
from tests.local.appsync.serving import API_KEY, Serving, serving, until

HEAD = f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nx-api-key: {API_KEY}\r\n"


@pytest.fixture
async def plane() -> AsyncIterator[Serving]:
    async with serving() as running:
        yield running


def post(query: str = "{ room }", extra: str = "") -> bytes:
    body = json.dumps({"query": query})
    return f"{HEAD}{extra}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class Wire:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, plane: Serving) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", plane.port))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, bytes]:
        """The status and body of the next response."""
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = await self.reader.readexactly(int(length[1])) if length else b""
        return int(head.split()[1]), body

    async def query(self) -> Any:
        """The query that the next response echoes."""
        status, body = await self.answer()
        assert status == 200
        return json.loads(body)["data"]["query"]

    async def closed(self) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.read() == b""


@pytest.fixture
async def wire(plane: Serving) -> AsyncIterator[Wire]:
    opened = await Wire.open(plane)
    yield opened
    opened.writer.close()


async def test_a_connection_is_kept_alive(wire: Wire) -> None:
    for query in ("one", "two"):
        wire.send(post(query))
        assert await wire.query() == query


async def test_pipelined_requests_are_answered_in_order(plane: Serving, wire: Wire) -> None:
    wire.send(post("held") + b"".join(post(str(number)) for number in range(100)))
    await until(lambda: plane.engine.waiting)
    plane.engine.gate.set()
    assert [await wire.query() for _ in range(101)] == ["held", *map(str, range(100))]


async def test_a_request_byte_by_byte(wire: Wire) -> None:
    for byte in post():
        wire.send(bytes((byte,)))
        await wire.writer.drain()
    assert await wire.query() == "{ room }"


async def test_a_chunked_body(wire: Wire) -> None:
    wire.send(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
    for piece in (b'{"query":', b'"{ room }"}'):
        wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    wire.send(b"0\r\n\r\n")
    assert await wire.query() == "{ room }"


async def test_expect_continue_is_asked_to_go_on(wire: Wire) -> None:
    head, body = post("{ room }", "Expect: 100-continue\r\n").split(b"\r\n\r\n")
    wire.send(head + b"\r\n\r\n")
    assert (await wire.answer())[0] == 100
    wire.send(body)
    assert await wire.query() == "{ room }"


async def test_expect_continue_of_a_body_that_is_too_large_is_refused_at_once(wire: Wire) -> None:
    wire.send(f"{HEAD}Expect: 100-continue\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode())
    assert (await wire.answer())[0] == 413
    assert await wire.closed()


async def test_the_largest_body_passes(wire: Wire) -> None:
    wire.send(post("x" * (MAX_BODY_BYTES - len('{"query": ""}'))))
    assert len(await wire.query()) > 1_000_000


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS on the plain port"),
        pytest.param(b"meow\r\n\r\n", 400, id="not HTTP"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, id="two Hosts"),
        pytest.param(b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 400, id="h2c and no Host"),
        pytest.param(b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="for a proxy"),
        pytest.param(f"{HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n".encode(), 400, id="two lengths"),
        pytest.param(f"{HEAD}Content-Length: -1\r\n\r\n".encode(), 400, id="negative length"),
        pytest.param(
            f"{HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n".encode(), 400, id="length and chunks"
        ),
        pytest.param(f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(), 400, id="bad chunk"),
        pytest.param(f"{HEAD}Content-Length: 99999999\r\n\r\n".encode(), 413, id="announced too large"),
        pytest.param(
            f"{HEAD}Transfer-Encoding: chunked\r\n\r\n200000\r\n".encode() + b"x" * 0x200000, 413, id="chunks too large"
        ),
        pytest.param(f"{HEAD}x-large: {'x' * 70_000}\r\n\r\n".encode(), 431, id="one large header"),
        pytest.param(f"{HEAD}x-large: {'x' * 70_000}".encode(), 431, id="a header without end"),
        pytest.param(f"GET /{'x' * 70_000} HTTP/1.1\r\n".encode(), 431, id="a path without end"),
        pytest.param((HEAD + "x-many: yes\r\n" * 7_000).encode(), 431, id="many headers"),
    ],
)
async def test_a_broken_request_is_refused_and_the_connection_closed(wire: Wire, data: bytes, status: int) -> None:
    wire.send(data)
    assert (await wire.answer())[0] == status
    assert await wire.closed()


async def test_a_broken_request_does_not_cut_off_the_answers_before_it(wire: Wire) -> None:
    wire.send(post("one") + b"meow\r\n\r\n")
    assert await wire.query() == "one"
    assert (await wire.answer())[0] == 400
    assert await wire.closed()


async def test_connection_close_and_http_1_0_close_after_the_answer(plane: Serving) -> None:
    for request in (post("one", "Connection: close\r\n"), post("one").replace(b"HTTP/1.1", b"HTTP/1.0")):
        wire = await Wire.open(plane)
        wire.send(request)
        assert await wire.query() == "one"
        assert await wire.closed()
        wire.writer.close()


async def test_a_client_that_half_closes_gets_its_answer(wire: Wire) -> None:
    wire.send(post("one"))
    wire.writer.write_eof()
    assert await wire.query() == "one"
    assert await wire.closed()


async def test_a_client_that_half_closes_gets_all_answers(wire: Wire) -> None:
    wire.send(b"".join(post(str(number)) for number in range(2_000)))
    wire.writer.write_eof()
    assert [await wire.query() for _ in range(2_000)] == [str(number) for number in range(2_000)]
    assert await wire.closed()


async def test_a_request_for_another_protocol_is_answered_in_http_1(wire: Wire) -> None:
    wire.send(post("one", "Connection: Upgrade\r\nUpgrade: h2c\r\n"))
    assert await wire.query() == "one"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Sec-WebSocket-Version: 13\r\n", 400),
        ("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400),
        ("Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 426),
    ],
)
async def test_what_is_no_websocket_handshake_is_refused_over_http(wire: Wire, headers: str, status: int) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    wire.send(f"GET /graphql/realtime HTTP/1.1\r\nHost: a\r\n{upgrade}{headers}\r\n".encode())
    assert (await wire.answer())[0] == status


@pytest.mark.parametrize(
    ("sent", "seconds", "status"), [(b"", 75, None), (b"POST /gra", 15, 408), (post()[:-3], 30, 408)]
)
async def test_a_slow_client_is_cut_off(sent: bytes, seconds: int, status: int | None) -> None:
    now = 1000.0
    async with serving() as plane:
        plane.server._clock = lambda: now
        wire = await Wire.open(plane)
        wire.send(sent)
        await until(lambda: plane.server.connections)
        for _ in range(20):
            await asyncio.sleep(0)
        now += seconds - 1
        plane.server.sweep()
        for _ in range(20):
            await asyncio.sleep(0)
        assert plane.server.connections
        now += 2
        plane.server.sweep()
        if status is not None:
            assert (await wire.answer())[0] == status
        assert await wire.closed()
        wire.writer.close()


async def test_a_request_whose_client_went_away_runs_to_its_end(plane: Serving) -> None:
    wire = await Wire.open(plane)
    wire.send(post("held"))
    await until(lambda: plane.engine.waiting)
    wire.writer.transport.abort()
    await asyncio.sleep(0)
    assert plane.engine.waiting == 1
    plane.engine.gate.set()
    await until(lambda: not plane.engine.waiting and not plane.server.connections)


async def test_stopping_finishes_requests_and_closes_idle_connections() -> None:
    async with serving() as plane:
        idle, busy = await Wire.open(plane), await Wire.open(plane)
        idle.send(post("one"))
        await idle.query()
        busy.send(post("held"))
        await until(lambda: plane.engine.waiting)
        stopping = asyncio.ensure_future(plane.server.stop())
        assert await idle.closed()
        plane.engine.gate.set()
        assert await busy.query() == "held"
        assert await busy.closed()
        await stopping
        with pytest.raises(OSError):
            await Wire.open(plane)
        idle.writer.close()
        busy.writer.close()


async def test_stopping_does_not_wait_for_a_request_that_hangs() -> None:
    async with serving() as plane:
        wire = await Wire.open(plane)
        wire.send(post("held"))
        loop = asyncio.get_running_loop()
        began = loop.time()
        await plane.server.stop()
        assert loop.time() - began < 2
        assert await wire.closed()
        wire.writer.close()


async def test_other_pages_can_be_served_beside_graphql() -> None:
    def other(request: Request) -> Response | None:
        return Response(200, (), b"hello") if request.path == "/" else None

    async with serving(other=other) as plane:
        wire = await Wire.open(plane)
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + post("one"))
        assert await wire.answer() == (200, b"hello")
        assert (await wire.answer())[0] == 404
        assert await wire.query() == "one"
        wire.writer.close()


async def test_tls_on_a_port_of_its_own(plane: Serving, tmp_path: Path) -> None:
    files = certificates(tmp_path)
    port = await plane.server.listen("127.0.0.1", 0, files.context())
    trusting = ssl.create_default_context(cafile=str(files.authority))
    for name in ("localhost", "127.0.0.1"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
        wire = Wire(reader, writer)
        wire.send(b"".join(post(str(number)) for number in range(2_000)))
        assert [await wire.query() for _ in range(2_000)] == [str(number) for number in range(2_000)]
        writer.close()
        await writer.wait_closed()
