"""A notice: what its data may be, what any item under its key is shown as, and whom its changes concern."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from domain import attributes, notice, routing, topics
from domain.errors import InvalidInput
from domain.table import to_attributes

NOW = 1_795_236_682
CLIENT_ID = "0123456789abcdef"
RECEIVER = topics.client(CLIENT_ID)


def stream_record(
    kind: str, pk: str, new: dict[str, Any] | None = None, old: dict[str, Any] | None = None
) -> routing.Record:
    keys = {"pk": {"S": pk}, "sk": {"S": "N1"}}
    images = {name: keys | to_attributes(each) for name, each in (("NewImage", new), ("OldImage", old)) if each}
    return routing.from_stream(
        {"eventID": "e1", "eventName": kind, "dynamodb": {"Keys": keys, "SequenceNumber": "1", **images}}
    )


def nested(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = {"a": found}
    return found


@pytest.mark.parametrize(
    "data",
    [{}, {"a": None, "b": [True, 1.5, "ü\u2028\0"]}, nested(notice.MAX_DATA_DEPTH), {"n": 2**53 - 1},
     {"x": "y" * (notice.MAX_DATA_BYTES - 8)}],
)  # fmt: skip
def test_objects_are_data(data: Any) -> None:
    text = notice.encode("input.data", data)
    assert json.loads(text) == data
    assert len(text.encode()) <= notice.MAX_DATA_BYTES


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ("secret", "JSON object"), ([1], "JSON object"), (7, "JSON object"), (None, "JSON object"),
        (True, "JSON object"), (nested(notice.MAX_DATA_DEPTH + 1), "deeper"), ({"a": [[[[nested(13)]]]]}, "deeper"),
        ({"x": "secret" * 3000}, "bytes"), ({"x": "\ud800"}, "surrogate"), ({"\udfff": 1}, "surrogate"),
        ({"x": float("nan")}, "finite"), ({"x": float("inf")}, "finite"), ({"x": 2**53}, "beyond"),
        ({"x": -(2**53)}, "beyond"), ({"x": b"secret"}, "bytes, which JSON"), ({1: "secret"}, "names"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_not_repeated(data: Any, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule) as refused:
        notice.encode("input.data", data)
    assert "secret" not in refused.value.message
    assert refused.value.info == {"field": "input.data"}


def test_depth_is_no_way_to_exhaust_the_stack() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput, match="deeper"):
        notice.encode("input.data", {"a": deep})


def item(**attributes: Any) -> dict[str, Any]:
    pk, sk = notice.key(RECEIVER, "N1")
    return {"pk": pk, "sk": sk, **attributes}


WHOLE = {
    "kind": "order.shipped", "data": '{"n":1}', "sentAt": "2026-11-21T12:00:00.000Z", "expiresAt": Decimal(NOW),
}  # fmt: skip
SHOWN = {
    "id": "N1", "kind": "order.shipped", "data": '{"n":1}', "sentAt": "2026-11-21T12:00:00.000Z",
    "expiresAt": "2026-11-21T04:51:22.000Z",
}  # fmt: skip


def test_an_item_is_shown_as_it_was_sent() -> None:
    assert notice.from_item(item(**WHOLE)) == SHOWN
    assert notice.to_publish(notice.partition(RECEIVER), "N1", WHOLE) == SHOWN


def test_what_is_missing_has_a_stand_in() -> None:
    expected = {"id": "N1", "kind": "unknown", "data": "{}", "sentAt": "1970-01-01T00:00:00.000Z", "expiresAt": None}
    assert notice.from_item(item()) == expected
    assert notice.to_publish(notice.partition(RECEIVER), "N1", {}) == expected


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("data", "secret"), ("data", '["secret"]'), ("data", {"secret": 1}), ("data", '{"secret":NaN}'),
     ("data", '{"secret":1e999}'), ("data", '{"secret":' + "[" * 100_000), ("kind", {"a": 1}), ("sentAt", "today")],
)  # fmt: skip
def test_what_is_wrong_breaks_no_list_and_is_told_to_nobody(attribute: str, value: Any) -> None:
    wrong = item(**{**WHOLE, attribute: value})
    assert notice.from_item(wrong)["id"] == "N1"
    assert json.loads(notice.from_item(wrong)["data"]) in ({}, {"n": 1})
    with pytest.raises(attributes.WrongType, match=attribute) as refused:
        notice.to_publish(notice.partition(RECEIVER), "N1", wrong)
    assert "secret" not in str(refused.value), "parked records and logs show the reason"


def test_appsync_writes_the_text_of_json_itself() -> None:
    assert notice.to_answer(SHOWN)["data"] == {"n": 1}
    change = {"seq": 1, "kind": "INSERT", "key": "N1", "truncated": False, "notice": SHOWN}
    assert notice.change_to_answer(change, NOW - 1) == {**change, "notice": notice.to_answer(SHOWN)}


@pytest.mark.parametrize(("now", "gone"), [(NOW - 1, False), (NOW, True), (NOW + 1, True)])
def test_what_has_expired_is_caught_up_as_gone(now: int, gone: bool) -> None:
    change = {"seq": 1, "kind": "INSERT", "key": "N1", "truncated": False, "notice": SHOWN}
    found = notice.change_to_answer(change, now)
    assert (found["kind"], found["notice"] is None) == (("REMOVE", True) if gone else ("INSERT", False))
    lasting = {**change, "notice": {**SHOWN, "expiresAt": None}}
    assert notice.change_to_answer(lasting, now)["kind"] == "INSERT"


@pytest.mark.parametrize("change", [{"kind": "REMOVE", "notice": None}, {"kind": "MODIFY", "profile": {"id": "ann"}}])
def test_changes_without_a_notice_stay_as_they_are(change: dict[str, Any]) -> None:
    assert notice.change_to_answer(change, NOW) == {"notice": None, **change}


@pytest.mark.parametrize("topic", [f"client:{CLIENT_ID}", "user:0683b13f-dcf3-492e-9e9d-80553fc0fa6b"])
def test_it_concerns_its_receiver(topic: str) -> None:
    (change,) = routing.route(stream_record("INSERT", f"NOTICES#{topic}", WHOLE))
    assert (str(change.topic), change.event.kind, change.event.item_field) == (topic, "INSERT", "notice")
    assert json.loads(change.event.item or "") == SHOWN
    assert not change.state_like
    (gone,) = routing.route(stream_record("REMOVE", f"NOTICES#{topic}"))
    assert (gone.event.kind, gone.event.item) == ("REMOVE", None)


@pytest.mark.parametrize(
    "pk",
    ["NOTICES#", "NOTICES#room:lobby", "NOTICES#client:", "NOTICES#client:short", f"NOTICES#client:{CLIENT_ID}#L",
     "NOTICES#user:", "NOTICES#user:a b", "NOTICES#nothing", f"NOTICES#client:{'x' * 65}", "NOTICES#user:" + "x" * 65],
)  # fmt: skip
def test_items_of_no_receiver_are_nobodys_business(pk: str) -> None:
    assert routing.route(stream_record("INSERT", pk, WHOLE)) == []


def test_a_change_of_what_nobody_is_shown_is_told_to_nobody() -> None:
    pk, _ = notice.key(RECEIVER, "N1")
    old, new = ({**WHOLE, "traceId": trace} for trace in ("1-a", "1-b"))
    assert routing.route(stream_record("MODIFY", pk, new, old)) == []
