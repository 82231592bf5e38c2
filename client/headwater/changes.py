"""What travels: a topic's changes as the wire carries them, read once into plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")

Kind = Literal["INSERT", "MODIFY", "REMOVE"]
Source = Literal["push", "catch-up"]


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One change of a topic.

    `seq` is its number in the topic: gap-free, and the cursor to resume from. `item` is the state after it, None in a
    REMOVE, whose `key` is the id of what went. `source` tells whether the change was pushed over the socket or read
    from the change log.

    `truncated` is the rare change whose item was too large for a push and is gone by now, so that the log has not got
    it either: `item` is None, and a later change of the same `key` tells what became of it. An item that is only too
    large for a push comes whole, from the log.
    """

    topic: str
    seq: int
    kind: Kind
    key: str
    item: T | None
    event_id: str
    at: datetime
    trace_id: str | None
    source: Source
    truncated: bool = False

    @property
    def position(self) -> int:
        """The cursor to resume after."""
        return self.seq


@dataclass(frozen=True, slots=True)
class Resync(Generic[T]):
    """The log no longer reached back to the cursor: what has changed is not known one by one.

    `items` is the state, by key, as it was read instead; what follows are the changes after `position`, some of which
    the state may show already.
    """

    topic: str
    items: Mapping[str, T]
    position: int


@dataclass(frozen=True, slots=True)
class Envelope(Generic[T]):
    """One push: the changes of a topic that were published together, numbers `first_seq` to `last_seq`."""

    first_seq: int
    last_seq: int
    items: tuple[Change[T], ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of the change log. `head_seq` is the topic's newest number; with `resync_required` the log no longer
    reaches back to the cursor, and `items` says nothing about what lies between."""

    items: tuple[Change[T], ...]
    last_seq: int
    head_seq: int
    resync_required: bool


Wire = Mapping[str, Any]
"""A JSON object as the API answers it."""
