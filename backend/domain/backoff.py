"""Waiting between attempts with full jitter: a random time up to a doubling limit.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

import random
import time
from collections.abc import Iterator


def attempts(deadline: float, *, first_seconds: float, longest_seconds: float) -> Iterator[int]:
    """Numbers of attempts, 0, 1, 2 and so on, waiting before each but the first until the deadline leaves no more time.

    Args:
        deadline: `time.monotonic()` after which no attempt begins.
        first_seconds: the upper limit of the first wait; each next limit is twice as long.
        longest_seconds: where the limit stops growing.
    """
    attempt = 0
    while True:
        yield attempt
        limit = min(longest_seconds, first_seconds * 2 ** min(attempt, 30))
        pause = random.uniform(0, limit)  # noqa: S311 - spreads load, guards nothing
        if time.monotonic() + pause >= deadline:
            return
        time.sleep(pause)
        attempt += 1
