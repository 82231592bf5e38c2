"""What holds of a delivery whatever the function does, under seeded schedules of failures."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from local.event_sources import delivery as deliveries
from local.event_sources.delivery import Delivery
from local.event_sources.destinations import Discarded
from local.event_sources.lanes import Lanes
from local.event_sources.mappings import StreamMapping, parse
from local.event_sources.records import Record
from local.functions import CannotStart, Invocation, TooManyRequests

STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/readings"


class Chaos:
    """A function that succeeds, fails, reports, answers nonsense or is throttled, as its seed says.

    Records whose number is in `poison` never succeed.
    """

    def __init__(self, seed: int, poison: set[int]) -> None:
        self.random = random.Random(seed)
        self.poison = poison
        self.succeeded: list[int] = []
        self.attempts: Counter[int] = Counter()
        self.running: Counter[str] = Counter()

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:  # noqa: ARG002
        """See `Functions.invoke`."""
        records = [(record["n"], record["k"]) for record in json.loads(event)["Records"]]
        for key in {key for _, key in records}:
            self.running[key] += 1
            assert self.running[key] == 1, "two batches with records of one key at a time"
        try:
            await asyncio.sleep(0)
            return self._answer([number for number, _ in records])
        finally:
            self.running.subtract({key for _, key in records})

    def _answer(self, numbers: list[int]) -> Invocation:
        luck = self.random.random()
        if luck < 0.1:
            raise TooManyRequests("Rate Exceeded.", "ConcurrentInvocationLimitExceeded")
        if luck < 0.15:
            raise CannotStart("not now")
        self.attempts.update(numbers)
        if luck < 0.25:
            return Invocation(b'{"errorMessage": "no"}', "Unhandled", b"")
        if luck < 0.3:
            return Invocation(self.random.choice([b'"x"', b'{"batchItemFailures": [{"id": 1}]}', b"[]"]), None, b"")
        first = next((place for place, number in enumerate(numbers) if number in self.poison), len(numbers))
        if first == len(numbers) and luck < 0.5:
            first = self.random.randrange(len(numbers))
        if first < len(numbers) and luck < 0.6:
            return Invocation(b'{"errorMessage": "poison"}', "Unhandled", b"")
        self.succeeded += numbers[:first]
        # Reported in any order, and perhaps with others that come later anyway.
        reported = numbers[first : first + 1] + self.random.sample(numbers[first + 1 :], len(numbers[first + 1 :]) // 2)
        self.random.shuffle(reported)
        answer = {"batchItemFailures": [{"itemIdentifier": str(number)} for number in reported]}
        return Invocation(json.dumps(answer).encode(), None, b"")


class Destination:
    """Keeps what is discarded."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    async def send(self, discarded: Discarded) -> None:
        """See `FailureDestination.send`."""
        self.numbers += [int(record.sequence_number) for record in discarded.records]


def mapping(chance: random.Random) -> StreamMapping:
    """A mapping with settings of chance. All report failures: the function's answer must mean something."""
    settings: dict[str, Any] = {
        "BatchSize": chance.choice([1, 3, 10, 100]),
        "ParallelizationFactor": chance.choice([1, 2, 5]),
        "MaximumRetryAttempts": chance.choice([0, 1, 3]),
        "BisectBatchOnFunctionError": chance.choice([True, False]),
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    described = {"UUID": "m", "EventSourceArn": STREAM, "FunctionArn": "f", "State": "Enabled"}
    parsed = parse(described | settings)
    assert isinstance(parsed, StreamMapping)
    return parsed


@pytest.mark.parametrize("seed", range(60))
async def test_every_record_is_done_with_once_in_order_of_its_key(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "FIRST_BACKOFF_SECONDS", 0.0)
    chance = random.Random(seed)
    settings = mapping(chance)
    count = chance.randrange(1, 60)
    function = Chaos(seed, set(chance.sample(range(count), count // 10)))
    destination = Destination()
    checkpoints: list[int] = []
    lanes = Lanes(
        settings.parallelization, batch_size=settings.batch_size, window_seconds=0,
        advance=lambda number: checkpoints.append(int(number)),
    )  # fmt: skip
    done: list[int] = []

    def note(records: Sequence[Record]) -> None:
        done.extend(int(record.sequence_number) for record in records)
        lanes.progress.done(records)

    async def deliver(lane: Any) -> None:
        delivery = Delivery(
            settings, "shard", functions=function, destination=destination, done=note, stopping=asyncio.Event()
        )
        while batch := await lane.batch():
            await delivery.deliver(batch)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for lane in lanes.all:
            tasks.create_task(deliver(lane))
        for number in range(count):
            key = f"k{chance.randrange(5)}"
            event = {"n": number, "k": key}
            await lanes.put(Record.of(event, sequence_number=str(number), created=2e9, key=key))
        lanes.close()

    assert sorted(done) == list(range(count)), "done with each record exactly once"
    assert Counter(function.succeeded) + Counter(destination.numbers) >= Counter(range(count)), "nothing is lost"
    assert max(Counter(destination.numbers).values(), default=1) == 1
    assert set(destination.numbers) >= function.poison, "poison is discarded"
    assert checkpoints == sorted(checkpoints)
    assert checkpoints[-1] == count - 1
