"""How the wire's scalars, enums and members become Python's, and go back."""

import json
import pickle
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as time_of_day
from typing import Annotated, Any

import pytest
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from headwater.generated import ChangeKind, Message, MessageChange, OnMessages, SendMessageInput, UpdateProfileInput
from headwater.generated.message_changes import MessageChanges
from headwater.wire import AWSJSON, AWSDate, AWSDateTime, AWSTime, AWSTimestamp, Model, parse_json
from tools.client_types import ROOT

MESSAGE = {
    "id": "01J",
    "roomId": "lobby",
    "author": "ada",
    "text": "hello",
    "sentAt": "2026-11-21T10:00:00.123Z",
    "version": 1,
    "originalTime": None,
}
CHANGE = {
    "seq": 1,
    "eventId": "e1",
    "kind": "INSERT",
    "at": "2026-11-21T10:00:00.456Z",
    "traceId": None,
    "key": "01J",
    "truncated": False,
    "message": MESSAGE,
}


ANSWERED = Annotated[AWSJSON, BeforeValidator(parse_json)]


class Scalars(Model):
    date_time: AWSDateTime
    day: AWSDate
    time_of_day: AWSTime
    timestamp: AWSTimestamp
    json_value: Annotated[AWSJSON, BeforeValidator(parse_json)]


WIRE = {
    "dateTime": "2026-11-21T10:00:00.123456Z",
    "day": "2026-11-21",
    "timeOfDay": "10:00:00.5",
    "timestamp": 1795255200,
    "jsonValue": '{"a":[1,null,"\u00e9"]}',
}


def test_each_scalar_becomes_pythons_own_type() -> None:
    read = Scalars.model_validate(WIRE)
    assert read.date_time == datetime(2026, 11, 21, 10, 0, 0, 123456, UTC)
    assert read.day == date(2026, 11, 21)
    assert read.time_of_day == time_of_day(10, 0, 0, 500000)
    assert read.timestamp == datetime.fromtimestamp(1795255200, UTC)
    assert read.json_value == {"a": [1, None, "\u00e9"]}


def test_what_was_read_and_is_written_is_read_the_same_again() -> None:
    read = Scalars.model_validate(WIRE)
    written = read.to_wire()
    assert written["timestamp"] == WIRE["timestamp"]
    assert written["jsonValue"] == WIRE["jsonValue"]
    assert written["day"] == WIRE["day"]
    assert Scalars.model_validate(json.loads(json.dumps(written))) == read


@pytest.mark.parametrize(
    ("scalar", "wire", "value"),
    [
        (AWSDateTime, "2026-11-21T10:00:00Z", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        (AWSDateTime, "2026-11-21T10:00:00.123456789Z", datetime(2026, 11, 21, 10, 0, 0, 123456, UTC)),
        (AWSDateTime, "2026-11-21T10:00:00+05:30", datetime(2026, 11, 21, 4, 30, tzinfo=UTC)),
        (AWSDate, "2026-11-21Z", date(2026, 11, 21)),
        (AWSDate, "2026-11-21+05:30", date(2026, 11, 21)),
        (AWSDate, "2026-11-21-05:30:15", date(2026, 11, 21)),
        (AWSTime, "10:00:00Z", time_of_day(10, tzinfo=UTC)),
        (AWSTime, "10:00:00.25+05:30", time_of_day(10, 0, 0, 250000, timezone(timedelta(hours=5.5)))),
        (AWSTimestamp, -1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (ANSWERED, "null", None),
        (ANSWERED, "3", 3),
        (ANSWERED, '"text"', "text"),
    ],
)
def test_a_scalar_is_read(scalar: Any, wire: object, value: object) -> None:
    assert TypeAdapter(scalar).validate_python(wire) == value


@pytest.mark.parametrize(
    ("scalar", "wire"),
    [
        (AWSDateTime, "2026-11-21T10:00:00"),  # without an offset it is no moment
        (AWSDate, "2026-11-21 Z"),
        (AWSDate, "21.11.2026"),
        (AWSTimestamp, "soon"),
        (AWSTimestamp, 31556889864403199),
        (ANSWERED, "{"),
    ],
)
def test_a_scalar_that_is_none_is_refused(scalar: Any, wire: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(scalar).validate_python(wire)


def test_json_that_json_does_not_have_is_not_written() -> None:
    value = Scalars.model_validate({**WIRE, "jsonValue": "1"}).model_copy(update={"json_value": float("nan")})
    with pytest.raises(ValueError, match="not JSON compliant"):
        value.to_wire()


def test_a_part_of_a_second_before_1970_is_of_the_second_that_it_is_in() -> None:
    value = TypeAdapter(AWSTimestamp).dump_python(datetime(1969, 12, 31, 23, 59, 58, 500000, UTC))
    assert value == -2


def test_names_are_pythons_in_code_and_the_schemas_on_the_wire() -> None:
    message = Message.model_validate(MESSAGE)
    assert (message.room_id, message.sent_at.tzinfo, message.original_time) == ("lobby", UTC, None)
    assert SendMessageInput(room_id="lobby", text="hi", client_mutation_id="m1").to_wire() == {
        "roomId": "lobby",
        "text": "hi",
        "clientMutationId": "m1",
    }


def test_what_is_not_given_is_not_sent_and_none_is_null() -> None:
    assert UpdateProfileInput(display_name=None).to_wire() == {"displayName": None}
    assert UpdateProfileInput().to_wire() == {}


def test_a_message_is_the_same_wherever_it_came_from() -> None:
    change = MessageChange.model_validate(CHANGE)
    page = {"topic": "room:lobby", "items": [CHANGE], "lastSeq": 1, "headSeq": 1, "resyncRequired": False}
    answer = MessageChanges.model_validate({"messageChanges": page})
    assert change.message == Message.model_validate(MESSAGE)
    assert answer.message_changes.items == [change]
    assert hash(change.message) == hash(Message.model_validate(MESSAGE))


def test_nothing_that_was_read_can_be_changed() -> None:
    message = Message.model_validate(MESSAGE)
    with pytest.raises(ValidationError, match="frozen"):
        message.text = "other"


def test_an_enum_value_of_a_newer_server_is_taken_as_it_is() -> None:
    change = MessageChange.model_validate({**CHANGE, "kind": "ARCHIVE"})
    assert change.kind == "ARCHIVE"
    assert isinstance(change.kind, ChangeKind)
    assert not change.kind.is_known
    assert (str(change.kind), change.kind.value) == ("ARCHIVE", "ARCHIVE")
    assert change.kind == ChangeKind("ARCHIVE")
    assert len({change.kind, "ARCHIVE", ChangeKind("ARCHIVE")}) == 1
    assert pickle.loads(pickle.dumps(change)) == change  # noqa: S301 - our own bytes
    assert change.to_wire()["kind"] == "ARCHIVE"
    assert list(ChangeKind) == ["INSERT", "MODIFY", "REMOVE"]  # what is unknown is not kept


def test_a_known_enum_value_is_the_member() -> None:
    kind = MessageChange.model_validate(CHANGE).kind
    assert kind is ChangeKind.INSERT
    assert kind.is_known


def test_an_enum_that_is_no_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        MessageChange.model_validate({**CHANGE, "kind": 3})


def test_a_member_of_a_newer_server_is_ignored() -> None:
    assert Message.model_validate({**MESSAGE, "mood": "calm"}) == Message.model_validate(MESSAGE)


def test_a_thousand_changes_are_read_in_a_few_milliseconds() -> None:
    push = {"roomId": "lobby", "topic": "room:lobby", "firstSeq": 1, "lastSeq": 1000, "items": [CHANGE] * 1000}
    OnMessages.model_validate({"onMessages": None})  # the model is built when first used
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        OnMessages.model_validate({"onMessages": push})
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.05  # 5 ms on a quiet machine


def test_importing_the_generated_types_builds_no_model() -> None:
    program = """
import sys
import headwater.generated.fragments as fragments, headwater.generated.input_types as inputs
models = [each for module in (fragments, inputs) for each in vars(module).values()
          if isinstance(each, type) and each.__module__ == module.__name__]
assert len(models) > 15, models
print([each.__name__ for each in models if each.__pydantic_complete__])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "client", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
