"""Clocks whose time the test sets, or that take none."""

from domain.clock import SystemClock


class SetClock(SystemClock):
    """Shows `ms` until it is set anew."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms


class Quick(SystemClock):
    """A clock on which each wait passes at once, and is as long as it can be."""

    def __init__(self) -> None:
        self.now = 0.0

    def now_ms(self) -> int:
        return round(self.now * 1000)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def random(self) -> float:
        return 0.999
