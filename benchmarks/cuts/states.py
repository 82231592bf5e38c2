"""Judges whether clients said `live` while they were not. It knows files only, nothing of what it judges.

    python states.py FOLDER

Beside the files of `benchmarks/chaos/checker.py` a folder has, with times in nanoseconds of the same clock:

`states-NAME.jsonl`: what a client said, and when it was seen to say so; the first line names the subscriber and its
window, the seconds within which it promises to notice that it hears nothing:

    {"subscriber": "s", "window": 20.0}
    {"state": "live", "at": 1}

`troubles.jsonl`: when nothing at all could reach a subscriber:

    {"subscriber": "s", "kind": "cut", "begun": 1, "ended": 2}
    {"subscriber": "s", "kind": "stop", ...}      its process was suspended: what it said last, nobody could ask it

Two rules:

- **blind**: where nothing could reach it for longer than its window, it does not say `live`.
- **false**: where it says `live`, nothing is missing that was acknowledged more than its window ago.

A subscriber that was suspended says nothing of the time until a second after it goes on: then both rules hold again.

Ends with 0 if nobody broke a rule, 1 if somebody did, 2 if the files cannot be judged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECOND = 1_000_000_000
AWAKE = SECOND
EXAMPLES = 5

Span = tuple[int, int]


@dataclass
class Client:
    """What one subscriber said and was told, and what it went through."""

    name: str
    topic: str
    window: int
    live: list[Span] = field(default_factory=list)
    blind: list[Span] = field(default_factory=list)
    suspended: list[Span] = field(default_factory=list)
    told: dict[tuple[str, str | None], int] = field(default_factory=dict)
    from_start: bool = False
    first_live: int = 0


@dataclass(frozen=True)
class Wrong:
    """A rule that was broken."""

    rule: str
    client: str
    what: str


def judge(clients: Sequence[Client], writes: dict[str, list[tuple[str, str, int, int]]]) -> list[Wrong]:
    """All that is wrong. `writes`: by topic item, value, begun and ended, of those that were acknowledged."""
    found: list[Wrong] = []
    for client in clients:
        said = list(_without(client.live, client.suspended))
        for begin, end in client.blind:
            found += [
                Wrong("blind", client.name, f"live {_seconds(span)} s, {_since(span, begin)} s into it")
                for span in _within(said, (begin + client.window, end))
            ]
        for item, value, begun, ended in writes.get(client.topic, []):
            told = client.told.get((item, value))
            if told is None or (begun <= client.first_live and not client.from_start):
                continue
            found += [
                Wrong("false", client.name, f"{item} {value!r} was missing for {_since(span, ended)} s")
                for span in _within(said, (ended + client.window, told))
            ]
    return found


def _within(spans: Sequence[Span], outer: Span) -> Iterator[Span]:
    for begin, end in spans:
        begin, end = max(begin, outer[0]), min(end, outer[1])
        if begin < end:
            yield begin, end


def _without(spans: Sequence[Span], holes: Sequence[Span]) -> Iterator[Span]:
    for begin, end in spans:
        for hole_begin, hole_end in sorted(holes):
            if hole_end <= begin or hole_begin >= end:
                continue
            if hole_begin > begin:
                yield begin, hole_begin
            begin = hole_end
        if begin < end:
            yield begin, end


def _seconds(span: Span) -> str:
    return f"{(span[1] - span[0]) / SECOND:.2f}"


def _since(span: Span, moment: int) -> str:
    return f"{(span[1] - moment) / SECOND:.1f}"


def read(folder: Path) -> tuple[list[Client], dict[str, list[tuple[str, str, int, int]]]]:
    """The files of a folder. Raises OSError, ValueError, KeyError when they are not as they must be."""
    clients: dict[str, Client] = {}
    for path in sorted(folder.glob("callbacks-*.jsonl")):
        head, *lines = _lines(path)
        states_head, *states = _lines(folder / f"states-{head['subscriber']}.jsonl")
        client = Client(head["subscriber"], head["topic"], round(states_head["window"] * SECOND))
        client.from_start = head["from"] == "start"
        for line in lines:
            if line["event"] == "callback":
                client.told.setdefault((line["item"], line["value"]), line["at"])
            elif line["event"] == "live":
                client.first_live = client.first_live or line["at"]
        ends = [state["at"] for state in states[1:]] + [lines[-1]["at"]]
        client.live = [(state["at"], end) for state, end in zip(states, ends, strict=True) if state["state"] == "live"]
        clients[client.name] = client
    for line in _lines(folder / "troubles.jsonl"):
        client = clients[line["subscriber"]]
        if line["kind"] == "stop":
            client.suspended.append((line["begun"], line["ended"] + AWAKE))
        else:
            client.blind.append((line["begun"], line["ended"]))
    writes: dict[str, list[tuple[str, str, int, int]]] = {}
    for path in folder.glob("writes-*.jsonl"):
        for line in _lines(path):
            # What may have happened proves nothing, and removals look alike.
            if line["outcome"] == "acknowledged" and line["value"] is not None and line.get("rule") != "last":
                place = writes.setdefault(line["topic"], [])
                place.append((line["item"], line["value"], line["begun"], line["ended"]))
    if not clients or not writes:
        raise ValueError(f"{folder}: no clients, or no writes")
    return list(clients.values()), writes


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main(arguments: Sequence[str]) -> int:
    """Judge a folder, print the verdict, and say with the exit status what it is."""
    try:
        clients, writes = read(Path(arguments[0]))
    except (OSError, ValueError, KeyError, IndexError) as error:
        print(f"states: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    wrong = judge(clients, writes)
    said = sum(end - begin for client in clients for begin, end in client.live) / SECOND
    blind = sum(end - begin for client in clients for begin, end in client.blind) / SECOND
    print(f"{len(clients)} clients said live for {said:.0f} s in all; they were cut off for {blind:.0f} s")
    for rule in ("blind", "false"):
        found = [each for each in wrong if each.rule == rule]
        print(f"live while {rule:6} {len(found)}")
        for each in found[:EXAMPLES]:
            print(f"    {each.client}: {each.what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
