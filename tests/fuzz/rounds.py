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
from array import array
from collections.abc import Awaitable, Callable, Sequence
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
    blocks, resident = array("q"), array("q")  # arrays, for a list of numbers would grow by the blocks that it counts
    before = _resources()
    seed = first
    while time.monotonic() < ends or len(blocks) < LEAST_ROUNDS:
        try:
            random = Random(seed)
            plane.data.random = Random(seed)
            await one_round(random)
            await _settled(before)
            assert not plane.log, plane.log[0]
            assert len(plane.engine.subscriptions) == 0
            plane.engine.journal.clear()  # it is bounded, and keeps what is over on purpose
        except BaseException as error:
            error.add_note(f"HEADWATER_FUZZ_SEED={seed} replays this round")
            raise
        gc.collect()
        blocks.append(sys.getallocatedblocks())
        resident.append(_resident_bytes())
        seed += 1
    print(f"{len(blocks)} rounds; blocks {blocks[0]} to {blocks[-1]}, resident bytes {resident[0]} to {resident[-1]}")
    _check_slope("blocks", blocks, MOST_BLOCKS)
    _check_slope("resident bytes", resident, MOST_BYTES)


def _resources() -> tuple[int, int]:
    """How many tasks there are, and open files."""
    return len(asyncio.all_tasks()), len(os.listdir("/dev/fd"))  # noqa: PTH208 - its own descriptor is gone by then


async def _settled(before: tuple[int, int]) -> None:
    """Wait until no more tasks and files are left than there were."""
    ends = time.monotonic() + SETTLE_SECONDS
    while any(now > then for now, then in zip(_resources(), before, strict=True)):
        assert time.monotonic() < ends, f"tasks and files are {_resources()}, were {before}: {asyncio.all_tasks()}"
        await asyncio.sleep(0.01)


def _resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def _check_slope(what: str, after: Sequence[int], most: int) -> None:
    """The least of the last rounds against the least of the early ones: a leak raises the floor, noise does not."""
    later = after[1:]
    third = max(1, len(later) // 3)
    growth = min(later[-third:]) - min(later[:third])
    assert growth <= most, f"{what} grew by {growth} over {len(after)} rounds: {list(after)}"
