"""Which stream records concern which topics."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from domain import routing
from domain.message import Partition
from tests.conftest import ROOT


def record(kind: str, pk: str, sk: str = "1795236682123#01J", **attributes: Any) -> routing.Record:
    keys = {"pk": {"S": pk}, "sk": {"S": sk}}
    image = {} if kind == "REMOVE" else {"NewImage": keys | attributes}
    old = {} if kind == "INSERT" else {"OldImage": keys | attributes}
    return routing.from_stream(
        {"eventID": "e1", "eventName": kind, "dynamodb": {"Keys": keys, "SequenceNumber": "1", **image, **old}}
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
    pk = "MESSAGES#lobby#2026112104#0"
    (change,) = routing.route(record("MODIFY", pk, traceId={"S": "1-abc"}))
    assert change.event.trace_id == "1-abc"
    (change,) = routing.route(record("MODIFY", pk, traceId={"N": "1"}))
    assert change.event.trace_id is None


def test_bytes_of_any_attribute_hold_nothing_up() -> None:
    """Lambda delivers records as JSON, with bytes as base64."""
    pk = "MESSAGES#lobby#2026112104#0"
    (change,) = routing.route(record("INSERT", pk, text={"B": "/wA="}, junk={"BS": ["/wA=", "AA=="]}))
    assert json.loads(change.event.item or "")["text"] == ""


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
    patterns = [json.loads(each["Pattern"])["dynamodb"]["Keys"]["pk"]["S"] for each in filters]
    assert {rule["prefix"] for pattern in patterns for rule in pattern} == set(routing.ROUTES)
