"""What happened to an item, before it has a number and after."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from domain.table import Key

Kind = Literal["INSERT", "MODIFY", "REMOVE"]


@dataclass(frozen=True)
class Event:
    """What happened to an item, from one stream record, or from several of which the last tells all.

    Attributes:
        event_id: the record's id, the same at each delivery.
        kind: what happened.
        key: the item's id in the API.
        item: the item in the API's shape as JSON text; None when it is gone.
        trace_id: the trace of the request that caused it.
        since_ms: epoch milliseconds, the same at each delivery, before which neither this record nor one that it covers
            was created. 0, unknown, is right too, and makes `append` read the whole log.
        position: the record's sequence number in the stream.
        covers: the ids of the records that this one replaces, which therefore get no number of their own.
        reference: the item's key in the main table, from which catch-up answers what is too large for a push.
        latest_ms: the greatest `since_ms` of all of them, where it is another one.
        item_field: the member of a change that holds the item; empty for the one that the topic's kind names.
    """

    event_id: str
    kind: Kind
    key: str
    item: str | None
    trace_id: str | None = None
    since_ms: int = 0
    position: str | None = None
    covers: tuple[str, ...] = ()
    reference: Key | None = None
    latest_ms: int = 0
    item_field: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all records that it stands for."""
        return (self.event_id, *self.covers)

    @property
    def created_ms(self) -> int:
        """The time of creation of the newest of them, as `since_ms` tells it."""
        return max(self.since_ms, self.latest_ms)


def coalesced(events: Sequence[Event]) -> Event:
    """The last of several events of one item, covering the others: for items of which only the last state matters.

    The records of one item come in the order of their creation, but the clocks that stamped them need not agree.
    Hence both ends of the time are kept.
    """
    last = events[-1]
    return replace(
        last,
        covers=tuple(event_id for event in events[:-1] for event_id in event.ids) + last.covers,
        since_ms=min(event.since_ms for event in events),
        latest_ms=max(event.created_ms for event in events),
    )


@dataclass(frozen=True)
class Entry:
    """A numbered event as the log holds it.

    Attributes:
        seq: its number in the topic.
        at: the epoch milliseconds at which it got it. Never goes back along a topic.
        text: the change as JSON text, exactly as it is published and as catch-up answers it.
        truncated: the item was too large, and `text` is a pointer: its item is null, its `truncated` true.
        position: the sequence number of its record in the stream.
        covers: the ids of further records that it stands for.
        reference: of a truncated one, the item's key in the main table.
    """

    seq: int
    at: int
    text: str
    truncated: bool = False
    position: str | None = None
    covers: tuple[str, ...] = ()
    reference: Key | None = None

    @cached_property
    def event_id(self) -> str:
        """The id of the record, from the text."""
        # Only that one member is decoded. What comes before it, number and time, has no text that could deceive.
        found, _ = _DECODER.raw_decode(self.text, self.text.index(_EVENT_ID) + len(_EVENT_ID))
        return str(found)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all records that it stands for."""
        return (self.event_id, *self.covers)


_DECODER = json.JSONDecoder()
_EVENT_ID = '"eventId":'
