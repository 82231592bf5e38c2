"""HTTP messages, apart from how they travel: requests as handlers see them, responses and their bytes."""

from __future__ import annotations

import asyncio
import http
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from time import time


@dataclass(slots=True)
class Request:
    """An HTTP request. Header names are lower case; a repeated header is a list. `peer` is the TCP peer's address."""

    method: str
    path: str
    query: str
    headers: dict[str, str | list[str]]
    body: bytes = b""
    peer: str = "127.0.0.1"
    secure: bool = False

    def header(self, name: str) -> str | None:
        """A header's value; repeated ones are joined with a comma."""
        value = self.headers.get(name)
        return ", ".join(value) if isinstance(value, list) else value


@dataclass(slots=True)
class Response:
    """An HTTP response; `content-length`, `date` and `connection` are added on the wire."""

    status: int
    headers: Iterable[tuple[str, str]] = ()
    body: bytes = b""
    close: bool = False


@dataclass(slots=True)
class Upgrade:
    """The answer to a WebSocket handshake: the headers of the 101 response, and who takes the connection over."""

    headers: Iterable[tuple[str, str]]
    protocol: asyncio.Protocol


def plain_response(status: int, reason: str) -> Response:
    """A transport-level refusal in words, after which the connection is closed."""
    headers = (("content-type", "text/plain;charset=UTF-8"),)
    return Response(status, headers, f"{reason}\n".encode(), close=True)


def encode(response: Response, *, head_only: bool, keep_alive: bool) -> bytes:
    """The bytes of a response. A HEAD answer has the headers of the body that it does not carry."""
    lines = [_STATUS_LINES.get(response.status) or _status_line(response.status)]
    lines += [header_line(name, value) for name, value in response.headers]
    lines.append(f"date: {_now()}\r\ncontent-length: {len(response.body)}\r\n")
    lines.append("\r\n" if keep_alive else "connection: close\r\n\r\n")
    head = "".join(lines).encode()
    return head if head_only else head + response.body


def header_line(name: str, value: str) -> str:
    """A header on the wire. Values may come from resolvers: a line break in one would begin another header."""
    if "\r" in value or "\n" in value or "\r" in name or "\n" in name:
        name, value = "".join(name.split()), " ".join(value.split())
    return f"{name}: {value}\r\n"


def _status_line(status: int) -> str:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n"


_STATUS_LINES = {status.value: _status_line(status.value) for status in http.HTTPStatus}

_date = (0, "")


def _now() -> str:
    global _date  # formatted once a second, not once a response
    second = int(time())
    if _date[0] != second:
        _date = (second, formatdate(second, usegmt=True))
    return _date[1]
