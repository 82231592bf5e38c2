"""When a feed looks at the log although nothing seems to be missing.

AppSync may lose pushes without a word, most of all right after `start_ack`, and where nothing follows, no jump in the
numbers shows it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import random

# Seconds after a subscription has begun, then of silence at most: a part of that is left to chance, so that all who
# came back at one time do not look at one time for ever.
FIRST_LOOKS_SECONDS = (2.0, 10.0)
SILENCE_SECONDS = 60.0
CHANCE = 0.2


class Looks:
    """The next look, in the event loop's time. A push puts it off, as pushes arrive then; but not the first."""

    def __init__(self, chance: Callable[[], float] = random) -> None:
        self._chance = chance
        self._first: deque[float] = deque()
        self._at = 0.0

    @property
    def at(self) -> float:
        """When to look."""
        return self._at

    def begin(self) -> None:
        """A subscription has begun."""
        now = asyncio.get_running_loop().time()
        self._first = deque(now + seconds for seconds in FIRST_LOOKS_SECONDS)
        self.pushed()

    def pushed(self) -> None:
        """A push has come that brings a new number."""
        silence = SILENCE_SECONDS * (1 - CHANCE * self._chance())
        self._at = self._first[0] if self._first else asyncio.get_running_loop().time() + silence

    def looked(self) -> None:
        """It was time, and there was a look."""
        if self._first:
            self._first.popleft()
        self.pushed()
