"""The items of DynamoDB partitions in order, so that a query reads what it returns and not the whole partition.

Partitions of tables and of indexes alike. What was never queried is not sorted.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ministack.services import dynamodb

from local.ministack.key_conditions import find_range

PAGE_BYTES = 1024 * 1024
"""Where DynamoDB ends a page by itself."""

Table = Mapping[str, Any]
Item = Mapping[str, Any]
Key = tuple[Any, Any]
"""Partition and sort key of an item in its table, as MiniStack keeps it."""


class _Order:
    """The sorted keys of one partition, kept up to date by whoever writes.

    `members` is the very mapping that MiniStack keeps of the partition's items: a partition that is emptied and filled
    again, or an index that is built anew, has another one. `sorting` are the attributes to sort by, with their types.
    """

    def __init__(self, members: Mapping[Any, Any], sorting: Sequence[tuple[str, str]], pairs: list[tuple[Key, Item]]):
        self.members = members
        self._sorting = sorting
        found = sorted((self.value(item), key) for key, item in pairs)
        self.values = [value for value, _ in found]
        self.keys = [key for _, key in found]

    def value(self, item: Item) -> tuple[Any, ...]:
        """By what an item is sorted."""
        return tuple(dynamodb._index_order_value(item, name, kind) for name, kind in self._sorting)

    def add(self, key: Key, item: Item) -> None:
        value = self.value(item)
        at = bisect.bisect_left(self.values, value)
        self.values.insert(at, value)
        self.keys.insert(at, key)

    def remove(self, item: Item) -> None:
        at = bisect.bisect_left(self.values, self.value(item))
        del self.values[at], self.keys[at]


@dataclass
class _Orders:
    """Of one table: of its own partitions, and by index."""

    items: object  # the very mapping of all items: that of a table that was replaced or restored is another one
    own: dict[Any, _Order] = field(default_factory=dict)
    by_index: dict[str, dict[Any, _Order]] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """What a query may read, in the form in which MiniStack keeps tables."""

    items: dict[Any, dict[Any, Any]]
    index_members: dict[str, dict[Any, dict[Key, None]]]


class Partitions:
    """The orders of the partitions that were queried, by table."""

    def __init__(self) -> None:
        self._orders: dict[str, _Orders] = {}

    def _of(self, table: Table) -> _Orders:
        known = self._orders.get(table["TableArn"])
        if known is None or known.items is not table["items"]:
            known = self._orders[table["TableArn"]] = _Orders(table["items"])
        return known

    def written(self, table: Table, key: Key, old: Item | None, new: Item | None) -> None:
        """An item was stored (`old` is what it replaced) or removed (`new` is None)."""
        orders = self._of(table)
        if (old is None) != (new is None) and key[0] in orders.own:
            members = table["items"].get(key[0])
            _follow(orders.own, key[0], members, old, key, new)
        for name, partitions in orders.by_index.items():
            index = dynamodb._index_def(table, name)
            if index is None:
                continue
            key_lists = dynamodb._index_key_lists(index)
            before = None if old is None else dynamodb._index_partition(old, *key_lists)
            after = None if new is None else dynamodb._index_partition(new, *key_lists)
            members = (table.get(dynamodb._INDEX_MEMBERS) or {}).get(name) or {}
            if before in partitions and before is not None:
                _follow(partitions, before, members.get(before), old, key, None)
            if after in partitions and after is not None:
                _follow(partitions, after, members.get(after), None, key, new)

    def _own(self, table: Table, partition: Any) -> _Order | None:
        members = table["items"].get(partition)
        if not members:
            return None
        orders = self._of(table).own
        order = orders.get(partition)
        if order is None or order.members is not members or len(order.keys) != len(members):
            sorting = [(table["sk_name"], dynamodb._get_attr_type(table, table["sk_name"]))]
            pairs = [((partition, sort), item) for sort, item in members.items()]
            order = orders[partition] = _Order(members, sorting, pairs)
        return order

    def _indexed(self, table: Table, name: str, partition: Any, ranges: list[str]) -> _Order | None:
        members = dynamodb._index_members(table).get(name, {}).get(partition)
        if not members:
            return None
        orders = self._of(table).by_index.setdefault(name, {})
        order = orders.get(partition)
        if order is None or order.members is not members or len(order.keys) != len(members):
            pairs = [(key, table["items"][key[0]][key[1]]) for key in members]
            order = orders[partition] = _Order(members, dynamodb._index_order_keys(table, ranges), pairs)
        return order

    def page(self, table: Table, request: Mapping[str, Any]) -> Page | None:
        """Of the items that a query reads those that its first page may hold, and one more.

        None for a query that this does not understand: with old-style conditions, with keys of several attributes, or
        in error.
        """
        condition, limit = request.get("KeyConditionExpression"), request.get("Limit")
        if not condition or request.get("KeyConditions"):
            return None
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            return None
        values = request.get("ExpressionAttributeValues") or {}
        names = request.get("ExpressionAttributeNames") or {}
        name = request.get("IndexName")
        hash_name, range_name = table["pk_name"], table.get("sk_name")
        if name:
            index = dynamodb._index_def(table, name)
            hashes, ranges = dynamodb._index_key_lists(index) if index else ([], [])
            if len(hashes) != 1 or len(ranges) > 1:
                return None
            hash_name, range_name = hashes[0], (ranges or [None])[0]
        elif not range_name:
            return None
        partition = dynamodb._extract_pk_from_condition(condition, values, names, hash_name)
        if partition is None:
            return None
        order = self._indexed(table, name, partition, ranges) if name else self._own(table, partition)
        if order is None:
            return None
        sort_key = (range_name, dynamodb._get_attr_type(table, range_name)) if range_name else None
        found = find_range(order.values, condition, sort_key, values, names)
        if found is None:
            return None
        start, end = found.start, found.end
        forward = request.get("ScanIndexForward", True)
        cursor = request.get("ExclusiveStartKey")
        if cursor:
            required = {table["pk_name"], table.get("sk_name"), hash_name, range_name} - {None}
            if not isinstance(cursor, dict) or not required <= cursor.keys():
                return None
            at = order.value(cursor)
            if forward:
                start = max(start, bisect.bisect_right(order.values, at))
            else:
                end = min(end, bisect.bisect_left(order.values, at))
        positions = range(start, end) if forward else range(end - 1, start - 1, -1)
        keys = _first_page(table, name, (order.keys[position] for position in positions), limit)
        items: dict[Any, dict[Any, Any]] = {}
        for base_partition, sort in keys:
            items.setdefault(base_partition, {})[sort] = table["items"][base_partition][sort]
        return Page(items, {name: {partition: dict.fromkeys(keys)}} if name else {})


def _follow(
    orders: dict[Any, _Order], partition: Any, members: object, old: Item | None, key: Key, new: Item | None
) -> None:
    """Bring an order up to date, or forget it when the partition is no longer the one that it knows."""
    order = orders[partition]
    if order.members is not members:
        del orders[partition]
        return
    if old is not None:
        order.remove(old)
    if new is not None:
        order.add(key, new)


def _first_page(table: Table, index: str | None, keys: Iterable[Key], limit: int | None) -> list[Key]:
    page: list[Key] = []
    size = 0
    for key in keys:
        page.append(key)
        if limit is not None and len(page) > limit:
            break
        item = table["items"][key[0]][key[1]]
        size += dynamodb._item_size_bytes(dynamodb._apply_index_projection(item, table, index) if index else item)
        if size > PAGE_BYTES:
            # The page ends before this item or, filled exactly, behind the one before it; the query itself decides.
            break
    return page
