"""A user's profile: its key in the main table, its item, and what the API shows of it.

The same item says since when the user's tokens count (`validAfter`) and whether they are being deleted (`deletedAt`):
no write brings back a profile that was deleted, and one read tells whether a session still stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict

from domain import attributes, times
from domain.table import Key, Set

PREFIX = "USER#"
SORT_KEY = "PROFILE"


class ProfileAttribute(TypedDict):
    """An attribute that an application keeps with a user, as the schema has it."""

    name: str
    value: str


class Profile(TypedDict):
    """A profile as the schema has it."""

    id: str
    displayName: str
    attributes: list[ProfileAttribute]
    createdAt: str
    updatedAt: str
    version: int


def key(user_id: str) -> Key:
    """The key of a user's profile."""
    return f"{PREFIX}{user_id}", SORT_KEY


def is_there(item: Mapping[str, Any] | None) -> bool:
    """Whether an item under the key is a profile: not one of a user who is being deleted."""
    return item is not None and "deletedAt" not in item


def creation(user_id: str, name: str, now_ms: int, trace_id: str | None) -> Set:
    """The write that makes a profile, unless there is one or its user is being deleted.

    Args:
        user_id: the `sub`.
        name: what the user signs in with, which others see until the user chooses another.
        now_ms: epoch milliseconds.
        trace_id: of the request.
    """
    now = times.to_iso(now_ms)
    members = {
        "name": name, "displayName": name[:64], "createdAt": now, "updatedAt": now, "version": 1, "traceId": trace_id,
    }  # fmt: skip
    return Set(
        key(user_id),
        {name: value for name, value in members.items() if value is not None},
        "attribute_not_exists(#createdAt) AND attribute_not_exists(#deletedAt)",
    )


def from_item(pk: str, item: Mapping[str, Any]) -> Profile:
    """What the API shows of an item, whoever wrote it: what is missing or wrong has a stand-in."""
    created = attributes.time(item.get("createdAt")) or times.to_iso(0)
    return {
        "id": pk.removeprefix(PREFIX),
        "displayName": attributes.text(item.get("displayName")) or attributes.text(item.get("name")) or "unknown",
        "attributes": [
            {"name": name, "value": value}
            for name, value in (attributes.texts(item.get("attributes")) or {}).items()
        ],
        "createdAt": created,
        "updatedAt": attributes.time(item.get("updatedAt")) or created,
        "version": attributes.whole_number(item.get("version")) or 0,
    }  # fmt: skip


def to_publish(pk: str, sk: str, item: Mapping[str, Any]) -> Profile:
    """The same for those who are told of the item: what is missing has a stand-in, what is wrong has none.

    Raises:
        WrongType: an attribute is present with another type.
    """
    del sk
    attributes.check(item, _ATTRIBUTES)
    return from_item(pk, item)


def session_of(item: Mapping[str, Any]) -> str:
    """Another text after each end of the user's live subscriptions, also of those who may connect again."""
    return f"{valid_after(item)} {attributes.text(item.get('disconnectedAt')) or ''}"


def valid_after(item: Mapping[str, Any]) -> int:
    """Epoch seconds: tokens that were issued until then are not taken any more."""
    seconds = item.get("validAfter")
    return int(seconds) if isinstance(seconds, Decimal | int) else 0


_ATTRIBUTES: attributes.Rules = {
    "displayName": (attributes.text, "a text"),
    "attributes": (attributes.texts, "a map of texts"),
    "createdAt": (attributes.time, "a time with an offset"),
    "updatedAt": (attributes.time, "a time with an offset"),
    "version": (attributes.whole_number, "a whole number of 32 bits"),
}
