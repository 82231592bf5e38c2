"""The client's two clocks, which both go on while the machine sleeps or the process is stopped."""

from __future__ import annotations

import time

# Linux's CLOCK_MONOTONIC stands still while a laptop is closed, its CLOCK_BOOTTIME does not. Elsewhere the monotonic
# clock of the system counts sleep already.
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def now() -> float:
    """Seconds since some moment in the past; never goes back."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


def wall() -> float:
    """The time of day as Unix seconds, by which tokens expire."""
    return time.time()
