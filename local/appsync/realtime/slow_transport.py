"""A transport that lets few bytes per second through, as a client on a poor line does."""

from __future__ import annotations

import asyncio

TICK_SECONDS = 0.05
HIGH_WATER_BYTES = 64 * 1024  # asyncio's own default
LOW_WATER_BYTES = HIGH_WATER_BYTES // 4


class SlowTransport(asyncio.Transport):
    """In front of `transport`. `protocol` is told to pause and resume writing, as a transport does."""

    def __init__(self, transport: asyncio.Transport, protocol: asyncio.BaseProtocol, bytes_per_second: int) -> None:
        super().__init__()
        self._transport = transport
        self._protocol = protocol
        self._rate = bytes_per_second
        self._waiting = bytearray()
        self._allowed = 0.0
        self._paused = False
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue; what is queued goes out tick by tick."""
        if self._closing:
            return
        self._waiting += data
        if not self._paused and len(self._waiting) > HIGH_WATER_BYTES:
            self._paused = True
            self._protocol.pause_writing()
        self._schedule()

    def get_write_buffer_size(self) -> int:
        """What waits here and below."""
        return len(self._waiting) + self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Close when everything is written."""
        self._closing = True
        if not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._waiting.clear()
        self._transport.abort()

    def pause_reading(self) -> None:
        """Reading is not slow."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Reading is not slow."""
        self._transport.resume_reading()

    def _schedule(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._transport.is_closing():
            self._waiting.clear()
            return
        self._allowed += self._rate * TICK_SECONDS
        size = min(int(self._allowed), len(self._waiting))
        if size:
            self._transport.write(bytes(self._waiting[:size]))
            del self._waiting[:size]
        if self._paused and len(self._waiting) <= LOW_WATER_BYTES:
            self._paused = False
            self._protocol.resume_writing()
        if self._waiting:
            self._allowed -= size
            self._schedule()
        else:
            self._allowed = 0.0
            if self._closing:
                self._transport.close()
