"""Frames between `local` and its function processes: a JSON header and a payload of raw bytes, lengths first."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

LENGTHS = struct.Struct("!II")


def encode(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One frame. `payload` is passed through as it is."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((LENGTHS.pack(len(text), len(payload)), text, payload))


class Decoder:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield (header, payload) of every frame that `data` completes."""
        self._buffer += data
        while len(self._buffer) >= LENGTHS.size:
            header_length, payload_length = LENGTHS.unpack_from(self._buffer)
            payload_start = LENGTHS.size + header_length
            end = payload_start + payload_length
            if len(self._buffer) < end:
                return
            header = json.loads(self._buffer[LENGTHS.size : payload_start])
            payload = bytes(self._buffer[payload_start:end])
            del self._buffer[:end]
            yield header, payload


def receive(connection: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """Block for the next frame; None at the end of the stream."""
    lengths = receive_exactly(connection, LENGTHS.size)
    return receive_body(connection, lengths) if lengths else None


def receive_body(connection: socket.socket, lengths: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Block for the rest of a frame whose lengths were read; None when the stream ends before it does."""
    header_length, payload_length = LENGTHS.unpack(lengths)
    header = receive_exactly(connection, header_length)
    if header is None:
        return None
    payload = receive_exactly(connection, payload_length)
    return None if payload is None else (json.loads(header), payload)


def receive_exactly(connection: socket.socket, length: int) -> bytes | None:
    """Block for exactly `length` bytes; None when the stream ends before them."""
    buffer = bytearray(length)
    view = memoryview(buffer)
    received = 0
    while received < length:
        count = connection.recv_into(view[received:])
        if not count:
            return None
        received += count
    return bytes(buffer)
