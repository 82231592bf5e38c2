"""The verdict on a schedule: what was written against what each subscriber was told. Knows nothing of numbers' origin.

For each item the events that a topic owes are known from the writes themselves, in their order. A subscriber must be
told each of them exactly once and in that order, from the first that was written after it went live. A subscriber that
had to start anew (`resyncRequired`) is not owed what the state that it then read already shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Owed:
    """An event that a topic's subscribers are to be told of. `token` is unique to the write; None when the item went.

    Attributes:
        state_like: of the item only the last state matters: events before the last may be left out.
        large: too large for a push, perhaps: what is told may be the item as it was later, or that it is gone by now.
    """

    event_id: str
    kind: str
    token: str | None
    at: float
    state_like: bool = False
    large: bool = False


@dataclass(frozen=True)
class Seen:
    """A callback."""

    seq: int
    event_id: str
    kind: str
    key: str
    token: str | None
    at: float
    truncated: bool = False


@dataclass(frozen=True)
class Resync:
    """The state, token by key, that a subscriber read when the log no longer reached back; after how many callbacks."""

    state: Mapping[str, str]
    callbacks: int
    at: float


@dataclass
class Diary:
    """What a subscriber was told, in the order of its callbacks."""

    name: str
    room_id: str
    from_start: bool
    live_at: float | None = None
    seen: list[Seen] = field(default_factory=list)
    resyncs: list[Resync] = field(default_factory=list)
    most_again: int = 0

    def live(self, now: float) -> None:
        """The subscriber is live; the first time counts."""
        if self.live_at is None:
            self.live_at = now

    def restart(self, cursor: int | None) -> None:
        """Its program is started again, from a cursor: what it was told after that comes again, and is one change."""
        again = [seen for seen in self.seen if seen.seq > (cursor or 0)]
        self.most_again = max(self.most_again, len(again))
        if again:
            del self.seen[-len(again) :]

    def resync(self, state: Mapping[str, str], now: float) -> None:
        """It starts anew from a state."""
        self.live(now)
        self.resyncs.append(Resync(dict(state), len(self.seen), now))


History = Mapping[str, Sequence[Owed]]
"""By item key, the events of a topic in the order of the writes."""


MOST_SKEW_SECONDS = 1200.0
"""By how much two clocks differ at most."""


def problems(
    histories: Mapping[str, History],
    diaries: Sequence[Diary],
    retention_seconds: float,
    *,
    given_up: Set[str] = frozenset(),
    exhausted: Set[str] = frozenset(),
) -> list[str]:
    """What is wrong, a line each; none when each subscriber was told exactly what it was owed.

    Args:
        histories: by topic.
        diaries: of all subscribers, at the end.
        retention_seconds: how long changes can be fetched; nobody may be sent away that missed only newer ones.
        given_up: the ids of events that an operator chose not to tell. One that is delivered again by the stream
            after that may be told all the same.
        exhausted: of those that the event source mapping gave up. A later one of the item takes the place of each.
    """
    found: list[str] = []
    numbers: dict[tuple[str, int], str] = {}
    for diary in diaries:
        history = histories.get(diary.room_id, {})
        found += _numbers(diary, numbers)
        found += _resyncs(diary, history, retention_seconds)
        if diary.most_again > 1:
            found.append(f"{diary.name}: had {diary.most_again} changes to be told again after a crash")
        found += [f"{diary.name}: unknown {seen}" for seen in diary.seen if seen.key not in history]
        for key, owed in history.items():
            found += _item(diary, key, owed, given_up, exhausted)
    return found


def items_problems(
    name: str, items: Mapping[str, str], state: Mapping[str, str], history: History, untold: Set[str]
) -> list[str]:
    """What is wrong with the items that a client shows when all is quiet.

    Args:
        items: those, text by key.
        state: what is there.
        history: the topic's events.
        untold: the ids of events of which nobody need have been told.
    """
    certain = [key for key, owed in history.items() if untold.isdisjoint(each.event_id for each in owed)]
    return [
        f"{name}: shows {items.get(key)!r} for {key}, which is {state.get(key)!r}"
        for key in certain
        if items.get(key) != state.get(key)
    ]


def _numbers(diary: Diary, numbers: dict[tuple[str, int], str]) -> list[str]:
    """The numbers of a topic have no gap, and each means one event to everyone."""
    found: list[str] = []
    anew = {resync.callbacks for resync in diary.resyncs}
    for place, seen in enumerate(diary.seen):
        meant = numbers.setdefault((diary.room_id, seen.seq), seen.event_id)
        if meant != seen.event_id:
            found.append(f"{diary.name}: number {seen.seq} means {seen.event_id} here and {meant} elsewhere")
        if place and place not in anew and seen.seq != diary.seen[place - 1].seq + 1:
            found.append(f"{diary.name}: number {seen.seq} after {diary.seen[place - 1].seq}")
    return found


def _resyncs(diary: Diary, history: History, retention_seconds: float) -> list[str]:
    """Whoever had to start anew had missed something that is no longer kept."""
    found: list[str] = []
    for resync in diary.resyncs:
        told = {seen.event_id for seen in diary.seen[: resync.callbacks]}
        missed = [each.at for owed in history.values() for each in owed if each.event_id not in told]
        if min(missed, default=resync.at) > resync.at - retention_seconds + MOST_SKEW_SECONDS:
            found.append(f"{diary.name}: had to start anew at {resync.at:.0f} for nothing")
    return found


def _item(diary: Diary, key: str, owed: Sequence[Owed], given_up: Set[str], exhausted: Set[str]) -> list[str]:
    places = {each.event_id: place for place, each in enumerate(owed)}
    found: list[str] = []
    told: list[int] = []
    last = -1
    for seen in diary.seen:
        if seen.key != key:
            continue
        place = places.get(seen.event_id)
        if place is None:
            found.append(f"{diary.name}: unknown {seen}")
            continue
        if not _says(seen, owed[place:]):
            found.append(f"{diary.name}: {seen} is not what was written: {owed[place]}")
        if place in told:
            found.append(f"{diary.name}: duplicate {seen}")
        elif place < last and seen.event_id not in given_up:
            found.append(f"{diary.name}: out of order {seen} after {owed[last].event_id}")
        told.append(place)
        last = max(last, place)
    missing = _required(diary, key, owed, told, given_up) - set(told)
    missing -= {place for place in missing if owed[place].event_id in exhausted and place < max(told, default=-1)}
    return found + [f"{diary.name}: lost {key} {owed[place]}" for place in sorted(missing)]


def _says(seen: Seen, owed: Sequence[Owed]) -> bool:
    """Whether a callback tells of the first of some events of its item."""
    written = owed[0]
    if seen.kind != written.kind:
        return False
    if seen.truncated:
        gone = any(each.token is None and each.at <= seen.at for each in owed)
        return written.large and seen.token is None and gone
    return seen.token == written.token or (written.large and seen.token in {each.token for each in owed if each.token})


def _required(diary: Diary, key: str, owed: Sequence[Owed], told: Sequence[int], given_up: Set[str]) -> set[int]:
    if diary.live_at is None:
        return set()
    first = 0
    if not diary.from_start:
        after = [place for place, each in enumerate(owed) if each.at > diary.live_at]
        first = min([*after[:1], *told], default=len(owed))
    required = set(range(first, len(owed)))
    for resync in diary.resyncs:
        required -= set(range(_shown(resync, key, owed) + 1))
    if owed[0].state_like:
        required &= {len(owed) - 1}
    return {place for place in required if owed[place].event_id not in given_up}


def _shown(resync: Resync, key: str, owed: Sequence[Owed]) -> int:
    """The last event of an item that a state shows: -1 for none."""
    token = resync.state.get(key)
    if token is not None:
        return next((place for place, each in enumerate(owed) if each.token == token), -1)
    removed = [place for place, each in enumerate(owed) if each.token is None and each.at <= resync.at]
    return removed[-1] if removed else -1
