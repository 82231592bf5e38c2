"""Keys of messages, and what the API shows of items by any hand."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary
from hypothesis import given
from hypothesis import strategies as st

from domain import attributes, message
from domain.message import Partition
from local.appsync.scalars import SCALARS
from tests.backend.domain.schema import input_type

PK, SK = "MESSAGES#lobby#2026112104#0", "1795236682123#01J"

attribute = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=80),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.just("x" * 9000),
    st.binary(max_size=9).map(Binary),
    st.sets(st.text(max_size=9)),
    st.lists(st.text(max_size=9)),
)


@pytest.mark.parametrize("room_id", ["lobby", "a#b", "#", "x#2026112104#3", "日本"])
def test_a_partition_key_names_its_room(room_id: str) -> None:
    assert message.room_of(Partition(room_id, "2026112104", 3).pk) == room_id


@pytest.mark.parametrize("pk", ["ROOM#lobby", "MESSAGES#lobby", "MESSAGES#lobby#2026112104", "MESSAGES", ""])
def test_other_keys_name_no_room(pk: str) -> None:
    assert message.room_of(pk) is None


def test_an_empty_item_is_shown_with_stand_ins() -> None:
    assert message.from_item(PK, SK, {}) == {
        "id": "01J",
        "roomId": "lobby",
        "author": "unknown",
        "text": "",
        "sentAt": "2026-11-21T04:51:22.123Z",
        "version": 1,
        "originalTime": None,
    }


def test_the_key_wins_over_attributes() -> None:
    shown = message.from_item(PK, SK, {"id": "other", "roomId": "elsewhere"})
    assert (shown["id"], shown["roomId"]) == ("01J", "lobby")


@pytest.mark.parametrize(
    ("sent_at", "shown"),
    [
        ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05.000Z"),
        ("2020-01-02T03:04+02:00", "2020-01-02T01:04:00.000Z"),
        ("2020-01-02T03:04:05.123456Z", "2020-01-02T03:04:05.123Z"),
        ("2020-01-02T03:04:05", "2026-11-21T04:51:22.123Z"),
        ("20200102T030405Z", "2026-11-21T04:51:22.123Z"),
        ("9999-99-99T03:04:05Z", "2026-11-21T04:51:22.123Z"),
        (Decimal(17), "2026-11-21T04:51:22.123Z"),
    ],
)
def test_a_time_that_the_api_could_not_show_is_that_of_the_key(sent_at: object, shown: str) -> None:
    assert message.from_item(PK, SK, {"sentAt": sent_at})["sentAt"] == shown


@pytest.mark.parametrize(
    ("version", "shown"),
    [(Decimal(7), 7), (Decimal(-2), -2), (Decimal("1.5"), 1), ("3", 1), (Decimal(2**31), 1), (Decimal("1E+200"), 1)],
)
def test_a_version_that_is_no_int_is_one(version: object, shown: int) -> None:
    assert message.from_item(PK, SK, {"version": version})["version"] == shown


ITEMS = st.dictionaries(
    st.sampled_from(["id", "roomId", "author", "text", "sentAt", "version", "originalTime", "junk"]), attribute
)


@given(sk=st.text(min_size=1, max_size=30), item=ITEMS)
def test_whatever_is_in_an_item_it_can_be_read(sk: str, item: dict[str, Any]) -> None:
    """An item that could not be shown would take its whole page with it."""
    shown = message.from_item(PK, sk, item)
    json.dumps(shown)
    required, names = input_type("MessageInput")
    assert shown.keys() == names
    assert all(shown[name] is not None for name in required)  # type: ignore[literal-required]
    assert -(2**31) < shown["version"] < 2**31
    assert SCALARS["AWSDateTime"].parse(shown["sentAt"]) == shown["sentAt"]


@given(sk=st.text(min_size=1, max_size=30), item=ITEMS)
def test_what_is_published_is_what_readers_see(sk: str, item: dict[str, Any]) -> None:
    try:
        shown = message.to_publish(PK, sk, item)
    except attributes.WrongType:
        return
    assert shown == message.from_item(PK, sk, item)
