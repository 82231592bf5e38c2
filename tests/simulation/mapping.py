"""The event source mapping: Lambda's poller as it is documented, and at its worst.

Batches of a lane come one after the other, each until it succeeds or is given up to the on-failure destination; one
that failed again from its lowest failed record, halved, or with other borders; one that succeeded again, as after a
poller that forgot its checkpoint; one whose invocation still runs again, as after an answer that was lost. Items keep
their lane (ParallelizationFactor). https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.simulation.kernel import Host, Kernel, Process
from tests.simulation.storage import Storage
from tests.simulation.stream import Shard
from tests.simulation.weather import Weather

Records = Sequence[dict[str, Any]]

FUNCTION_SECONDS = 120.0
FORGOTTEN_SECONDS = 900.0
"""How far back a poller goes that has forgotten its checkpoint: checkpoints are written all the time."""

_MARGIN_SECONDS = 1.0
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.1, 5.0


class Handler(Protocol):
    """The function's code in a container. Deadlines are simulated seconds."""

    def run(self, records: Records, deadline: float) -> Sequence[int]:
        """Publish a batch; the places of those that must come again."""

    def operate(self, event: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Answer an operation."""


@dataclass
class Container:
    """A function's container, with what it keeps from one invocation to the next."""

    host: Host
    handler: Handler


class Function:
    """The publisher's function: warm containers, and cold ones when there is none.

    Attributes:
        busy: invocations that go on, those that were given up included.
    """

    def __init__(self, kernel: Kernel, weather: Weather, cold: Callable[[Host], Handler]) -> None:
        self._kernel = kernel
        self._weather = weather
        self._cold = cold
        self._idle: list[Container] = []
        self._containers = 0
        self.invocations = 0
        self.busy = 0

    async def publish(self, records: Records) -> Sequence[int] | None:
        """The places of failed records; None when the invocation failed as a whole, or nobody knows."""
        what = f"gets {' '.join(short(record) for record in records)}"
        failed: Sequence[int] | None = await self._invoke(what, lambda handler, end: list(handler.run(records, end)))
        return failed

    async def operate(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to an operation; None when the invocation failed, or nobody knows."""
        answer: dict[str, Any] | None = await self._invoke(
            f"gets {event}", lambda handler, end: handler.operate(event, end)
        )
        return answer

    async def _invoke(self, what: str, call: Callable[[Handler, float], Any]) -> Any:
        kernel, strikes = self._kernel, self._weather.strikes
        container = self._container()
        host = container.host
        self.invocations += 1
        seconds = kernel.random.choice([4.0, 9.0]) if strikes("function time-out") else FUNCTION_SECONDS
        deadline = kernel.now + seconds - _MARGIN_SECONDS
        name = f"{host.name}#{self.invocations}"
        kernel.trace(name, what)
        self.busy += 1
        process = kernel.process(host, name, lambda: call(container.handler, deadline))
        process.done.add_done_callback(lambda _: self._release(container, process))
        overlaps = strikes("overlap")
        done, _ = await asyncio.wait({process.done}, timeout=kernel.random.random() * 2.0 if overlaps else seconds)
        if not done:
            kernel.trace(name, "is given up" if overlaps else "is out of time")
            if not overlaps and not strikes("overlap"):
                host.kill()
            return None
        try:
            answer = process.done.result()
        except Exception as error:  # noqa: BLE001 - whatever ends an invocation makes the batch come again
            kernel.trace(name, f"ends with {error!r}")
            return None
        kernel.trace(name, f"answers {answer}")
        return answer

    def _container(self) -> Container:
        if self._idle and not self._weather.strikes("new container"):
            return self._idle.pop(self._kernel.random.randrange(len(self._idle)))
        self._containers += 1
        skew = self._kernel.random.randint(-600_000, 600_000) if self._weather.strikes("skew") else 0
        host = Host(f"container-{self._containers}", skew_ms=skew)
        return Container(host, self._cold(host))

    def _release(self, container: Container, process: Process) -> None:
        self.busy -= 1
        if not container.host.dead and process.done.exception() is None:
            self._idle.append(container)


@dataclass(frozen=True)
class Mapping:
    """The properties of the mapping. `maximum_retries` counts those of one batch."""

    lanes: int
    batch_size: int
    bisects: bool
    maximum_retries: float


class Lane:
    """What a mapping delivers of a shard, of some items.

    Attributes:
        exhausted: the ids of the records that were given up.
    """

    def __init__(
        self, shard: Shard, number: int, mapping: Mapping, *, kernel: Kernel, weather: Weather, function: Function,
        storage: Storage, function_arn: str,
    ) -> None:  # fmt: skip
        self._shard = shard
        self._number = number
        self._mapping = mapping
        self._kernel = kernel
        self._weather = weather
        self._function = function
        self._storage = storage
        self._function_arn = function_arn
        self._read = 0
        self._records: list[dict[str, Any]] = []
        self._position = 0
        self._done_at: list[float] = []
        self._given_up = 0  # the place after the last record that was given up
        self.exhausted: set[str] = set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            if not self.behind:
                self._shard.grown.clear()
                await self._shard.grown.wait()
                await asyncio.sleep(self._kernel.random.expovariate(5.0))
                continue
            size = self._kernel.random.randint(1, self._mapping.batch_size)
            self._position = await self._deliver(self._position, min(self._position + size, len(self._records)))
            self._done_at += [self._kernel.now] * (self._position - len(self._done_at))
            if self._weather.strikes("redeliver"):
                self._forget()

    @property
    def behind(self) -> int:
        """How many records are not done with."""
        for record in self._shard.records[self._read :]:
            if zlib.crc32(str(record["dynamodb"]["Keys"]).encode()) % self._mapping.lanes == self._number:
                self._records.append(record)
        self._read = len(self._shard.records)
        return len(self._records) - self._position

    def _forget(self) -> None:
        """Some of what was done with lately comes again, but nothing that was given up: that was written down."""
        floor = max(self._given_up, self._position - self._kernel.random.randint(1, 2 * self._mapping.batch_size))
        oldest = self._kernel.now - FORGOTTEN_SECONDS
        while self._position > floor and self._done_at[self._position - 1] > oldest:
            self._position -= 1

    async def _deliver(self, start: int, end: int) -> int:
        """Deliver records until all succeeded, or until the rest comes with other borders; where to go on."""
        stack = [(start, end, 0)]
        most = self._mapping.maximum_retries
        while stack:
            start, end, retries = stack.pop()
            failed = await self._function.publish(self._records[start:end])
            if failed is not None and not failed:
                continue
            first = start + min(failed) if failed else start
            if self._weather.strikes("borders"):
                await self._back_off(retries)
                return first
            if failed is None and self._mapping.bisects and end - start > 1:
                middle = (start + end) // 2
                stack += [(middle, end, retries), (start, middle, retries)]
            elif first == start and retries >= most:
                self._give_up(start, end)
            else:
                stack.append((first, end, retries + 1 if first == start else 0))
            await self._back_off(retries)
        return end

    def _give_up(self, start: int, end: int) -> None:
        records = self._records[start:end]
        self._kernel.trace(self._shard.name, f"gives up {' '.join(map(short, records))}")
        self.exhausted |= {record["eventID"] for record in records}
        self._given_up = end
        body = {
            "requestContext": {
                "requestId": "x", "functionArn": self._function_arn, "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 3,
            },
            "payload": json.dumps({"Records": records}),
        }  # fmt: skip
        name = f"aws/lambda/{self._shard.name}/{self._kernel.now:020.6f}-{self._kernel.random.getrandbits(32):x}"
        self._storage.objects[name] = json.dumps(body).encode()

    async def _back_off(self, tries: int) -> None:
        longest = min(_FIRST_BACKOFF_SECONDS * 2 ** min(tries, 30), _LONGEST_BACKOFF_SECONDS)
        await asyncio.sleep(longest * self._kernel.random.uniform(0.5, 1.0))


def short(record: dict[str, Any]) -> str:
    """A record in a few characters."""
    return f"{int(record['eventID'], 16)}{record['eventName'][0]}"
