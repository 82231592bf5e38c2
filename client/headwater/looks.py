"""When a feed looks at the log although nothing seems to be missing.

AppSync may lose pushes without a word, most of all right after `start_ack`, and where nothing follows, no jump in the
numbers shows it.
"""

from __future__ import annotations

import asyncio
from collections import deque

# Seconds after a subscription has begun, then of silence.
FIRST_LOOKS_SECONDS = (2.0, 10.0)
SILENCE_SECONDS = 60.0


class Looks:
    """The next look, in the event loop's time. A push puts it off, as pushes arrive then; but not the first."""

    def __init__(self) -> None:
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
        """A push has come."""
        self._at = self._first[0] if self._first else asyncio.get_running_loop().time() + SILENCE_SECONDS

    def looked(self) -> None:
        """It was time, and there was a look."""
        if self._first:
            self._first.popleft()
        self.pushed()
