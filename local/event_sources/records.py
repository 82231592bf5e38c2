"""What a batch is made of, whatever its source, and the event that hands it to a function."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson


class Record(NamedTuple):
    """One record of a stream. `text` is its JSON as the function gets it, encoded once.

    `created` is when it came into the stream, in epoch seconds; records with the same `key` are delivered in order.
    """

    text: str
    sequence_number: str
    created: float
    key: str
    size: int

    @classmethod
    def of(cls, event: Mapping[str, Any], *, sequence_number: str, created: float, key: str) -> Record:
        """The record whose event a source has shaped."""
        text = encoded(event)
        return cls(text, sequence_number, created, key, len(text.encode()))


def encoded(value: object) -> str:
    """Compact JSON. What orjson has no form for (integers over 64 bits, half surrogate pairs) takes a slower way."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"))


def payload(texts: Iterable[str], members: Mapping[str, Any] | None = None) -> bytes:
    """The event of a batch, with the further members that a tumbling window adds."""
    more = "".join(f",{encoded(name)}:{encoded(value)}" for name, value in (members or {}).items())
    return f'{{"Records":[{",".join(texts)}]{more}}}'.encode()
