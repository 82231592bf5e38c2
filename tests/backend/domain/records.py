"""A shard of a stream for tests of the change log: records of a few items, and batches of them with any borders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from domain.changes import Entry, Event, coalesced
from domain.clock import SystemClock


@dataclass(frozen=True)
class Record:
    """What happened to one of a shard's items. `created_ms` is the time of its creation, as exact as it was."""

    shard: int
    number: int
    key: int
    created_ms: int
    size: int = 0

    @property
    def event_id(self) -> str:
        return f"{self.shard}-{self.number}"

    def event(self) -> Event:
        return Event(
            self.event_id, "MODIFY", f"{self.shard}/{self.key}", json.dumps("x" * self.size),
            since_ms=(self.created_ms // 1000 - 1) * 1000, position=str(self.number),
        )  # fmt: skip


def events(batch: Sequence[Record], only_last_states: bool) -> list[Event]:
    """A batch as a publisher appends it: every change, or the last of each item in the place of its last."""
    if not only_last_states:
        return [record.event() for record in batch]
    by_key: dict[int, list[Record]] = {}
    for record in batch:
        by_key.setdefault(record.key, []).append(record)
    last_first = sorted(by_key.values(), key=lambda records: records[-1].number)
    return [coalesced([record.event() for record in records]) for records in last_first]


def number_of(entry: Entry) -> tuple[int, int]:
    """The shard and the number of the record that an entry tells of."""
    shard, _, number = entry.event_id.partition("-")
    return int(shard), int(number)


def judge(log: Sequence[Entry], delivered: Sequence[Record], only_last_states: bool) -> None:
    """What must hold of the whole log when these records were delivered, however often and in whatever batches."""
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1)), "no gap"
    assert [entry.at for entry in log] == sorted(entry.at for entry in log), "no time goes back"
    own = [entry.event_id for entry in log]
    assert len(own) == len(set(own)), "no record has two numbers"
    stood_for = {event_id for entry in log for event_id in entry.ids}
    assert stood_for == {record.event_id for record in delivered}, "nothing is lost, nothing is made up"
    if not only_last_states:
        assert len(own) == len(delivered), "every change has its own number"
    created = {record.event_id: record.created_ms // 1000 * 1000 - 1000 for record in delivered}
    assert all(entry.at >= created[event_id] for entry in log for event_id in entry.ids)
    for shard, key in {(record.shard, record.key) for record in delivered}:
        of_item = [record.event_id for record in delivered if (record.shard, record.key) == (shard, key)]
        places = {event_id: place for place, event_id in enumerate(of_item)}
        logged = [places[event_id] for event_id in own if event_id in places]
        assert logged == sorted(logged), "an item's changes keep their order"
        assert logged[-1] == len(of_item) - 1, "the last state comes last"


class Wall:
    """The true time."""

    def __init__(self, ms: int) -> None:
        self.ms = ms


class DriftingClock(SystemClock):
    """The wall time of a test, as wrong as the publisher's own clock is. Waiting takes no real time."""

    def __init__(self, wall: Wall, offset_ms: int = 0) -> None:
        self._wall = wall
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        return self._wall.ms + self.offset_ms

    def monotonic(self) -> float:
        return self._wall.ms / 1000

    def sleep(self, seconds: float) -> None:
        self._wall.ms += round(seconds * 1000)
