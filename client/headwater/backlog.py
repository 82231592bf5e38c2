"""What a feed has ready for the one who iterates over it. No I/O, and no more memory than for a bounded number.

A reader that is slower than its topic lets the backlog overflow: what comes then is not kept, because the log has it.
The reader gets what is kept, then pages of the log from there (`gap_after`), until it has come to where the feed is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from headwater.changes import Change, Page, Resync

T = TypeVar("T")

MOST_WAITING = 1000


class Backlog(Generic[T]):
    """Events in their order. `end` is the number of the last one put in, whether kept or let go."""

    def __init__(self, position: int) -> None:
        self.end = position
        self._kept: deque[Change[T] | Resync[T]] = deque()
        self._kept_to = position
        self._overflowed = False

    @property
    def gap_after(self) -> int | None:
        """The number after which the log is to be read, once what is kept has been taken; None for no gap."""
        return self._kept_to if self._overflowed and not self._kept else None

    def __bool__(self) -> bool:
        return bool(self._kept)

    def put(self, changes: Iterable[Change[T]]) -> None:
        """Add changes, which follow `end` without a gap."""
        for change in changes:
            self.end = max(self.end, change.seq)
            if change.seq <= self._kept_to:
                continue  # a state that was read meanwhile shows it
            if not self._overflowed and len(self._kept) < MOST_WAITING:
                self._keep(change)
            else:
                self._overflowed = True

    def resync(self, event: Resync[T]) -> None:
        """Add that the feed begins anew, which makes a gap before it the past."""
        self._kept.append(event)
        self.end = self._kept_to = event.position
        self._overflowed = False

    def skip(self, event: Resync[T]) -> None:
        """Put a state into the gap, because the log has not got it any more."""
        self._kept.append(event)
        self._kept_to = event.position
        self.end = max(self.end, event.position)
        self._overflowed = self._kept_to < self.end

    def take(self) -> Change[T] | Resync[T]:
        """The next event."""
        return self._kept.popleft()

    def fill(self, page: Page[T]) -> bool:
        """Put a page of the log into the gap; whether that brought something. Changes after `end` come by `put`."""
        before = self._kept_to
        for change in page.items:
            if self._kept_to < change.seq <= self.end:
                self._keep(change)
        self._overflowed = self._kept_to < self.end
        return self._kept_to > before or not self._overflowed

    def _keep(self, change: Change[T]) -> None:
        self._kept.append(change)
        self._kept_to = change.seq
