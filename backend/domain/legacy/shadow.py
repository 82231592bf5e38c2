"""Whether two answers to one question are the same, and in what they differ: never what either says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MOST_DIFFERENCES = 10
_MOST_PATH = 120
_DEEPEST = 60

Path = tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """What is compared of an answer."""

    status: int
    content_type: str
    body: bytes


def differences(legacy: Compared, new: Compared, ignore: Sequence[str], *, bodies: bool) -> list[str]:
    """In what two answers differ, at most `MOST_DIFFERENCES`: paths and kinds, no values.

    Args:
        legacy: what callers get.
        new: what they would get.
        ignore: members that may differ, as in the table.
        bodies: whether there are bodies to compare; an answer to HEAD has none.
    """
    if legacy.status != new.status:
        return [f"status: {legacy.status} and {new.status}"]
    if not bodies:
        return []
    found = _in_bodies(legacy, new, [_parsed(each) for each in ignore])
    return [each for each, _ in zip(found, range(MOST_DIFFERENCES), strict=False)]


def _in_bodies(legacy: Compared, new: Compared, ignored: Sequence[Path]) -> Iterator[str]:
    one, other = _json(legacy), _json(new)
    if one is None or other is None:
        if one is not other:
            yield "body: one is JSON and the other is not"
        elif legacy.body != new.body:
            yield f"body: {len(legacy.body)} and {len(new.body)} bytes that differ"
        return
    yield from _in_values(one[0], other[0], (), ignored)


def _in_values(one: Any, other: Any, path: Path, ignored: Sequence[Path]) -> Iterator[str]:
    if any(_covers(each, path) for each in ignored):
        return
    if _kind(one) != _kind(other):
        yield f"{_shown(path)}: {_kind(one)} and {_kind(other)}"
    elif len(path) > _DEEPEST:
        if one != other:
            yield f"{_shown(path)}: differs somewhere below"
    elif isinstance(one, dict):
        for name in sorted(one.keys() | other.keys()):
            here = (*path, name)
            if name in one and name in other:
                yield from _in_values(one[name], other[name], here, ignored)
            elif not any(_covers(each, here) for each in ignored):
                yield f"{_shown(here)}: only in {'the legacy' if name in one else 'our'} answer"
    elif isinstance(one, list):
        if len(one) != len(other):
            yield f"{_shown(path)}: {len(one)} and {len(other)} elements"
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _in_values(left, right, (*path, str(index)), ignored)
    elif one != other:
        yield f"{_shown(path)}: another {_kind(one)}"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (int | float, "number"), (str, "text"), (list, "list")):
        if isinstance(value, kind):
            return name
    return "object"


def _json(answer: Compared) -> tuple[Any] | None:
    if not re.match(r"application/([\w.+-]+\+)?json\b", answer.content_type.strip().lower()):
        return None
    try:
        return (json.loads(answer.body),)
    except (ValueError, RecursionError):
        return None


def _parsed(ignore: str) -> Path:
    return tuple(ignore.split("."))


def _covers(pattern: Path, path: Path) -> bool:
    if pattern[:1] == ("**",):
        wanted = pattern[1:]
        return len(path) >= len(wanted) > 0 and _match(wanted, path[len(path) - len(wanted) :])
    return len(pattern) == len(path) and _match(pattern, path)


def _match(pattern: Iterable[str], path: Iterable[str]) -> bool:
    return all(one in ("*", other) for one, other in zip(pattern, path, strict=True))


def _shown(path: Path) -> str:
    text = ".".join(path) or "body"
    return text if len(text) <= _MOST_PATH else f"{text[:_MOST_PATH]}..."
