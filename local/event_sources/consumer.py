"""Consumes a stream for one mapping, from its checkpoint, until stopped."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import Any, Protocol

from local.event_sources.checkpoints import Checkpoints
from local.event_sources.delivery import Delivery, Invoker
from local.event_sources.destinations import FailureDestination
from local.event_sources.filters import compile_filters
from local.event_sources.lanes import Lane, Lanes
from local.event_sources.mappings import Mapping
from local.event_sources.records import Record, lambda_record
from local.event_sources.streams import Shard, StreamReader

logger = logging.getLogger("headwater.event_sources")

POLL_SECONDS = 2.0
"""How long a shard goes unread when no notification comes: one may be lost."""

SHARDS_SECONDS = 30.0
"""How often new shards are looked for."""

READ_LIMIT = 1000
READ_BYTES = 512 * 1024
"""A page with fewer records and fewer bytes than half of GetRecords' limits was the end of the shard."""


class ConsumerCloud(Protocol):
    """What consuming needs of `local.cloud.Cloud`."""

    def client(self, service: Any) -> Any: ...


class Consumer:
    """One enabled mapping.

    Raises:
        NotEmulated: its filters or its destination are not known.
    """

    def __init__(self, mapping: Mapping, cloud: ConsumerCloud, functions: Invoker, checkpoints: Checkpoints) -> None:
        self._mapping = mapping
        self._functions = functions
        self._checkpoints = checkpoints
        self._reader = StreamReader(cloud, mapping.stream_arn)
        self._matches = compile_filters(mapping.patterns)
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
            ExceptionGroup: of StreamGone (there is no such stream) or errors of boto3 (the cloud does not answer).
        """
        latest = self._begin()
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping.is_set():
                self._changed.clear()
                shards = await self._reader.shards()
                for shard in shards:
                    # Records of a parent come before those of its children; a parent that was trimmed has none left.
                    parent = self._shards.get(shard.parent or "")
                    waits = parent is not None and not parent.done()
                    if shard.id not in self._shards and not waits and not self._stopping.is_set():
                        self._shards[shard.id] = tasks.create_task(self._consume(shard, latest=latest))
                latest = False
                await _wait(self._changed, SHARDS_SECONDS)

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
        )
        delivery = Delivery(
            mapping, shard.id, functions=self._functions, destination=self._destination, done=lanes.progress.done,
            stopping=self._stopping,
        )  # fmt: skip
        self._lanes[shard.id] = lanes
        self._wakes[shard.id] = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for lane in lanes.all:
                tasks.create_task(self._deliver(lane, delivery))
            await self._read(shard, lanes, latest=latest)
            lanes.close()
        self._changed.set()

    async def _deliver(self, lane: Lane, delivery: Delivery) -> None:
        while batch := await lane.batch():
            await delivery.deliver(batch)

    async def _read(self, shard: Shard, lanes: Lanes, *, latest: bool) -> None:
        """Read until the shard ends or the mapping stops."""
        wake = self._wakes[shard.id]
        position = self._checkpoints.sequence_number(self._mapping.uuid, shard.id)
        iterator: str | None = None
        from_beginning = False
        while not self._stopping.is_set():
            if iterator is None:
                iterator, from_beginning = await self._open(shard, position, latest=latest)
                self.started = True
            wake.clear()
            answer = await self._reader.records(iterator, READ_LIMIT)
            if answer is None:
                iterator, latest = None, False
                continue
            page, iterator = answer
            size = 0
            for raw in page:
                record = lambda_record(raw, self._mapping.stream_arn)
                size += record.size
                if not from_beginning or self._is_ours(record, position):
                    await self._put(record, lanes)
                    position = record.sequence_number
            if iterator is None:
                return
            if len(page) < READ_LIMIT / 2 and size < READ_BYTES and not self._stopping.is_set():
                await _wait(wake, POLL_SECONDS)

    async def _open(self, shard: Shard, position: str | None, *, latest: bool) -> tuple[str, bool]:
        """An iterator, and whether it starts at the beginning of the shard."""
        if position is not None:
            iterator = await self._reader.iterator(shard.id, "AFTER_SEQUENCE_NUMBER", position)
            if iterator is not None:
                return iterator, False
            logger.warning("%s: its checkpoint is no longer in %s", self._mapping.uuid, self._mapping.stream_arn)
        latest = latest and position is None
        iterator = await self._reader.iterator(shard.id, "LATEST" if latest else "TRIM_HORIZON")
        assert iterator is not None  # only sequence numbers are trimmed
        return iterator, not latest

    def _is_ours(self, record: Record, position: str | None) -> bool:
        """Whether a record, read from the beginning on, comes after what is done with or where the mapping started.

        Sequence numbers only grow, within a shard.
        """
        if position is not None:
            return int(record.sequence_number) > int(position)
        since = self._checkpoints.since(self._mapping.uuid)
        return since is None or record.created >= math.floor(since)  # records have whole seconds

    async def _put(self, record: Record, lanes: Lanes) -> None:
        if self._matches(record.event):
            await lanes.put(record)
        else:
            lanes.skip(record)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
