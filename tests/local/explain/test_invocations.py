"""What is remembered of invocations with stream records."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from local.explain import invocations as module
from local.explain.invocations import Invocations, log_lines
from local.functions import Invocation, TooManyRequests

ARN = "arn:aws:lambda:us-east-1:000000000000:function:publish"


class Scripted:
    """Answers what the test says, and waits for `gate` first."""

    def __init__(self) -> None:
        self.answers: list[Invocation | Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:
        del function_arn, event, request_id
        await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else Invocation(b"null", None, b"")
        if isinstance(answer, Exception):
            raise answer
        return answer


def event(*ids: str) -> bytes:
    def record(event_id: str) -> Any:
        image = {"text": {"S": 'a "eventID":"fake" b'}}
        return {"eventID": event_id, "dynamodb": {"SequenceNumber": f"7{event_id[1:]}", "NewImage": image}}

    return json.dumps({"Records": [record(each) for each in ids]}, separators=(",", ":")).encode()


@pytest.fixture
def functions() -> Scripted:
    return Scripted()


@pytest.fixture
def remembered(functions: Scripted) -> Invocations:
    return Invocations(functions)


def outcomes(remembered: Invocations, *ids: str) -> dict[str, str]:
    return {event_id: about["outcome"] for event_id, about in remembered.about(ids).items()}


async def test_a_batch_that_succeeded(remembered: Invocations) -> None:
    await remembered.invoke(ARN, event("e1", "e2"), request_id="r")
    about = remembered.about(["e2", "e3", "fake"])
    assert list(about) == ["e2"]
    assert (about["e2"]["outcome"], about["e2"]["requestId"], about["e2"]["records"]) == ("OK", "r", 2)
    assert about["e2"]["startedAt"] <= about["e2"]["endedAt"]
    assert remembered.last_failure(ARN) is None


async def test_a_partial_failure_tells_the_record_from_those_behind_it(
    functions: Scripted, remembered: Invocations
) -> None:
    failures = b'{"batchItemFailures": [{"itemIdentifier": "72"}]}'
    functions.answers.append(Invocation(failures, None, b'{"level": "ERROR", "message": "no"}\n'))
    await remembered.invoke(ARN, event("e1", "e2", "e3"))
    assert outcomes(remembered, "e1", "e2", "e3") == {"e1": "OK", "e2": "FAILED", "e3": "BEHIND"}
    assert remembered.about(["e2"])["e2"]["log"] == ["ERROR no"]


async def test_an_error_fails_the_whole_batch_until_a_later_attempt(
    functions: Scripted, remembered: Invocations
) -> None:
    error = b'{"errorMessage": "boom", "errorType": "RuntimeError"}'
    functions.answers.append(Invocation(error, "Unhandled", b""))
    await remembered.invoke(ARN, event("e1", "e2"))
    assert outcomes(remembered, "e1", "e2") == {"e1": "FAILED", "e2": "FAILED"}
    failure = remembered.last_failure(ARN)
    assert failure is not None
    assert failure["error"] == "RuntimeError: boom"
    await remembered.invoke(ARN, event("e1", "e2"))
    assert remembered.about(["e1"])["e1"]["attempts"] == 2
    assert outcomes(remembered, "e1") == {"e1": "OK"}


async def test_a_throttled_invocation(functions: Scripted, remembered: Invocations) -> None:
    functions.answers.append(TooManyRequests("Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded"))
    with pytest.raises(TooManyRequests):
        await remembered.invoke(ARN, event("e1"))
    assert remembered.about(["e1"])["e1"]["error"] == "TooManyRequestsException: Rate Exceeded."


async def test_one_that_runs_and_one_that_was_cancelled(functions: Scripted, remembered: Invocations) -> None:
    functions.gate.clear()
    running = asyncio.create_task(remembered.invoke(ARN, event("e1")))
    await asyncio.sleep(0)
    assert outcomes(remembered, "e1") == {"e1": "RUNNING"}
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert outcomes(remembered, "e1") == {"e1": "FAILED"}


async def test_what_is_no_stream_is_passed_on_and_not_remembered(remembered: Invocations) -> None:
    await remembered.invoke(ARN, b'{"operation": "parked.list"}')
    assert not remembered._attempts


async def test_what_is_remembered_is_bounded(remembered: Invocations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INVOCATIONS", 3)
    monkeypatch.setattr(module, "EVENT_IDS", 5)
    for number in range(6):
        await remembered.invoke(ARN, event(f"e{number}"))
    assert list(remembered.about(f"e{number}" for number in range(6))) == ["e5", "e4", "e3"]
    await remembered.invoke(ARN, event("e6", "e7", "e8", "e9"))
    assert len(remembered._attempts) == 2


def test_of_a_log_the_lines_that_tell_something_are_shown() -> None:
    log = (
        b"START RequestId: 1 Version: $LATEST\n"
        b'{"level":"INFO","message":"fine"}\n'
        b'{"level":"ERROR","message":"Could not publish","exception":"Traceback ...\\nRefused: Unauthorized"}\n'
        b"[ERROR] Runtime.ImportModuleError: no\n"
        b"END RequestId: 1\nREPORT RequestId: 1\tDuration: 1 ms\n"
    )
    assert log_lines(log) == [
        "ERROR Could not publish (Refused: Unauthorized)",
        "[ERROR] Runtime.ImportModuleError: no",
    ]
