"""Pages of a topic's changes, for clients that missed pushes: the same for every kind of topic."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from domain import validation
from domain.changes import DEFAULT_PAGE, LARGEST_PAGE, ChangeLog
from domain.clock import Clock
from domain.events import Entry
from domain.table import Item, Table
from domain.topics import Topic

# From an entry of the log and its change, as it was pushed, to the change as it is answered.
Whole = Callable[[Entry, dict[str, Any]], dict[str, Any]]


def followed(table: Table, clock: Clock, member: str, shown: Callable[[Item], object]) -> Whole:
    """A `Whole` for a topic of one type of items: what was too large for a push is read as it is now.

    Args:
        table: where the items are.
        clock: tells what has expired.
        member: of a change, that holds the item.
        shown: the item in the API's shape.
    """

    def whole(entry: Entry, change: dict[str, Any]) -> dict[str, Any]:
        if entry.reference and (item := table.get(entry.reference, clock.now_ms() // 1000)):
            change |= {"truncated": False, member: shown(item)}
        return change

    return whole


def page(log: ChangeLog, topic: Topic, after: int, limit: int | None, whole: Whole, deadline: float) -> dict[str, Any]:
    """The changes of a topic after a number, as the schema's pages have them.

    Args:
        log: the change log.
        topic: the topic, to which the caller has the right.
        after: the number of the last change that the client has.
        limit: how many at most.
        whole: shapes a change, and reads what was too large for a push.
        deadline: as `ChangeLog.read`.

    Raises:
        InvalidInput: a number is out of range.
        TableError: the table did not answer before the deadline.
    """
    limit = validation.limit(limit, default=DEFAULT_PAGE, most=LARGEST_PAGE)
    found = log.read(topic, after, limit, deadline)
    return {
        topic.kind.id_field: topic.id,
        "topic": str(topic),
        "items": [whole(entry, json.loads(entry.text)) for entry in found.items],
        "lastSeq": found.last_seq,
        "headSeq": found.head_seq,
        "resyncRequired": found.resync_required,
    }
