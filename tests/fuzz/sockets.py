"""A WebSocket client that can break every rule: raw frames out, strictly checked frames in."""

from __future__ import annotations

import asyncio
import base64
import json
from random import Random
from typing import Any

from tests.fuzz.plane import ANSWER_SECONDS, API_KEY, encoded

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
HEADER = {"host": "localhost", "x-api-key": API_KEY}


def handshake(*extra: str, query: str = "", path: str = "/graphql/realtime") -> bytes:
    """A handshake with the API key in a plain header, which is right unless `extra` lines say otherwise."""
    lines = [
        f"GET {path}{query} HTTP/1.1", "host: localhost", "connection: Upgrade", "upgrade: websocket",
        "sec-websocket-version: 13", f"sec-websocket-key: {base64.b64encode(bytes(16)).decode()}",
        "sec-websocket-protocol: graphql-ws", f"x-api-key: {API_KEY}", *extra,
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode(errors="replace")


def frame(
    payload: bytes, opcode: int = TEXT, *, first: int = 0x80, masked: bool = True, size: int | None = None
) -> bytes:
    """A frame; `first` are the flags of its first byte, `size` a length other than the payload's own."""
    length = len(payload) if size is None else size
    flag = 0x80 if masked else 0
    if length < 126:
        header = bytes((first | opcode, flag | length))
    elif length < 65536:
        header = bytes((first | opcode, flag | 126)) + length.to_bytes(2, "big")
    else:
        header = bytes((first | opcode, flag | 127)) + length.to_bytes(8, "big")
    return header + (bytes(4) if masked else b"") + payload  # a mask of zeros leaves the payload as it is


def start(identifier: Any, operation: Any, header: Any = HEADER) -> dict[str, Any]:
    """A `start` message."""
    extensions = {"authorization": dict(header) if isinstance(header, dict) else header}
    return {
        "id": identifier,
        "type": "start",
        "payload": {"data": encoded(operation).decode(), "extensions": extensions},
    }


class Received:
    """What came in on a socket, checked as it is read: nothing may be masked, reserved, or no JSON."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.messages: list[Any] = []
        self.close_code: int | None = None

    async def upgraded(self) -> bool:
        """Read the answer to the handshake; whether it is 101."""
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), head
        assert b" 500 " not in head[:20], head
        return b" 101 " in head[:20]

    async def message(self) -> Any:
        """The next text message."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                opcode, payload = await self._frame()
                if opcode == TEXT:
                    return self.messages[-1]
                assert opcode != CLOSE, payload

    async def of(self, kind: str, identifier: str | None = None) -> Any:
        """The next message of a type, and of an id where one is given."""
        while True:
            message = await self.message()
            if message["type"] == kind and (identifier is None or message.get("id") == identifier):
                return message
            assert message["type"] != "error", message

    async def rest(self) -> None:
        """Everything until the server has closed the connection, which it must do in time."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                try:
                    await self._frame()
                except (asyncio.IncompleteReadError, ConnectionError):
                    return

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        opcode, length = first & 0x0F, second
        assert first & 0x70 == 0, f"reserved bits: {first:#x}"
        assert second < 0x80, "a server's frame is masked"
        if length == 126:
            length = int.from_bytes(await self._reader.readexactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await self._reader.readexactly(8), "big")
        payload = await self._reader.readexactly(length)
        if opcode == TEXT:
            message = json.loads(payload)
            assert "InternalFailure" not in payload.decode(), payload
            assert isinstance(message["type"], str), message
            self.messages.append(message)
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005
            assert self.close_code != 1011, payload
        else:
            assert opcode in {PING, PONG}, opcode
        return opcode, payload


def damaged(random: Random, data: bytes) -> bytes:
    """Bytes with a few places changed."""
    result = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(result))
        match random.randrange(5):
            case 0 if at < len(result):
                result[at] ^= 1 << random.randrange(8)
            case 1:
                result[at:at] = random.randbytes(random.choice((1, 2, 8, 200)))
            case 2:
                del result[at : at + random.choice((1, 4, 50))]
            case 3:
                result[at:at] = result[at : at + 30]
            case _:
                result[at : at + 2] = random.choice((b"\r\n", b"\0", b"\xff\xff", b"\xc3\x28", b"{}", b": "))
    return bytes(result)
