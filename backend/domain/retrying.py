"""Trying a use case anew, by what the tables have by then, until nothing comes between its reads and its writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from domain import backoff
from domain.clock import Clock
from domain.errors import TryAgain
from domain.table import TableError

R = TypeVar("R")


def until_written(attempt: Callable[[bool], R], clock: Clock, seconds: float) -> R:
    """What the first attempt answers that meets no TableError.

    Args:
        attempt: reads, decides and writes. It is told whether there was an attempt before, whose writes may have
            happened although it failed.
        clock: tells the time, waits, and draws the jitter.
        seconds: for how long attempts may begin.

    Raises:
        TryAgain: there was no time left.
        Exception: what else `attempt` raises, at once.
    """
    obstacle: TableError | None = None
    for _ in backoff.attempts(clock.monotonic() + seconds, first_seconds=0.02, longest_seconds=1.0, clock=clock):
        try:
            return attempt(obstacle is not None)
        except TableError as error:
            obstacle = error
    raise TryAgain from obstacle
