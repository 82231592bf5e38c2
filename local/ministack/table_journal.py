"""What DynamoDB writes mean in the journal: each written item once, and its stream record without the images.

The images of a stream record are the item that was written and the one that it replaced, so that a replay finds both in
the table. Which tables there are is not in the journal but in the saves: a table is as old as the stack that has it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import dynamodb

from local.ministack.journal import Operation

logger = logging.getLogger("headwater.journal")

Table = dict[str, Any]
Item = dict[str, Any]
Record = dict[str, Any]

STEP_OPERATIONS = 100
"""So many operations are a line of a base."""

_IMAGES = ("NewImage", "OldImage")


def identity(table: Table) -> str:
    """What tells a table from another one of its name."""
    return str(table.get("TableId") or table["TableArn"])


def key_of(table: Table, item: Item) -> tuple[Any, Any]:
    """Where MiniStack keeps an item."""
    sort_name = table["sk_name"]
    sort = dynamodb._extract_key_val(item.get(sort_name)) if sort_name else "__no_sort__"
    return dynamodb._extract_key_val(item.get(table["pk_name"])), sort


class Recorder:
    """Adds what happens to tables to the operations of a step. `generation` is that of the journal's log."""

    def __init__(self, generation: Callable[[], int]) -> None:
        self._generation = generation
        self._declared: tuple[int, set[str]] = (-1, set())

    def _declare(self, operations: list[Operation], table: Table) -> str:
        known, generation = identity(table), self._generation()
        if self._declared[0] != generation:
            self._declared = (generation, set())
        if known not in self._declared[1]:
            self._declared[1].add(known)
            operations.append(declaration(table))
        return known

    def put(self, operations: list[Operation], table: Table, item: Item) -> None:
        """An item was stored."""
        operations.append(["put", self._declare(operations, table), item, None])

    def remove(self, operations: list[Operation], table: Table, old: Item) -> None:
        """An item was removed."""
        names = (table["pk_name"], table["sk_name"])
        key = {name: old[name] for name in names if name}
        operations.append(["remove", self._declare(operations, table), key, None])

    def replace(self, operations: list[Operation], table: Table) -> None:
        """All items of a table were exchanged, as a restored backup does."""
        known = self._declare(operations, table)
        operations.append(["clear", known])
        operations += (["put", known, item, None] for items in table["items"].values() for item in items.values())

    def record(self, operations: list[Operation], table: Table, record: Record) -> None:
        """A stream record was written: join it with the write that it tells of, or add it with its images."""
        change, known = record["dynamodb"], self._declare(operations, table)
        removed = record["eventName"] == "REMOVE"
        image = change.get("NewImage")
        for operation in reversed(operations):
            if operation[0] != ("remove" if removed else "put") or operation[1] != known or operation[3] is not None:
                continue
            written = operation[2]
            same = image is None or written is image or written == image
            if same and _has_keys(written, change["Keys"]):
                operation[3] = _without_images(record)
                return
        operations.append(["record", known, record])


def declaration(table: Table) -> Operation:
    """The operation that goes before all others of a table, in case that it is gone when they are applied."""
    return ["table", identity(table), table["TableName"], table["pk_name"], table["sk_name"]]


def _has_keys(item: Item, keys: Item) -> bool:
    return all(item.get(name) == value for name, value in keys.items())


def _without_images(record: Record) -> Record:
    change = {name: value for name, value in record["dynamodb"].items() if name not in _IMAGES}
    return {**record, "dynamodb": change}


def _steps(operations: Iterator[Operation]) -> Iterator[list[Operation]]:
    step: list[Operation] = []
    for operation in operations:
        step.append(operation)
        if len(step) == STEP_OPERATIONS:
            yield step
            step = []
    if step:
        yield step


def everything() -> Iterator[list[Operation]]:
    """All items and stream records, in steps: what a base holds. Nothing else may write meanwhile."""
    return _steps(_everything())


def _everything() -> Iterator[Operation]:
    for (account, region, name), table in dynamodb._tables._data.items():
        known = identity(table)
        yield declaration(table)
        for items in table["items"].values():
            for item in items.values():
                yield ["put", known, item, None]
        arn = table.get("LatestStreamArn")
        records = dynamodb._stream_records.get_scoped(account, region, name)
        if arn and records:
            yield ["stream", arn, dynamodb._stream_trimmed.get_scoped(account, region, name, 0)]
            for record in records:
                yield ["record", known, _with_known_images(record, table)]
    for (_, _, arn), closed in dynamodb._closed_streams._data.items():
        yield ["stream", arn, closed["trimmed"]]
        for record in closed["records"]:
            yield ["record", None, record]


def _with_known_images(record: Record, table: Table) -> Record:
    """An image that is the item of the table is told by `true`."""
    change = record["dynamodb"]
    partition, sort = key_of(table, change["Keys"])
    item = table["items"].get(partition, {}).get(sort)
    known = {name: True for name in _IMAGES if item is not None and change.get(name) is item}
    return {**record, "dynamodb": {**change, **known}} if known else record


class Restore:
    """Applies operations to MiniStack's tables and streams, which the save has made, without items and records."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._streams: dict[str, list[Record]] = {}
        self._set_trimmed: dict[str, Any] = {}
        self._absent: dict[str, Table] = {}
        self._left_out: Counter[str] = Counter()
        self._highest = dynamodb._stream_seq_counter
        for scope, table in dynamodb._tables._data.items():
            self._tables[identity(table)] = table
            arn = table.get("LatestStreamArn")
            if arn and (table.get("StreamSpecification") or {}).get("StreamEnabled"):
                self._streams[arn] = []
                dynamodb._stream_records._data[scope] = self._streams[arn]
                self._set_trimmed[arn] = lambda count, scope=scope: _set(dynamodb._stream_trimmed._data, scope, count)
        for (_, _, arn), closed in dynamodb._closed_streams._data.items():
            self._streams[arn] = closed["records"]
            self._set_trimmed[arn] = lambda count, closed=closed: _set(closed, "trimmed", count)

    def apply(self, operation: Operation) -> bool:
        """Do what an operation says; False for one of somebody else."""
        kind, *content = operation
        if kind == "put":
            self._put(*content)
        elif kind == "remove":
            self._remove(*content)
        elif kind == "record":
            self._record(*content)
        elif kind == "table":
            self._declare(*content)
        elif kind == "stream":
            arn, trimmed = content
            if arn in self._streams:
                self._set_trimmed[arn](trimmed)
        elif kind == "clear":
            table = self._table(content[0])
            if table is not None:
                table["items"].clear()
        else:
            return False
        return True

    def _declare(self, known: str, name: str, partition_name: str, sort_name: str | None) -> None:
        if known not in self._tables:
            # It is gone, but its stream may be readable for a day, and a record's images are the items as they were.
            self._absent[known] = {"TableName": name, "pk_name": partition_name, "sk_name": sort_name, "items": {}}

    def _table(self, known: str) -> Table | None:
        return self._tables.get(known) or self._absent.get(known)

    def _put(self, known: str, item: Item, record: Record | None) -> None:
        table = self._table(known)
        if known not in self._tables:
            self._left_out[table["TableName"] if table else known] += 1
        if table is None:
            return
        partition, sort = key_of(table, item)
        items = table["items"].setdefault(partition, {})
        old = items.get(sort)
        items[sort] = item
        if record is not None:
            self._append(record, item, old)

    def _remove(self, known: str, key: Item, record: Record | None) -> None:
        table = self._table(known)
        if table is None:
            return
        partition, sort = key_of(table, key)
        items = table["items"].get(partition, {})
        old = items.pop(sort, None)
        if not items:
            table["items"].pop(partition, None)
        if record is not None:
            self._append(record, None, old)

    def _append(self, record: Record, new: Item | None, old: Item | None) -> None:
        view = record["dynamodb"].get("StreamViewType")
        if new is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            record["dynamodb"]["NewImage"] = new
        if old is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            record["dynamodb"]["OldImage"] = old
        self._add(record)

    def _record(self, known: str | None, record: Record) -> None:
        change = record["dynamodb"]
        table = self._table(known) if known else None
        for name in _IMAGES:
            if change.get(name) is True:
                partition, sort = key_of(table, change["Keys"]) if table else (None, None)
                change[name] = table["items"].get(partition, {}).get(sort) if table else None
        self._add(record)

    def _add(self, record: Record) -> None:
        # A stream that was switched off and on again is another one: its ARN tells.
        records = self._streams.get(record["eventSourceARN"])
        if records is not None:
            records.append(record)
        self._highest = max(self._highest, int(record["dynamodb"]["SequenceNumber"][-10:]))

    def finish(self) -> None:
        """Put right what MiniStack derives, and say what had no table to go to."""
        for table in self._tables.values():
            dynamodb._items_replaced(table)
        dynamodb._stream_seq_counter = self._highest
        for name, count in self._left_out.items():
            logger.warning("%d writes to table %s are left out: no save has the table, or it was deleted.", count, name)


def _set(mapping: Any, key: Any, value: Any) -> None:
    mapping[key] = value
