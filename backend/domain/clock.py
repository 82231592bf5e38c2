"""Time and chance as a parameter, so that a simulation can drive both."""

from __future__ import annotations

import random
import time
from typing import Protocol


class Clock(Protocol):
    """What the publisher and the change log know of time and chance."""

    def now_ms(self) -> int:
        """The wall clock in epoch milliseconds. It may go back, and differ from that of other machines."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back. Deadlines are in this time."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def random(self) -> float:
        """A chance number from 0 to below 1, for jitter."""


class SystemClock:
    """The clock of this machine."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """As `time.monotonic`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """As `time.sleep`."""
        time.sleep(seconds)

    def random(self) -> float:
        """As `random.random`."""
        return random.random()  # noqa: S311 - spreads load, guards nothing


SYSTEM: Clock = SystemClock()
