"""The orders of a user, who alone sees them; and what becomes of them when the user is deleted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import Any

from domain import catch_up, page_tokens, rights, topics, validation
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import Clock
from domain.errors import InvalidPageToken
from domain.shop import order
from domain.shop.order import Order
from domain.table import Delete, Item, Put, Table, Write

_PATIENCE_SECONDS = 8.0
_MOST_ON_A_PAGE = 100
# An answer of AppSync has at most 5 MB.
_MOST_BYTES_ON_A_PAGE = 4_000_000
_MOST_BYTES_OF_A_KEY = 1024
# A transaction has at most 4 MB, and an item that somebody put by hand up to 400 KB.
_ARCHIVED_TOGETHER = 8


@dataclass(frozen=True)
class Orders:
    """What the use cases stand on. `cart_seconds`: how long a cart is kept that nobody changes."""

    table: Table
    change_log: ChangeLog
    clock: Clock
    cart_seconds: int


def one_order(orders: Orders, caller: Caller, *, id: str) -> Order | None:  # noqa: A002 - the schema's name
    """An order of the caller's; None when they have none of this id.

    Raises:
        Unauthorized: the caller is nobody who could have orders.
        TableError: the table did not answer.
    """
    rights.require(caller, "Query.order", str(topics.order(caller.id)))
    if not validation.is_id(id):
        return None  # DynamoDB would refuse the key of a long one
    item = orders.table.get(order.key(caller.id, id), orders.clock.now_ms() // 1000)
    return order.from_item(id, item) if item else None


def list_orders(
    orders: Orders, caller: Caller, *, limit: int | None = None, next_token: str | None = None
) -> tuple[list[Order], str | None]:
    """A page of the caller's orders, the newest first, and the token of the next.

    It ends early, but not before the first order, where it would become too large for an answer.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the arguments.
        TableError: the table did not answer.
    """
    field, now = "Query.orders", orders.clock.now_ms() // 1000
    rights.require(caller, field, str(topics.order(caller.id)))
    limit = validation.limit(limit, default=20, most=_MOST_ON_A_PAGE)
    before = page_tokens.decode(next_token, field, caller.id) if next_token is not None else None
    if before is not None and not 0 < len(before.encode()) <= _MOST_BYTES_OF_A_KEY:
        raise InvalidPageToken  # a token made by hand: DynamoDB has no such keys
    where, values = ("sk < :before", {":before": before}) if before else ("", {})
    partition = order.partition(caller.id)
    found = orders.table.query(partition, where, values, now=now, forward=False, page_size=limit + 1)
    items: list[Order] = []
    size = 0
    for item in islice(found, limit + 1):
        shown = order.from_item(str(item["sk"]), item)
        size += len(json.dumps(shown))
        if items and (len(items) == limit or size > _MOST_BYTES_ON_A_PAGE):
            return items, page_tokens.encode(items[-1]["id"], field, caller.id)
        items.append(shown)
    return items, None


def order_changes(orders: Orders, caller: Caller, *, after: int, limit: int | None = None) -> dict[str, Any]:
    """The changes of the caller's orders after a known one, as the schema's OrderChangePage.

    Raises:
        Unauthorized, InvalidInput: the caller, the arguments.
        TableError: the table did not answer.
    """
    topic = topics.order(caller.id)
    rights.require(caller, "Query.orderChanges", str(topic))

    def shown(item: Item) -> object:
        return order.from_item(item["sk"], item)

    whole = catch_up.followed(orders.table, orders.clock, "order", shown)
    deadline = orders.clock.monotonic() + _PATIENCE_SECONDS
    return catch_up.page(orders.change_log, topic, after, limit, whole, deadline)


def on_order(caller: Caller) -> str:
    """The topic that a subscriber to their own orders gets.

    Raises:
        Unauthorized: the caller is nobody who could have orders.
    """
    topic = str(topics.order(caller.id))
    rights.require(caller, "Subscription.onOrder", topic)
    return topic


def archive_all(table: Table, user_id: str) -> None:
    """Take a user off all of their orders, which a shop has to keep (docs/shop.md). May be repeated.

    Whoever is being deleted places no order any more, so nothing comes behind it.

    Raises:
        TableError: some may be left.
    """
    items = table.query(order.partition(user_id), now=0)
    while some := list(islice(items, _ARCHIVED_TOGETHER)):
        table.write([write for item in some for write in _archival(item)])


def _archival(item: Item) -> list[Write]:
    # A workflow may be at work on the order: what it wrote since is not to be lost. The deletion is asked for again.
    status = item.get("status")
    unchanged = ("attribute_not_exists(#status)", {}) if status is None else ("#status = :status", {":status": status})
    return [Put(order.archived(item)), Delete((str(item["pk"]), str(item["sk"])), *unchanged)]
