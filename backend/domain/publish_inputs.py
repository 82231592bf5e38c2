"""Whether AppSync will take what is to be published: the schema's input types, checked before a number is given.

A change that AppSync refuses once it has a number would be a gap that every subscriber has to fetch. The types come
from schema.graphql (`publish_documents.py`, generated); the scalars are as strict as AppSync's, or stricter.
https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache

from domain.publish_documents import ENUMS, INPUT_TYPES, INPUTS

Check = Callable[[object, str], None]

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


class InvalidItem(Exception):
    """A value that the schema's input type does not take. `path` says where it is in the item."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path} {rule}")
        self.path = path


@cache
def checker(mutation: str, *path: str) -> Check:
    """What checks a member of a publish mutation's input, or of what the members on its path hold.

    Args:
        mutation: its name.
        path: member by member, `"items", "message"` for the item of a change. Lists and non-nulls on the way do not
            count, but those around the last one do.

    Raises:
        KeyError: there is no such mutation or member.
    """
    type_ = INPUTS[mutation]
    for member in path:
        type_ = INPUT_TYPES[type_.strip("[]!")][member]
    return _check(type_)


@cache
def _check(type_: str) -> Check:
    """The check of a type as the schema writes it, such as `[Int!]!`; raises InvalidItem."""
    if type_.endswith("!"):
        return _non_null(_nullable(type_[:-1]))
    inner = _nullable(type_)
    return lambda value, path: None if value is None else inner(value, path)


def _non_null(inner: Check) -> Check:
    def check(value: object, path: str) -> None:
        if value is None:
            raise InvalidItem(path, "must not be null")
        inner(value, path)

    return check


def _nullable(type_: str) -> Check:
    if type_.startswith("["):
        return _list(_check(type_[1:-1]))
    if type_ in INPUT_TYPES:
        return _object(type_, {name: _check(member) for name, member in INPUT_TYPES[type_].items()})
    if type_ in ENUMS:
        return _enum(ENUMS[type_])
    return SCALARS[type_]


def _list(inner: Check) -> Check:
    def check(value: object, path: str) -> None:
        if not isinstance(value, list):
            raise InvalidItem(path, f"must be a list, not {_kind(value)}")
        for index, item in enumerate(value):
            inner(item, f"{path}[{index}]")

    return check


def _object(name: str, members: Mapping[str, Check]) -> Check:
    def check(value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise InvalidItem(path, f"must be an object, not {_kind(value)}")
        if unknown := value.keys() - members.keys():
            raise InvalidItem(f"{path}.{min(unknown)}", f"is no member of {name}")
        for member, inner in members.items():
            inner(value.get(member), f"{path}.{member}")

    return check


def _enum(values: tuple[str, ...]) -> Check:
    def check(value: object, path: str) -> None:
        if value not in values:
            raise InvalidItem(path, f"must be one of {', '.join(values)}")

    return check


def _text(value: object, path: str) -> None:
    if not isinstance(value, str):
        raise InvalidItem(path, f"must be a text, not {_kind(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidItem(path, f"has half of a surrogate pair at position {error.start}") from error


def _int(value: object, path: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidItem(path, f"must be a whole number, not {_kind(value)}")
    if not -(2**31) <= value < 2**31:
        raise InvalidItem(path, "must fit into 32 bits")


def _float(value: object, path: str) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise InvalidItem(path, f"must be a finite number, not {_kind(value)}")


def _boolean(value: object, path: str) -> None:
    if not isinstance(value, bool):
        raise InvalidItem(path, f"must be true or false, not {_kind(value)}")


def _date_time(value: object, path: str) -> None:
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise InvalidItem(path, "must be a time with an offset, like 2026-11-21T04:51:22.123Z")
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidItem(path, f"must be a time that exists: {error}") from error


def _json(value: object, path: str) -> None:
    _text(value, path)
    try:
        json.loads(str(value))
    except ValueError as error:
        raise InvalidItem(path, f"must be JSON: {error}") from error


def _kind(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


# A test holds that every scalar in INPUT_TYPES is here.
SCALARS: Mapping[str, Check] = {
    "ID": _text,
    "String": _text,
    "Int": _int,
    "Float": _float,
    "Boolean": _boolean,
    "AWSDateTime": _date_time,
    "AWSJSON": _json,
}
