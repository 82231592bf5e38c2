"""One exchange with the legacy system, over in time whatever it does.

`http.client` itself, because nothing may happen of its own accord: no redirect is followed, no proxy asked, no header
added. A container serves one request at a time, so one connection is kept.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import select
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from domain.legacy import errors
from domain.legacy.errors import LegacyError
from domain.legacy.settings import READING, BaseUrl

logger = logging.getLogger("headwater.legacy")

LARGEST_ANSWER_BYTES = 6 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_CONNECT_SECONDS = 3.0
_PIECE = 64 * 1024
# What a connection says that the other side has closed meanwhile.
_STALE = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)


@dataclass(frozen=True)
class Reply:
    """What it answered; headers in their order, as often as they were there."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """A header's first value; empty without one."""
        return next((value for each, value in self.headers if each.lower() == name), "")


@dataclass(frozen=True)
class Question:
    """What it is asked."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class LegacyServer:
    """The legacy system, by one kept connection."""

    def __init__(self) -> None:
        self._kept: tuple[BaseUrl, http.client.HTTPConnection] | None = None

    def ask(self, base: BaseUrl, question: Question, seconds: float) -> Reply:
        """What the legacy system answers.

        Args:
            base: where it is.
            question: the request.
            seconds: how long everything may take, from the look-up of its name to the last byte.

        Raises:
            LegacyError: 502 when it cannot be reached, speaks no HTTP, or says too much; 504 when it is too slow.
        """
        # A kept connection may end at any moment, and then nobody knows whether a write was done: it gets a new one.
        if question.body or question.method not in READING:
            self.close()
        exchange = _Exchange(base, question, self._taken(base), seconds)
        # Time-outs of sockets begin anew with each byte. In a thread it is one time for everything.
        thread = threading.Thread(target=exchange.run, name="legacy", daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            exchange.cut()
            raise errors.too_slow(seconds)
        if exchange.failure is not None:
            raise exchange.failure
        assert exchange.reply is not None
        if exchange.connection is not None:
            self._kept = base, exchange.connection
        return exchange.reply

    def close(self) -> None:
        """Let the kept connection go."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def _taken(self, base: BaseUrl) -> http.client.HTTPConnection | None:
        """The kept connection, unless it is to another place, or over: its end is something to read."""
        if self._kept is None:
            return None
        (at, connection), self._kept = self._kept, None
        try:
            if at == base and connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]:
                return connection
        except (OSError, ValueError):
            pass
        connection.close()
        return None


class _Exchange:
    """An exchange in its thread. Afterwards one of `reply` and `failure` is set; `connection`, if it can be used on."""

    def __init__(
        self, base: BaseUrl, question: Question, kept: http.client.HTTPConnection | None, seconds: float
    ) -> None:
        self.reply: Reply | None = None
        self.failure: LegacyError | None = None
        self.connection = kept
        self._base = base
        self._question = question
        self._seconds = seconds
        self._is_cut = False

    def run(self) -> None:
        """Ask; once more by a new connection when the kept one turns out to be over: only reads have such a one."""
        reused = self.connection is not None
        try:
            try:
                self.reply = self._asked()
            except _STALE:
                if not reused or self._is_cut:
                    raise
                self._close()
                self.reply = self._asked()
        except LegacyError as error:
            self.failure = error
        except TimeoutError:
            self.failure = errors.too_slow(self._seconds)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The kind only: texts of errors may quote what was sent.
            self.failure = errors.unreachable(_words(error))
        if self.failure is not None:
            self._close()

    def cut(self) -> None:
        """End it from outside: whoever reads from or writes to the socket wakes up."""
        self._is_cut = True
        connection = self.connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _asked(self) -> Reply:
        if self.connection is None:
            self.connection = _connect(self._base, min(_CONNECT_SECONDS, self._seconds))
        connection, question = self.connection, self._question
        if self._is_cut:
            raise TimeoutError
        connection.sock.settimeout(self._seconds)
        connection.putrequest(question.method, question.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("host", self._base.authority)
        for name, value in question.headers.items():
            connection.putheader(name, _bytes(value))
        if question.body or question.method in ("POST", "PUT", "PATCH"):
            connection.putheader("content-length", str(len(question.body)))
        connection.endheaders(question.body or None)
        # Closed, it leaves the connection free for the next question, or lets go of one that it has to itself.
        with connection.getresponse() as response:
            body = _read(response)
        if response.status < 200:
            raise errors.unreachable("it wants to speak another protocol")
        reply = Reply(response.status, tuple(response.getheaders()), body)
        if response.will_close:
            self._close()
        return reply

    def _close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _connect(base: BaseUrl, seconds: float) -> http.client.HTTPConnection:
    connection = (
        http.client.HTTPSConnection(base.host, base.port, timeout=seconds, context=_tls())
        if base.scheme == "https"
        else http.client.HTTPConnection(base.host, base.port, timeout=seconds)
    )
    try:
        connection.connect()
    except TimeoutError as error:
        raise errors.unreachable("it did not accept the connection in time") from error
    return connection


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _read(response: http.client.HTTPResponse) -> bytes:
    """The body. Raises LegacyError for more than an answer can have, HTTPException for less than was announced."""
    if response.length is not None and response.length > LARGEST_ANSWER_BYTES:
        raise errors.too_large(LARGEST_ANSWER_BYTES)
    pieces, size = [], 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        if size > LARGEST_ANSWER_BYTES:
            raise errors.too_large(LARGEST_ANSWER_BYTES)
        pieces.append(piece)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(pieces)


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")


def _words(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "it refuses connections"
    if isinstance(error, socket.gaierror):
        return "its name cannot be looked up"
    if isinstance(error, ssl.SSLError):
        return "its certificate or TLS is not accepted"
    if isinstance(error, http.client.IncompleteRead):
        return "it stopped in the middle"
    if isinstance(error, _STALE):
        return "it closed the connection"
    if isinstance(error, http.client.HTTPException | ValueError):
        return "what it says is no HTTP"
    return f"{type(error).__name__}"
