"""Simulated time, and processes that run from one I/O point to the next: a schedule is one seed, to the last step.

An asyncio loop whose clock jumps to the next timer instead of waiting runs everything. Coroutines (the clients, the
pollers) run on it as they are. Blocking code (the publisher, a resolver) runs in greenlets: where it would wait for the
network or a clock, it waits for a timer of the loop, and whatever is due before runs first. Nothing runs side by side,
so that a seed gives the same schedule on every machine.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

EPOCH_MS = 1_800_000_000_000
"""The wall clock when a simulation begins."""

_MOST_STEPS = 2_000_000

A = TypeVar("A")
T = TypeVar("T")


class Killed(BaseException):
    """Ends a process where it stands; no code of ours catches it."""


class Stuck(AssertionError):
    """Nothing is left to happen, or it never ends."""


class _Loop(asyncio.BaseEventLoop):
    """asyncio on simulated time. `BaseEventLoop` asks its selector to wait until the next timer: here it is there."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0
        self._clock_resolution = 1e-9
        self._selector = self
        self._steps = 0

    def time(self) -> float:
        return self._seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Go on to the next timer."""
        self._steps += 1
        if timeout is None:
            raise Stuck("nothing is left to happen, and someone waits")
        if self._steps > _MOST_STEPS:
            raise Stuck(f"no end after {_MOST_STEPS} steps")
        if timeout > 0:
            self._seconds = max(self._seconds, self._scheduled[0]._when)  # type: ignore[attr-defined]
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no events but timers."""

    def _write_to_self(self) -> None:
        """Nobody else's thread wakes this loop."""


class Host:
    """What processes run on, such as a function's container: it can be killed, or suspended with all that runs on it.

    Attributes:
        skew_ms: by how much its wall clock is ahead of the true time; it may change at any time.
        perishable: whether faults kill and suspend it.
    """

    def __init__(self, name: str, *, skew_ms: int = 0, perishable: bool = True) -> None:
        self.name = name
        self.skew_ms = skew_ms
        self.perishable = perishable
        self.frozen_until = 0.0
        self.dead = False
        self.processes: list[Process] = []

    def kill(self) -> None:
        """End all its processes where they stand."""
        self.dead = True
        for process in list(self.processes):
            process.kill()


class Process:
    """Blocking code with a stack of its own. `done` has its result, its exception, or Killed as `ProcessKilled`."""

    def __init__(self, kernel: Kernel, host: Host, name: str, function: Callable[[], Any]) -> None:
        self.name = name
        self.host = host
        self.done: asyncio.Future[Any] = kernel.loop.create_future()
        self._kernel = kernel
        self._function = function
        self._greenlet = greenlet(self._run)
        self._timer: asyncio.Handle | None = None
        self._killed = False
        host.processes.append(self)
        self._timer = kernel.loop.call_soon(self.resume)

    def _run(self) -> None:
        try:
            if self._killed:
                raise Killed
            result = self._function()
        except Killed:
            self._finish(lambda: self.done.set_exception(ProcessKilled(self.name)))
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the result
            failure = error
            self._finish(lambda: self.done.set_exception(failure))
        else:
            self._finish(lambda: self.done.set_result(result))

    def _finish(self, tell: Callable[[], None]) -> None:
        self.host.processes.remove(self)
        if not self.done.done():
            tell()
            self.done.exception()  # looked at: asyncio need not warn when nobody else does

    def resume(self) -> None:
        """Let it run until its next I/O point. Called by the loop."""
        self._timer = None
        frozen = self.host.frozen_until - self._kernel.now
        if frozen > 0 and not self._killed:
            self._timer = self._kernel.loop.call_later(frozen, self.resume)
            return
        before, self._kernel.running = self._kernel.running, self
        try:
            self._greenlet.parent = getcurrent()
            self._greenlet.switch()
        finally:
            self._kernel.running = before

    def note(self, what: str) -> None:
        """Tell the trace."""
        self._kernel.trace(self.name, what)

    def sleep(self, seconds: float) -> None:
        """Called by itself: let the others run for some time."""
        self._timer = self._kernel.loop.call_later(seconds, self.resume)
        self._yield()

    def wait(self, future: asyncio.Future[T]) -> T:
        """Called by itself: let the others run until a future is done; its result."""
        if not future.done():
            future.add_done_callback(self._wake)
            self._yield()
        return future.result()

    def _wake(self, _: object) -> None:
        if not self._greenlet.dead and not self._killed:
            self._timer = self._kernel.loop.call_soon(self.resume)

    def _yield(self) -> None:
        parent = self._greenlet.parent
        assert parent is not None
        parent.switch()
        if self._killed:
            raise Killed

    def kill(self) -> None:
        """End it where it stands."""
        if self._killed or self._greenlet.dead:
            return
        self._killed = True
        if self._kernel.running is not self:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._kernel.loop.call_soon(self.resume)


class ProcessKilled(Exception):
    """A process was killed; what it was asked for may have been done."""


class Trace:
    """What happened, with the simulated time: read when a schedule has failed."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._lines: list[tuple[float, str, str]] = []

    def __call__(self, who: str, what: str) -> None:
        self._lines.append((self._kernel.now, who, what))

    def text(self, most: int = 400) -> str:
        """The last lines."""
        shown = self._lines[-most:]
        left_out = len(self._lines) - len(shown)
        head = [f"... {left_out} lines before"] if left_out else []
        return "\n".join([*head, *(f"{at:12.4f}  {who:<22} {what}" for at, who, what in shown)])

    def digest(self) -> str:
        """Tells schedules apart."""
        return hashlib.sha256(repr(self._lines).encode()).hexdigest()


class Kernel:
    """One schedule: the time, the chance and the processes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.loop = _Loop()
        self.running: Process | None = None
        self.trace = Trace(self)

    @property
    def now(self) -> float:
        """Seconds since the simulation began."""
        return self.loop.time()

    def wall_ms(self, host: Host | None = None) -> int:
        """A host's wall clock, or the true time, in epoch milliseconds."""
        return EPOCH_MS + int(self.now * 1000) + (host.skew_ms if host else 0)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and whatever it starts, until it ends."""
        try:
            asyncio.set_event_loop(self.loop)
            return self.loop.run_until_complete(main)
        finally:
            self._close()

    def process(self, host: Host, name: str, function: Callable[[], T]) -> Process:
        """Start blocking code on a host."""
        return Process(self, host, name, function)

    def current(self) -> Process:
        """The process that runs now."""
        assert self.running is not None, "only a process can wait"
        return self.running

    def sleep(self, seconds: float) -> None:
        """Wait, from within a process."""
        self.current().sleep(seconds)

    def wait(self, future: asyncio.Future[T]) -> T:
        """Wait for a future, from within a process."""
        return self.current().wait(future)

    def later(self, seconds: float, action: Callable[..., object], *arguments: object) -> None:
        """Do something at a later time, whoever has died until then."""
        self.loop.call_later(seconds, action, *arguments)

    def _close(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        # Cancelled coroutines run their ends; blocking code that still waits is let go with its stack.
        self.loop._scheduled.clear()  # type: ignore[attr-defined]
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        self.loop.close()


class Threads:
    """`domain.threads.Threads`: what a thread pool's `map` does, with processes of the host that asks."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __call__(self, function: Callable[[A], T], values: Iterable[A], /) -> Iterator[T]:
        """Start the function on all values side by side; wait for the results in turn."""
        caller = self._kernel.current()
        started = [
            self._kernel.process(caller.host, f"{caller.name}/{number}", partial(function, value))
            for number, value in enumerate(values)
        ]
        return map(self._result, started)

    def _result(self, process: Process) -> Any:
        try:
            return self._kernel.wait(process.done)
        except ProcessKilled as error:
            raise Killed from error
