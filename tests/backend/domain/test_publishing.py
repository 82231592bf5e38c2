"""Publish mutations over the wire: signatures, one connection, and which failures are worth another attempt."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from botocore.credentials import Credentials

from domain import publishing, topics
from domain.envelopes import Envelope
from domain.events import Entry
from domain.publishing import Publisher, Refused, Unreachable
from tests.scripted_appsync import BREAKS, HANGS, REGION, SECRET_ACCESS_KEY, Answer, ScriptedAppSync, scripted_appsync

ENVELOPE = Envelope(topics.room("löbby"), (Entry(7, 0, '{"seq":7,"eventId":"e","message":{"text":"é\\n"}}'),))


@pytest.fixture
def appsync() -> Iterator[ScriptedAppSync]:
    with scripted_appsync() as server:
        yield server


@pytest.fixture
def publisher(appsync: ScriptedAppSync) -> Iterator[Publisher]:
    made = Publisher(appsync.url, REGION, Credentials("AKIAEXAMPLE", SECRET_ACCESS_KEY, "token"))
    yield made
    made.close()


def soon(seconds: float = 10) -> float:
    return time.monotonic() + seconds


def test_an_envelope_arrives_signed_and_whole(appsync: ScriptedAppSync, publisher: Publisher) -> None:
    publisher.publish(ENVELOPE, soon())
    assert appsync.inputs == [json.loads(ENVELOPE.text)]


def test_one_connection_serves_many(appsync: ScriptedAppSync, publisher: Publisher) -> None:
    for _ in range(5):
        publisher.publish(ENVELOPE, soon())
    assert (len(appsync.inputs), appsync.connections) == (5, 1)


@pytest.mark.parametrize(
    "obstacle",
    [
        (429, {"errors": [{"errorType": "TooManyRequestsException", "message": "Rate exceeded"}]}),
        (500, b"oops"),
        (503, b""),
        (200, b"not JSON"),
        (200, b"[]"),
        (401, {"errors": [{"errorType": "UnauthorizedException", "message": "Permission denied"}]}),
        (403, {"Message": "blocked"}),
        (404, b""),
        (200, {"data": {"publishMessages": None}, "errors": [{"errorType": "Unauthorized", "message": "No"}]}),
        (200, {"data": None, "errors": [{"message": "Validation error of type FieldUndefined: Field 'x' ..."}]}),
        (200, {"errors": [{"errorType": "ExecutionTimeout", "message": "Execution timed out."}], "data": None}),
        BREAKS,
    ],
)
def test_a_passing_obstacle_is_waited_out(appsync: ScriptedAppSync, publisher: Publisher, obstacle: Answer) -> None:
    appsync.script = [obstacle, obstacle]
    publisher.publish(ENVELOPE, soon())
    assert len(appsync.inputs) == 3


def test_silence_is_waited_out(appsync: ScriptedAppSync, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_LONGEST_ANSWER_SECONDS", 0.1)
    appsync.script = [HANGS]
    publisher.publish(ENVELOPE, soon())
    assert len(appsync.inputs) == 2


def test_an_obstacle_that_stays_ends_with_the_time(appsync: ScriptedAppSync, publisher: Publisher) -> None:
    appsync.script = [(503, b"down")] * 1000
    started = time.monotonic()
    with pytest.raises(Unreachable, match="room:löbby 7-7: HTTP 503"):
        publisher.publish(ENVELOPE, soon(0.5))
    assert time.monotonic() - started < 1.5
    assert len(appsync.inputs) > 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (200, {"data": None, "errors": [{"message": "Variable 'version' has an invalid value."}]}),
            "error: Variable 'version'",
        ),
        (
            (200, {"data": {"publishMessages": None}, "errors": [{"errorType": "Code", "message": "boom"}]}),
            "Code: boom",
        ),
        ((400, {"errors": [{"errorType": "BadRequestException", "message": "No"}]}), "BadRequestException: No"),
        ((413, b"too large"), "HTTP 413: too large"),
        ((200, {"data": {"publishMessages": None}}), "HTTP 200"),
    ],
)
def test_a_refusal_is_told_at_once(appsync: ScriptedAppSync, publisher: Publisher, answer: Answer, said: str) -> None:
    appsync.script = [answer]
    with pytest.raises(Refused, match=said):
        publisher.publish(ENVELOPE, soon())
    assert len(appsync.inputs) == 1
