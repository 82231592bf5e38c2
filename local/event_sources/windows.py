"""Tumbling windows: the batches of one span of time share a state, and a last invocation gets what it came to.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html. What those leave open is as AWS's library for Go
describes it (aws-lambda-go, events/time_window.go): a window that is ended early "will continue" with the next
invocation, "with a fresh state"; only a final invocation is followed by a new window.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol

from local.event_sources.lanes import Lane
from local.event_sources.records import Record, encoded

LARGEST_STATE_BYTES = 1024 * 1024
GRACE_SECONDS = 1.0
"""How long after its end a window stays open for records that came into the stream before it and are read after."""


@dataclass
class Window:
    """One shard's window, from `start` on (epoch seconds), and the records in it so far."""

    start: float
    seconds: int
    shard: str
    source: str
    state: dict[str, Any] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    @property
    def end(self) -> float:
        return self.start + self.seconds

    @property
    def overflows(self) -> bool:
        """Whether its state is larger than a shard's may be: "Lambda terminates the window early"."""
        return len(encoded(self.state).encode()) > LARGEST_STATE_BYTES

    def members(self, *, final: bool = False, early: bool = False) -> dict[str, Any]:
        """What the event has besides the records."""
        return {
            "window": {"start": _instant(self.start), "end": _instant(self.end)},
            "state": self.state,
            "shardId": self.shard,
            "eventSourceARN": self.source,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": early,
        }


def _instant(epoch_seconds: float) -> str:
    return dt.datetime.fromtimestamp(epoch_seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class WindowDelivery(Protocol):
    """What windows need of `local.event_sources.delivery.Delivery`."""

    async def deliver(self, records: Sequence[Record], window: Window | None = None) -> None: ...
    async def conclude(self, window: Window) -> bool: ...


class Windows:
    """Delivers one lane window by window. `done` gets a window's records when its last invocation is over.

    Nothing of an open window is done with: after a restart it is aggregated anew from its first record, with a fresh
    state, so that no record counts twice.
    """

    def __init__(
        self, seconds: int, shard: str, source: str, delivery: WindowDelivery, done: Callable[[Sequence[Record]], None]
    ) -> None:
        self._seconds = seconds
        self._shard = shard
        self._source = source
        self._delivery = delivery
        self._done = done
        self._open: Window | None = None

    async def run(self, lane: Lane) -> None:
        """Deliver until the lane ends. "When the shard ends, Lambda considers the window closed."""
        while not lane.dropped:
            batch = await lane.batch(until=self._deadline())
            if not batch and (self._open is None or lane.ended):
                break
            if not batch:
                await self._conclude()
            for start, records in groupby(batch, self._start):
                await self._deliver(start, list(records))
        if not lane.dropped:
            await self._conclude()

    def _start(self, record: Record) -> float:
        """When the window of a record begins: by "the time when records were inserted into the stream"."""
        start = record.created // self._seconds * self._seconds
        # Arrival times are approximate; one that goes back stays in the open window.
        return start if self._open is None else max(start, self._open.start)

    async def _deliver(self, start: float, records: list[Record]) -> None:
        if self._open is not None and start > self._open.start:
            await self._conclude()
        if self._open is None:
            self._open = Window(start, self._seconds, self._shard, self._source)
        self._open.records += records
        await self._delivery.deliver(records, self._open)

    async def _conclude(self) -> None:
        window, self._open = self._open, None
        if window is not None and await self._delivery.conclude(window):
            self._done(window.records)

    def _deadline(self) -> float | None:
        """When the open window has to end, in the loop's time."""
        if self._open is None:
            return None
        return asyncio.get_running_loop().time() + self._open.end + GRACE_SECONDS - time.time()
