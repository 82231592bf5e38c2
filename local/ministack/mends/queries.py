"""DynamoDB queries whose cost is that of their answer."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from local.ministack.partitions import Partitions


def validate_expressions_once() -> None:
    """A query, scan or filter reads its expression anew for every item: 15-30 us each, on the event loop."""
    evaluate = dynamodb._evaluate_condition
    last = threading.local()

    def evaluate_quickly(
        expression: str, item: Any, values: Any, names: Any, slot: str = "ConditionExpression"
    ) -> bool:
        known = getattr(last, "validated", None)
        # The very same objects: then it is the same request, whose values were checked with its first item.
        if known and known[0] is expression and known[1] is values and known[2] is names and known[3] == slot:
            try:
                return bool(dynamodb._ExprEval(known[4], item, values, names).evaluate())
            except Exception:  # noqa: BLE001 - an error that depends on the item: told below, in AWS's words
                return bool(evaluate(expression, item, values, names, slot))
        result = evaluate(expression, item, values, names, slot)
        if expression and expression.strip():
            last.validated = (expression, values, names, slot, dynamodb._tokenize(expression))
        return bool(result)

    dynamodb._evaluate_condition = evaluate_quickly


_narrowed: contextvars.ContextVar[tuple[str, dict[str, Any]] | None] = contextvars.ContextVar("narrowed", default=None)
"""The table that the running query sees in place of the whole one."""


class _Tables(AccountRegionScopedDict):  # type: ignore[misc] # MiniStack has no types
    """MiniStack's tables; a query finds its own with nothing in it but what it may return."""

    __slots__ = ()

    def get(self, key: str, default: Any = None) -> Any:
        view = _narrowed.get()
        return view[1] if view is not None and view[0] == key else super().get(key, default)


def narrow_partitions() -> None:
    """A query sorts and tests the whole partition: 120 ms at 8,000 items, during which nothing else is answered."""
    partitions = Partitions()
    query, set_item, remove_item = dynamodb._query, dynamodb._set_item, dynamodb._remove_item

    def set_and_order(table: dict[str, Any], partition: Any, sort: Any, item: dict[str, Any]) -> Any:
        old = set_item(table, partition, sort, item)
        partitions.written(table, (partition, sort), old, item)
        return old

    def remove_and_order(table: dict[str, Any], partition: Any, sort: Any) -> Any:
        old = remove_item(table, partition, sort)
        if old is not None:
            partitions.written(table, (partition, sort), old, None)
        return old

    def narrow_query(request: dict[str, Any]) -> Any:
        name = dynamodb._normalize_table_name(request.get("TableName"))
        table = dynamodb._tables.get(name) if isinstance(name, str) else None
        page = partitions.page(table, request) if table else None
        if table is None or page is None:
            return query(request)
        view = {**table, "items": page.items}
        if page.index_members:
            view[dynamodb._INDEX_MEMBERS] = page.index_members
        token = _narrowed.set((name, view))
        try:
            return query(request)
        finally:
            _narrowed.reset(token)

    dynamodb._tables.__class__ = _Tables
    dynamodb._query, dynamodb._set_item, dynamodb._remove_item = narrow_query, set_and_order, remove_and_order
