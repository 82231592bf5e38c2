"""The items of a feed as they are to be shown: what the server said, and over it what the caller expects. No I/O.

Below lie the items that changes and snapshots tell of. Above lies an entry for each mutation under way: an item put in
place of another or after all others, or one taken away. An entry leaves when its mutation has failed (`roll_back`), or
when the server's own change of the item has come (`apply`) after the answer (`settle`): between the two the old item is
not shown again.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Of how many keys a view remembers that the server told of them, while entries wait for their answers.
MOST_TOLD = 1000


class Changed(Protocol[T_co]):
    """What a view reads of a change: `kind` is INSERT, MODIFY or REMOVE; no `item` means that there is none now."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def item(self) -> T_co | None: ...


@dataclass(slots=True)
class _Entry(Generic[T]):
    key: str
    item: T | None
    made: int
    settled: bool = False


class View(Generic[T]):
    """Items by key, in order, the newest `keep` of them.

    Args:
        keep: how many items of the server are kept. What has fallen out stays out: no item is missing from between the
            oldest and the newest. Entries of mutations under way are shown besides; whoever makes them bounds them.
        order: what to sort items by, ties by key. Without it they stand as they came, an update keeps its place, and
            an update of what has fallen out comes back as the newest.
    """

    def __init__(self, keep: int = 1000, order: Callable[[T], Any] | None = None) -> None:
        if keep < 0:
            raise ValueError(f"keep={keep}: a view keeps 0 items or more")
        self._keep = keep
        self._order = order
        self._items: dict[str, tuple[Any, T]] = {}  # with their ranks
        self._ranks: list[tuple[Any, str]] = []  # ascending
        self._arrivals = 0
        self._floor: tuple[Any, str] | None = None  # what ranks lower has fallen out
        self._entries: dict[str, _Entry[T]] = {}
        self._moment = 0
        self._told: dict[str, int] = {}  # by key, the moment when the server last told of it, oldest first
        self._told_of_any = 0  # the moment up to which any key may have been told of
        self._shown: Mapping[str, T] | None = None

    @property
    def items(self) -> Mapping[str, T]:
        """What is to be shown, in order: a mapping of its own, which later changes leave alone."""
        if self._shown is None:
            shown = {key: self._items[key][1] for _, key in self._ranks}
            for entry in self._entries.values():
                if entry.item is None:
                    shown.pop(entry.key, None)
                else:
                    shown[entry.key] = entry.item
            self._shown = MappingProxyType(shown)
        return self._shown

    @property
    def pending(self) -> frozenset[str]:
        """The keys of items with a mutation that has not been answered."""
        return frozenset(entry.key for entry in self._entries.values() if not entry.settled)

    def apply(self, change: Changed[T]) -> None:
        """Take in a change of the topic: each once, in the order of their numbers."""
        if change.kind == "REMOVE" or change.item is None:
            self._take_out(change.key)
        else:
            self._put(change.key, change.item)
        self._told_of(change.key)

    def replace(self, items: Iterable[tuple[str, T]]) -> None:
        """Begin anew with a snapshot, oldest first. With `keep` items or more, older ones are taken to be left out."""
        self._items.clear()
        self._ranks.clear()
        self._floor = None
        for key, item in items:
            self._put(key, item)
        if self._ranks and len(self._ranks) == self._keep:
            self._floor = self._ranks[0]
        self._moment += 1
        self._told_of_any = self._moment
        self._told.clear()
        self._drop_settled()
        self._shown = None

    def optimistic(self, id: str, key: str, item: T | None) -> None:  # noqa: A002 - the model's word
        """Show what mutation `id` is expected to do: `item` under `key`, or nothing under it. The same id again
        replaces what it showed; of several entries of a key the last made is shown."""
        self._entries.pop(id, None)
        self._entries[id] = _Entry(key, item, self._moment)
        self._shown = None

    def settle(self, id: str, key: str | None = None, item: T | None = None) -> None:  # noqa: A002
        """Mutation `id` has succeeded.

        Args:
            key: the item's key as the server has it. The entry is shown under it until the server's change comes, or
                leaves at once if it has come. Without a key it leaves at once.
            item: what the answer says that it is, to be shown in place of what was expected.
        """
        entry = self._entries.get(id)
        if entry is None:
            return
        self._shown = None
        if key is None or self._has_been_told(entry, key):
            del self._entries[id]
            return
        entry.key, entry.settled = key, True
        if entry.item is not None and item is not None:
            entry.item = item
        # A change that never comes (the server's item was equal) must not keep its entry for ever.
        settled = [id_ for id_, each in self._entries.items() if each.settled]
        for id_ in settled[: -self._keep or None]:
            del self._entries[id_]

    def roll_back(self, id: str) -> None:  # noqa: A002
        """Mutation `id` has failed: show what is there without it."""
        if self._entries.pop(id, None) is not None:
            self._shown = None

    def _put(self, key: str, item: T) -> None:
        held = self._items.get(key)
        if self._order is not None:
            rank = self._order(item)
        elif held is not None:
            rank = held[0]
        else:
            self._arrivals += 1
            rank = self._arrivals
        self._take_out(key)
        if self._floor is not None and (rank, key) < self._floor:
            return
        self._items[key] = (rank, item)
        insort(self._ranks, (rank, key))
        self._shown = None
        if len(self._ranks) > self._keep:
            fallen = self._ranks.pop(0)
            del self._items[fallen[1]]
            self._floor = self._ranks[0] if self._ranks else fallen

    def _take_out(self, key: str) -> None:
        held = self._items.pop(key, None)
        if held is not None:
            del self._ranks[bisect_left(self._ranks, (held[0], key))]
            self._shown = None

    def _has_been_told(self, entry: _Entry[T], key: str) -> bool:
        """Whether the server's change may have come before the answer: then none will come to end the entry."""
        if max(self._told_of_any, self._told.get(key, 0)) > entry.made:
            return True
        if entry.item is None:
            return key not in self._items
        return key != entry.key and key in self._items

    def _told_of(self, key: str) -> None:
        if not self._entries:
            self._told.clear()
            return
        self._moment += 1
        self._told.pop(key, None)
        self._told[key] = self._moment
        if len(self._told) > MOST_TOLD:
            self._told_of_any = self._told.pop(next(iter(self._told)))
        self._drop_settled(key)

    def _drop_settled(self, key: str | None = None) -> None:
        for id_ in [id_ for id_, each in self._entries.items() if each.settled and key in (None, each.key)]:
            del self._entries[id_]
            self._shown = None
