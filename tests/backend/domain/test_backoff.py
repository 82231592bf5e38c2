"""Waiting between attempts, on a clock that takes no time."""

from __future__ import annotations

from domain import backoff
from domain.clock import SYSTEM


class Clock:
    """Sleeps by moving on; every draw is `chance`."""

    def __init__(self, chance: float) -> None:
        self.seconds = 0.0
        self.chance = chance

    def now_ms(self) -> int:
        return round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def random(self) -> float:
        return self.chance


def times(clock: Clock, deadline: float) -> list[float]:
    attempts = backoff.attempts(deadline, first_seconds=1.0, longest_seconds=8.0, clock=clock)
    return [clock.seconds for _ in attempts]


def test_waits_grow_up_to_the_longest_until_the_deadline() -> None:
    assert times(Clock(0.5), 12.0) == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5]


def test_the_first_attempt_needs_no_time() -> None:
    assert times(Clock(0.5), 0.0) == [0.0]


def test_no_attempt_begins_at_the_deadline_or_later() -> None:
    assert times(Clock(1.0), 3.0) == [0.0, 1.0]


def test_many_attempts_wait_no_longer() -> None:
    clock = Clock(1 / 8)
    attempts = times(clock, 1000.0)
    assert len(attempts) > 900
    assert attempts[-1] - attempts[-2] == 1.0


def test_the_systems_clock_tells_time_and_chance() -> None:
    assert SYSTEM.now_ms() > 1_795_000_000_000
    before = SYSTEM.monotonic()
    SYSTEM.sleep(0.001)
    assert SYSTEM.monotonic() > before
    assert 0 <= SYSTEM.random() < 1
