"""Tumbling windows, against a function whose answers are given."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from local.event_sources.delivery import Delivery
from local.event_sources.destinations import Discarded
from local.event_sources.lanes import Lane
from local.event_sources.mappings import StreamMapping, parse
from local.event_sources.records import Record
from local.event_sources.windows import LARGEST_STATE_BYTES, Windows
from local.functions import Invocation
from tests.local.event_sources.conftest import until

SECONDS = 60
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/readings"
THIS_HOUR = time.time() // 3600 * 3600 - 3600  # windows of an hour ago are over, so that nothing has to be waited for


class Function:
    """Answers each event by `answer`: a result, or an exception for a failure."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        self.events: list[dict[str, Any]] = []
        self._answer = answer

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:  # noqa: ARG002
        """See `Functions.invoke`."""
        self.events.append(json.loads(event))
        try:
            return Invocation(json.dumps(self._answer(self.events[-1])).encode(), None, b"")
        except ValueError as error:
            return Invocation(json.dumps({"errorMessage": str(error)}).encode(), "Unhandled", b"")

    def seen(self) -> list[tuple[list[str], Any, bool, bool]]:
        """Each event: its records, its state, whether it is the window's last, whether the window ended early."""
        return [
            ([record["n"] for record in event["Records"]], event["state"], event["isFinalInvokeForWindow"],
             event["isWindowTerminatedEarly"])
            for event in self.events
        ]  # fmt: skip


class Destination:
    """Keeps what is discarded."""

    def __init__(self) -> None:
        self.discarded: list[Discarded] = []

    async def send(self, discarded: Discarded) -> None:
        """See `FailureDestination.send`."""
        self.discarded.append(discarded)


def record(name: str, second: float) -> Record:
    """A record that came in at this second of the hour."""
    return Record.of({"n": name}, sequence_number=name[1:], created=THIS_HOUR + second, key="k")


def count(event: dict[str, Any]) -> Any:
    """Counts records."""
    return {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}


class Run:
    """A lane, delivered in windows to its end."""

    def __init__(self, function: Function, **settings: Any) -> None:
        described = {
            "UUID": "m-1", "EventSourceArn": STREAM, "FunctionArn": "f", "State": "Enabled", "BatchSize": 2,
            "TumblingWindowInSeconds": SECONDS,
        }  # fmt: skip
        parsed = parse(described | settings)
        assert isinstance(parsed, StreamMapping)
        self.done: list[list[str]] = []
        self.stopping = asyncio.Event()
        self.destination = Destination()
        self.lane = Lane(batch_size=parsed.batch_size, window_seconds=0)
        delivery = Delivery(
            parsed, "shard-1", functions=function, destination=self.destination, done=self._unexpected,
            stopping=self.stopping,
        )  # fmt: skip
        self.windows = Windows(SECONDS, "shard-1", STREAM, delivery, self._note)

    def _unexpected(self, records: Sequence[Record]) -> None:
        """Nothing of an open window is done with."""

    def _note(self, records: Sequence[Record]) -> None:
        self.done.append([record.sequence_number for record in records])

    async def deliver(self, *records: Record) -> None:
        """Deliver these, then the shard ends."""
        for one in records:
            await self.lane.put(one)
        self.lane.close()
        async with asyncio.timeout(20):
            await self.windows.run(self.lane)


async def test_batches_of_a_window_share_a_state_and_the_last_event_has_no_records() -> None:
    function = Function(count)
    run = Run(function)
    await run.deliver(record("r1", 0), record("r2", 10), record("r3", 59), record("r4", 60))
    assert function.seen() == [
        (["r1", "r2"], {}, False, False),
        (["r3"], {"count": 2}, False, False),
        ([], {"count": 3}, True, False),
        (["r4"], {}, False, False),
        ([], {"count": 1}, True, False),
    ]
    assert run.done == [["1", "2", "3"], ["4"]]
    spans = [event["window"] for event in function.events]
    assert spans[0] == spans[2] != spans[3]
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(THIS_HOUR))
    assert spans[0] == {"start": start, "end": start[:14] + "01:00Z"}
    assert function.events[0]["shardId"] == "shard-1"
    assert function.events[0]["eventSourceARN"] == STREAM


async def test_an_answer_without_state_is_a_failure() -> None:
    answers: list[Any] = [None, {}, {"state": None}, {"state": {"count": 1}}, "x", {"state": {}}]
    function = Function(lambda _: answers.pop(0))
    run = Run(function)
    await run.deliver(record("r1", 0))
    assert [final for _, _, final, _ in function.seen()] == [False] * 4 + [True] * 2
    assert run.done == [["1"]]


async def test_a_failed_batch_is_tried_with_the_state_before_it() -> None:
    failures = iter([False, True, True, False, False])

    def answer(event: dict[str, Any]) -> Any:
        if next(failures):
            raise ValueError("no")
        return count(event)

    function = Function(answer)
    await Run(function).deliver(record("r1", 0), record("r2", 0), record("r3", 0))
    assert [state for _, state, _, _ in function.seen()] == [{}, {"count": 2}, {"count": 2}, {"count": 2}, {"count": 3}]


async def test_what_a_partial_failure_aggregated_is_kept() -> None:
    def answer(event: dict[str, Any]) -> Any:
        names = [each["n"] for each in event["Records"]]
        if names == ["r1", "r2"]:
            return {"state": {"names": ["r1"]}, "batchItemFailures": [{"itemIdentifier": "2"}]}
        return {"state": {"names": event["state"].get("names", []) + names}, "batchItemFailures": []}

    numbered = [Record.of({"n": name}, sequence_number=name[1:], created=THIS_HOUR, key="k") for name in ("r1", "r2")]
    function = Function(answer)
    await Run(function, FunctionResponseTypes=["ReportBatchItemFailures"]).deliver(*numbered)
    assert function.seen() == [
        (["r1", "r2"], {}, False, False),
        (["r2"], {"names": ["r1"]}, False, False),
        ([], {"names": ["r1", "r2"]}, True, False),
    ]


async def test_a_state_over_the_limit_ends_the_window_early_and_it_goes_on_anew() -> None:
    def answer(event: dict[str, Any]) -> Any:
        return {"state": {"big": "x" * LARGEST_STATE_BYTES} if "r1" in str(event["Records"]) else {"small": 1}}

    function = Function(answer)
    run = Run(function, BatchSize=1)
    await run.deliver(record("r1", 0), record("r2", 1))
    shown = [(names, sorted(state), final, early) for names, state, final, early in function.seen()]
    assert shown == [
        (["r1"], [], False, False),
        ([], ["big"], False, True),
        (["r2"], [], False, False),
        ([], ["small"], True, False),
    ]
    assert function.events[2]["window"] == function.events[0]["window"]
    assert run.done == [["1", "2"]]


async def test_the_last_event_is_tried_until_its_retries_are_exhausted() -> None:
    def answer(event: dict[str, Any]) -> Any:
        if event["isFinalInvokeForWindow"]:
            raise ValueError("never")
        return count(event)

    function = Function(answer)
    run = Run(function, MaximumRetryAttempts=2)
    await run.deliver(record("r1", 0), record("r2", 70))
    assert [final for _, _, final, _ in function.seen()] == [False, True, True, True] * 2
    assert run.done == [["1"], ["2"]]
    first = run.destination.discarded[0]
    assert (first.condition, first.invocations) == ("RetryAttemptsExhausted", 3)
    assert json.loads(first.event)["isFinalInvokeForWindow"] is True


async def test_a_discarded_batch_leaves_the_window_as_it_was() -> None:
    def answer(event: dict[str, Any]) -> Any:
        if "r2" in str(event["Records"]):
            raise ValueError("r2")
        return count(event)

    function = Function(answer)
    run = Run(function, MaximumRetryAttempts=0, BatchSize=1)
    await run.deliver(record("r1", 0), record("r2", 1), record("r3", 2))
    assert function.seen()[-1] == ([], {"count": 2}, True, False)
    assert [[one.sequence_number for one in each.records] for each in run.destination.discarded] == [["2"]]


async def test_a_record_whose_time_goes_back_stays_in_the_open_window() -> None:
    function = Function(count)
    run = Run(function)
    await run.deliver(record("r1", 61), record("r2", 59))
    assert run.done == [["1", "2"]]


async def test_stopping_leaves_an_open_window_undone() -> None:
    function = Function(count)
    run = Run(function)
    await run.lane.put(Record.of({"n": "r1"}, sequence_number="1", created=time.time() + 3600, key="k"))
    running = asyncio.create_task(run.windows.run(run.lane))
    await until(lambda: bool(function.events))
    run.stopping.set()
    run.lane.drop()
    await running
    assert len(function.events) == 1
    assert run.done == []
