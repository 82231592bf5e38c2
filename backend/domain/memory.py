"""What a container remembers of the change log: enough to append without reading first, and never more than a bound."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Set
from dataclasses import dataclass, field

from domain.chunks import Chunk

# An id takes about 150 bytes.
MOST_IDS_OF_A_TOPIC = 20_000
MOST_IDS = 100_000
MOST_TOPICS = 10_000


@dataclass(frozen=True)
class Head:
    """A topic's last number, the epoch milliseconds at which it was given, and `newest` as `Chunk` has it."""

    seq: int
    at: int
    newest: int


@dataclass
class View:
    """A topic as the log held it when `head` was true.

    Attributes:
        head: the topic's head.
        horizon: every numbered event that was created at or after this time (epoch milliseconds) is in `ids`.
        ids: events that are numbered.
    """

    head: Head
    horizon: int
    ids: set[str] = field(default_factory=set)
    _runs: deque[tuple[int, tuple[str, ...]]] = field(default_factory=deque)  # `newest` and ids of each chunk

    def excludes(self, ids: Set[str], since: int) -> bool:
        """Whether none of the events, created at or after `since`, has a number, as long as `head` is true."""
        return since >= self.horizon and self.ids.isdisjoint(ids)

    def add(self, chunk: Chunk) -> None:
        """Note a chunk that is the log's new end."""
        self.head = Head(chunk.last, chunk.at, chunk.newest)
        self._runs.append(self._run(chunk))
        self._forget()

    def add_below(self, chunk: Chunk) -> None:
        """Note a chunk that lies before all that were noted."""
        if chunk.newest >= self.horizon:
            self._runs.appendleft(self._run(chunk))
            self._forget()

    def _run(self, chunk: Chunk) -> tuple[int, tuple[str, ...]]:
        ids = tuple(event_id for entry in chunk.entries for event_id in entry.ids)
        self.ids.update(ids)
        return chunk.newest, ids

    def _forget(self) -> None:
        while len(self.ids) > MOST_IDS_OF_A_TOPIC:
            newest, ids = self._runs.popleft()
            self.ids.difference_update(ids)
            self.horizon = newest + 1


class Memory:
    """The views of the topics that were used last. A view belongs to whoever took it, until it is kept again."""

    def __init__(self) -> None:
        self._views: OrderedDict[str, View] = OrderedDict()
        self._ids = 0
        self._lock = threading.Lock()

    def take(self, topic: str) -> View | None:
        """The view of a topic, no longer remembered."""
        with self._lock:
            view = self._views.pop(topic, None)
            self._ids -= len(view.ids) if view else 0
            return view

    def keep(self, topic: str, view: View) -> None:
        """Remember a view, at the price of those not used for longest."""
        with self._lock:
            replaced = self._views.pop(topic, None)
            self._ids += len(view.ids) - (len(replaced.ids) if replaced else 0)
            self._views[topic] = view
            while self._ids > MOST_IDS or len(self._views) > MOST_TOPICS:
                _, oldest = self._views.popitem(last=False)
                self._ids -= len(oldest.ids)
