"""An order: its key in the main table, its item, and what the API shows of it.

It has its lines as they were when it was placed, so that whatever becomes of the products changes no order. Of the
person it has nothing but their `sub`, in its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args

from domain import attributes, times
from domain.shop import money
from domain.table import Item, Key

PREFIX = "ORDERS#"
ARCHIVE = "ORDER_ARCHIVE#"  # of those whose person is deleted; nobody is told of them

# A workflow confirms or rejects what is pending.
Status = Literal["PENDING", "CONFIRMED", "REJECTED"]
PENDING: Status = "PENDING"


class OrderLine(TypedDict):
    """Some pieces of one product, as the schema has it. `price` is that of one piece, in cents."""

    productId: str
    title: str
    quantity: int
    price: int


class Order(TypedDict):
    """An order as the schema has it."""

    id: str
    status: Status
    lines: list[OrderLine]
    total: int
    currency: str
    placedAt: str
    version: int


def partition(user_id: str) -> str:
    """The partition key of a user's orders. Their sort keys are their ids, which sort by time."""
    return f"{PREFIX}{user_id}"


def key(user_id: str, order_id: str) -> Key:
    """The key of an order."""
    return partition(user_id), order_id


def user_of(pk: str) -> str:
    """The user whose orders a partition key names."""
    return pk.removeprefix(PREFIX)


def placed(order_id: str, lines: Sequence[OrderLine], now_ms: int) -> Order:
    """A new order."""
    return {
        "id": order_id,
        "status": PENDING,
        "lines": list(lines),
        "total": total_of(lines),
        "currency": money.CURRENCY,
        "placedAt": times.to_iso(now_ms),
        "version": 1,
    }


def total_of(lines: Sequence[OrderLine]) -> int:
    """What lines cost together, in cents."""
    return sum(each["price"] * each["quantity"] for each in lines)


def to_item(user_id: str, order: Order, trace_id: str | None) -> Item:
    """The item of a user's order."""
    pk, sk = key(user_id, order["id"])
    shown = {name: value for name, value in order.items() if name != "id"}
    return {"pk": pk, "sk": sk, "traceId": trace_id, **shown}


def from_item(sk: str, item: Mapping[str, Any]) -> Order:
    """What the API shows of an item, whoever wrote it: what is missing or wrong has a stand-in."""
    lines = _lines(item.get("lines")) or []
    total = attributes.whole_number(item.get("total"))
    return {
        "id": sk,
        "status": _status(item.get("status")) or PENDING,
        "lines": lines,
        "total": min(total_of(lines), money.MAX_TOTAL) if total is None else total,
        "currency": attributes.text(item.get("currency")) or money.CURRENCY,
        "placedAt": attributes.time(item.get("placedAt")) or times.to_iso(0),
        "version": attributes.whole_number(item.get("version")) or 1,
    }


def to_publish(pk: str, sk: str, item: Mapping[str, Any]) -> Order:
    """The same for those who are told of the item: what is missing has a stand-in, what is wrong has none.

    Raises:
        WrongType: an attribute is present with another type.
    """
    del pk
    attributes.check(item, _ATTRIBUTES)
    return from_item(sk, item)


def archived(item: Mapping[str, Any]) -> Item:
    """The item of an order without its person: by the month in which it was placed, as books are kept.

    The id stays, by which papers name the order; the trace, which leads to a request of the person, does not.
    """
    placed_at = attributes.time(item.get("placedAt")) or times.to_iso(0)
    kept = {name: value for name, value in item.items() if name != "traceId"}
    return {**kept, "pk": f"{ARCHIVE}{placed_at[:7]}"}


def _lines(value: object) -> list[OrderLine] | None:
    if not isinstance(value, list):
        return None
    read = [_line(each) for each in value]
    return None if None in read else [each for each in read if each is not None]


def _line(value: object) -> OrderLine | None:
    if not isinstance(value, Mapping):
        return None
    product_id, title = value.get("productId"), attributes.text(value.get("title", ""))
    quantity, price = (attributes.whole_number(value.get(name)) for name in ("quantity", "price"))
    if not isinstance(product_id, str) or title is None or quantity is None or price is None:
        return None
    return {"productId": product_id, "title": title, "quantity": quantity, "price": price}


def _status(value: object) -> Status | None:
    return next((each for each in get_args(Status) if each == value), None)


_ATTRIBUTES: attributes.Rules = {
    "status": (_status, f"one of {', '.join(get_args(Status))}"),
    "lines": (_lines, "a list of maps, each with productId, title, quantity and price"),
    "total": (attributes.whole_number, "a whole number of cents"),
    "currency": (attributes.text, "a text"),
    "placedAt": (attributes.time, "a time with an offset"),
    "version": (attributes.whole_number, "a whole number of 32 bits"),
}
