"""Simulated time and processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.simulation.kernel import Host, Kernel, Process, ProcessKilled, Stuck, Threads


def test_time_passes_only_where_someone_waits() -> None:
    kernel = Kernel(0)
    host = Host("host")
    seen: list[tuple[str, float]] = []

    def work(name: str, seconds: float) -> Callable[[], None]:
        def run() -> None:
            for _ in range(2):
                kernel.sleep(seconds)
                seen.append((name, kernel.now))

        return run

    async def main() -> None:
        processes = [kernel.process(host, name, work(name, seconds)) for name, seconds in (("a", 3.0), ("b", 2.0))]
        await asyncio.wait({process.done for process in processes})

    kernel.run(main())
    assert seen == [("b", 2.0), ("a", 3.0), ("b", 4.0), ("a", 6.0)]


def test_a_killed_process_ends_where_it_stands() -> None:
    kernel = Kernel(0)
    host = Host("host")
    steps: list[str] = []

    def run() -> None:
        try:
            steps.append("before")
            kernel.sleep(10.0)
            steps.append("never")
        except Exception:  # noqa: BLE001 - what a program may do
            steps.append("caught")

    async def main() -> None:
        process = kernel.process(host, "p", run)
        await asyncio.sleep(1.0)
        host.kill()
        with pytest.raises(ProcessKilled):
            await process.done
        assert kernel.now == 1.0

    kernel.run(main())
    assert steps == ["before"]


def test_a_suspended_host_goes_on_where_it_stood() -> None:
    kernel = Kernel(0)
    host = Host("host")
    at: list[float] = []

    def run() -> None:
        for _ in range(2):
            kernel.sleep(1.0)
            at.append(kernel.now)

    async def main() -> None:
        process = kernel.process(host, "p", run)
        await asyncio.sleep(1.5)
        host.frozen_until = 100.0
        await process.done

    kernel.run(main())
    assert at == [1.0, 100.0]


def test_threads_run_side_by_side_and_answer_in_turn() -> None:
    kernel = Kernel(0)
    host = Host("host")

    def double(seconds: float) -> float:
        kernel.sleep(seconds)
        return 2 * seconds

    def run() -> list[float]:
        return list(Threads(kernel)(double, [3.0, 1.0, 2.0]))

    async def main() -> Process:
        process = kernel.process(host, "p", run)
        await process.done
        return process

    assert kernel.run(main()).done.result() == [6.0, 2.0, 4.0]
    assert kernel.now == 3.0


def test_waiting_for_nothing_is_an_error() -> None:
    kernel = Kernel(0)

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        kernel.run(main())
