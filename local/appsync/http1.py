"""HTTP/1.1 on one connection: requests are parsed by llhttp, answered in order, and bounded in size and time.

A WebSocket upgrade leaves this module: the transport's protocol is then exchanged for the one that the handler made.
"""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

import httptools

from local.appsync import failures
from local.appsync.http_messages import Request, Response, Upgrade, encode, header_line

MAX_BODY_BYTES = 1024 * 1024  # AppSync's documented request size
MAX_HEAD_BYTES = 64 * 1024
MAX_PIPELINED = 16

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Handler(Protocol):
    """Answers requests. Neither method raises."""

    async def respond(self, request: Request) -> Response:
        """The response to a request."""

    async def upgrade(self, request: Request) -> Upgrade | Response:
        """The answer to a request that asks for the WebSocket protocol."""


class Phase(enum.Enum):
    """What the connection waits for; each phase has its own time limit."""

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    CLOSING = "closing"


SECONDS = {Phase.IDLE: 75.0, Phase.HEAD: 15.0, Phase.BODY: 30.0, Phase.CLOSING: 2.0}


@dataclass(slots=True)
class _Incoming:
    """A request while it is read."""

    url: bytes = b""
    headers: dict[str, str | list[str]] = field(default_factory=dict)
    head_bytes: int = 0
    body: bytearray = field(default_factory=bytearray)


class RefusedError(Exception):
    """A request that is not worth reading further; raised inside parser callbacks."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class HttpConnection(asyncio.Protocol):
    """One client connection; `connections` is the server's set of those that still speak HTTP."""

    def __init__(
        self, handler: Handler, connections: set[HttpConnection], *, secure: bool, clock: Callable[[], float]
    ) -> None:
        self._handler = handler
        self._connections = connections
        self._secure = secure
        self._clock = clock
        self._parser = httptools.HttpRequestParser(self)
        self._incoming = _Incoming()
        self._queue: deque[tuple[Request | Response, bool]] = deque()  # with: is the connection kept alive after it
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._reading = True  # False: what else the client sends is of no interest
        self._paused = False  # too many requests wait for their answers
        self._backlog = bytearray()
        self._draining = False
        self._upgrading = False
        self._declined: _Incoming | None = None
        self._unparsed = 0
        self._completed = False  # has a request ended in the chunk that is being read
        self.phase = Phase.IDLE
        self.since = clock()

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not derive from it
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else "127.0.0.1"
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Called by the event loop. A request that runs is run to its end: a mutation is not undone by its caller."""
        self._connections.discard(self)
        self._queue.clear()
        self._writable.set()

    def eof_received(self) -> bool:
        """Called by the event loop. A client that only closed its sending side still gets its answers."""
        if self._task is None:
            return False
        self._draining = True
        return not self._secure

    def pause_writing(self) -> None:
        """Called by the event loop when the client does not read: no further request is begun."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self.phase is Phase.CLOSING or not self._reading:
            return
        if self._paused:  # TLS may still hand over what it had decrypted
            self._backlog += data
            return
        if self.phase is Phase.IDLE:
            self._enter(Phase.HEAD)
        self._completed = False
        declined: bytes | None = None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._declined is not None:
                declined = data[upgrade.args[0] :]
            else:
                self._leave_http()
        except httptools.HttpParserCallbackError as error:
            refused = error.__context__
            if not isinstance(refused, RefusedError):
                raise
            self._refuse(refused.status, str(refused))
        except httptools.HttpParserError as error:
            self._refuse(400, f"The request is not HTTP: {error}.")
        else:
            if self.phase is Phase.HEAD:
                self._count_head(len(data))
        if declined is not None:
            # Not while the parser's exception is handled: it would be the context of whatever is raised below.
            self._decline(declined)
        elif len(self._queue) >= MAX_PIPELINED and self._reading:
            self._paused = True
            self._transport.pause_reading()

    def _leave_http(self) -> None:
        """Parse nothing more: a client may not send frames before the 101, and the rest is not ours."""
        self._upgrading = True
        self._reading = False
        self._transport.pause_reading()

    def _decline(self, rest: bytes) -> None:
        """Go on in HTTP/1 with a request for `h2c`, which Java's client and curl offer on every new connection.

        llhttp stops before the body of such a request; a second reading without the offer gets it.
        """
        declined, self._declined = self._declined, None
        assert declined is not None
        method, version = self._parser.get_method().decode(), self._parser.get_http_version()
        lines = [f"{method} {_text(declined.url)} HTTP/{version}\r\n"]
        for name, value in declined.headers.items():
            if name not in {"upgrade", "connection"}:
                lines += [header_line(name, item) for item in ([value] if isinstance(value, str) else value)]
        self._parser = httptools.HttpRequestParser(self)
        self.data_received("".join((*lines, "\r\n")).encode() + rest)

    def _count_head(self, received: int) -> None:
        """Bound what the parser itself holds of a head that does not end."""
        # Of a chunk that also ended a request, nobody knows how much is the next one's: count from the next chunk on.
        self._unparsed = 0 if self._completed else self._unparsed + received
        if self._unparsed > MAX_HEAD_BYTES:
            refused = _large_head()
            self._refuse(refused.status, str(refused))

    # The parser's side; llhttp calls these in order.

    def on_message_begin(self) -> None:
        """A new request."""
        self._incoming = _Incoming()
        self._unparsed = 0
        self._enter(Phase.HEAD)

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        incoming = self._incoming
        incoming.url += url
        incoming.head_bytes += len(url)
        if incoming.head_bytes > MAX_HEAD_BYTES:
            raise _large_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header."""
        incoming = self._incoming
        incoming.head_bytes += len(name) + len(value)
        if incoming.head_bytes > MAX_HEAD_BYTES:
            raise _large_head()
        headers = incoming.headers
        key, text = name.decode("latin-1").lower(), _text(value)
        known = headers.get(key)
        if known is None:
            headers[key] = text
        elif isinstance(known, list):
            known.append(text)
        else:
            headers[key] = [known, text]

    def on_headers_complete(self) -> None:
        """The head is complete: decide whether the body is wanted."""
        self._enter(Phase.BODY)
        headers = self._incoming.headers
        length = headers.get("content-length")
        if isinstance(length, str) and length.isdigit() and int(length) > MAX_BODY_BYTES:
            raise RefusedError(413, f"The request's body is larger than {MAX_BODY_BYTES} bytes.")
        if self._parser.get_http_version() == "1.1":
            host = headers.get("host")
            if not isinstance(host, str):
                raise RefusedError(400, "The request needs exactly one Host header.")
            if str(headers.get("expect", "")).lower() == "100-continue" and not self._queue and self._task is None:
                self._transport.write(CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body, chunked or not."""
        self._incoming.body += body
        if len(self._incoming.body) > MAX_BODY_BYTES:
            raise RefusedError(413, f"The request's body is larger than {MAX_BODY_BYTES} bytes.")

    def on_message_complete(self) -> None:
        """The request is complete."""
        incoming = self._incoming
        self._completed = True
        if self._parser.should_upgrade() and str(incoming.headers.get("upgrade")).lower() != "websocket":
            if self._parser.get_method() == b"CONNECT":  # whatever its headers, nothing of HTTP follows it
                self._refuse(400, "This server is no proxy.")
                return
            self._declined = incoming
            return
        target = _text(incoming.url)
        if target.startswith(("http://", "https://")):  # absolute form, as proxies send it
            _, _, rest = target.partition("://")
            target = "/" + rest.partition("/")[2]
        path, _, query = target.partition("#")[0].partition("?")
        request = Request(
            method=self._parser.get_method().decode("ascii"), path=path, query=query, headers=incoming.headers,
            body=bytes(incoming.body), peer=self._peer, secure=self._secure,
        )  # fmt: skip
        self._enter(Phase.IDLE)
        self._enqueue(request, self._parser.should_keep_alive())

    # Answers, in the order of the requests.

    def _refuse(self, status: int, reason: str) -> None:
        self._reading = False
        self._enqueue(failures.unread(status, reason), keep_alive=False)

    def _enqueue(self, item: Request | Response, keep_alive: bool) -> None:
        self._queue.append((item, keep_alive))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        try:
            while self._queue:
                await self._writable.wait()
                if self._transport.is_closing() or not self._queue:
                    break
                item, keep_alive = self._queue.popleft()
                last = self._upgrading and not self._queue
                if isinstance(item, Response):
                    response, method = item, ""
                elif last:
                    upgrade = await self._handler.upgrade(item)
                    if isinstance(upgrade, Upgrade):
                        self._switch(upgrade)
                        return
                    # After an upgrade request the parser has stopped: whatever follows cannot be read.
                    response, method, keep_alive = upgrade, item.method, False
                else:
                    response, method = await self._handler.respond(item), item.method
                if self._transport.is_closing():
                    break
                keep_alive = keep_alive and not response.close and not self._last()
                self._transport.write(encode(response, head_only=method == "HEAD", keep_alive=keep_alive))
                if not keep_alive:
                    self._linger()
                    return
                self._resume()
        finally:
            self._task = None
            if self.phase is Phase.IDLE:
                self.since = self._clock()

    def _last(self) -> bool:
        """Whether the connection ends with this answer: it drains, and nothing else waits."""
        return self._draining and not self._queue and not self._backlog

    def _resume(self) -> None:
        if not self._paused or len(self._queue) >= MAX_PIPELINED:
            return
        self._paused = False
        backlog, self._backlog = bytes(self._backlog), bytearray()
        if backlog:
            self.data_received(backlog)
        if not self._paused and self._reading and not self._transport.is_closing():
            self._transport.resume_reading()

    def _switch(self, upgrade: Upgrade) -> None:
        if self._transport.is_closing():
            return
        self._connections.discard(self)
        lines = ["HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"]
        lines += [header_line(name, value) for name, value in upgrade.headers]
        self._transport.write("".join((*lines, "\r\n")).encode())
        protocol = upgrade.protocol
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        self._transport.resume_reading()

    def _linger(self) -> None:
        """Close so that the client can read the answer: a close with unread input would reset the connection."""
        self._queue.clear()
        self._enter(Phase.CLOSING)
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()

    # The server's side.

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = self._clock()

    def expire(self, now: float) -> None:
        """End the connection if its phase lasts too long; called by the server about once a second."""
        if self._task is not None or now - self.since < SECONDS[self.phase]:
            if not self._writable.is_set() and now - self.since > SECONDS[Phase.BODY]:
                self._transport.abort()
            return
        if self.phase in {Phase.HEAD, Phase.BODY} and self._reading:
            self._refuse(408, "The request did not arrive in time.")
        else:
            self._transport.abort() if self.phase is Phase.CLOSING else self._transport.close()

    def drain(self) -> asyncio.Task[None] | None:
        """Finish the requests that have arrived, then close. Returns the task to wait for, None when closed at once."""
        self._draining = True
        self._reading = False
        if self._task is None:
            self._transport.close()
        return self._task

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


def _large_head() -> RefusedError:
    return RefusedError(431, f"The request's head is larger than {MAX_HEAD_BYTES} bytes.")


def _text(value: bytes) -> str:
    """A header's value: UTF-8 as clients send it, else ISO 8859-1 as HTTP once said. Never a lone surrogate."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
