"""One shard's records on their way to the function: lanes by key, batches in each, one checkpoint for all."""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Sequence

from local.event_sources.records import Record

LARGEST_BATCH_BYTES = 6 * 1024 * 1024 - 1024
"""The invocation's limit, less what is around the records."""

LARGEST_WINDOW_BATCH_BYTES = LARGEST_BATCH_BYTES - 1024 * 1024 - 1024
"""The same where a tumbling window's state of 1 MB comes with them."""


class Progress:
    """How far a shard is done with when its lanes finish in any order. `advance` gets the new checkpoint."""

    def __init__(self, advance: Callable[[str], None]) -> None:
        self._advance = advance
        self._order: deque[str] = deque()
        self._done: set[str] = set()

    def expect(self, record: Record) -> None:
        """The next record of the shard was read."""
        self._order.append(record.sequence_number)

    def done(self, records: Sequence[Record]) -> None:
        """These records are done with: the checkpoint moves to before the first that is not."""
        self._done.update(record.sequence_number for record in records)
        last = None
        while self._order and self._order[0] in self._done:
            last = self._order.popleft()
            self._done.discard(last)
        if last is not None:
            self._advance(last)


class Lane:
    """Records waiting for one invocation after the other, in order."""

    def __init__(self, *, batch_size: int, window_seconds: float, batch_bytes: int = LARGEST_BATCH_BYTES) -> None:
        self._batch_size = batch_size
        self._batch_bytes = batch_bytes
        self._window_seconds = window_seconds
        self._capacity = max(2 * batch_size, 100)
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._closed = False
        self.dropped = False
        """Whether the mapping stops."""
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether no record waits and none comes any more."""
        return self._closed and not self._records

    async def put(self, record: Record) -> None:
        """Append a record; waits while the lane is full. After `drop` records go nowhere."""
        while self._crowded() and not self._closed:
            self._emptied.clear()
            await self._emptied.wait()
        if not self._closed:
            self._records.append(record)
            self._bytes += record.size + 1  # its comma
            self._filled.set()

    def _crowded(self) -> bool:
        return len(self._records) >= self._capacity or self._bytes >= 2 * self._batch_bytes

    def close(self) -> None:
        """No more records come."""
        self._closed = True
        self._filled.set()
        self._emptied.set()

    def drop(self) -> None:
        """Close, and forget what waits."""
        self.dropped = True
        self._records.clear()
        self.close()

    async def batch(self, *, until: float | None = None) -> list[Record]:
        """Wait for the next batch: full by number or bytes, or what came within the batching window.

        Empty when the lane has ended, or when nothing came `until` then (in the loop's time).
        """
        await self._wait(lambda: bool(self._records or self._closed), until)
        if self._window_seconds and self._records:
            deadline = asyncio.get_running_loop().time() + self._window_seconds
            await self._wait(self._full, deadline if until is None else min(deadline, until))
        return self._take()

    async def _wait(self, condition: Callable[[], bool], until: float | None) -> None:
        try:
            async with asyncio.timeout_at(until):
                while not condition():
                    self._filled.clear()
                    await self._filled.wait()
        except TimeoutError:
            pass

    def _full(self) -> bool:
        return self._closed or len(self._records) >= self._batch_size or self._bytes >= self._batch_bytes

    def _take(self) -> list[Record]:
        batch: list[Record] = []
        size = 0
        while self._records and len(batch) < self._batch_size:
            if batch and size + self._records[0].size + 1 > self._batch_bytes:
                break
            record = self._records.popleft()
            batch.append(record)
            size += record.size + 1
        self._bytes -= size
        self._emptied.set()
        return batch


class Lanes:
    """The lanes of a shard (ParallelizationFactor). Records of one key always take the same lane."""

    def __init__(
        self,
        count: int,
        *,
        batch_size: int,
        window_seconds: float,
        advance: Callable[[str], None],
        batch_bytes: int = LARGEST_BATCH_BYTES,
    ) -> None:
        self.progress = Progress(advance)
        self.all = [
            Lane(batch_size=batch_size, window_seconds=window_seconds, batch_bytes=batch_bytes) for _ in range(count)
        ]

    async def put(self, record: Record) -> None:
        """Hand over a record; waits while its lane is full."""
        self.progress.expect(record)
        await self.all[zlib.crc32(record.key.encode()) % len(self.all)].put(record)

    def skip(self, record: Record) -> None:
        """A record that the filters leave out."""
        self.progress.expect(record)
        self.progress.done([record])

    def close(self) -> None:
        """The shard has ended."""
        for lane in self.all:
            lane.close()

    def drop(self) -> None:
        """The mapping stops: what waits is read again when it starts."""
        for lane in self.all:
            lane.drop()
