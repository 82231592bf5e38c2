"""What travels: a topic's changes as the wire carries them, read once into plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Source = Literal["push", "catch-up"]

MESSAGE_FIELDS = "id roomId author text sentAt version originalTime"
CHANGE_FIELDS = f"seq eventId kind at traceId key truncated message {{ {MESSAGE_FIELDS} }}"


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message. `sent_at` is the server's time, `original_time` that of an imported log, as written there."""

    id: str
    room_id: str
    author: str
    text: str
    sent_at: datetime
    version: int
    original_time: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a topic.

    `seq` is its number in the topic: gap-free, and the cursor to resume from. `kind` is INSERT, MODIFY or REMOVE;
    `message` is None in a REMOVE, whose `key` is the id of what went. `source` tells whether the change was pushed over
    the socket or read from the change log.

    `truncated` is the rare change whose message was too large for a push and is gone by now, so that the log has not
    got it either: `message` is None, and a later change of the same `key` tells what became of it. A message that is
    only too large for a push comes whole, from the log.
    """

    seq: int
    kind: str
    message: Message | None
    key: str
    event_id: str
    at: datetime
    trace_id: str | None
    source: Source
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """One push: the changes of a topic that were published together, numbers `first_seq` to `last_seq`."""

    first_seq: int
    last_seq: int
    items: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the change log. `head_seq` is the topic's newest number; with `resync_required` the log no longer
    reaches back to the cursor, and `items` says nothing about what lies between."""

    items: tuple[Change, ...]
    last_seq: int
    head_seq: int
    resync_required: bool


def message_from_wire(wire: Mapping[str, Any]) -> Message:
    """A `Message` of the schema."""
    return Message(
        id=wire["id"],
        room_id=wire["roomId"],
        author=wire["author"],
        text=wire["text"],
        sent_at=datetime.fromisoformat(wire["sentAt"]),
        version=wire["version"],
        original_time=wire.get("originalTime"),
    )


def change_from_wire(wire: Mapping[str, Any], source: Source) -> Change:
    """A `MessageChange` of the schema."""
    message = wire.get("message")
    return Change(
        seq=wire["seq"],
        kind=wire["kind"],
        message=message_from_wire(message) if message is not None else None,
        key=wire["key"],
        event_id=wire["eventId"],
        at=datetime.fromisoformat(wire["at"]),
        trace_id=wire.get("traceId"),
        source=source,
        truncated=wire["truncated"],
    )


def envelope_from_wire(wire: Mapping[str, Any]) -> Envelope:
    """A `MessageChanges` of the schema, as `onMessages` delivers it."""
    items = tuple(change_from_wire(item, "push") for item in wire["items"])
    return Envelope(wire["firstSeq"], wire["lastSeq"], items)


def page_from_wire(wire: Mapping[str, Any]) -> Page:
    """A `MessageChangePage` of the schema, as `messageChanges` answers."""
    items = tuple(change_from_wire(item, "catch-up") for item in wire["items"])
    return Page(items, wire["lastSeq"], wire["headSeq"], bool(wire["resyncRequired"]))
