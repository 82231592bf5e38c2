"""What waits to be written to a socket: frames are joined per turn of the event loop, and bounded.

An event goes to many sockets in one turn, and a burst brings many events to one socket in one turn: one write per
socket and turn costs a fraction of one per frame (docs/decisions/server-and-websocket-library.md).
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence

MAX_UNREAD_BYTES = 8 * 1024 * 1024


class Flusher:
    """Flushes the outboxes that were filled during one turn of the event loop, then calls `flushed`."""

    def __init__(self, flushed: Callable[[], None] = lambda: None) -> None:
        self._filled: list[Outbox] = []
        self._flushed = flushed

    def schedule(self, outbox: Outbox) -> None:
        """Flush an outbox at the end of this turn."""
        if not self._filled:
            asyncio.get_running_loop().call_soon(self._flush)
        self._filled.append(outbox)

    def _flush(self) -> None:
        filled, self._filled = self._filled, []
        for outbox in filled:
            outbox.flush()
        self._flushed()


class Outbox:
    """The outgoing side of one socket.

    A client that leaves more than `max_unread` bytes unread is a slow consumer: `overflowed` is called once, and the
    connection ends. Dropping single frames instead would break the promise that a live subscription misses nothing.
    """

    __slots__ = ("_flusher", "_max_unread", "_overflowed", "_parts", "broken", "closed", "congested", "transport")

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        flusher: Flusher,
        overflowed: Callable[[], None],
        max_unread: int = MAX_UNREAD_BYTES,
    ) -> None:
        self.transport = transport
        self._flusher = flusher
        self._overflowed = overflowed
        self._max_unread = max_unread
        self._parts: list[bytes] = []
        self.broken: Callable[[], None] | None = None  # called when what was queued cannot be written any more
        self.closed = False  # nothing more is taken
        self.congested = False  # the transport has asked to pause; only then its buffer is worth a look

    def text(self, parts: Sequence[bytes]) -> None:
        """Queue a text frame whose payload is the given parts."""
        if self.closed:
            return
        waiting = self._parts
        if not waiting:
            self._flusher.schedule(self)
        waiting.append(text_header(sum(map(len, parts))))
        waiting += parts

    def raw(self, data: bytes) -> None:
        """Queue bytes that are a frame already (pong, close)."""
        if self.closed:
            return
        if not self._parts:
            self._flusher.schedule(self)
        self._parts.append(data)

    def flush(self) -> None:
        """Write what is queued."""
        if not self._parts:
            return
        data = b"".join(self._parts)
        self._parts.clear()
        if self.transport.is_closing():  # uvloop raises on a write to a closed socket
            if self.broken is not None:
                self.broken()
            return
        self.transport.write(data)
        if self.congested and not self.closed and self.transport.get_write_buffer_size() > self._max_unread:
            self.closed = True
            self._overflowed()

    def lost(self) -> None:
        """The socket is gone: what is queued is for nobody."""
        self.closed = True
        if self._parts and self.broken is not None:
            self.broken()
        self._parts.clear()


@functools.lru_cache(maxsize=128)  # an event has one size for all whose ids have the same length
def text_header(size: int) -> bytes:
    """The header of an unfragmented, unmasked text frame (RFC 6455, 5.2)."""
    if size < 126:
        return bytes((0x81, size))
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")
