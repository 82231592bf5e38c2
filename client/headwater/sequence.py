"""A topic's changes, each once and in the order of their numbers. No I/O: envelopes and pages in, changes out.

The numbers of a topic have no gap, so a lost push shows as a jump. `fetch_after` then names the cursor to read the
change log from; what arrives meanwhile is held back until the log has filled the hole.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from headwater.changes import Change, Envelope, Page

T = TypeVar("T")


class Sequence(Generic[T]):
    """The reader's side of one topic.

    Args:
        after: the number of the last change that the reader already has; 0 when it has none.
        max_held: how many pushed changes are held back behind a hole. Beyond that the ones farthest from the hole are
            let go: the log has them too, so a bound costs a read and never a change.
    """

    def __init__(self, after: int, *, max_held: int = 1000) -> None:
        if after < 0:
            raise ValueError(f"after={after}: a cursor is 0 or the number of a change")
        self.position = after
        self._head = after  # the highest number known to exist
        self._held: dict[int, Change[T]] = {}
        self._max_held = max_held

    @property
    def fetch_after(self) -> int | None:
        """The cursor to read the change log from now, or None while nothing is known to be missing."""
        return self.position if self._head > self.position else None

    @property
    def head(self) -> int:
        """The highest number known to exist."""
        return self._head

    @property
    def held(self) -> int:
        """How many changes wait behind a hole."""
        return len(self._held)

    def push(self, envelope: Envelope[T]) -> list[Change[T]]:
        """Take an envelope off the socket and return what can be handed out now."""
        self._head = max(self._head, envelope.last_seq)
        return self._take(envelope.items)

    def fill(self, page: Page[T]) -> list[Change[T]]:
        """Take a page of the change log, one that does not require to begin anew, and return what can be handed out
        now."""
        self._head = max(self._head, page.head_seq)
        return self._take(page.items)

    def _take(self, items: tuple[Change[T], ...]) -> list[Change[T]]:
        ready: list[Change[T]] = []
        for change in items:
            if change.truncated and change.source == "push":
                pass  # only a pointer: a hole, which the log fills with the whole change
            elif change.seq == self.position + 1:
                # A push of the same number that already waits is the one to hand out: it did arrive by push.
                ready.append(self._held.pop(change.seq, change))
                self.position = change.seq
                while (following := self._held.pop(self.position + 1, None)) is not None:
                    ready.append(following)
                    self.position = following.seq
            elif change.seq > self.position and change.source == "push":
                self._hold(change)
            # What is left has been handed out before, or lies behind a hole of the log and will be read again.
            self._head = max(self._head, change.seq)
        return ready

    def _hold(self, change: Change[T]) -> None:
        self._held.setdefault(change.seq, change)
        if len(self._held) > self._max_held:
            del self._held[max(self._held)]
