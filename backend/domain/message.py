"""A message: its keys in the main table, its item, and what the API shows of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict

from domain import attributes, times

PREFIX = "MESSAGES#"


class Message(TypedDict):
    """A message as the schema has it."""

    id: str
    roomId: str
    author: str
    text: str
    sentAt: str
    version: int
    originalTime: str | None


class Partition(NamedTuple):
    """One shard of the messages that a room got in one hour."""

    room_id: str
    hour: str
    shard: int

    @property
    def pk(self) -> str:
        """Its partition key."""
        return f"{PREFIX}{self.room_id}#{self.hour}#{self.shard}"


def sort_key(sent_at_ms: int, message_id: str) -> str:
    """Sorts by time of arrival, then by id."""
    return f"{sent_at_ms:013d}#{message_id}"


def room_of(pk: str) -> str | None:
    """The room that a message's partition key names; None for another kind of key. A room's id may contain `#`."""
    parts = pk.removeprefix(PREFIX).rsplit("#", 2)
    return parts[0] if pk.startswith(PREFIX) and len(parts) == 3 else None


def id_of(sk: str) -> str:
    """The message's id in its sort key; the whole key where someone wrote another kind."""
    return sk.partition("#")[2] or sk


def to_item(
    message: Message,
    partition: Partition,
    sent_at_ms: int,
    expires_at: int,
    trace_id: str | None,
    user_id: str | None = None,
) -> dict[str, Any]:
    """The item that stores a message; `user_id` is the signed-in user's who wrote it, which the API never shows."""
    return {
        "pk": partition.pk,
        "sk": sort_key(sent_at_ms, message["id"]),
        **message,
        "userId": user_id,
        "traceId": trace_id,
        "expiresAt": expires_at,
    }


def from_item(pk: str, sk: str, item: Mapping[str, Any]) -> Message:
    """What the API shows of an item, whoever wrote it.

    Anyone with the right may put items into the table, and one that lacks something, or has something of a wrong type,
    must not break a reader's page: the key says room, id and time, and everything else has a stand-in.
    """
    return {
        "id": id_of(sk),
        "roomId": room_of(pk) or "",
        "author": attributes.text(item.get("author")) or "unknown",
        "text": attributes.text(item.get("text")) or "",
        "sentAt": attributes.time(item.get("sentAt")) or times.to_iso(_time_of(sk)),
        "version": 1 if (version := attributes.whole_number(item.get("version"))) is None else version,
        "originalTime": attributes.text(item.get("originalTime")),
    }


def to_publish(pk: str, sk: str, item: Mapping[str, Any]) -> Message:
    """The same for those who are told of the item. What is missing has a stand-in; what is wrong has none.

    A stand-in for it would be told as if someone had written it.

    Raises:
        WrongType: an attribute is present with another type.
    """
    attributes.check(item, _ATTRIBUTES)
    return from_item(pk, sk, item)


def _time_of(sk: str) -> int:
    digits = sk.partition("#")[0]
    return int(digits) if re.fullmatch("[0-9]{1,15}", digits) else 0


_ATTRIBUTES: attributes.Rules = {
    "author": (attributes.text, "a text"),
    "text": (attributes.text, "a text"),
    "sentAt": (attributes.time, "a time with an offset"),
    "version": (attributes.whole_number, "a whole number of 32 bits"),
    "originalTime": (attributes.text, "a text"),
}
