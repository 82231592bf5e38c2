"""The change log: gap-free numbers for the changes of each topic, and reading them again.

Items of the log's table (`pk` text, `sk` number), none of which has a stream:

    HEAD#<topic>                 0     `head`: the topic's last number, `at`: when it was given. Never expires.
    LOG#<block>#<topic>          seq   one change; a block holds 1,000 numbers, so that partitions stay small.
    EVENT#<event id>#<topic>     0     the number that a stream record got. Outlives the stream's 24 hours.

Numbers, entries and event markers are written in one transaction that demands the head which the writer saw and that no
marker exists. Hence two publishers never give out one number, a redelivered record keeps its number, and a publisher
that slept through it all fails at the first condition and looks again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from domain import backoff
from domain.errors import InvalidInput
from domain.table import (
    MAX_TRANSACTION_ITEMS,
    Conflict,
    Item,
    Key,
    Put,
    Table,
    TableError,
    Write,
    free,
)

BLOCK_SIZE = 1000
MAX_PAGE_BYTES = 240_000
DEFAULT_PAGE, LARGEST_PAGE = 100, 1000
_EVENTS_PER_TRANSACTION = (MAX_TRANSACTION_ITEMS - 1) // 2  # an entry and a marker each, and the head
_MARKER_SECONDS = 48 * 3600
_MOST_HEADS = 10_000

Kind = Literal["INSERT", "MODIFY", "REMOVE"]


@dataclass(frozen=True)
class Event:
    """What happened to an item, from one stream record.

    Attributes:
        event_id: the record's id, the same at each delivery.
        kind: what happened.
        key: the item's id in the API.
        item: the item in the API's shape; None when it is gone.
        trace_id: the trace of the request that caused it.
    """

    event_id: str
    kind: Kind
    key: str
    item: dict[str, Any] | None
    trace_id: str | None = None


@dataclass(frozen=True)
class Entry:
    """An event with its number, and the epoch milliseconds at which it got it; both only grow along a topic."""

    seq: int
    at: int
    event: Event


@dataclass(frozen=True)
class Page:
    """Entries after a number. `resync_required` when the first of them is no longer kept."""

    items: list[Entry]
    last_seq: int
    head_seq: int
    resync_required: bool


class ChangeLog:
    """The log of a table, with the heads that this container saw last, so that a batch is one write as a rule."""

    def __init__(self, table: Table, retention_seconds: int, now_ms: Callable[[], int]) -> None:
        self._table = table
        self._retention_seconds = retention_seconds
        self._now_ms = now_ms
        self._heads: dict[str, _Head] = {}

    def append(self, topic: str, events: Sequence[Event], deadline: float) -> list[Entry]:
        """Give each event its number, in this order, unless it has one from an earlier delivery.

        Args:
            topic: the topic's name.
            events: of distinct ids, in the order of the stream.
            deadline: `time.monotonic()` until which to try.

        Returns:
            The events with their numbers, in the order of the numbers.

        Raises:
            TableError: the last obstacle, when the time is over. Some events may be numbered; a repeat finds out which.
        """
        known: dict[str, _Number] = {}
        obstacle: TableError | None = None
        for _ in backoff.attempts(deadline, first_seconds=0.01, longest_seconds=1.0):
            try:
                if obstacle:
                    # Something is not as it was thought to be: another publisher, or an earlier delivery.
                    self._heads.pop(topic, None)
                    known |= self._known_numbers(topic, [e for e in events if e.event_id not in known])
                self._append_new(topic, [e for e in events if e.event_id not in known], known)
            except TableError as error:
                obstacle = error
            else:
                entries = [Entry(known[e.event_id].seq, known[e.event_id].at, e) for e in events]
                return sorted(entries, key=lambda entry: entry.seq)
        assert obstacle is not None
        raise obstacle

    def read(self, topic: str, after: int, limit: int, deadline: float) -> Page:
        """The entries that follow a number, as many as fit into `limit` and 240 KB, at least one if there is any.

        Never leaves out an entry: a page ends where the next number is not to be seen yet, and asks on when that is
        the very first. It is the first entry's expiry that decides about `resync_required`: entries expire in the order
        of their numbers, and DynamoDB may keep some of them days longer.

        Raises:
            InvalidInput: `after` is negative.
            TableError: the table did not answer before the deadline.
        """
        if after < 0:
            raise InvalidInput("after", f"must be 0 or more, not {after}.")
        obstacle: TableError | None = None
        for _ in backoff.attempts(deadline, first_seconds=0.01, longest_seconds=0.2):
            now = self._now_ms() // 1000
            try:
                head = self._read_head(topic).seq
                if after == head:
                    return Page([], after, head, resync_required=False)
                items = self._contiguous(topic, after + 1, min(head, after + limit), now)
                if items:
                    return Page(items, items[-1].seq, head, resync_required=False)
                # Is the entry gone, or did a query just not see a transaction that the head's read saw? Only reading
                # both at one moment tells. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
                head_key, entry_key = _head_key(topic), _entry_key(topic, after + 1)
                head_item, entry = self._table.get_together([head_key, entry_key], now)
            except TableError as error:
                obstacle = error
                continue
            if entry is None:
                return Page([], after, _Head.of(head_item).seq, resync_required=True)
        raise obstacle or Conflict(f"{topic}: change {after + 1} did not become visible")

    def _append_new(self, topic: str, events: Sequence[Event], known: dict[str, _Number]) -> None:
        """Number events that have none, noting in `known` what is done after each transaction."""
        for start in range(0, len(events), _EVENTS_PER_TRANSACTION):
            part = events[start : start + _EVENTS_PER_TRANSACTION]
            head = self._heads.get(topic) or self._read_head(topic)
            # Another publisher's clock may be ahead. Times must not go back, or entries would expire out of order.
            at = max(self._now_ms(), head.at)
            numbers = [_Number(head.seq + offset, at) for offset in range(1, len(part) + 1)]
            new_head = _Head(numbers[-1].seq, at)
            writes: list[Write] = [new_head.write(topic, head)]
            for number, event in zip(numbers, part, strict=True):
                writes += self._writes(topic, number, event)
            self._table.write(writes)
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            self._heads[topic] = new_head
            known |= {event.event_id: number for number, event in zip(numbers, part, strict=True)}

    def _writes(self, topic: str, number: _Number, event: Event) -> Iterator[Write]:
        pk, sk = _entry_key(topic, number.seq)
        expires_at = number.at // 1000 + self._retention_seconds
        yield Put(
            {
                "pk": pk, "sk": sk, "topic": topic, "at": number.at, "eventId": event.event_id, "kind": event.kind,
                "key": event.key, "traceId": event.trace_id, "expiresAt": expires_at,
                "item": None if event.item is None else json.dumps(event.item, ensure_ascii=False),
            }
        )  # fmt: skip
        pk, sk = _event_key(topic, event.event_id)
        now = number.at // 1000
        marker = {"pk": pk, "sk": sk, "seq": number.seq, "at": number.at, "expiresAt": now + _MARKER_SECONDS}
        yield Put(marker, *free(now))

    def _known_numbers(self, topic: str, events: Sequence[Event]) -> dict[str, _Number]:
        by_key = {_event_key(topic, event.event_id): event.event_id for event in events}
        markers = self._table.get_all(by_key, self._now_ms() // 1000)
        return {by_key[key]: _Number(int(marker["seq"]), int(marker["at"])) for key, marker in markers.items()}

    def _read_head(self, topic: str) -> _Head:
        return _Head.of(self._table.get(_head_key(topic), self._now_ms() // 1000))

    def _contiguous(self, topic: str, first: int, last: int, now: int) -> list[Entry]:
        """Entries from `first` on without a gap, up to `last` and the size of a page."""
        found: list[Entry] = []
        size = 0
        for start, end in _blocks(first, last):
            pk, _ = _entry_key(topic, start)
            values = {":start": start, ":end": end}
            for item in self._table.query(pk, "sk BETWEEN :start AND :end", values, now=now, page_size=end - start + 1):
                size += len(item.get("item", "").encode()) + 200
                if item["sk"] != first + len(found) or (found and size > MAX_PAGE_BYTES):
                    return found
                found.append(_entry(item))
            if len(found) < end - first + 1:
                return found
        return found


@dataclass(frozen=True)
class _Number:
    seq: int
    at: int


@dataclass(frozen=True)
class _Head:
    seq: int
    at: int

    @staticmethod
    def of(item: Item | None) -> _Head:
        return _Head(int(item["head"]), int(item["at"])) if item else _Head(0, 0)

    def write(self, topic: str, before: _Head) -> Put:
        """Replace the head, if it is still the one that was seen."""
        pk, sk = _head_key(topic)
        item = {"pk": pk, "sk": sk, "topic": topic, "head": self.seq, "at": self.at}
        if before.seq == 0:
            return Put(item, "attribute_not_exists(pk)")
        return Put(item, "#head = :head", {":head": before.seq})


def _blocks(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The numbers from `first` to `last`, cut where a block ends."""
    while first <= last:
        end = min(last, first // BLOCK_SIZE * BLOCK_SIZE + BLOCK_SIZE - 1)
        yield first, end
        first = end + 1


def _entry(item: Item) -> Entry:
    content = json.loads(item["item"]) if "item" in item else None
    event = Event(item["eventId"], item["kind"], item["key"], content, item.get("traceId"))
    return Entry(int(item["sk"]), int(item["at"]), event)


def _head_key(topic: str) -> Key:
    return f"HEAD#{topic}", 0


def _entry_key(topic: str, seq: int) -> Key:
    return f"LOG#{seq // BLOCK_SIZE}#{topic}", seq


def _event_key(topic: str, event_id: str) -> Key:
    return f"EVENT#{event_id}#{topic}", 0


def now_ms() -> int:
    """The wall clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000
