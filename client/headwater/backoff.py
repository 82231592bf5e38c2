"""How long to wait before the next attempt: full jitter, as a pure function.

Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/. Spreading over the whole interval
keeps a thousand clients that lost the same server from returning in the same second.
"""

from __future__ import annotations

from collections.abc import Callable
from random import random

FIRST_SECONDS = 0.2
MOST_SECONDS = 20.0


def full_jitter(attempt: int, *, chance: Callable[[], float] = random) -> float:
    """Seconds to wait before attempt number `attempt` (0 is the first repetition); `chance` is uniform in [0, 1)."""
    ceiling: float = min(MOST_SECONDS, FIRST_SECONDS * 2 ** min(attempt, 30))
    return chance() * ceiling
