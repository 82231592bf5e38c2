"""Consumes a stream for one mapping, from its checkpoint, until stopped."""

from __future__ import annotations

import asyncio
import logging
import time

from local.event_sources.checkpoints import Checkpoints
from local.event_sources.delivery import Delivery, Invoker
from local.event_sources.destinations import FailureDestination
from local.event_sources.dynamodb import DynamoDBStream
from local.event_sources.filters import Filters
from local.event_sources.kinesis import KinesisStream
from local.event_sources.lanes import LARGEST_BATCH_BYTES, LARGEST_WINDOW_BATCH_BYTES, Lane, Lanes
from local.event_sources.mappings import StreamMapping
from local.event_sources.records import Record
from local.event_sources.streams import EventSourcesCloud, Read, Shard, Stream
from local.event_sources.windows import Windows
from local.faults import Faults

logger = logging.getLogger("headwater.event_sources")

POLL_SECONDS = 5.0
"""How long a shard goes unread when no notification comes: one may be lost."""

SHARDS_SECONDS = 30.0
"""How often new shards are looked for."""

READ_LIMIT = 1000
FIRST_LIMIT = 100
PAGE_BYTES = 1024 * 1024
"""DynamoDB ends a page at 1 MB, Kinesis at 10 MB, the local cloud nowhere: pages are kept at this size from here."""


class Consumer:
    """One enabled mapping of a stream.

    Raises:
        NotEmulated: its filters or its destination are not known.
    """

    def __init__(
        self,
        mapping: StreamMapping,
        cloud: EventSourcesCloud,
        functions: Invoker,
        checkpoints: Checkpoints,
        faults: Faults | None = None,
    ) -> None:
        self._mapping = mapping
        self._faults = faults
        self._functions = functions
        self._checkpoints = checkpoints
        self._stream: Stream
        if mapping.service == "kinesis":
            self._stream = KinesisStream(cloud, mapping.source, mapping.function_arn)
            self._filters = Filters(mapping.patterns, "data")
        else:
            self._stream = DynamoDBStream(cloud, mapping.source)
            self._filters = Filters(mapping.patterns)
        self._destination = FailureDestination(cloud, mapping.on_failure) if mapping.on_failure else None
        self._stopping = asyncio.Event()
        self.started = False  # the iterators of the first shards are known
        self._changed = asyncio.Event()  # a shard has ended, or it is time to stop
        self._shards: dict[str, asyncio.Task[None]] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        self._lanes: dict[str, Lanes] = {}

    def notify(self) -> None:
        """New records may be there."""
        for wake in self._wakes.values():
            wake.set()

    def stop(self) -> None:
        """Let running invocations finish, then `run` returns."""
        self._stopping.set()
        self._changed.set()
        self.notify()
        for lanes in self._lanes.values():
            lanes.drop()

    async def run(self) -> None:
        """Consume until `stop`.

        Raises:
            ExceptionGroup: of SourceGone (there is no such stream) or errors of boto3 (the cloud does not answer).
        """
        async with asyncio.TaskGroup() as tasks:
            await self._stream.open()
            latest = self._begin()
            while not self._stopping.is_set():
                self._changed.clear()
                shards = await self._stream.shards()
                listed = {shard.id for shard in shards}
                for shard in shards:
                    # Records of a parent come before those of its children; a parent that was trimmed has none left.
                    if shard.id in self._shards or any(self._waits_for(one) for one in listed & set(shard.parents)):
                        continue
                    if not self._stopping.is_set():
                        self._shards[shard.id] = tasks.create_task(self._consume(shard, latest=latest))
                latest = False
                await _wait(self._changed, SHARDS_SECONDS)

    def _waits_for(self, parent: str) -> bool:
        task = self._shards.get(parent)
        return task is None or not task.done()

    def _begin(self) -> bool:
        """Remember where the mapping starts. True when it starts now, after the latest record."""
        mapping = self._mapping
        if self._checkpoints.known(mapping.uuid):
            return False
        starts = {"LATEST": time.time(), "AT_TIMESTAMP": mapping.starting_timestamp}
        self._checkpoints.begin(mapping.uuid, starts.get(mapping.starting_position))
        return mapping.starting_position == "LATEST"

    async def _consume(self, shard: Shard, *, latest: bool) -> None:
        mapping = self._mapping
        lanes = Lanes(
            mapping.parallelization,
            batch_size=mapping.batch_size,
            window_seconds=mapping.window_seconds,
            advance=lambda number: self._checkpoints.advance(mapping.uuid, shard.id, number),
            batch_bytes=LARGEST_WINDOW_BATCH_BYTES if mapping.tumbling_seconds else LARGEST_BATCH_BYTES,
        )
        self._lanes[shard.id] = lanes
        self._wakes[shard.id] = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for lane in lanes.all:
                tasks.create_task(self._deliver(lane, lanes, shard))
            await self._read(shard, lanes, latest=latest)
            lanes.close()
        self._changed.set()

    async def _deliver(self, lane: Lane, lanes: Lanes, shard: Shard) -> None:
        mapping, done = self._mapping, lanes.progress.done
        delivery = Delivery(
            mapping, shard.id, functions=self._functions, destination=self._destination, stopping=self._stopping,
            # What is in a tumbling window is done with when the window is.
            done=(lambda _: None) if mapping.tumbling_seconds else done,
            retention_seconds=self._stream.retention_seconds, faults=self._faults,
        )  # fmt: skip
        if mapping.tumbling_seconds:
            await Windows(mapping.tumbling_seconds, shard.id, mapping.source, delivery, done).run(lane)
            return
        while batch := await lane.batch():
            await delivery.deliver(batch)

    async def _read(self, shard: Shard, lanes: Lanes, *, latest: bool) -> None:
        """Read until the shard ends or the mapping stops."""
        wake = self._wakes[shard.id]
        position = self._checkpoints.sequence_number(self._mapping.uuid, shard.id)
        iterator: str | None = None
        from_beginning = False
        limit = FIRST_LIMIT
        while not self._stopping.is_set():
            if iterator is None:
                iterator, from_beginning = await self._open(shard, position, latest=latest)
                self.started = True
            wake.clear()
            page = await self._stream.records(shard.id, iterator, limit)
            if page is None:
                iterator, latest = None, False
                continue
            iterator = page.iterator
            if page.records:
                size = sum(read.record.size for read in page.records)
                limit = max(1, min(READ_LIMIT, 2 * limit, PAGE_BYTES * len(page.records) // size))
            for read in page.records:
                if not from_beginning or self._is_ours(read.record, position):
                    await self._put(read, lanes)
                    position = read.record.sequence_number
            if iterator is None:
                return
            if not page.more and not self._stopping.is_set():
                await _wait(wake, POLL_SECONDS)

    async def _open(self, shard: Shard, position: str | None, *, latest: bool) -> tuple[str, bool]:
        """An iterator, and whether it starts at the beginning of the shard."""
        if position is not None:
            iterator = await self._stream.iterator(shard.id, "AFTER_SEQUENCE_NUMBER", position)
            if iterator is not None:
                return iterator, False
            logger.warning("%s: its checkpoint is no longer in %s", self._mapping.uuid, self._mapping.source)
        latest = latest and position is None
        iterator = await self._stream.iterator(shard.id, "LATEST" if latest else "TRIM_HORIZON")
        assert iterator is not None  # only sequence numbers are trimmed
        return iterator, not latest

    def _is_ours(self, record: Record, position: str | None) -> bool:
        """Whether a record, read from the beginning on, comes after what is done with or where the mapping started.

        Sequence numbers only grow, within a shard.
        """
        if position is not None:
            return int(record.sequence_number) > int(position)
        since = self._checkpoints.since(self._mapping.uuid)
        return since is None or record.created > since - self._stream.resolution_seconds

    async def _put(self, read: Read, lanes: Lanes) -> None:
        if self._filters.match(read.document):
            await lanes.put(read.record)
        else:
            lanes.skip(read.record)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
