"""Batches and the checkpoint of a shard."""

from __future__ import annotations

import asyncio

from local.event_sources.lanes import LARGEST_BATCH_BYTES, Lane, Lanes, Progress
from local.event_sources.records import Record


def record(number: int, *, key: str = "k", size: int = 100) -> Record:
    """A record of an item."""
    return Record("{}", str(number), 0, key, size)


async def test_a_batch_is_what_waits_up_to_its_size() -> None:
    lane = Lane(batch_size=2, window_seconds=0)
    for number in (1, 2, 3):
        await lane.put(record(number))
    assert [one.sequence_number for one in await lane.batch()] == ["1", "2"]
    assert [one.sequence_number for one in await lane.batch()] == ["3"]


async def test_a_batch_has_six_megabytes_at_most() -> None:
    lane = Lane(batch_size=10, window_seconds=0)
    for number in (1, 2, 3):
        await lane.put(record(number, size=LARGEST_BATCH_BYTES // 2 - 1))  # and a comma
    assert [len(await lane.batch()), len(await lane.batch())] == [2, 1]


async def test_a_window_collects_until_the_batch_is_full() -> None:
    lane = Lane(batch_size=3, window_seconds=60)
    waiting = asyncio.create_task(lane.batch())
    for number in (1, 2, 3):
        await asyncio.sleep(0)
        assert not waiting.done()
        await lane.put(record(number))
    assert len(await waiting) == 3


async def test_a_window_ends() -> None:
    lane = Lane(batch_size=3, window_seconds=0.02)
    await lane.put(record(1))
    assert len(await lane.batch()) == 1


async def test_a_closed_lane_gives_what_is_left() -> None:
    lane = Lane(batch_size=3, window_seconds=60)
    await lane.put(record(1))
    lane.close()
    assert [len(await lane.batch()), len(await lane.batch())] == [1, 0]


async def test_a_full_lane_makes_the_reader_wait_until_it_is_dropped() -> None:
    lane = Lane(batch_size=1, window_seconds=0)
    for number in range(100):
        await lane.put(record(number))
    waiting = asyncio.create_task(lane.put(record(100)))
    await asyncio.sleep(0)
    assert not waiting.done()
    lane.drop()
    await waiting
    assert await lane.batch() == []


async def test_records_of_one_item_share_a_lane_and_items_spread() -> None:
    lanes = Lanes(4, batch_size=100, window_seconds=0, advance=print)
    for number in range(80):
        await lanes.put(record(number, key=f"k{number % 20}"))
    lanes.close()
    batches = [await lane.batch() for lane in lanes.all]
    keys = [{one.key for one in batch} for batch in batches]
    assert sum(map(len, keys)) == 20
    assert sum(1 for one in keys if one) > 1
    assert all(sorted(batch, key=lambda one: int(one.sequence_number)) == batch for batch in batches)


def test_the_checkpoint_waits_for_the_slowest() -> None:
    checkpoints: list[str] = []
    progress = Progress(checkpoints.append)
    records = [record(number) for number in (1, 2, 3, 4)]
    for one in records:
        progress.expect(one)
    progress.done(records[1:3])
    assert checkpoints == []
    progress.done(records[:1])
    assert checkpoints == ["3"]
    progress.done(records[3:])
    assert checkpoints == ["3", "4"]
