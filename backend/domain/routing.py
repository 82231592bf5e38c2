"""From stream records to topics: which changes of the main table go where, recognised by the keys alone.

A raw write may lack any attribute but its keys, so nothing else decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain import message, topics, validation
from domain.changes import Event, Kind
from domain.table import Item, from_event
from domain.topics import Topic


@dataclass(frozen=True)
class Record:
    """One change of an item, as the table's stream tells it."""

    event_id: str
    kind: Kind
    pk: str
    sk: str
    new: Item | None
    position: str
    created_ms: int


@dataclass(frozen=True)
class Change:
    """An event of a topic."""

    topic: Topic
    event: Event


def from_stream(record: Mapping[str, Any]) -> Record:
    """A record as Lambda gets it from DynamoDB Streams."""
    data = record["dynamodb"]
    keys = from_event(data["Keys"])
    new = data.get("NewImage")
    return Record(
        event_id=record["eventID"],
        kind=record["eventName"],
        pk=keys["pk"],
        sk=keys["sk"],
        new=from_event(new) if new and record["eventName"] != "REMOVE" else None,
        position=data["SequenceNumber"],
        # Whole seconds, which may be rounded: one second less is certainly not too late.
        created_ms=(int(data.get("ApproximateCreationDateTime", 1)) - 1) * 1000,
    )


def route(record: Record) -> list[Change]:
    """The topics that a change concerns, with what each is told; none for items that are nobody's business."""
    return [change for prefix, changes in ROUTES.items() if record.pk.startswith(prefix) for change in changes(record)]


def _message(record: Record) -> Iterator[Change]:
    room_id = message.room_of(record.pk)
    # A room that no argument of the API can name has no subscribers, and its id may not fit into the log's keys.
    if room_id is not None and validation.names_room(room_id):
        item = record.new
        shown = message.from_item(record.pk, record.sk, item) if item is not None else None
        trace_id = item.get("traceId") if item else None
        event = Event(
            record.event_id,
            record.kind,
            message.id_of(record.sk),
            None if shown is None else json.dumps(shown, ensure_ascii=False, separators=(",", ":")),
            trace_id if isinstance(trace_id, str) else None,
            since_ms=record.created_ms,
            position=record.position,
            reference=(record.pk, record.sk),
        )
        yield Change(topics.room(room_id), event)


# The prefixes of `pk` are also the filter of the publisher's event source mapping (stacks/api.yaml); a test compares.
ROUTES: Mapping[str, Callable[[Record], Iterator[Change]]] = {message.PREFIX: _message}
