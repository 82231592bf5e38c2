"""Rounds of fuzzing: each with a seed that replays it, and after each the process must be as it was before.

HEADWATER_FUZZ_SECONDS is the time that each test may take (10 s), HEADWATER_FUZZ_SEED the seed of its first round
(random). Seeds are printed, and stand in the message of a failure.
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from tests.fuzz.plane import Plane

SECONDS = float(os.environ.get("HEADWATER_FUZZ_SECONDS", "10"))
LEAST_ROUNDS = 3
SETTLE_SECONDS = 10.0

# Growth from the first third of the rounds after the first to the last third, beyond which memory leaks. A round makes
# hundreds of connections and operations, so that one object kept of each shows.
MOST_BLOCKS = 1_000
MOST_BYTES = 24 * 2**20


async def fuzz(plane: Plane, one_round: Callable[[Random], Awaitable[None]]) -> None:
    """Rounds until the time is over, after each of which nothing may be left, and whose memory may not grow."""
    first = int(os.environ.get("HEADWATER_FUZZ_SEED") or secrets.randbelow(10**9))
    print(f"HEADWATER_FUZZ_SEED={first}, {SECONDS:g} s")
    ends = time.monotonic() + SECONDS
    memory: list[tuple[int, int]] = []
    before = _resources()
    seed = first
    while time.monotonic() < ends or len(memory) < LEAST_ROUNDS:
        try:
            random = Random(seed)
            plane.data.random = Random(seed)
            await one_round(random)
            await _settled(before)
            assert not plane.log, plane.log[0]
            assert len(plane.engine.subscriptions) == 0
        except BaseException as error:
            error.add_note(f"HEADWATER_FUZZ_SEED={seed} replays this round")
            raise
        memory.append(_memory())
        seed += 1
    print(f"{len(memory)} rounds; blocks and resident bytes after the first and the last: {memory[0]}, {memory[-1]}")
    _check_slope(memory)


def _resources() -> tuple[int, int]:
    """How many tasks there are, and open files."""
    return len(asyncio.all_tasks()), len(os.listdir("/dev/fd"))  # noqa: PTH208 - its own descriptor is gone by then


async def _settled(before: tuple[int, int]) -> None:
    """Wait until no more tasks and files are left than there were."""
    ends = time.monotonic() + SETTLE_SECONDS
    while any(now > then for now, then in zip(_resources(), before, strict=True)):
        assert time.monotonic() < ends, f"tasks and files are {_resources()}, were {before}: {asyncio.all_tasks()}"
        await asyncio.sleep(0.01)


def _memory() -> tuple[int, int]:
    gc.collect()
    statm = Path("/proc/self/statm")
    resident = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0
    return sys.getallocatedblocks(), resident


def _check_slope(memory: list[tuple[int, int]]) -> None:
    """The least of the last rounds against the least of the early ones: a leak raises the floor, noise does not."""
    later = memory[1:]
    third = max(1, len(later) // 3)
    early, late = later[:third], later[-third:]
    for what, most, number in (("blocks", MOST_BLOCKS, 0), ("resident bytes", MOST_BYTES, 1)):
        growth = min(each[number] for each in late) - min(each[number] for each in early)
        assert growth <= most, f"{what} grew by {growth} over {len(memory)} rounds: {[each[number] for each in memory]}"
