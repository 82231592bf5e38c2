"""The event source mapping: Lambda's poller as it is documented, and at its worst.

Batches of a lane come one after the other, each until it succeeds; a failed one again from its lowest failed record,
halved, or with other borders; one that succeeded again, as after a poller that forgot its checkpoint; one whose
invocation still runs again, as after an answer that was lost. Items keep their lane (ParallelizationFactor).
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.kernel import Host, Kernel, Process
from tests.simulation.stream import Shard
from tests.simulation.weather import Weather

Records = Sequence[dict[str, Any]]
Handler = Callable[[Records, float], Sequence[int]]
"""Publishes records until a deadline (simulated seconds); the positions of those that failed."""

FUNCTION_SECONDS = 120.0
STREAM_SECONDS = 24 * 3600
"""How long a stream keeps a record."""

_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.1, 5.0


@dataclass
class Container:
    """A function's container, with what it keeps from one invocation to the next."""

    host: Host
    handle: Handler


class Function:
    """The publisher's function: warm containers, and cold ones when there is none."""

    def __init__(self, kernel: Kernel, weather: Weather, cold: Callable[[Host], Handler]) -> None:
        self._kernel = kernel
        self._weather = weather
        self._cold = cold
        self._idle: list[Container] = []
        self._count = 0
        self.invocations = 0
        self.busy = 0  # invocations that go on, those that were given up included

    async def invoke(self, records: Records) -> Sequence[int] | None:
        """Positions of failed records; None when the invocation failed as a whole, or nobody knows."""
        kernel, strikes = self._kernel, self._weather.strikes
        container = self._container()
        host = container.host
        self.invocations += 1
        seconds = kernel.random.choice([2.0, 6.0]) if strikes("function time-out") else FUNCTION_SECONDS
        deadline = kernel.now + seconds - 1.0
        name = f"{host.name}#{self.invocations}"
        kernel.trace(name, f"gets {' '.join(short(record) for record in records)}")
        self.busy += 1
        process = kernel.process(host, name, lambda: list(container.handle(records, deadline)))
        process.done.add_done_callback(lambda _: self._release(container, process))
        patience = kernel.random.random() * 2.0 if strikes("overlap") else seconds
        done, _ = await asyncio.wait({process.done}, timeout=patience)
        if not done:
            kernel.trace(name, "is given up")
            if patience == seconds and not strikes("overlap"):
                host.kill()
            return None
        try:
            failed = list(process.done.result())
        except Exception as error:  # noqa: BLE001 - whatever ends an invocation makes the batch come again
            kernel.trace(name, f"ends with {error!r}")
            return None
        kernel.trace(name, f"failed: {failed}" if failed else "succeeded")
        return failed

    def _container(self) -> Container:
        if self._idle and not self._weather.strikes("new container"):
            return self._idle.pop(self._kernel.random.randrange(len(self._idle)))
        self._count += 1
        skew = self._kernel.random.randint(-600_000, 600_000) if self._weather.strikes("skew") else 0
        host = Host(f"container-{self._count}", skew_ms=skew)
        return Container(host, self._cold(host))

    def _release(self, container: Container, process: Process) -> None:
        self.busy -= 1
        if not container.host.dead and process.done.exception() is None:
            self._idle.append(container)


class Lane:
    """What a mapping delivers of a shard, of some items: the records with these places."""

    def __init__(
        self, shard: Shard, number: int, lanes: int, *, kernel: Kernel, weather: Weather, function: Function,
        batch_size: int, bisects: bool, matches: Callable[[dict[str, Any]], bool] = lambda _: True,
    ) -> None:  # fmt: skip
        self._shard = shard
        self._number = number
        self._lanes = lanes
        self._kernel = kernel
        self._weather = weather
        self._function = function
        self._batch_size = batch_size
        self._bisects = bisects
        self._matches = matches
        self._read = 0
        self._records: list[dict[str, Any]] = []
        self._position = 0
        self.idle = True

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._take()
            if self._position == len(self._records):
                self.idle = True
                self._shard.grown.clear()
                await self._shard.grown.wait()
                self.idle = False
                await asyncio.sleep(self._kernel.random.expovariate(5.0))
                continue
            size = self._kernel.random.randint(1, self._batch_size)
            self._position = await self._deliver(self._position, min(self._position + size, len(self._records)))
            if self._weather.strikes("redeliver"):
                self._forget()

    @property
    def behind(self) -> int:
        """How many records are not done with."""
        self._take()
        return len(self._records) - self._position

    def _take(self) -> None:
        for record in self._shard.records[self._read :]:
            keys = record["dynamodb"]["Keys"]
            if zlib.crc32(str(keys).encode()) % self._lanes == self._number and self._matches(record):
                self._records.append(record)
        self._read = len(self._shard.records)

    def _forget(self) -> None:
        """Some of what was done with comes again, as far as the stream still has it."""
        floor = max(0, self._position - self._kernel.random.randint(1, 2 * self._batch_size))
        oldest = self._kernel.wall_ms() / 1000 - STREAM_SECONDS
        while (
            self._position > floor
            and self._records[self._position - 1]["dynamodb"]["ApproximateCreationDateTime"] > oldest
        ):
            self._position -= 1

    async def _deliver(self, start: int, end: int) -> int:
        """Deliver records until all succeeded, or until the rest comes with other borders; where to go on."""
        stack = [(start, end)]
        tries = 0
        while stack:
            start, end = stack.pop()
            failed = await self._function.invoke(self._records[start:end])
            if failed is not None and not failed:
                tries = 0
                continue
            first = start + min(failed) if failed else start
            if self._weather.strikes("borders"):
                await self._back_off(tries)
                return first
            if failed is None and self._bisects and end - start > 1:
                middle = (start + end) // 2
                stack += [(middle, end), (start, middle)]
            else:
                stack.append((first, end))
            tries = 0 if first > start else tries + 1
            await self._back_off(tries)
        return end

    async def _back_off(self, tries: int) -> None:
        longest = min(_FIRST_BACKOFF_SECONDS * 2 ** min(tries, 30), _LONGEST_BACKOFF_SECONDS)
        await asyncio.sleep(longest * self._kernel.random.uniform(0.5, 1.0))


def short(record: dict[str, Any]) -> str:
    """A record in a few characters."""
    return f"{int(record['eventID'], 16)}{record['eventName'][0]}"
