"""Attributes of items that anyone with the right may have put: what the API can show of them, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from domain import times, validation


class WrongType(Exception):
    """An attribute that is there, but is not what the API can show."""

    def __init__(self, attribute: str, rule: str) -> None:
        super().__init__(f"{attribute} {rule}")


# What reads an attribute, and what it must be.
Rules = Mapping[str, tuple[Callable[[object], object], str]]


def check(item: Mapping[str, object], rules: Rules) -> None:
    """Let an item pass whose attributes are missing or right.

    Raises:
        WrongType: an attribute is present with another type.
    """
    for attribute, (read, rule) in rules.items():
        if item.get(attribute) is not None and read(item[attribute]) is None:
            raise WrongType(attribute, f"must be {rule}, not {_shown(item[attribute])}")


def text(value: object) -> str | None:
    """A text or a number as text; None for anything else, which has no text that is the same in every process."""
    return str(value) if isinstance(value, str | Decimal) else None


def whole_number(value: object) -> int | None:
    """A whole number that GraphQL's Int can hold."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return None
    number = Decimal(value)
    if abs(number) > validation.MAX_SEQ:
        return None
    return int(number) if number == int(number) else None


def time(value: object) -> str | None:
    """A time with an offset, as the API writes it."""
    return _time(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)  # each is asked for twice, and many items have the same
def _time(value: str) -> str | None:
    if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$", value):
        return None
    try:
        return times.to_iso(times.to_ms(datetime.fromisoformat(value)))
    except ValueError:
        return None


def text_list(value: object) -> list[str] | None:
    """A list of texts."""
    if not isinstance(value, list):
        return None
    read = [text(each) for each in value]
    return None if None in read else [each for each in read if each is not None]


def texts(value: object) -> dict[str, str] | None:
    """A map of texts by name."""
    if not isinstance(value, Mapping):
        return None
    read = {name: text(each) for name, each in value.items()}
    return None if None in read.values() else {name: each for name, each in sorted(read.items()) if each is not None}


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 100 else f"{shown[:100]}..."
