"""The clock of a simulated host."""

from __future__ import annotations

from tests.simulation.kernel import Host, Kernel


class SimulatedClock:
    """`domain.clock.Clock` on simulated time, as wrong as its host's clock is."""

    def __init__(self, kernel: Kernel, host: Host) -> None:
        self._kernel = kernel
        self._host = host

    def now_ms(self) -> int:
        """The host's wall clock."""
        return self._kernel.wall_ms(self._host)

    def monotonic(self) -> float:
        """Simulated seconds."""
        return self._kernel.now

    def sleep(self, seconds: float) -> None:
        """Let others go on."""
        self._kernel.sleep(seconds)

    def random(self) -> float:
        """From the schedule's seed."""
        return self._kernel.random.random()
