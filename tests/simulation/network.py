"""What lies between a process and a service: time that passes, and points where the process may end or stand still."""

from __future__ import annotations

from tests.simulation.kernel import Host, Kernel, Killed
from tests.simulation.weather import Weather

LONGEST_SUSPENSION_SECONDS = 400.0


class Network:
    """The I/O points of all hosts."""

    def __init__(self, kernel: Kernel, weather: Weather) -> None:
        self._kernel = kernel
        self._weather = weather

    def latency(self) -> float:
        """How long half of a call takes, in seconds."""
        chance = self._kernel.random
        if self._weather.strikes("slow"):
            return chance.random() * 4.0
        return 0.0005 + chance.expovariate(400.0)

    def point(self, what: str) -> None:
        """Here the running process may be killed or suspended. That time passes is up to the service."""
        process, chance = self._kernel.current(), self._kernel.random
        host: Host = process.host
        if host.perishable:
            if self._weather.strikes("kill"):
                process.note(f"{what}: killed")
                host.kill()
                raise Killed
            if self._weather.strikes("suspend"):
                seconds = chance.choice([1.0, 30.0, LONGEST_SUSPENSION_SECONDS]) * chance.random()
                host.frozen_until = self._kernel.now + seconds
                process.note(f"{what}: suspended for {seconds:.1f} s")
                self._kernel.sleep(0.0)
            if self._weather.strikes("clock back"):
                host.skew_ms = chance.randint(-600_000, 600_000)
                process.note(f"clock is {host.skew_ms} ms off")
