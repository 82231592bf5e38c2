"""Waiting between attempts with full jitter: a random time up to a doubling limit.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from collections.abc import Iterator

from domain.clock import SYSTEM, Clock


def attempts(deadline: float, *, first_seconds: float, longest_seconds: float, clock: Clock = SYSTEM) -> Iterator[int]:
    """Numbers of attempts, 0, 1, 2 and so on, waiting before each but the first until the deadline leaves no more time.

    Args:
        deadline: `clock.monotonic()` after which no attempt begins.
        first_seconds: the upper limit of the first wait; each next limit is twice as long.
        longest_seconds: where the limit stops growing.
        clock: tells the time, waits, and draws the jitter.
    """
    attempt = 0
    while True:
        yield attempt
        pause = clock.random() * min(longest_seconds, first_seconds * 2 ** min(attempt, 30))
        if clock.monotonic() + pause >= deadline:
            return
        clock.sleep(pause)
        attempt += 1
