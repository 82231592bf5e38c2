"""A clock whose wall time the test sets, and which else goes as any."""

from domain.clock import SystemClock


class SetClock(SystemClock):
    """Shows `ms` until it is set anew."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms
