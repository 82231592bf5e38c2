"""Which stream records concern which topics."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from domain import attributes, message, routing
from domain.message import Partition
from domain.routing import Route
from domain.topics import Topic, TopicKind
from tests.conftest import ROOT

PK = "MESSAGES#lobby#2026112104#0"


def record(kind: str, pk: str, old: dict[str, Any] | None = None, **attributes: Any) -> routing.Record:
    keys = {"pk": {"S": pk}, "sk": {"S": "1795236682123#01J"}}
    image = {} if kind == "REMOVE" else {"NewImage": keys | attributes}
    before = {} if kind == "INSERT" else {"OldImage": keys | (old or {"text": {"S": "before"}})}
    return routing.from_stream(
        {"eventID": "e1", "eventName": kind, "dynamodb": {"Keys": keys, "SequenceNumber": "1", **image, **before}}
    )


def test_a_message_goes_to_its_room() -> None:
    (change,) = routing.route(record("INSERT", Partition("a#b", "2026112104", 0).pk, text={"S": "hi"}))
    assert str(change.topic) == "room:a#b"
    assert (change.event.event_id, change.event.kind, change.event.key) == ("e1", "INSERT", "01J")
    assert json.loads(change.event.item or "")["text"] == "hi"


def test_a_removed_message_leaves_a_tombstone() -> None:
    (change,) = routing.route(record("REMOVE", "MESSAGES#lobby#2026112104#0", text={"S": "hi"}))
    assert (change.event.kind, change.event.key, change.event.item) == ("REMOVE", "01J", None)


def test_the_trace_of_the_writer_is_passed_on() -> None:
    (change,) = routing.route(
        record("MODIFY", PK, old={"traceId": {"S": "1"}}, text={"S": "x"}, traceId={"S": "1-abc"})
    )
    assert change.event.trace_id == "1-abc"


@pytest.mark.parametrize("trace_id", [{"N": "1"}, {"S": ""}, {"S": "1-old"}])
def test_without_a_trace_of_its_own_a_write_has_the_id_of_its_event(trace_id: dict[str, str]) -> None:
    """The attribute stays in the item when a raw write changes something else."""
    (change,) = routing.route(record("MODIFY", PK, old={"traceId": {"S": "1-old"}}, text={"S": "x"}, traceId=trace_id))
    assert change.event.trace_id == "e1"
    (removal,) = routing.route(record("REMOVE", PK, old={"traceId": {"S": "1-old"}}))
    assert removal.event.trace_id == "e1"


def test_a_change_of_nothing_that_the_api_shows_is_told_to_nobody() -> None:
    text = {"text": {"S": "same"}, "expiresAt": {"N": "1"}}
    assert routing.route(record("MODIFY", PK, old=text, text={"S": "same"}, expiresAt={"N": "2"})) == []
    assert len(routing.route(record("INSERT", PK, text={"S": "same"}))) == 1


def test_what_was_wrong_before_does_not_stop_what_is_right_now() -> None:
    (change,) = routing.route(record("MODIFY", PK, old={"text": {"M": {}}}, text={"S": "right"}))
    assert json.loads(change.event.item or "")["text"] == "right"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("text", {"M": {"a": {"S": "b"}}}), ("text", {"B": "/wA="}), ("version", {"S": "1"}), ("version", {"N": "1.5"}),
     ("version", {"N": "2147483648"}), ("version", {"N": "1E-129"}), ("sentAt", {"S": "yesterday"}),
     ("sentAt", {"N": "1"}), ("author", {"BOOL": True}), ("originalTime", {"L": []})],
)  # fmt: skip
def test_an_attribute_of_a_wrong_type_is_told_to_nobody(attribute: str, value: dict[str, Any]) -> None:
    """A stand-in would be told as if someone had written it."""
    with pytest.raises(attributes.WrongType, match=f"{attribute} must be "):
        routing.route(record("INSERT", PK, None, **{attribute: value}))


def test_a_missing_attribute_has_a_stand_in() -> None:
    (change,) = routing.route(record("INSERT", PK, text={"NULL": True}))
    shown = json.loads(change.event.item or "")
    assert (shown["text"], shown["author"], shown["version"]) == ("", "unknown", 1)


def test_texts_go_out_whole() -> None:
    (change,) = routing.route(record("INSERT", PK, text={"S": "x" * 300_000}))
    assert len(json.loads(change.event.item or "")["text"]) == 300_000


@pytest.mark.parametrize("kind", ["INSERT", "MODIFY"])
def test_a_record_without_its_new_image_is_no_record(kind: str) -> None:
    keys = {"pk": {"S": PK}, "sk": {"S": "1#01J"}}
    with pytest.raises(routing.Unpublishable):
        routing.from_stream({"eventID": "e", "eventName": kind, "dynamodb": {"Keys": keys, "SequenceNumber": "1"}})
    with pytest.raises(routing.Unpublishable, match="eventName 'MERGE'"):
        routing.from_stream({"eventID": "e", "eventName": "MERGE", "dynamodb": {"Keys": keys, "SequenceNumber": "1"}})


SHELF = TopicKind("shelf", mutation="publishMessages", id_field="roomId", item_field="message")
BY_SHELF = Route(
    "MESSAGES#",
    topics=lambda _pk, _sk, item: [Topic(SHELF, item["shelf"])] if "shelf" in item else [],
    key=lambda _pk, sk: sk,
    project=message.to_publish,
)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("red", "blue", [("shelf:blue", "INSERT"), ("shelf:red", "REMOVE")]),
        (None, "blue", [("shelf:blue", "INSERT")]),
        ("red", None, [("shelf:red", "REMOVE")]),
        ("red", "red", []),
        (None, None, []),
    ],
)
def test_an_item_that_changes_its_topic_leaves_one_and_enters_the_other(
    before: str | None, after: str | None, told: list[tuple[str, str]]
) -> None:
    old, new = ({"shelf": {"S": shelf}} if shelf else {"junk": {"S": "x"}} for shelf in (before, after))
    changes = routing.route(record("MODIFY", PK, old=old, **new), [BY_SHELF])
    assert [(str(change.topic), change.event.kind) for change in changes] == told
    assert all((change.event.item is None) == (change.event.kind == "REMOVE") for change in changes)


def test_bytes_of_other_attributes_hold_nothing_up() -> None:
    """Lambda delivers records as JSON, with bytes as base64."""
    (change,) = routing.route(record("INSERT", PK, text={"S": "x"}, junk={"BS": ["/wA=", "AA=="]}))
    assert json.loads(change.event.item or "")["text"] == "x"


@pytest.mark.parametrize("room_id", ["", " ", "a\0b", "a\n", "r" * 129, "r" * 2030])
def test_rooms_that_the_api_cannot_name_are_nobodys_business(room_id: str) -> None:
    assert routing.route(record("INSERT", Partition(room_id, "1", 0).pk)) == []


@pytest.mark.parametrize("pk", ["ROOM#lobby", "IDEMPOTENCY#0", "MESSAGES#lobby", "MESSAGESX#lobby#2026112104#0"])
def test_other_items_are_nobodys_business(pk: str) -> None:
    assert routing.route(record("INSERT", pk)) == []


def test_the_event_source_mapping_lets_through_what_is_routed() -> None:
    """A prefix missing in the filter would never reach the publisher."""
    template = yaml_parse((ROOT / "stacks/api.yaml").read_text())
    filters = template["Resources"]["PublishMapping"]["Properties"]["FilterCriteria"]["Filters"]
    every, removals = (json.loads(each["Pattern"]) for each in filters)
    prefixes = [{rule["prefix"] for rule in each["dynamodb"]["Keys"]["pk"]["S"]} for each in (every, removals)]
    endings = [{each.prefix for each in routing.ENDINGS if each.removal_only is only} for only in (False, True)]
    assert prefixes == [{route.prefix for route in routing.ROUTES} | endings[0], endings[1]]
    assert "eventName" not in every
    assert removals["eventName"] == ["REMOVE"]
