"""The WebSocket handshake: where the connect credentials are, and which subprotocol is spoken (sheet 7.1).

Three carriers are read, in this order: the query string `?header=<base64>&payload=<base64>`, a subprotocol
`header-<base64url>`, plain HTTP headers. A handshake that fails is still upgraded: browsers cannot read the answer to a
refused upgrade, and Amplify retries it for ever.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import orjson

from local.appsync.http_messages import Request
from local.appsync.realtime import transport_ws_messages
from local.appsync.realtime.messages import SUBPROTOCOL, ConnectionProblem

_ACCEPT_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_HEADER_PROTOCOL = "header-"


class NotWebSocketError(Exception):
    """The request is no RFC 6455 handshake; answered over HTTP with 400, or 426 for another version."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class RefusedError(Exception):
    """The handshake is a valid upgrade, but not one for AppSync; goes into `connection_error`."""

    def __init__(self, message: str, error_type: str | None = None, code: int = 400) -> None:
        super().__init__(message)
        self.problem: ConnectionProblem = {"message": message, "errorCode": code}
        if error_type is not None:
            self.problem = {"errorType": error_type, "message": message, "errorCode": code}


@dataclass(frozen=True)
class Offer:
    """The subprotocols that a client offers; `header` is the value of the one that carries credentials."""

    names: tuple[str, ...]
    header: str | None

    @property
    def chosen(self) -> str | None:
        """The subprotocol to answer with; never the credentials. AppSync's own goes before the one that AWS lacks."""
        return next((name for name in (SUBPROTOCOL, transport_ws_messages.SUBPROTOCOL) if name in self.names), None)

    @property
    def by_message(self) -> bool:
        """Whether the credentials may come in a message after the handshake: in the protocol of IDEs."""
        return self.chosen == transport_ws_messages.SUBPROTOCOL


def accept_key(request: Request) -> str:
    """The value of `Sec-WebSocket-Accept`.

    Raises:
        NotWebSocketError: method, version or key are not RFC 6455's.
    """
    key = request.header("sec-websocket-key") or ""
    if request.method != "GET":
        raise NotWebSocketError("A WebSocket handshake is a GET request.")
    if request.header("sec-websocket-version") != "13":
        raise NotWebSocketError("Only WebSocket version 13 is spoken here.", 426)
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise NotWebSocketError("Sec-WebSocket-Key is not 16 bytes in base64.")
    return base64.b64encode(hashlib.sha1(key.encode() + _ACCEPT_KEY).digest()).decode()  # noqa: S324 - RFC 6455


def read_offer(request: Request) -> Offer:
    """The offered subprotocols."""
    offered = [name.strip() for name in (request.header("sec-websocket-protocol") or "").split(",")]
    header = next((name for name in offered if name.startswith(_HEADER_PROTOCOL)), None)
    return Offer(tuple(offered), header.removeprefix(_HEADER_PROTOCOL) if header is not None else None)


def connect_headers(request: Request, offer: Offer) -> dict[str, str | list[str]]:
    """The header object of the connect, names in lower case.

    Raises:
        RefusedError: the subprotocol is not offered, or there are no readable credentials.
    """
    if offer.chosen is None:
        raise RefusedError("NoProtocolError")
    query = _query(request.query)
    if "header" in query:
        if "payload" not in query:
            raise RefusedError("Required query parameters are missing.", "BadRequestException")
        headers: Mapping[str, str | list[str]] = _decode(query["header"])
    elif offer.header is not None:
        headers = _decode(offer.header)
    else:
        headers = request.headers
    found = {name.lower(): value for name, value in headers.items()}
    if not found.get("x-api-key") and not found.get("authorization"):
        raise RefusedError("Required headers are missing.")
    return found


def _query(query: str) -> dict[str, str]:
    # Not parse_qs: clients send base64 with a bare "+", which is no space here.
    pairs = (pair.partition("=") for pair in query.split("&"))
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _decode(text: str) -> Mapping[str, str]:
    """Standard or URL-safe base64, padded or not, of a JSON object of strings."""
    # amplify-android before 2.23 broke it into lines of 76 characters (Base64.DEFAULT).
    standard = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        headers = orjson.loads(base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True))
    except ValueError:  # of base64 and JSON alike
        headers = None
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise RefusedError("The connection's header is not a base64 encoded JSON object.", "BadRequestException")
    return headers
