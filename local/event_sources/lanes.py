"""One shard's records on their way to the function: lanes by item key, batches in each, one checkpoint for all."""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Sequence

from local.event_sources.records import Record

LARGEST_BATCH_BYTES = 6 * 1024 * 1024 - 1024
"""The invocation's limit, less the envelope of the records."""


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

    def __init__(self, *, batch_size: int, window_seconds: float) -> None:
        self._batch_size = batch_size
        self._window_seconds = window_seconds
        self._capacity = max(2 * batch_size, 100)
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._closed = False
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    async def put(self, record: Record) -> None:
        """Append a record; waits while the lane is full. After `drop` records go nowhere."""
        while len(self._records) >= self._capacity and not self._closed:
            self._emptied.clear()
            await self._emptied.wait()
        if not self._closed:
            self._records.append(record)
            self._bytes += record.size
            self._filled.set()

    def close(self) -> None:
        """No more records come."""
        self._closed = True
        self._filled.set()
        self._emptied.set()

    def drop(self) -> None:
        """Close, and forget what waits."""
        self._records.clear()
        self.close()

    async def batch(self) -> list[Record]:
        """Wait for the next batch: full by number or bytes, or what came within the window. Empty when closed."""
        while not self._records and not self._closed:
            self._filled.clear()
            await self._filled.wait()
        deadline = asyncio.get_running_loop().time() + self._window_seconds
        while self._window_seconds and self._records and not self._full():
            self._filled.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._filled.wait()
            except TimeoutError:
                break
        return self._take()

    def _full(self) -> bool:
        return self._closed or len(self._records) >= self._batch_size or self._bytes >= LARGEST_BATCH_BYTES

    def _take(self) -> list[Record]:
        batch: list[Record] = []
        size = 0
        while self._records and len(batch) < self._batch_size:
            if batch and size + self._records[0].size > LARGEST_BATCH_BYTES:
                break
            record = self._records.popleft()
            batch.append(record)
            size += record.size
        self._bytes -= size
        self._emptied.set()
        return batch


class Lanes:
    """The lanes of a shard (ParallelizationFactor). Records of one item always take the same lane."""

    def __init__(self, count: int, *, batch_size: int, window_seconds: float, advance: Callable[[str], None]) -> None:
        self.progress = Progress(advance)
        self.all = [Lane(batch_size=batch_size, window_seconds=window_seconds) for _ in range(count)]

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
