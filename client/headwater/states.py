"""What a feed, and a client, says of itself.

    connecting    no subscription is acknowledged; an attempt is under way
    catching-up   acknowledged; the log is being read, because something is or may be missing
    live          acknowledged, nothing known to be missing, and the server was heard within the last seconds
    stale         what is shown may be old: the server was not heard for too long, or the log is only polled
    offline       the connection is lost, and the next attempt waits
    closed        over

"Heard" means that the server answered a ping that was sent within the window. A process that was stopped, or slept with
its machine, has sent none meanwhile: it is stale when it wakes, before it has looked at anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Literal

State = Literal["connecting", "catching-up", "live", "stale", "offline", "closed"]

# How many states wait for one slow reader; of more the oldest are left out.
MOST_WAITING = 100

_WORST_FIRST: tuple[State, ...] = ("offline", "connecting", "stale", "catching-up", "live")


def worst(states: Iterable[State]) -> State:
    """The state of several feeds together; `connecting` where there is none, for nothing is known of the server."""
    found = set(states)
    return next((state for state in _WORST_FIRST if state in found), "connecting")


class States:
    """A state, and everyone who follows it."""

    def __init__(self, state: State = "connecting") -> None:
        self.current: State = state
        self._readers: list[tuple[deque[State], asyncio.Event]] = []

    def say(self, state: State) -> None:
        """Tell it to all who follow, if it is new. After `closed` there is nothing to say."""
        if state == self.current or self.current == "closed":
            return
        self.current = state
        for waiting, news in self._readers:
            waiting.append(state)
            news.set()

    async def follow(self) -> AsyncIterator[State]:
        """The present state, then each that follows it, to `closed`."""
        waiting: deque[State] = deque([self.current], MOST_WAITING)
        reader = (waiting, asyncio.Event())
        self._readers.append(reader)
        try:
            while True:
                while waiting:
                    state = waiting.popleft()
                    yield state
                    if state == "closed":
                        return
                reader[1].clear()
                await reader[1].wait()
        finally:
            self._readers.remove(reader)
