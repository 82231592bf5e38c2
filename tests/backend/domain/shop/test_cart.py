"""A cart's item: what is shown of those that anyone may have put, and the key by which it expires."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain import routing, topics
from domain.attributes import WrongType
from domain.shop import cart, money
from domain.table import Item

NOW_MS = 1_795_236_682_123
LINE = {"title": "A pen", "quantity": Decimal(2), "price": Decimal(150), "addedAt": "2026-11-21T04:51:22.123Z"}


def record(owner: str, *, sk: str = cart.SORT_KEY, **item: Any) -> routing.Record:
    pk = cart.key(owner)[0]
    return routing.Record("e1", "INSERT", pk, sk, None, {"pk": pk, "sk": sk, **item}, "1", 0)


def test_what_is_written_is_what_is_shown() -> None:
    line = cart.lines_of({"pen": LINE})
    assert line
    put = cart.changed(cart.held("ann", None, 0), line, NOW_MS, 3600, "trace")
    assert put.item["GSI1SK"] == f"{put.item['expiresAt']:012d}#ann"
    assert cart.shown(put) == cart.to_publish(put.item["pk"], "CART", dict(put.item))
    assert cart.shown(put)["lines"] == [{"productId": "pen", **LINE}]


def test_a_cart_that_lacks_everything_has_stand_ins() -> None:
    assert cart.to_publish("CART#ann", "CART", {}) == {
        "id": "ann", "lines": [], "total": 0, "currency": money.CURRENCY, "version": 1,
        "updatedAt": "1970-01-01T00:00:00.000Z", "expiresAt": None,
    }  # fmt: skip
    assert cart.held("ann", {}, 0).version == 1


@pytest.mark.parametrize(
    "lines",
    [
        [], "pen", {"pen": []}, {"pen": {}}, {"p#": LINE}, {"pen": {**LINE, "quantity": 0}},
        {"pen": {**LINE, "quantity": 1000}}, {"pen": {**LINE, "price": -1}}, {"pen": {**LINE, "price": Decimal("1.5")}},
        {"pen": {**LINE, "price": "150"}}, {"pen": {**LINE, "price": money.MAX_PRICE + 1}},
        {"a": {**LINE, "quantity": 999, "price": money.MAX_PRICE}},
    ],
)  # fmt: skip
def test_lines_that_are_none_are_shown_to_nobody(lines: Any) -> None:
    item: Item = {"lines": lines, "version": 3}
    assert cart.from_item("CART#ann", item)["lines"] == []
    with pytest.raises(WrongType, match="lines must be"):
        cart.to_publish("CART#ann", "CART", item)


@pytest.mark.parametrize(
    ("name", "value"), [("version", "x"), ("version", Decimal("1.5")), ("updatedAt", "now"), ("expiresAt", "never")]
)
def test_what_is_there_must_be_right(name: str, value: Any) -> None:
    cart.from_item("CART#ann", {name: value})
    with pytest.raises(WrongType, match=name):
        cart.to_publish("CART#ann", "CART", {name: value})


def test_carts_are_spread_over_the_shards_of_the_index() -> None:
    shards = {cart.shard_of(f"user-{number}") for number in range(500)}
    assert shards == set(range(cart.SHARDS))
    assert cart.due_key(5, "z") < cart.due_key(6) <= cart.due_key(6, "0")


def test_each_owner_has_a_topic_and_what_is_none_has_none() -> None:
    for owner in ("8a2f", "client:0123456789abcdef"):
        (change,) = routing.route(record(owner))
        assert (str(change.topic), change.event.key, change.state_like) == (f"cart:{owner}", owner, True)
        assert topics.named(f"cart:{owner}") == topics.cart(owner)
    for other in ("", "client:", "client:short", "a#b", "guest:0123456789abcdef"):
        assert routing.route(record(other)) == []
    assert routing.route(record("8a2f", sk="NOTE")) == []
