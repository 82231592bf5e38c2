"""A notice to one client or one user: its key in the main table, its item, and what the API shows of it.

All notices of a receiver are one partition, whose key is the receiver's topic. So DynamoDB's stream has them in the
order in which they were sent, and so have the topic's numbers.

A notice is there until its receiver dismisses it or it expires: what is there is unread.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict

from domain import attributes, client, times, topics, validation
from domain.errors import InvalidInput
from domain.table import Key
from domain.topics import Topic

PREFIX = "NOTICES#"
LONGEST_SECONDS = 30 * 24 * 3600
MAX_DATA_BYTES = 16_000
MAX_DATA_DEPTH = 16
# What JavaScript, which the data goes through, can tell apart.
_MAX_WHOLE_NUMBER = 2**53 - 1


class Notice(TypedDict):
    """A notice as the schema has it. `data` is JSON text, as publishing takes it."""

    id: str
    kind: str
    data: str
    sentAt: str
    expiresAt: str | None


def partition(receiver: Topic) -> str:
    """The partition key of a receiver's notices."""
    return f"{PREFIX}{receiver}"


def key(receiver: Topic, notice_id: str) -> Key:
    """The key of a notice."""
    return partition(receiver), notice_id


def is_notice(pk: str) -> bool:
    """Whether an item with this partition key is a notice."""
    return pk.startswith(PREFIX)


def receiver_of(pk: str) -> Topic | None:
    """The topic that a partition key names; None when it is none that has notices."""
    found = topics.named(pk.removeprefix(PREFIX))
    if found is None:
        return None
    names = {topics.USER: validation.is_id, topics.CLIENT: client.is_id}.get(found.kind)
    return found if names and names(found.id) else None


def to_item(receiver: Topic, notice: Notice, expires_at: int, trace_id: str | None) -> dict[str, Any]:
    """The item of a notice that expires at an epoch second."""
    pk, sk = key(receiver, notice["id"])
    return {
        "pk": pk, "sk": sk, "kind": notice["kind"], "data": notice["data"], "sentAt": notice["sentAt"],
        "expiresAt": expires_at, "traceId": trace_id,
    }  # fmt: skip


def from_item(item: Mapping[str, Any]) -> Notice:
    """What the API shows of an item, whoever wrote it: what is missing or wrong has a stand-in."""
    return {
        "id": str(item["sk"]),
        "kind": attributes.text(item.get("kind")) or "unknown",
        "data": _data(item.get("data")) or "{}",
        "sentAt": attributes.time(item.get("sentAt")) or times.to_iso(0),
        "expiresAt": _end(item.get("expiresAt")),
    }


def to_publish(pk: str, sk: str, item: Mapping[str, Any]) -> Notice:
    """The same for those who are told of the item: what is missing has a stand-in, what is wrong has none.

    Raises:
        WrongType: an attribute is present with another type. Its message does not show the data.
    """
    if item.get("data") is not None and _data(item["data"]) is None:
        raise attributes.WrongType("data", "must be the text of a JSON object")
    attributes.check(item, _ATTRIBUTES)
    return from_item({**item, "pk": pk, "sk": sk})


def to_answer(notice: Mapping[str, Any]) -> dict[str, Any]:
    """A notice as a function answers it: AppSync writes the JSON text of an AWSJSON value itself."""
    return {**notice, "data": json.loads(notice["data"])}


def change_to_answer(change: dict[str, Any], now: int) -> dict[str, Any]:
    """A change of the log as a function answers it to those who catch up.

    What has expired by then is as good as gone, which another change will tell in time: nobody is told of it late.
    """
    shown = change.get("notice")
    if shown is None:
        return {**change, "notice": None}
    # Both are written in one way, so that the earlier text is the earlier time.
    if shown["expiresAt"] is not None and shown["expiresAt"] <= times.to_iso(now * 1000):
        return {**change, "kind": "REMOVE", "notice": None}
    return {**change, "notice": to_answer(shown)}


def follow(change: dict[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """A change that was too large for a push, with its notice as it is now."""
    return {**change, "truncated": False, "notice": from_item(item)}


def encode(field: str, data: object) -> str:
    """What a sender gives as data, as JSON text.

    Raises:
        InvalidInput: it is no object, too deep, too large, or has what not every language can read. The message does
            not repeat it.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput(field, "must be a JSON object.")
    _check(field, data, 1)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput(field, "has half of a surrogate pair.") from error
    if size > MAX_DATA_BYTES:
        raise InvalidInput(field, f"must have at most {MAX_DATA_BYTES} bytes as JSON, not {size}.")
    return text


def _check(field: str, value: object, depth: int) -> None:
    if depth > MAX_DATA_DEPTH and isinstance(value, Mapping | list):
        raise InvalidInput(field, f"must not be deeper than {MAX_DATA_DEPTH} levels.")
    if isinstance(value, Mapping):
        for name, member in value.items():
            if not isinstance(name, str):
                raise InvalidInput(field, "must have texts as names.")
            _check(field, member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check(field, member, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(field, "has a number that is not finite.")
    elif isinstance(value, int) and abs(value) > _MAX_WHOLE_NUMBER:
        raise InvalidInput(field, f"has a whole number beyond {_MAX_WHOLE_NUMBER}.")
    elif value is not None and not isinstance(value, str | int | float):
        raise InvalidInput(field, f"has a {type(value).__name__}, which JSON does not know.")


def _data(value: object) -> str | None:
    """The text of a JSON object; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = json.loads(value, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(found, dict) else None


def _refuse(name: str) -> float:
    raise ValueError(name)  # NaN and the infinities, which Python reads and JSON does not have


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _end(value: object) -> str | None:
    return times.to_iso(int(value) * 1000) if isinstance(value, Decimal | int) else None


_ATTRIBUTES: attributes.Rules = {
    "kind": (attributes.text, "a text"),
    "sentAt": (attributes.time, "a time with an offset"),
}
