"""The faults of batches: delivered twice, and in another order across keys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from local.event_sources.delivery import Delivery
from local.event_sources.faulty import FaultyInvoker
from local.event_sources.records import Record
from local.faults import Faults
from local.functions import Invocation, TooManyRequests
from tests.local.event_sources.test_delivery import PARTIAL, Function, fail_on, mapping, report, succeed

NUMBERS = range(1, 41)


def keyed(number: int) -> Record:
    """The record of one of five keys."""
    text = f'{{"dynamodb":{{"SequenceNumber":"{number}"}}}}'
    return Record(text, str(number), 4e9, f"key {number % 5}", len(text))


RECORDS = [keyed(number) for number in NUMBERS]


async def deliver(function: Function, faults: Faults, **settings: object) -> list[int]:
    """Deliver the records and return what was done with, in order."""
    done: list[int] = []

    def note(records: Sequence[Record]) -> None:
        done.extend(int(record.sequence_number) for record in records)

    delivery = Delivery(
        mapping(**settings), "shard", functions=FaultyInvoker(function, faults), destination=None, done=note,
        stopping=asyncio.Event(), faults=faults,
    )  # fmt: skip
    async with asyncio.timeout(20):
        await delivery.deliver(RECORDS)
    return done


def keys_in_order(numbers: Sequence[int]) -> bool:
    return all([n for n in numbers if n % 5 == key] == [n for n in NUMBERS if n % 5 == key] for key in range(5))


@pytest.mark.parametrize("when", ["before", "beside"])
async def test_a_batch_is_delivered_twice_and_done_with_once(when: str) -> None:
    faults = Faults()
    faults.set("duplicate-batch", count=1, when=when)
    function = Function(succeed)
    assert await deliver(function, faults) == [*NUMBERS]
    assert await deliver(function, faults) == [*NUMBERS]
    assert function.batches == [[*NUMBERS]] * 3


async def test_what_happens_to_the_other_delivery_does_not_count() -> None:
    failures = iter([ValueError(1)])

    def answer(_: list[int]) -> None:
        for failure in failures:
            raise failure

    faults = Faults()
    faults.set("duplicate-batch", count=1)
    function = Function(answer)
    assert await deliver(function, faults) == [*NUMBERS]
    assert len(function.batches) == 2


async def test_a_throttled_other_delivery_does_not_count() -> None:
    class Throttled(Function):
        async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:
            if not self.batches:
                self.batches.append([])
                raise TooManyRequests("Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded")
            return await super().invoke(function_arn, event, request_id=request_id)

    faults = Faults()
    faults.set("duplicate-batch", count=1)
    function = Throttled(succeed)
    assert await deliver(function, faults) == [*NUMBERS]
    assert function.batches == [[], [*NUMBERS]]


async def test_keys_come_in_another_order_and_each_in_its_own() -> None:
    faults = Faults()
    faults.set("reorder-keys", seed=1)
    function = Function(succeed)
    assert sorted(await deliver(function, faults)) == [*NUMBERS]
    [batch] = function.batches
    assert batch != [*NUMBERS]
    assert keys_in_order(batch)


async def test_a_failure_in_another_order_loses_nothing() -> None:
    faults = Faults()
    faults.set("reorder-keys", seed=2, count=1)
    failures = iter([7])
    processed: list[int] = []

    def answer(batch: list[int]) -> object:
        for failure in failures:
            processed.extend(batch[: batch.index(failure)])
            return report(failure)
        processed.extend(batch)
        return None

    assert sorted(await deliver(Function(answer), faults, **PARTIAL)) == [*NUMBERS]
    assert sorted(processed) == [*NUMBERS]
    assert keys_in_order(processed)


async def test_one_key_cannot_be_reordered() -> None:
    faults = Faults()
    faults.set("reorder-keys")
    [only] = [fault["set"] for fault in faults.listed() if fault["set"]]
    function = Function(fail_on(99))
    delivery = Delivery(
        mapping(), "shard", functions=function, destination=None, done=lambda _: None, stopping=asyncio.Event(),
        faults=faults,
    )  # fmt: skip
    await delivery.deliver([record for record in RECORDS if record.key == "key 1"])
    assert function.batches == [[number for number in NUMBERS if number % 5 == 1]]
    assert only["struck"] == 0
