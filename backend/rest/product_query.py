"""What the query of `GET /products` asks for: simple parameters, and a filter in JSON for the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import InvalidInput

MAX_FILTER = 8192
_RANGES = {
    "minPrice": ("price", "ge"),
    "maxPrice": ("price", "le"),
    "minRating": ("rating", "ge"),
    "maxRating": ("rating", "le"),
    "yearFrom": ("year", "ge"),
    "yearTo": ("year", "le"),
    "author": ("author", "eq"),
    "language": ("language", "eq"),
    "title": ("title", "contains"),
}
"""Each parameter, and the member and operator of `ProductFilterInput` that it is."""


def product_filter(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the parameters and the filter ask for together, as a `ProductFilterInput`; None for everything.

    Args:
        given: the parameters by name; None for those that are missing. `filter` is JSON.

    Raises:
        InvalidInput: the filter is no JSON object. What is in it, the use cases check.
    """
    own: dict[str, Any] = {}
    for name, (member, operator) in _RANGES.items():
        if given.get(name) is not None:
            own.setdefault(member, {})[operator] = given[name]
    if given.get("inStock") is not None:
        own["stock"] = {"gt": 0} if given["inStock"] else {"eq": 0}
    text = given.get("filter")
    if text is None:
        return own or None
    asked = _parsed(text)
    return {**own, "and": [asked]} if own else asked


def as_asked(error: InvalidInput, given: Mapping[str, Any]) -> InvalidInput:
    """An error about what a parameter was made into, as one about the parameter."""
    field = (error.info or {}).get("field")
    if field == "text":
        return InvalidInput("search", error.message.removeprefix("text "))
    for name, (member, operator) in _RANGES.items():
        place = f"filter.{member}.{operator}"
        if given.get(name) is not None and field == place:
            return InvalidInput(name, error.message.removeprefix(f"{place} "))
    return error


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > MAX_FILTER:
        raise InvalidInput("filter", f"must have at most {MAX_FILTER} characters, not {len(text)}.")
    try:
        found = json.loads(text, parse_constant=_refused, object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("filter", "must be JSON.") from error
    if not isinstance(found, dict):
        raise InvalidInput("filter", "must be a JSON object.")
    return found


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object, each of whose names is there once and can be told in an error."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidInput("filter", "has an object with a member that is there twice.")
    "".join(found).encode()  # not half of a surrogate pair: a ValueError
    return found


def _refused(constant: str) -> float:
    raise ValueError(constant)
