"""A message: its keys in the main table, its item, and what the API shows of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict

from domain import times, validation

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
    message: Message, partition: Partition, sent_at_ms: int, expires_at: int, trace_id: str | None
) -> dict[str, Any]:
    """The item that stores a message."""
    return {
        "pk": partition.pk,
        "sk": sort_key(sent_at_ms, message["id"]),
        **message,
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
        "author": _text(item.get("author")) or "unknown",
        "text": _text(item.get("text")) or "",
        "sentAt": _time(item.get("sentAt")) or times.to_iso(_time_of(sk)),
        "version": 1 if (version := _version(item.get("version"))) is None else version,
        "originalTime": _text(item.get("originalTime")),
    }


class WrongType(Exception):
    """An attribute that is there, but is not what the API can show."""

    def __init__(self, attribute: str, rule: str) -> None:
        super().__init__(f"{attribute} {rule}")


def to_publish(pk: str, sk: str, item: Mapping[str, Any]) -> Message:
    """The same for those who are told of the item. What is missing has a stand-in; what is wrong has none.

    A stand-in for it would be told as if someone had written it.

    Raises:
        WrongType: an attribute is present with another type.
    """
    for attribute, (read, rule) in _ATTRIBUTES.items():
        if item.get(attribute) is not None and read(item[attribute]) is None:
            raise WrongType(attribute, f"must be {rule}, not {_shown(item[attribute])}")
    return from_item(pk, sk, item)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _text(value: object) -> str | None:
    """A text or a number as text; None for anything else, which has no text that is the same in every process."""
    return str(value) if isinstance(value, str | Decimal) else None


def _version(value: object) -> int | None:
    if not isinstance(value, Decimal) or abs(value) > validation.MAX_SEQ:
        return None
    return int(value) if value == int(value) else None


def _time(value: object) -> str | None:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$", value):
        return None
    try:
        return times.to_iso(times.to_ms(datetime.fromisoformat(value)))
    except ValueError:
        return None


def _time_of(sk: str) -> int:
    digits = sk.partition("#")[0]
    return int(digits) if re.fullmatch("[0-9]{1,15}", digits) else 0


_ATTRIBUTES: Mapping[str, tuple[Callable[[object], object], str]] = {
    "author": (_text, "a text"),
    "text": (_text, "a text"),
    "sentAt": (_time, "a time with an offset"),
    "version": (_version, "a whole number of 32 bits"),
    "originalTime": (_text, "a text"),
}
