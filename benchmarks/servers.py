"""HTTP servers and WebSocket libraries with the same constant answer: the measurement behind
docs/decisions/server-and-websocket-library.md.

    python -m benchmarks.servers [--rounds 3] [--sockets 1000] [--only own ...]

Each candidate runs in a process of its own (uvloop), the load comes from this one. CPU is the server's own. What is not
installed is skipped; `uv pip install aiohttp uvicorn picows` into a throwaway environment brings all candidates.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

ANSWER = b'{"data":{"room":{"id":"lobby","messages":{"items":[],"nextToken":null}}}}'
FRAME = b'{"id":"6b5d3ae8-8d0c-4f3e-9a53-1f0c6b3c7a11","type":"data","payload":{"data":{"onMessages":"%b"}}}' % (
    b"x" * 204
)
REQUEST_BODY = b'{"query":"{ room(id: \\"lobby\\") { id messages { items { id } nextToken } } }"}'
CLIENTS = 32
HTTP_SECONDS = 2.0
BURST = 50
PACED = 50
PACE_SECONDS = 0.02

Broadcast = Callable[[bytes], None]
Serve = Callable[[], Any]  # an async function that starts serving and returns (port, broadcast)


# The candidates. Each answers any request with ANSWER and keeps every upgraded socket for `broadcast`.


async def own(*, joined: bool = True) -> tuple[int, Broadcast]:
    """This project's own protocol, with its writes joined per loop turn, or one write per frame."""
    from local.appsync.http1 import HttpConnection
    from local.appsync.http_messages import Request, Response, Upgrade
    from local.appsync.realtime.handshake import accept_key
    from local.appsync.realtime.outbox import Flusher, Outbox, text_header

    flusher = Flusher()
    outboxes: list[Outbox] = []
    transports: list[asyncio.Transport] = []

    class Socket(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            transports.append(transport)
            outboxes.append(Outbox(transport, flusher, lambda: None))

    class Constant:
        async def respond(self, request: Request) -> Response:  # noqa: ARG002
            return Response(200, (("content-type", "application/json"),), ANSWER)

        async def upgrade(self, request: Request) -> Upgrade:
            return Upgrade((("sec-websocket-accept", accept_key(request)),), Socket())

    connections: set[HttpConnection] = set()
    listener = await asyncio.get_running_loop().create_server(
        lambda: HttpConnection(Constant(), connections, secure=False, clock=time.monotonic), "127.0.0.1", 0
    )

    def broadcast(frame: bytes) -> None:
        if joined:
            for outbox in outboxes:
                outbox.text((frame,))
        else:
            encoded = text_header(len(frame)) + frame
            for transport in transports:
                transport.write(encoded)

    return listener.sockets[0].getsockname()[1], broadcast


async def own_unjoined() -> tuple[int, Broadcast]:
    """The same with one write per frame."""
    return await own(joined=False)


async def with_aiohttp() -> tuple[int, Broadcast]:
    """aiohttp's server."""
    from aiohttp import web

    sockets: list[Any] = []
    tasks: set[asyncio.Task[None]] = set()

    async def answer(request: Any) -> Any:
        if request.headers.get("upgrade", "").lower() != "websocket":
            await request.read()
            return web.Response(body=ANSWER, content_type="application/json")
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        sockets.append(socket)
        async for _ in socket:
            pass
        return socket

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    async def send(frame: bytes) -> None:
        text = frame.decode()
        for socket in sockets:
            await socket.send_str(text)

    return runner.addresses[0][1], _as_task(send, tasks)


async def with_uvicorn() -> tuple[int, Broadcast]:
    """uvicorn with httptools and its `websockets` implementation, a bare ASGI application."""
    uvicorn: Any = importlib.import_module("uvicorn")  # not among the project's packages

    senders: list[Any] = []
    tasks: set[asyncio.Task[None]] = set()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            while (await receive()).get("more_body"):
                pass
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": ANSWER})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            senders.append(send)
            while (await receive())["type"] != "websocket.disconnect":
                pass

    server = uvicorn.Server(
        uvicorn.Config(
            application, port=0, log_level="error", access_log=False, lifespan="off", http="httptools",
            ws="websockets-sansio", ws_per_message_deflate=False,
        )
    )  # fmt: skip
    serving = asyncio.ensure_future(server.serve())
    tasks.add(serving)
    while not server.started:  # noqa: ASYNC110 - uvicorn announces it in no other way
        await asyncio.sleep(0.01)

    async def broadcast(frame: bytes) -> None:
        message = {"type": "websocket.send", "text": frame.decode()}
        for send in senders:
            await send(message)

    return server.servers[0].sockets[0].getsockname()[1], _as_task(broadcast, tasks)


async def with_websockets() -> tuple[int, Broadcast]:
    """The `websockets` library's asyncio server and its `broadcast` (sockets only)."""
    from websockets.asyncio.server import broadcast, serve

    async def keep(socket: Any) -> None:
        await socket.wait_closed()

    server = await serve(keep, "127.0.0.1", 0, compression=None, ping_interval=None)
    return next(iter(server.sockets)).getsockname()[1], lambda frame: broadcast(server.connections, frame.decode())


async def with_picows() -> tuple[int, Broadcast]:
    """picows, a WebSocket library in Cython (sockets only)."""
    picows: Any = importlib.import_module("picows")  # not among the project's packages
    transports: list[Any] = []

    def connected(_: Any, transport: Any) -> None:
        transports.append(transport)

    listener = type("Listener", (picows.WSListener,), {"on_ws_connected": connected})
    server = await picows.ws_create_server(lambda _: listener(), "127.0.0.1", 0)

    def broadcast(frame: bytes) -> None:
        for transport in transports:
            transport.send(picows.WSMsgType.TEXT, frame)

    return server.sockets[0].getsockname()[1], broadcast


CANDIDATES: dict[str, tuple[Serve, bool]] = {  # with: does it serve HTTP
    "own": (own, True),
    "own, unjoined": (own_unjoined, False),
    "aiohttp": (with_aiohttp, True),
    "uvicorn": (with_uvicorn, True),
    "websockets": (with_websockets, False),
    "picows": (with_picows, False),
}


def _as_task(send: Callable[[bytes], Any], tasks: set[asyncio.Task[None]]) -> Broadcast:
    """Broadcasts of a library whose sending is a coroutine: one after another, in the order of the calls."""
    frames: asyncio.Queue[bytes] = asyncio.Queue()

    async def run() -> None:
        while True:
            await send(await frames.get())

    tasks.add(asyncio.ensure_future(run()))
    return frames.put_nowait


# The server's process: commands on standard input, answers on standard output.


async def serve(name: str) -> None:
    """Serve a candidate. `cpu` prints the process's CPU seconds; `burst N` and `pace N` broadcast N frames."""
    port, broadcast = await CANDIDATES[name][0]()
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print(port, flush=True)
    while line := await commands.readline():
        command, _, count = line.decode().strip().partition(" ")
        if command == "cpu":
            print(time.process_time(), flush=True)
        for _ in range(int(count or 0)):
            broadcast(FRAME)
            if command == "pace":
                await asyncio.sleep(PACE_SECONDS)


class Candidate:
    """A served candidate, seen from the load's side."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def tell(self, command: str) -> None:
        """Send a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def cpu_seconds(self) -> float:
        """The CPU time that the server has used."""
        await self.tell("cpu")
        assert self._process.stdout is not None
        return float(await self._process.stdout.readline())


@asynccontextmanager
async def candidate(name: str) -> AsyncIterator[Candidate]:
    """Start a candidate and stop it in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.servers", "--serve", name,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        port = await process.stdout.readline()
        if not port:
            raise ModuleNotFoundError(name)
        yield Candidate(process, int(port))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


# The load.


class Client(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends the next. All answers of a server have the same length."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._length = 0
        self._received = bytearray()
        self.answers = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._length and (end := self._received.find(b"\r\n\r\n")) >= 0:
            self._length = end + 4 + len(ANSWER)
        while self._length and len(self._received) >= self._length:
            del self._received[: self._length]
            self.answers += 1
            self._transport.write(self._request)


async def measure_http(server: Candidate) -> tuple[float, float]:
    """Requests a second, and CPU microseconds a request."""
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-api-key: da2-k\r\ncontent-length: {len(REQUEST_BODY)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    clients = [Client(head.encode() + REQUEST_BODY) for _ in range(CLIENTS)]
    pairs = [await loop.create_connection(partial(_same, client), "127.0.0.1", server.port) for client in clients]
    await asyncio.sleep(0.3)
    cpu, answers, began = await server.cpu_seconds(), sum(client.answers for client in clients), loop.time()
    await asyncio.sleep(HTTP_SECONDS)
    used = await server.cpu_seconds() - cpu
    count = sum(client.answers for client in clients) - answers
    elapsed = loop.time() - began
    for transport, _ in pairs:
        transport.abort()
    return count / elapsed, used / count * 1e6


def _same(client: Client) -> Client:
    return client


class Listener(asyncio.Protocol):
    """An upgraded socket that counts what it receives."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._head = bytearray()
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if self.upgraded.done():
            self._counter.add(len(data))
        else:
            self._head += data
            if b"\r\n\r\n" in self._head:
                self.upgraded.set_result(None)


class Counter:
    """Bytes over all sockets; `reached` waits for a number."""

    def __init__(self) -> None:
        self._count = 0
        self._wanted = 0
        self._done = asyncio.Event()

    def add(self, count: int) -> None:
        self._count += count
        if self._count >= self._wanted:
            self._done.set()

    def want(self, count: int) -> None:
        """Start over."""
        self._count, self._wanted = 0, count
        self._done.clear()

    async def reached(self) -> None:
        async with asyncio.timeout(120):
            await self._done.wait()


async def measure_fan_out(server: Candidate, sockets: int) -> tuple[float, float, float]:
    """Messages a second and CPU microseconds a message in a burst, and CPU microseconds a message when paced."""
    loop = asyncio.get_running_loop()
    key = base64.b64encode(bytes(16)).decode()
    head = (
        "GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n"
    )
    counter = Counter()
    opened = []
    for _ in range(sockets):
        transport, listener = await loop.create_connection(lambda: Listener(counter), "127.0.0.1", server.port)
        transport.write(head.encode())
        await listener.upgraded
        opened.append(transport)
    frame_bytes = len(FRAME) + 4

    async def run(command: str, frames: int) -> tuple[float, float]:
        counter.want(frames * sockets * frame_bytes)
        cpu, began = await server.cpu_seconds(), loop.time()
        await server.tell(f"{command} {frames}")
        await counter.reached()
        elapsed = loop.time() - began
        used = await server.cpu_seconds() - cpu
        return frames * sockets / elapsed, used / (frames * sockets) * 1e6

    await run("burst", 2)
    rate, burst_cpu = await run("burst", BURST)
    _, paced_cpu = await run("pace", PACED)
    for transport in opened:
        transport.abort()
    return rate, burst_cpu, paced_cpu


async def compare(names: Iterable[str], rounds: int, sockets: int) -> None:
    """Measure the candidates in turns and print the medians."""
    results: dict[str, list[tuple[float, ...]]] = {}
    for _ in range(rounds):
        for name in names:
            try:
                async with candidate(name) as server:
                    http = await measure_http(server) if CANDIDATES[name][1] else ()
                    results.setdefault(name, []).append((*http, *await measure_fan_out(server, sockets)))
            except ModuleNotFoundError:
                results.setdefault(name, [])
    table = Table(title=f"Constant answers, {CLIENTS} HTTP clients, {sockets} sockets, medians of {rounds}")
    for column in (
        "candidate",
        "HTTP req/s",
        "CPU us/req",
        "burst messages/s",
        "CPU us/message",
        "paced CPU us/message",
    ):
        table.add_column(column, justify="left" if column == "candidate" else "right")
    for name, rows in results.items():
        medians = [statistics.median(column) for column in zip(*rows, strict=True)]
        if not medians:
            table.add_row(name, "not installed")
            continue
        cells = [f"{value:,.0f}" if value >= 100 else f"{value:.2f}" for value in medians]
        table.add_row(name, *(cells if len(cells) == 5 else ["-", "-", *cells]))
    Console(width=110).print(table)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--only", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    arguments = parser.parse_args()
    if arguments.serve:
        uvloop.run(serve(arguments.serve))
    else:
        uvloop.run(compare(arguments.only, arguments.rounds, arguments.sockets))


if __name__ == "__main__":
    main()
