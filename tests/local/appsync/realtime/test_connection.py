"""The real-time endpoint over real sockets, spoken to by the `websockets` client and by raw bytes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from local.appsync.rates import Quotas, Rates
from local.appsync.realtime import connection as connection_module
from local.certificates import certificates
from tests.local.appsync.echo_engine import EchoEngine
from tests.local.appsync.serving import API_ID, API_KEY, Serving, definition, serving, until

GRAPHQL_WS = Subprotocol("graphql-ws")
KEY_HEADERS = {"host": "localhost", "x-api-key": API_KEY}


@pytest.fixture
async def plane() -> AsyncIterator[Serving]:
    async with serving() as running:
        yield running


def encoded(headers: Any) -> str:
    return base64.b64encode(json.dumps(headers).encode()).decode()


def query_url(plane: Serving, headers: Any = KEY_HEADERS, path: str = "/graphql/realtime") -> str:
    return f"ws://{plane.host}{path}?header={encoded(headers)}&payload=e30="


def connecting(plane: Serving, headers: Any = KEY_HEADERS, **options: Any) -> connect:
    return connect(query_url(plane, headers), subprotocols=[GRAPHQL_WS], proxy=None, **options)


def start(identifier: str, query: str = "onRoom", headers: Any = KEY_HEADERS) -> str:
    payload = {"data": json.dumps({"query": query}), "extensions": {"authorization": headers}}
    return json.dumps({"id": identifier, "type": "start", "payload": payload})


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def expect_silence(socket: ClientConnection) -> None:
    """A ping overtakes nothing: once its pong is here, all that the server had to say is here too."""
    waiter = await socket.ping()
    async with asyncio.timeout(5):
        await waiter
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await socket.recv()


async def test_a_whole_subscription_in_the_order_that_clients_expect(plane: Serving) -> None:
    async with connecting(plane) as socket:
        assert socket.subprotocol == "graphql-ws"
        await socket.send('{"type":"connection_init"}')
        assert await receive(socket) == {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}}
        assert await receive(socket) == {"type": "ka"}
        await socket.send(start("1"))
        assert await receive(socket) == {"id": "1", "type": "start_ack"}
        plane.engine.publish({"onRoom": "hi"})
        assert await receive(socket) == {"id": "1", "type": "data", "payload": {"data": {"onRoom": "hi"}}}
        await socket.send('{"id":"1","type":"stop"}')
        assert await receive(socket) == {"id": "1", "type": "complete"}
        plane.engine.publish({"onRoom": "again"})
        await expect_silence(socket)
    await until(lambda: not plane.server.realtime.connections)


@pytest.mark.parametrize("path", ["/graphql", "/graphql/realtime", f"/{API_ID}/graphql", f"/{API_ID}/graphql/realtime"])
@pytest.mark.parametrize("carrier", ["query", "query, bare", "subprotocol", "headers"])
async def test_credentials_are_taken_from_every_carrier_on_every_path(plane: Serving, path: str, carrier: str) -> None:
    url = f"ws://{plane.host}{path}"
    protocols = [GRAPHQL_WS]
    extra: dict[str, str] = {}
    if carrier == "query":
        url += f"?header={encoded(KEY_HEADERS).replace('=', '%3D').replace('+', '%2B')}&payload=e30%3D"
    elif carrier == "query, bare":
        url += f"?header={encoded(KEY_HEADERS | {'x-note': '>>>???'})}&payload=e30="  # base64 with + and /
    elif carrier == "subprotocol":
        text = base64.urlsafe_b64encode(json.dumps(KEY_HEADERS).encode()).decode().rstrip("=")
        protocols.insert(0, Subprotocol(f"header-{text}"))
    else:
        extra = {"X-Api-Key": API_KEY}
    async with connect(url, subprotocols=protocols, additional_headers=extra, proxy=None) as socket:
        assert socket.subprotocol == "graphql-ws"
        await socket.send('{"type":"connection_init"}')
        assert (await receive(socket))["type"] == "connection_ack"


WITH_KEY = f"?header={encoded(KEY_HEADERS)}&payload=e30="
NO_PROTOCOL = {"message": "NoProtocolError", "errorCode": 400}
NO_HEADERS = {"message": "Required headers are missing.", "errorCode": 400}
NOT_AUTHORIZED = {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}


@pytest.mark.parametrize(
    ("url_end", "protocols", "problem"),
    [
        (WITH_KEY, [], NO_PROTOCOL),
        (WITH_KEY, ["graphql"], NO_PROTOCOL),
        ("", ["graphql-ws"], NO_HEADERS),
        (f"?header={encoded({'host': 'x'})}&payload=e30=", ["graphql-ws"], NO_HEADERS),
        (f"?header={encoded({'x-api-key': 'x'})}&payload=e30=", ["graphql-ws"], NOT_AUTHORIZED | {"errorCode": 401}),
    ],
)
async def test_a_refused_connect_is_upgraded_told_why_and_closed_later(
    plane: Serving, url_end: str, protocols: list[str], problem: dict[str, Any]
) -> None:
    offered = [Subprotocol(name) for name in protocols]
    async with connect(plane.realtime + url_end, subprotocols=offered, proxy=None) as socket:
        await socket.send('{"type":"connection_init"}')
        assert await receive(socket) == {"payload": {"errors": [problem]}, "type": "connection_error"}
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await receive(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize("header", ["meow", "%%%", encoded([]), encoded({"x-api-key": 1}), "e30", ""])
async def test_unreadable_credentials_are_refused_with_400(plane: Serving, header: str) -> None:
    url = f"{plane.realtime}?header={header}&payload=e30="
    async with connect(url, subprotocols=[GRAPHQL_WS], proxy=None) as socket:
        frame = await receive(socket)
        assert frame["type"] == "connection_error"
        assert frame["payload"]["errors"][0]["errorCode"] == 400


async def test_an_unknown_api_is_refused(plane: Serving) -> None:
    async with connect(query_url(plane, path="/nosuchapi/graphql"), subprotocols=[GRAPHQL_WS], proxy=None) as socket:
        (problem,) = (await receive(socket))["payload"]["errors"]
        assert problem == {
            "errorType": "NotFoundException", "message": "GraphQL API nosuchapi not found.", "errorCode": 400,
        }  # fmt: skip


async def test_each_start_is_authorized_by_itself(plane: Serving) -> None:
    async with connecting(plane) as socket:
        await socket.send(start("1", headers={"x-api-key": "da2-wrong"}))
        assert await receive(socket) == {
            "id": "1", "type": "error",
            "payload": {"errors": [
                {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}
            ]},
        }  # fmt: skip
        await socket.send(start("1"))
        assert await receive(socket) == {"id": "1", "type": "start_ack"}


NOT_AUTHORIZED_FIELD = {
    "errorType": "Unauthorized",
    "message": "Not Authorized to access onRoom on type Subscription",
}
NO_QUERIES = {"errorType": "UnsupportedOperation", "message": "query and mutations not supported"}
FAILED = {"errorType": "InternalFailure", "message": "The local AppSync failed; its log has the reason."}


@pytest.mark.parametrize(
    ("query", "frame"),
    [
        ("denied", {"id": "1", "type": "error", "payload": {"errors": [NOT_AUTHORIZED_FIELD]}}),
        ("query", {"type": "error", "payload": {"errors": [NO_QUERIES]}}),
        ("crash", {"id": "1", "type": "error", "payload": {"errors": [FAILED]}}),
    ],
)
async def test_a_failed_start_leaves_the_connection_alive(plane: Serving, query: str, frame: Any) -> None:
    async with connecting(plane) as socket:
        await socket.send(start("1", query))
        assert await receive(socket) == frame
        await socket.send(start("1"))
        assert await receive(socket) == {"id": "1", "type": "start_ack"}


async def test_an_event_during_the_start_follows_the_acknowledgement(plane: Serving) -> None:
    plane.engine.early = b'{"data":{"onRoom":"early"}}'
    async with connecting(plane) as socket:
        await socket.send(start("1"))
        assert (await receive(socket))["type"] == "start_ack"
        assert (await receive(socket))["payload"] == {"data": {"onRoom": "early"}}


async def test_a_slow_start_holds_up_nobody_and_can_be_stopped(plane: Serving) -> None:
    async with connecting(plane) as socket:
        await socket.send(start("slow", "held"))
        await until(lambda: plane.engine.waiting == 1)
        await socket.send(start("quick"))
        assert await receive(socket) == {"id": "quick", "type": "start_ack"}
        await socket.send(start("slow", "held"))
        assert (await receive(socket))["payload"]["errors"][0]["errorType"] == "DuplicatedOperationError"
        await socket.send('{"id":"slow","type":"stop"}')
        assert await receive(socket) == {"id": "slow", "type": "complete"}
        plane.engine.gate.set()
        await until(lambda: len(plane.engine.live) == 1 and not plane.server.realtime.tasks)
        plane.engine.publish({"onRoom": 1})
        assert (await receive(socket))["id"] == "quick"


async def test_a_socket_that_goes_away_during_a_start_leaves_nothing_behind(plane: Serving) -> None:
    async with connecting(plane) as socket:
        await socket.send(start("1"))
        await receive(socket)
        await socket.send(start("slow", "held"))
        await until(lambda: plane.engine.waiting == 1)
    await until(lambda: not plane.server.realtime.connections)
    assert len(plane.engine.live) == 1  # the held one
    plane.engine.gate.set()
    await until(lambda: not plane.engine.live and not plane.server.realtime.tasks)


@pytest.mark.parametrize("frame", ["meow", "{", "[]", '{"type":"dance"}', b"\x00\x01", "x" * 100_000])
async def test_frames_that_are_not_the_protocols_leave_the_connection_alive(plane: Serving, frame: str | bytes) -> None:
    async with connecting(plane) as socket:
        await socket.send(frame)
        answer = await receive(socket)
        assert answer["type"] == "error"
        assert "id" not in answer
        await socket.send(start("1"))
        assert (await receive(socket))["type"] == "start_ack"


async def test_a_message_in_fragments_is_put_together(plane: Serving) -> None:
    async with connecting(plane) as socket:
        text = start("1")
        await socket.send([text[:10], "", text[10:40], text[40:]])
        assert await receive(socket) == {"id": "1", "type": "start_ack"}


async def test_a_thousand_starts_at_once(plane: Serving) -> None:
    async with connecting(plane) as socket:
        for number in range(1000):
            await socket.send(start(str(number)))
        answers = [await receive(socket) for _ in range(1000)]
        assert sum(answer["type"] == "start_ack" for answer in answers) == 200
        assert sum(answer["type"] == "error" for answer in answers) == 800
    await until(lambda: not plane.engine.live)


@pytest.mark.parametrize("pieces", [["x" * 2_000_000], ["x" * 600_000, "x" * 600_000]])
async def test_a_message_over_1_mib_closes_with_1009(plane: Serving, pieces: list[str]) -> None:
    async with connecting(plane) as socket:
        with contextlib.suppress(websockets.ConnectionClosed):
            await socket.send(pieces)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await receive(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
    await until(lambda: not plane.server.realtime.connections)


async def raw_upgrade(plane: Serving) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An upgraded socket without a WebSocket library."""
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    target = query_url(plane).removeprefix(f"ws://{plane.host}")
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: {plane.host}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Protocol: graphql-ws\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 101 ")
    assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in head  # RFC 6455's own example
    return reader, writer


def masked(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """A client frame; the mask is zero, so that the payload stays readable."""
    size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
    return bytes((0x80 * final | opcode,)) + size + b"\0\0\0\0" + payload


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x81\x02{}", 1002, id="unmasked"),
        pytest.param(masked(0x1, b"\xff\xfe"), 1007, id="not UTF-8"),
        pytest.param(masked(0x3, b""), 1002, id="unknown opcode"),
        pytest.param(masked(0x9, b"x", final=False), 1002, id="fragmented ping"),
        pytest.param(masked(0x0, b"x"), 1002, id="continuation of nothing"),
        pytest.param(b"\xf1\x80\0\0\0\0", 1002, id="reserved bits"),
        pytest.param(masked(0x1, b"x", final=False) + masked(0x1, b"y"), 1002, id="message inside a message"),
        pytest.param(b"\x81\xff" + struct.pack(">Q", 1 << 62) + b"\0\0\0\0", 1009, id="announces 4 EiB"),
        pytest.param(masked(0x8, struct.pack(">H", 1000) + b"bye"), 1000, id="close"),
    ],
)
async def test_a_broken_frame_closes_the_socket_with_its_code(plane: Serving, data: bytes, code: int) -> None:
    reader, writer = await raw_upgrade(plane)
    writer.write(data)
    async with asyncio.timeout(5):
        rest = await reader.read()
    assert rest[:1] == b"\x88"
    assert struct.unpack(">H", rest[2:4]) == (code,)
    writer.close()
    await until(lambda: not plane.server.realtime.connections)


async def test_half_a_frame_and_then_nothing_leaves_nothing_behind(plane: Serving) -> None:
    _, writer = await raw_upgrade(plane)
    writer.write(masked(0x1, b'{"type":"connection_init"}')[:9])
    await until(lambda: len(plane.server.realtime.connections) == 1)
    writer.close()
    await until(lambda: not plane.server.realtime.connections)


async def test_a_frame_that_arrives_byte_by_byte_is_read(plane: Serving) -> None:
    reader, writer = await raw_upgrade(plane)
    for byte in masked(0x1, b'{"type":"connection_init"}') + masked(0x9, b"hello"):
        writer.write(bytes((byte,)))
        await writer.drain()
    async with asyncio.timeout(5):
        received = await reader.readuntil(b"\x8a\x05hello")
    assert b'"connection_ack"' in received
    writer.close()


async def test_a_slow_consumer_is_closed_with_a_reason_and_holds_up_nobody(
    plane: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "SLOW_CLOSE_SECONDS", 0.2)
    reader, writer = await raw_upgrade(plane)
    writer.write(masked(0x1, start("slow").encode()))
    await reader.readuntil(b"start_ack")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    async with connecting(plane, max_queue=None) as socket:
        await socket.send(start("1"))
        await receive(socket)
        text = "x" * 200_000
        async with asyncio.timeout(10):
            while len(plane.engine.live) == 2:
                plane.engine.publish({"onRoom": text})
                assert (await receive(socket))["payload"]["data"]["onRoom"] == text
        plane.engine.publish({"onRoom": "last"})
        assert (await receive(socket))["payload"]["data"]["onRoom"] == "last"
        await until(lambda: len(plane.server.realtime.connections) == 1)
    writer.close()


async def test_a_slow_consumer_that_reads_on_finds_everything_and_the_reason(plane: Serving) -> None:
    reader, writer = await raw_upgrade(plane)
    writer.write(masked(0x1, start("slow").encode()))
    await reader.readuntil(b"start_ack")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    count = 0
    async with asyncio.timeout(10):
        while plane.engine.live:
            plane.engine.publish({"onRoom": "x" * 200_000})
            count += 1
            await asyncio.sleep(0)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        rest = await reader.read()
    assert rest.count(b'"type":"data"') == count
    assert rest.endswith(struct.pack(">H", 1008) + b"Slow consumer: too many unread messages")
    writer.close()


async def test_stopping_the_server_sends_1001_within_a_second() -> None:
    async with serving() as plane:
        sockets = [await connecting(plane) for _ in range(20)]
        _, unresponsive = await raw_upgrade(plane)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await plane.server.stop()
        assert loop.time() - began < 2
        for socket in sockets:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await receive(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        unresponsive.close()
        assert not plane.server.realtime.connections


async def test_a_redeploy_carries_live_subscriptions_over_and_loses_nothing(plane: Serving) -> None:
    async with connecting(plane) as socket:
        await socket.send(start("1"))
        assert (await receive(socket))["type"] == "start_ack"
        running = plane.apis.find(None)
        assert running is not None
        new = EchoEngine()
        with running:  # a mutation that began on the old engine and has not ended
            await plane.apis.serve(definition(), new)
            new.publish({"onRoom": "new"})
            assert (await receive(socket))["payload"]["data"] == {"onRoom": "new"}
            plane.engine.publish({"onRoom": "old"})
            assert (await receive(socket))["payload"]["data"] == {"onRoom": "old"}
        assert not plane.engine.live
        await socket.send('{"id":"1","type":"stop"}')
        assert await receive(socket) == {"id": "1", "type": "complete"}
        assert not new.live


async def test_a_start_during_a_redeploy_ends_on_the_new_engine(plane: Serving) -> None:
    async with connecting(plane) as socket:
        await socket.send(start("1", "held"))
        await until(lambda: plane.engine.waiting == 1)
        new = EchoEngine()
        new.gate.set()
        await plane.apis.serve(definition(), new)
        plane.engine.gate.set()
        assert await receive(socket) == {"id": "1", "type": "start_ack"}
        assert not plane.engine.live
        assert len(new.live) == 1


async def test_a_subscription_that_the_new_version_refuses_ends_with_an_error(plane: Serving) -> None:
    class Refusing(EchoEngine):
        async def subscribe(self, operation: Any, *args: Any, **options: Any) -> Any:
            operation.query = "denied"
            return await super().subscribe(operation, *args, **options)

    async with connecting(plane) as socket:
        await socket.send(start("1"))
        assert (await receive(socket))["type"] == "start_ack"
        await plane.apis.serve(definition(), Refusing())
        frame = await receive(socket)
        assert (frame["id"], frame["type"]) == ("1", "error")
        assert not plane.engine.live


async def test_a_deleted_api_closes_its_connections(plane: Serving) -> None:
    async with connecting(plane) as socket:
        plane.apis.withdraw(API_ID)
        with pytest.raises(websockets.ConnectionClosed):
            await receive(socket)


async def test_an_invalidated_subscription_completes_and_the_connection_closes(plane: Serving) -> None:
    async with connecting(plane) as socket:
        await socket.send(start("1"))
        await receive(socket)
        plane.engine.live[0].end()
        assert await receive(socket) == {"id": "1", "type": "complete"}
        with pytest.raises(websockets.ConnectionClosedOK):
            await receive(socket)


async def test_sockets_that_are_cut_while_an_event_goes_out_take_it_from_nobody(plane: Serving) -> None:
    async with contextlib.AsyncExitStack() as stack:
        old = [await stack.enter_async_context(connecting(plane)) for _ in range(5)]
        for socket in old:
            await socket.send(start("1"))
            assert (await receive(socket))["type"] == "start_ack"
        doomed = list(plane.server.realtime.connections)
        last = await stack.enter_async_context(connecting(plane))
        await last.send(start("1"))
        assert (await receive(last))["type"] == "start_ack"
        plane.engine.publish({"onRoom": "hi"})
        for connection in doomed:
            connection.abort()
        assert (await receive(last))["payload"]["data"] == {"onRoom": "hi"}


async def test_a_subscription_over_tls_up_to_the_stop_of_the_server(tmp_path: Path) -> None:
    files = certificates(tmp_path)
    trusting = ssl.create_default_context(cafile=str(files.authority))
    async with serving() as plane:
        port = await plane.server.listen("127.0.0.1", 0, files.context())
        url = query_url(plane).replace(f"ws://{plane.host}", f"wss://localhost:{port}")
        async with connect(url, ssl=trusting, subprotocols=[GRAPHQL_WS], host="127.0.0.1", proxy=None) as socket:
            await socket.send(start("1"))
            assert (await receive(socket))["type"] == "start_ack"
            for number in range(100):
                plane.engine.publish({"onRoom": "x" * 10_000 + str(number)})
            for number in range(100):
                assert (await receive(socket))["payload"]["data"]["onRoom"].endswith(f"x{number}")
            await plane.server.stop()
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await receive(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001


async def test_a_slow_consumer_over_tls_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "SLOW_CLOSE_SECONDS", 0.2)
    files = certificates(tmp_path)
    trusting = ssl.create_default_context(cafile=str(files.authority))
    async with serving() as plane:
        port = await plane.server.listen("127.0.0.1", 0, files.context())
        url = query_url(plane).replace(f"ws://{plane.host}", f"wss://localhost:{port}")
        async with connect(url, ssl=trusting, subprotocols=[GRAPHQL_WS], host="127.0.0.1", proxy=None) as socket:
            await socket.send(start("1"))
            assert (await receive(socket))["type"] == "start_ack"
            socket.transport.pause_reading()
            async with asyncio.timeout(10):
                while plane.engine.live:
                    plane.engine.publish({"onRoom": "x" * 200_000})
                    await asyncio.sleep(0)
            await until(lambda: not plane.server.realtime.connections)
            socket.transport.abort()


async def test_connects_over_the_rate_are_refused_with_a_code_that_lets_clients_come_again() -> None:
    rates = Rates(Quotas(request_tokens=0, connects=1, inbound_messages=2), clock=lambda: 0.0)
    limited = {"errorType": "LimitExceededError", "message": "Rate limit exceeded"}
    async with serving(rates=rates) as plane, connecting(plane) as socket, connecting(plane) as refused:
        frame = await receive(refused)
        assert frame == {"payload": {"errors": [limited | {"errorCode": 429}]}, "type": "connection_error"}
        for identifier in ("1", "2"):
            await socket.send(start(identifier))
            assert (await receive(socket))["type"] == "start_ack"
        await socket.send(start("3"))
        assert await receive(socket) == {"type": "error", "payload": {"errors": [limited]}}
