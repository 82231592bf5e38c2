"""The sort keys of DynamoDB partitions in order, so that a query reads what it returns and not the whole partition."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import dynamodb

PAGE_BYTES = 1024 * 1024
"""Where DynamoDB ends a page by itself."""

Token = tuple[str, str]
Items = dict[str, dict[str, Any]]
"""The items of one partition by sort key, as MiniStack keeps them."""


@dataclass(frozen=True)
class Range:
    """A half-open range of positions in a partition's sorted keys."""

    start: int
    end: int


class _Order:
    """The sorted keys of one partition, kept up to date by whoever writes."""

    def __init__(self, items: Items, key_type: str) -> None:
        self.items = items  # the very dictionary: a partition that is emptied and filled again has another one
        self._key_type = key_type
        pairs = sorted((self._value(key), key) for key in items)
        self.values = [value for value, _ in pairs]
        self.keys = [key for _, key in pairs]

    def _value(self, key: str) -> Any:
        return dynamodb._sort_key_value({self._key_type: key}, self._key_type)

    def add(self, key: str) -> None:
        value = self._value(key)
        at = bisect.bisect_left(self.values, value)
        self.values.insert(at, value)
        self.keys.insert(at, key)

    def remove(self, key: str) -> None:
        at = bisect.bisect_left(self.values, self._value(key))
        del self.values[at], self.keys[at]


def _name(token: Token, names: Mapping[str, str]) -> str | None:
    if token[0] == "NAME_REF":
        return names.get(token[1])
    return token[1] if token[0] == "IDENT" else None


_MIRRORED = {"LT": "GT", "LE": "GE", "GT": "LT", "GE": "LE", "EQ": "EQ"}


def _sort_key_clause(tokens: Sequence[Token], sort_name: str, names: Mapping[str, str]) -> tuple[str, list[str]] | None:
    """The operator and the value references of a condition on the sort key; None when the clause is another one."""
    if len(tokens) == 3 and tokens[1][0] in _MIRRORED:
        left, operator, right = tokens
        if _name(left, names) == sort_name and right[0] == "VALUE_REF":
            return operator[0], [right[1]]
        if _name(right, names) == sort_name and left[0] == "VALUE_REF":
            return _MIRRORED[operator[0]], [left[1]]
    if len(tokens) == 5 and tokens[1][1].upper() == "BETWEEN" and _name(tokens[0], names) == sort_name:
        return "BETWEEN", [tokens[2][1], tokens[4][1]]
    if len(tokens) == 6 and tokens[0][1].lower() == "begins_with" and _name(tokens[2], names) == sort_name:
        return "BEGINS_WITH", [tokens[4][1]]
    return None


def _after_prefix(prefix: str) -> str | None:
    """The least text that is greater than all that begin with `prefix`; None when there is none."""
    if not prefix or ord(prefix[-1]) == 0x10FFFF:
        return None
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _matching(values: list[Any], operator: str, bounds: list[Any]) -> Range:
    start, end = 0, len(values)
    if operator in ("EQ", "GE", "BETWEEN", "BEGINS_WITH"):
        start = bisect.bisect_left(values, bounds[0])
    elif operator == "GT":
        start = bisect.bisect_right(values, bounds[0])
    if operator in ("EQ", "LE", "BETWEEN"):
        end = bisect.bisect_right(values, bounds[-1])
    elif operator == "LT":
        end = bisect.bisect_left(values, bounds[0])
    elif operator == "BEGINS_WITH":
        after = _after_prefix(bounds[0])
        end = len(values) if after is None else bisect.bisect_left(values, after)
    return Range(start, end)


class Partitions:
    """The orders of the partitions that were queried, by table."""

    def __init__(self) -> None:
        self._orders: dict[str, tuple[object, dict[Any, _Order]]] = {}

    def _of(self, table: Mapping[str, Any]) -> dict[Any, _Order]:
        known = self._orders.get(table["TableArn"])
        if known is None or known[0] is not table["items"]:  # the table was replaced or restored
            known = self._orders[table["TableArn"]] = (table["items"], {})
        return known[1]

    def added(self, table: Mapping[str, Any], partition: Any, key: str) -> None:
        """An item with a new sort key was stored."""
        order = self._of(table).get(partition)
        if order is not None and order.items is table["items"].get(partition):
            order.add(key)

    def removed(self, table: Mapping[str, Any], partition: Any, key: str) -> None:
        """An item was removed."""
        orders = self._of(table)
        order = orders.get(partition)
        if order is None:
            return
        if partition in table["items"] and order.items is table["items"][partition]:
            order.remove(key)
        else:
            del orders[partition]

    def _order(self, table: Mapping[str, Any], partition: Any, key_type: str) -> _Order | None:
        items = table["items"].get(partition)
        if not items:
            return None
        orders = self._of(table)
        order = orders.get(partition)
        if order is None or order.items is not items or len(order.keys) != len(items):
            order = orders[partition] = _Order(items, key_type)
        return order

    def page(self, table: Mapping[str, Any], request: Mapping[str, Any]) -> tuple[Any, Items] | None:
        """The partition that a query reads, and of its items those that its first page may hold, and one more.

        None for a query that this does not understand: on an index, with old-style conditions, or in error.
        """
        sort_name, condition = table.get("sk_name"), request.get("KeyConditionExpression")
        limit = request.get("Limit")
        if request.get("IndexName") or not sort_name or not condition or request.get("KeyConditions"):
            return None
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            return None
        values = request.get("ExpressionAttributeValues") or {}
        names = request.get("ExpressionAttributeNames") or {}
        partition = dynamodb._extract_pk_from_condition(condition, values, names, table["pk_name"])
        key_type = dynamodb._get_attr_type(table, sort_name)
        order = self._order(table, partition, key_type)
        if partition is None or order is None:
            return None
        found = self._range(order, condition, sort_name, values, names, key_type)
        if found is None:
            return None
        start, end = found.start, found.end
        forward = request.get("ScanIndexForward", True)
        cursor = (request.get("ExclusiveStartKey") or {}).get(sort_name)
        if cursor:
            at = dynamodb._sort_key_value(cursor, key_type)
            if forward:
                start = max(start, bisect.bisect_right(order.values, at))
            else:
                end = min(end, bisect.bisect_left(order.values, at))
        positions = range(start, end) if forward else range(end - 1, start - 1, -1)
        return partition, _first_page(order, positions, limit)

    def _range(
        self,
        order: _Order,
        condition: str,
        sort_name: str,
        values: Mapping[str, Any],
        names: Mapping[str, str],
        key_type: str,
    ) -> Range | None:
        clauses = dynamodb._key_condition_clauses(dynamodb._tokenize(condition))
        if len(clauses) == 1:
            return Range(0, len(order.keys))
        for clause in clauses:
            recognized = _sort_key_clause(clause, sort_name, names)
            if recognized is None:
                continue
            operator, references = recognized
            operands = [values.get(reference) for reference in references]
            if any(not isinstance(operand, dict) or key_type not in operand for operand in operands):
                return None
            if operator == "BEGINS_WITH" and key_type != "S":
                return None
            return _matching(order.values, operator, [dynamodb._sort_key_value(o, key_type) for o in operands])
        return None


def _first_page(order: _Order, positions: Sequence[int], limit: int | None) -> Items:
    page: Items = {}
    size = 0
    for position in positions:
        key = order.keys[position]
        page[key] = order.items[key]
        if limit is not None and len(page) > limit:
            break
        size += dynamodb._item_size_bytes(order.items[key])
        if size > PAGE_BYTES:
            # The page ends before this item or, filled exactly, behind the one before it; the query itself decides.
            break
    return page
