"""A WebSocket whose upgrade request is given: headers in the order and spelling of the library that is replayed."""

from __future__ import annotations

import base64
import secrets
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Upgrade:
    """The request of a WebSocket handshake. `target` is path and query; `headers` are those of the library."""

    target: str
    headers: Headers

    def text(self, key: str) -> str:
        lines = [f"GET {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers)]
        lines += ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        return "\r\n".join([*lines, "", ""])


class NotUpgraded(Exception):
    """The answer to the handshake is no 101."""


class Closed(Exception):
    """The server closed the connection, or cut it."""


class Wire:
    """An upgraded connection; `headers` are those of the 101, names in lower case."""

    def __init__(self, connection: socket.socket, upgrade: Upgrade) -> None:
        self._socket = connection
        self._protocol = Protocol(Side.CLIENT, state=State.CONNECTING, max_size=None)
        connection.sendall(upgrade.text(base64.b64encode(secrets.token_bytes(16)).decode()).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                raise NotUpgraded(head.decode(errors="replace"))
            head += received
        head, _, rest = head.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        if " 101 " not in f"{status} ":
            raise NotUpgraded(f"{status}\n{rest.decode(errors='replace')}")
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._protocol.state = State.OPEN
        if rest:
            self._protocol.receive_data(rest)
        self._waiting: list[Frame] = []

    def send(self, text: str) -> None:
        """Send a text message."""
        self._protocol.send_text(text.encode())
        self._flush()

    def receive(self, seconds: float) -> str:
        """The next text message.

        Raises:
            TimeoutError: none came in time.
            Closed: the connection ended first.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._waiting += [each for each in self._protocol.events_received() if isinstance(each, Frame)]
            while self._waiting:
                frame = self._waiting.pop(0)
                if frame.opcode is Opcode.TEXT:
                    assert frame.fin, "a message in several frames"
                    return bytes(frame.data).decode()
            if self._protocol.close_rcvd is not None:
                raise Closed(str(self._protocol.close_rcvd))
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            received = self._socket.recv(65536)
            if not received:
                raise Closed("cut")
            self._protocol.receive_data(received)
            self._flush()

    def close(self, code: int | None) -> int | None:
        """Close with a code, as the library does; the code that the server answers with (None: it sent none)."""
        self._protocol.send_close(code)
        self._flush()
        try:
            while True:
                self.receive(5)
        except Closed:
            received = self._protocol.close_rcvd
            assert received is not None, "cut"
            return None if received.code == CloseCode.NO_STATUS_RCVD else int(received.code)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._socket.sendall(data)


@contextmanager
def dial(outputs: Mapping[str, Any], upgrade: Upgrade) -> Iterator[Wire]:
    """Open a connection to an instance's HTTPS port, trusting its authority as a device does that was told to."""
    endpoint = urlsplit(outputs["graphqlTls"])
    trust = ssl.create_default_context(cafile=Path(outputs["caFile"]))
    host, port = endpoint.hostname or "", endpoint.port or 443
    with (
        socket.create_connection((host, port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname=host) as connection,
    ):
        yield Wire(connection, upgrade)
