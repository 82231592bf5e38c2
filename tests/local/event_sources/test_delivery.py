"""What happens to a batch, against a function whose answers are given."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from local.event_sources.delivery import Delivery
from local.event_sources.destinations import Discarded, description
from local.event_sources.dynamodb import read
from local.event_sources.mappings import StreamMapping, parse
from local.event_sources.records import Record
from local.functions import Invocation, TooManyRequests

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/Main/stream/2026-11-21T00:00:00.000"


def mapping(**settings: Any) -> StreamMapping:
    """A mapping with fields of the Lambda API."""
    described = {"UUID": "m-1", "EventSourceArn": STREAM, "FunctionArn": "f", "State": "Enabled"}
    parsed = parse(described | settings)
    assert isinstance(parsed, StreamMapping)
    return parsed


def record(number: int, *, created: float | None = None) -> Record:
    """The stream's record with this sequence number."""
    change = {
        "ApproximateCreationDateTime": created or time.time(),
        "Keys": {"pk": {"S": f"k{number}"}}, "SequenceNumber": str(number), "StreamViewType": "KEYS_ONLY",
    }  # fmt: skip
    raw = {"eventID": "e", "eventName": "INSERT", "awsRegion": "us-east-1", "dynamodb": change}
    return read(raw, STREAM).record


class Function:
    """Answers each batch, given as its sequence numbers, by `answer`: a result, or an exception for a failure."""

    def __init__(self, answer: Callable[[list[int]], Any]) -> None:
        self.batches: list[list[int]] = []
        self._answer = answer

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:  # noqa: ARG002
        """See `Functions.invoke`."""
        batch = [int(one["dynamodb"]["SequenceNumber"]) for one in json.loads(event)["Records"]]
        self.batches.append(batch)
        try:
            return Invocation(json.dumps(self._answer(batch)).encode(), None, b"")
        except ValueError as error:
            return Invocation(json.dumps({"errorMessage": str(error)}).encode(), "Unhandled", b"")


class Delivered:
    """A delivery of records and what was done with, in order."""

    def __init__(self, function: Function, settings: dict[str, Any]) -> None:
        self.done: list[int] = []
        self.stopping = asyncio.Event()
        self.delivery = Delivery(
            mapping(**settings), "shard", functions=function, destination=None, done=self._note, stopping=self.stopping
        )

    def _note(self, records: Sequence[Record]) -> None:
        self.done += [int(record.sequence_number) for record in records]


async def deliver(function: Function, records: Sequence[Record], **settings: Any) -> list[int]:
    """Deliver and return what was done with."""
    delivered = Delivered(function, settings)
    async with asyncio.timeout(20):
        await delivered.delivery.deliver(records)
    return delivered.done


def succeed(_: list[int]) -> None:
    """A function that is always content."""


def fail_on(number: int) -> Callable[[list[int]], Any]:
    """A function that fails when the batch has this record."""

    def answer(batch: list[int]) -> None:
        if number in batch:
            raise ValueError(number)

    return answer


def report(*numbers: int) -> dict[str, Any]:
    """A partial failure."""
    return {"batchItemFailures": [{"itemIdentifier": str(number)} for number in numbers]}


FOUR = [record(number) for number in (1, 2, 3, 4)]
PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


async def test_a_batch_that_succeeds_is_invoked_once() -> None:
    function = Function(succeed)
    assert await deliver(function, FOUR) == [1, 2, 3, 4]
    assert function.batches == [[1, 2, 3, 4]]


async def test_a_batch_that_fails_is_retried_whole_until_it_succeeds() -> None:
    failures = iter([ValueError("first"), ValueError("second"), None])

    def answer(batch: list[int]) -> None:
        if error := next(failures):
            raise error

    function = Function(answer)
    assert await deliver(function, FOUR) == [1, 2, 3, 4]
    assert function.batches == [[1, 2, 3, 4]] * 3


async def test_retries_end_after_the_maximum() -> None:
    function = Function(fail_on(1))
    assert await deliver(function, FOUR, MaximumRetryAttempts=2) == [1, 2, 3, 4]
    assert len(function.batches) == 3


async def test_without_retries_a_failure_is_final() -> None:
    function = Function(fail_on(1))
    await deliver(function, FOUR, MaximumRetryAttempts=0)
    assert len(function.batches) == 1


async def test_bisection_isolates_the_bad_record_and_keeps_the_order() -> None:
    function = Function(fail_on(3))
    done = await deliver(function, FOUR, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True)
    assert done == [1, 2, 3, 4]
    assert function.batches == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [4]]


async def test_a_reported_failure_is_retried_from_the_lowest_on() -> None:
    answers = iter([report(4, 3), None])
    function = Function(lambda _: next(answers))
    assert await deliver(function, FOUR, **PARTIAL) == [1, 2, 3, 4]
    assert function.batches == [[1, 2, 3, 4], [3, 4]]


async def test_a_reported_failure_that_stays_is_given_up_after_the_maximum() -> None:
    function = Function(lambda batch: report(3) if 3 in batch else None)
    assert await deliver(function, FOUR, MaximumRetryAttempts=1, **PARTIAL) == [1, 2, 3, 4]
    assert function.batches == [[1, 2, 3, 4], [3, 4], [3, 4]]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
async def test_an_empty_answer_is_success(answer: Any) -> None:
    function = Function(lambda _: answer)
    await deliver(function, FOUR, MaximumRetryAttempts=1, **PARTIAL)
    assert len(function.batches) == 1


@pytest.mark.parametrize(
    "answer",
    ["done", [], {"batchItemFailures": "3"}, {"batchItemFailures": [{"itemIdentifier": ""}]},
     {"batchItemFailures": [{"itemIdentifier": None}]}, {"batchItemFailures": [{"id": "3"}]},
     {"batchItemFailures": [{"itemIdentifier": "99"}]}, {"batchItemFailures": ["3"]}],
)  # fmt: skip
async def test_a_malformed_answer_fails_the_whole_batch(answer: Any) -> None:
    function = Function(lambda _: answer)
    await deliver(function, FOUR, MaximumRetryAttempts=1, **PARTIAL)
    assert function.batches == [[1, 2, 3, 4]] * 2


async def test_answers_mean_nothing_unless_the_mapping_says_so() -> None:
    function = Function(lambda _: report(1))
    await deliver(function, FOUR)
    assert len(function.batches) == 1


async def test_records_that_are_too_old_are_not_delivered() -> None:
    function = Function(succeed)
    records = [record(1, created=time.time() - 120), record(2)]
    assert await deliver(function, records, MaximumRecordAgeInSeconds=60) == [1, 2]
    assert function.batches == [[2]]


class Destination:
    """Keeps what is discarded."""

    def __init__(self) -> None:
        self.discarded: list[Discarded] = []

    async def send(self, discarded: Discarded) -> None:
        """See `FailureDestination.send`."""
        self.discarded.append(discarded)


async def test_records_that_are_too_old_are_described_as_such() -> None:
    destination = Destination()
    delivery = Delivery(
        mapping(MaximumRecordAgeInSeconds=60), "shard", functions=Function(succeed), destination=destination,
        done=lambda _: None, stopping=asyncio.Event(),
    )  # fmt: skip
    await delivery.deliver([record(1, created=time.time() - 120), record(2)])
    (discarded,) = destination.discarded
    described = description(discarded)
    assert described["requestContext"]["condition"] == "RecordAgeExceeded"
    assert described["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in described
    assert described["DDBStreamBatchInfo"]["batchSize"] == 1


async def test_records_expire_with_the_stream_also_without_a_maximum_age() -> None:
    function, destination = Function(succeed), Destination()
    delivery = Delivery(
        mapping(), "shard", functions=function, destination=destination, done=lambda _: None,
        stopping=asyncio.Event(), retention_seconds=86400,
    )  # fmt: skip
    await delivery.deliver([record(1, created=time.time() - 86500), record(2, created=time.time() - 86300)])
    assert function.batches == [[2]]


async def test_throttling_is_no_attempt() -> None:
    throttles = iter([True] * 3 + [False])

    class Throttled(Function):
        async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:  # noqa: ARG002
            if next(throttles):
                raise TooManyRequests("Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded")
            return await super().invoke(function_arn, event)

    function = Throttled(succeed)
    assert await deliver(function, FOUR, MaximumRetryAttempts=0) == [1, 2, 3, 4]
    assert len(function.batches) == 1


async def test_stopping_ends_between_attempts_and_leaves_the_rest() -> None:
    delivered: Delivered | None = None

    def answer(batch: list[int]) -> Any:
        assert delivered is not None
        delivered.stopping.set()
        return report(3)

    delivered = Delivered(Function(answer), PARTIAL)
    await delivered.delivery.deliver(FOUR)
    assert delivered.done == [1, 2]
