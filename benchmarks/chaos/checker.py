"""Judges what subscribers were told against what was written. It knows files only, nothing of what it judges.

    python checker.py FOLDER

A folder has JSON lines, one object each. Times are nanoseconds of one clock that all processes share.

`writes-*.jsonl`: what was asked for, in the order in which it was asked for, for each item in one file:

    {"topic": "t", "item": "i", "value": "v", "begun": 1, "ended": 2, "outcome": "acknowledged"}
    value       the item's new value, which no other write of it has; null: the item was removed
    outcome     "acknowledged"; or "unknown": no answer came, so that it may or may not have happened
    rule        "each" (if absent): every value is told; "last": values may be left out before a later one, never the
                last; "large": the item gets a value once, and when it is removed later, that value may be told as gone
    item        null, with "unknown": a new item that someone else names, who did not answer. Its value may be told once

`callbacks-*.jsonl`: a subscriber each; its first line says what it asked for, the others are in their order:

    {"event": "subscribed", "subscriber": "s", "topic": "t", "from": "now"}      or from "start": all there ever was
    {"event": "live", "at": 3}               it listens: from here on everything is owed
    {"event": "callback", "item": "i", "value": "v", "at": 4}       value null: removed; "gone": true: see "large"
    {"event": "anew", "state": {"i": "v"}, "at": 5}      it was told to start anew, and read this state
    {"event": "end", "at": 6}                it listened to the end

`crashes.jsonl`, if any: writes that were answered in the `unsaved` nanoseconds before a crash may be lost with it.

    {"at": 7, "unsaved": 2000000000}

What is owed: every acknowledged write that began after the subscriber was live, and all that follow one that it was
told of; not what a state already shows that it read when it started anew. Each once, for each item in their order.

    lost            owed and never told
    duplicated      told again
    out of order    told after a later one of the same item
    unknown         never written, or told to the wrong topic's subscriber

Ends with 0 if there is none of these, 1 if there is any, 2 if the files cannot be judged.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

EXAMPLES = 5
KINDS = ("lost", "duplicated", "out of order", "unknown")


class Unusable(Exception):
    """The files do not say what they must."""


@dataclass(frozen=True)
class Write:
    """One line of a file of writes. `certain`: it has happened, and nothing could undo it."""

    value: str | None
    begun: int
    ended: int
    certain: bool
    rule: str


@dataclass(frozen=True)
class Told:
    """A callback."""

    item: str
    value: str | None
    gone: bool


@dataclass(frozen=True)
class Anew:
    """A state that a subscriber read when it started anew."""

    state: dict[str, str]
    at: int


@dataclass
class Subscriber:
    """One file of callbacks."""

    name: str
    topic: str
    from_start: bool
    live: int | None = None
    told: list[Told] = field(default_factory=list)
    anew: list[Anew] = field(default_factory=list)
    ended: bool = False


@dataclass(frozen=True)
class Defect:
    """Something that must not be."""

    kind: str
    subscriber: str
    what: str


@dataclass
class Topic:
    """What was written to a topic: by item, and the values of items whose names nobody learned."""

    items: dict[str, list[Write]] = field(default_factory=dict)
    nameless: set[str] = field(default_factory=set)


Topics = dict[str, Topic]


def judge(topics: Topics, subscribers: Sequence[Subscriber]) -> list[Defect]:
    """All defects."""
    empty = Topic()
    return [defect for subscriber in subscribers for defect in _judge(topics.get(subscriber.topic, empty), subscriber)]


def _judge(topic: Topic, subscriber: Subscriber) -> Iterator[Defect]:
    told: dict[str, list[Told]] = defaultdict(list)
    for each in subscriber.told:
        told[each.item].append(each)
    items = dict(topic.items)
    values = {write.value for writes in items.values() for write in writes} & {each.value for each in subscriber.told}
    for item in told:
        if item not in items:
            value = told[item][0].value
            # It is this item's only if no other item has been told with it.
            if value in topic.nameless and value not in values:
                items[item] = [Write(value, 0, 0, certain=False, rule="each")]
                values.add(value)
            else:
                items[item] = []
    for item, writes in items.items():
        for kind, what in _judge_item(item, writes, told.get(item, []), subscriber):
            yield Defect(kind, subscriber.name, f"{subscriber.topic} {item}: {what}")


def _judge_item(
    item: str, writes: Sequence[Write], told: Sequence[Told], subscriber: Subscriber
) -> Iterator[tuple[str, str]]:
    places = {write.value: place for place, write in enumerate(writes) if write.value is not None}
    matched: set[int] = set()
    last = -1
    for index, callback in enumerate(told):
        place = _place(writes, places, told, index, last, matched)
        shown = "gone" if callback.gone else "removed" if callback.value is None else repr(callback.value)
        if place is None:
            yield "unknown", shown
        elif place in matched:
            yield "duplicated", shown
        elif place < last:
            yield "out of order", f"{shown} after {writes[last].value!r}"
            matched.add(place)
        else:
            matched.add(place)
            last = place
    for place in sorted(_owed(item, writes, matched, subscriber) - matched):
        value = writes[place].value
        yield "lost", "its removal" if value is None else repr(value)


def _place(
    writes: Sequence[Write], places: dict[str, int], told: Sequence[Told], index: int, last: int,
    matched: set[int],
) -> int | None:  # fmt: skip
    """Which write a callback tells of."""
    callback = told[index]
    if callback.gone:
        removed = any(write.value is None for write in writes)
        return next((place for place, write in enumerate(writes) if write.rule == "large" and removed), None)
    if callback.value is not None:
        return places.get(callback.value)
    # Removals look alike. Those told in a row are the last ones before the value that is told next.
    row, until = 0, len(writes)
    for later in told[index:]:
        if later.value is not None or later.gone:
            following = places.get(later.value or "", -1)
            until = following if following > last else until
            break
        row += 1
    removals = [place for place, write in enumerate(writes) if write.value is None]
    ahead = [place for place in removals if last < place < until and place not in matched]
    if ahead:
        return ahead[-row] if len(ahead) >= row else ahead[0]
    # None is left here: one that was passed over, or that was told already, or that is not yet due.
    behind = [place for place in removals if place <= last]
    passed = [place for place in behind if place not in matched]
    return next(reversed(passed or behind or removals[:1]), None)


def _owed(item: str, writes: Sequence[Write], matched: set[int], subscriber: Subscriber) -> set[int]:
    """The places of the writes that a subscriber must have been told of."""
    if subscriber.live is None or not subscriber.ended:
        return set()
    first = 0
    if not subscriber.from_start:
        since = [place for place, write in enumerate(writes) if write.begun > subscriber.live]
        first = min([*since[:1], *matched], default=len(writes))
    owed = {place for place in range(first, len(writes)) if writes[place].certain}
    for anew in subscriber.anew:
        owed -= set(range(_shown(item, writes, anew) + 1))
    followed = matched | owed
    # What need only be told last is excused by any later value that was told, or must be.
    return {place for place in owed if writes[place].rule != "last" or place == max(followed)}


def _shown(item: str, writes: Sequence[Write], anew: Anew) -> int:
    """The last write of an item that a state shows; -1 for none."""
    value = anew.state.get(item)
    if value is not None:
        return next((place for place, write in enumerate(writes) if write.value == value), -1)
    return max(
        (place for place, write in enumerate(writes) if write.value is None and write.begun < anew.at), default=-1
    )


def read(folder: Path) -> tuple[Topics, list[Subscriber]]:
    """The files of a folder.

    Raises:
        Unusable: one of them is missing or breaks the rules above.
    """
    crashes = [
        (_number(line, "at") - _number(line, "unsaved"), _number(line, "at"))
        for path in folder.glob("crashes.jsonl")
        for line in _lines(path)
    ]
    topics: Topics = {}
    owners: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.glob("writes-*.jsonl")):
        for line in _lines(path):
            topic = topics.setdefault(name := _text(line, "topic"), Topic())
            if "item" in line and line["item"] is None and line.get("outcome") == "unknown":
                topic.nameless.add(_text(line, "value"))
                continue
            item = _text(line, "item")
            if owners.setdefault((name, item), path) != path:
                raise Unusable(f"{path.name} and {owners[name, item].name}: both write {name} {item}")
            topic.items.setdefault(item, []).append(_write(line, crashes))
    subscribers = [_subscriber(path) for path in sorted(folder.glob("callbacks-*.jsonl"))]
    if not topics or not subscribers:
        raise Unusable(f"{folder}: no files of writes, or none of callbacks")
    for name, topic in topics.items():
        for item, writes in topic.items.items():
            _check(name, item, writes)
    return topics, subscribers


def _check(topic: str, item: str, writes: Sequence[Write]) -> None:
    values = [write.value for write in writes if write.value is not None]
    if len(set(values)) < len(values):
        raise Unusable(f"{topic} {item}: two writes have one value")
    if any(later.begun < earlier.begun for earlier, later in pairwise(writes)):
        raise Unusable(f"{topic} {item}: its writes are not in their order")
    if any(write.rule == "large" for write in writes) and len(values) > 1:
        raise Unusable(f"{topic} {item}: a large item has a value once")


def _write(line: dict[str, Any], crashes: Sequence[tuple[int, int]]) -> Write:
    begun, ended, outcome = _number(line, "begun"), _number(line, "ended"), _text(line, "outcome")
    value, rule = line.get("value"), line.get("rule", "each")
    known = {"value": isinstance(value, str | None), "rule": rule in {"each", "last", "large"}}
    known |= {"outcome": outcome in {"acknowledged", "unknown"}, "ended": ended >= begun, "members": "value" in line}
    if not all(known.values()):
        raise Unusable(f"{line}: not a write")
    unsaved = any(begin <= ended <= end for begin, end in crashes)
    return Write(value, begun, ended, outcome == "acknowledged" and not unsaved, rule)


def _subscriber(path: Path) -> Subscriber:
    lines = _lines(path)
    head = next(lines, {})
    if head.get("event") != "subscribed" or head.get("from") not in {"now", "start"}:
        raise Unusable(f"{path.name}: the first line does not say what was asked for")
    found = Subscriber(_text(head, "subscriber"), _text(head, "topic"), head["from"] == "start")
    for line in lines:
        if found.ended:
            raise Unusable(f"{path.name}: goes on after its end")
        match line:
            case {"event": "live", "at": int(at)}:
                found.live = at if found.live is None else found.live
            case {"event": "callback", "item": str(item), "value": str() | None as value}:
                found.told.append(Told(item, value, bool(line.get("gone"))))
            case {"event": "anew", "state": dict(state), "at": int(at)}:
                found.anew.append(Anew(state, at))
            case {"event": "end"}:
                found.ended = True
            case _:
                raise Unusable(f"{path.name}: {line}")
    if not found.ended or found.live is None:
        raise Unusable(f"{path.name}: was never live, or did not listen to the end: nothing is proved by it")
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
            except ValueError as error:
                raise Unusable(f"{path.name}:{number}: {error}") from error
            if not isinstance(line, dict) or not text.endswith(b"\n"):
                raise Unusable(f"{path.name}:{number}: no whole object")
            yield line


def _text(line: dict[str, Any], name: str) -> str:
    if not isinstance(line.get(name), str):
        raise Unusable(f"{line}: {name} is no text")
    return str(line[name])


def _number(line: dict[str, Any], name: str) -> int:
    if not isinstance(line.get(name), int):
        raise Unusable(f"{line}: {name} is no whole number")
    return int(line[name])


def report(topics: Topics, subscribers: Sequence[Subscriber], defects: Sequence[Defect]) -> str:
    """What was judged, and how it came out, with some examples."""
    writes = [write for topic in topics.values() for item in topic.items.values() for write in item]
    nameless = sum(len(topic.nameless) for topic in topics.values())
    certain = sum(write.certain for write in writes)
    told = sum(len(subscriber.told) for subscriber in subscribers)
    anew = sum(len(subscriber.anew) for subscriber in subscribers)
    lines = [
        f"{len(topics)} topics, {len(writes)} writes ({certain} certain, {nameless} of items without a name)",
        f"{len(subscribers)} subscribers, {told} callbacks, {anew} times anew",
    ]
    for kind in KINDS:
        found = [defect for defect in defects if defect.kind == kind]
        lines.append(f"{kind:12} {len(found)}")
        lines += [f"    {defect.subscriber}: {defect.what}" for defect in found[:EXAMPLES]]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Judge a folder, print the verdict, and say with the exit status what it is."""
    if len(arguments) != 1:
        print("usage: checker.py FOLDER", file=sys.stderr)
        return 2
    try:
        topics, subscribers = read(Path(arguments[0]))
    except (Unusable, OSError) as error:
        print(f"checker: {error}", file=sys.stderr)
        return 2
    defects = judge(topics, subscribers)
    print(report(topics, subscribers, defects))
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
