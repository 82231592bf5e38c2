"""The chain of questions that ends a presence: in calm weather to the second, and in every weather in the end."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime

import pytest

from domain import presence, times
from domain.errors import NotFound
from domain.presence import Rhythm
from tests.backend.domain.presence_world import FAULTS, Waiting, World, seconds

SEEDS = range(60)


def seconds_of(text: str) -> float:
    """Simulated seconds of a time as the API tells it."""
    return seconds(times.to_ms(datetime.fromisoformat(text)))


async def lives(world: World, client_id: str, chance: random.Random, until: float) -> None:
    """A client as the program of a person: it joins, gives signs of life, leaves, vanishes and comes back."""
    interval = world.rhythm.heartbeat_seconds
    joined = False
    while world.kernel.now < until:
        if not joined:
            joined = await world.join(client_id)
            await asyncio.sleep(chance.random() * 5)
            continue
        await asyncio.sleep(interval * (0.9 + chance.random() * 0.2))
        what = chance.random()
        if what < 0.06:
            await world.leave(client_id)
            joined = False
        elif what < 0.12:
            await asyncio.sleep(chance.random() * 5 * interval)  # a tunnel
        try:
            await world.heartbeat(client_id)
        except NotFound:
            joined = False


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_fails_nobody_is_removed_too_soon_and_whoever_vanishes_goes(seed: int) -> None:
    chance = random.Random(seed)
    some = {fault: FAULTS[fault] * chance.random() * 2 for fault in FAULTS if chance.random() < 0.6}
    world = World(seed, some)
    clients = [f"client {number}" for number in range(4)]

    async def main() -> None:
        await asyncio.gather(*(lives(world, each, chance, 900.0) for each in clients))
        world.agree()
        world.weather.storm = False
        # Suspended containers wake up, and what was delivered without success comes again.
        await asyncio.sleep(600.0)
        world.agree()
        assert world.here() == set()
        assert world.queue.messages == {}

    world.run(main)


@pytest.mark.parametrize("seed", range(10))
def test_after_a_storm_each_presence_has_one_chain(seed: int) -> None:
    chance = random.Random(seed)
    world = World(seed, FAULTS)

    async def stays(client_id: str) -> None:
        while world.kernel.now < 1500.0:
            try:
                if not await world.heartbeat(client_id):
                    await asyncio.sleep(1.0)
                    continue
            except NotFound:
                await world.join(client_id)
            await asyncio.sleep(30.0 * (0.9 + chance.random() * 0.2))

    async def main() -> None:
        staying = [asyncio.ensure_future(stays(f"client {number}")) for number in range(4)]
        await asyncio.sleep(600.0)
        world.weather.storm = False
        await asyncio.sleep(600.0)
        assert len(world.here()) == 4
        assert dict(world.queue.by_presence()) == dict.fromkeys(world.here(), 1)
        sent, shown = world.queue.sent, sum(world.shown.values())
        await asyncio.sleep(300.0)
        assert world.queue.sent - sent <= 4 * 300 / 30 + 4, "one question for each heartbeat at most"
        assert sum(world.shown.values()) - shown <= 4, "heartbeats are told to nobody, or one in twenty"
        await asyncio.gather(*staying)

    world.run(main)


def test_whoever_vanishes_is_absent_after_a_missed_heartbeat_and_gone_after_two() -> None:
    world = World(1)
    seen: list[tuple[float, bool | None]] = []

    async def main() -> None:
        assert await world.join("ann")
        for _ in range(3):
            await asyncio.sleep(30.0)
            assert await world.heartbeat("ann")
        last = world.kernel.now
        state: bool | None = False
        while world.kernel.now < last + 90.0:
            await asyncio.sleep(0.1)
            item = world.items(presence.PREFIX).get(world.place("ann").id)
            now = None if item is None else bool(item["absent"]["BOOL"])
            if now != state:
                seen.append((world.kernel.now - last, now))
                state = now

    world.run(main)
    [(absent_after, absent), (gone_after, gone)] = seen
    assert (absent, gone) == (True, None)
    assert 37.4 <= absent_after <= 39.0
    assert 60.0 <= gone_after <= 61.5
    assert world.shown == {"INSERT": 1, "MODIFY": 1, "REMOVE": 1}


def test_whoever_comes_back_in_time_is_there_again_and_after_that_must_join() -> None:
    world = World(2)

    async def main() -> None:
        await world.join("ann")
        await asyncio.sleep(45.0)
        [item] = world.items(presence.PREFIX).values()
        assert item["absent"]["BOOL"] is True
        assert await world.heartbeat("ann")
        [item] = world.items(presence.PREFIX).values()
        assert item["absent"]["BOOL"] is False
        assert world.shown == {"INSERT": 1, "MODIFY": 2}
        await asyncio.sleep(70.0)
        assert world.here() == set()
        with pytest.raises(NotFound):
            await world.heartbeat("ann")
        assert world.counted == 1, "a heartbeat for nothing costs a token"
        await world.join("ann")
        assert len(world.here()) == 1

    world.run(main)


def test_a_heartbeat_out_of_turn_is_answered_but_not_for_nothing() -> None:
    world = World(3)

    async def main() -> None:
        await world.join("ann")
        [before] = world.items(presence.HEARTBEAT_PREFIX).values()
        assert await world.heartbeat("ann")
        [after] = world.items(presence.HEARTBEAT_PREFIX).values()
        assert after == before
        assert world.counted == 1
        await asyncio.sleep(30.0)
        assert await world.heartbeat("ann")
        assert world.counted == 1

    world.run(main)


def test_leaving_and_joining_again_are_at_once_and_leave_one_chain() -> None:
    world = World(4)

    async def main() -> None:
        for _ in range(3):
            await world.join("ann")
            await world.join("ann")
            assert len(world.here()) == 1
            assert await world.leave("ann")
            assert await world.leave("ann")
            assert world.here() == set()
        assert world.shown == {"INSERT": 3, "REMOVE": 3}
        await world.join("ann")
        for _ in range(5):
            await asyncio.sleep(30.0)
            await world.heartbeat("ann")
        assert len(world.queue.messages) == 1

    world.run(main)


def test_whoever_stays_where_questions_were_lost_gets_a_new_chain() -> None:
    world = World(5)

    async def main() -> None:
        await world.join("ann")
        world.queue.messages.clear()
        for _ in range(8):
            await asyncio.sleep(30.0)
            await world.heartbeat("ann")
        assert len(world.queue.messages) == 1
        await asyncio.sleep(65.0)
        assert world.here() == set()

    world.run(main)


def test_a_presence_that_is_over_is_gone_for_all_although_nobody_has_removed_it_yet() -> None:
    world = World(8)

    async def main() -> None:
        await world.join("ann")
        world.queue.messages.clear()
        await asyncio.sleep(61.0)
        assert len(world.here()) == 1
        with pytest.raises(NotFound):
            await world.heartbeat("ann")
        assert await world.join("ann")
        [item] = world.items(presence.PREFIX).values()
        assert seconds_of(item["joinedAt"]["S"]) >= 60

    world.run(main)


@pytest.mark.parametrize("seed", range(5))
def test_heartbeats_at_the_last_moment_count_or_are_refused(seed: int) -> None:
    """What is on its way to the table when the question is asked."""
    world = World(seed, {"slow": 0.6})

    async def lasts(client_id: str) -> None:
        await world.join(client_id)
        for _ in range(20):
            [item] = [world.items(presence.HEARTBEAT_PREFIX).get(world.place(client_id).id)]
            if item is not None:
                due = seconds(int(item["beat"]["N"]) + world.rhythm.gone)
                await asyncio.sleep(max(0.0, due - world.kernel.now - 2 * world.kernel.random.random()))
            try:
                await world.heartbeat(client_id)
            except NotFound:
                await world.join(client_id)

    async def main() -> None:
        await asyncio.gather(*(lasts(f"client {number}") for number in range(20)))

    world.run(main)


def test_a_join_that_stands_still_between_its_question_and_its_write_has_a_chain() -> None:
    world = World(9, rhythm=Rhythm(2))

    async def main() -> None:
        world.queue.suspended_for = 15.0
        assert await world.join("ann")
        assert world.kernel.now > 15.0
        assert len(world.here()) == 1
        await asyncio.sleep(20.0)
        assert world.here() == set()
        await asyncio.sleep(30.0)
        assert world.queue.messages == {}

    world.run(main)


def test_a_join_that_comes_to_itself_undoes_no_later_one() -> None:
    world = World(10)

    async def main() -> None:
        world.queue.suspended_for = 20.0
        late = asyncio.ensure_future(world.join("ann"))
        await asyncio.sleep(1.0)
        assert await world.join("ann")
        await late
        await asyncio.sleep(40.0)
        assert len(world.queue.messages) == 1

    world.run(main)


@pytest.mark.parametrize("seed", range(5))
def test_of_two_messages_with_one_turn_one_goes_on(seed: int) -> None:
    world = World(seed)

    async def main() -> None:
        await world.join("ann")
        [message] = world.queue.messages.values()
        for number in range(3):
            world.queue.messages[f"copy {number}"] = Waiting(message.body, message.visible_at)
        await asyncio.sleep(30.0)
        await world.heartbeat("ann")
        await asyncio.sleep(15.0)
        assert len(world.queue.messages) == 1

    world.run(main)


def test_last_seen_is_told_anew_when_it_was_told_long_ago() -> None:
    world = World(6)

    async def main() -> None:
        await world.join("ann")
        for _ in range(100):
            await asyncio.sleep(30.0)
            await world.heartbeat("ann")
        assert 3 <= world.shown["MODIFY"] <= 5

    world.run(main)


def test_what_is_shown_and_removed_by_hand_takes_its_heartbeat_with_it() -> None:
    world = World(7)

    async def main() -> None:
        for silent in (True, False):
            await world.join("ann")
            where = world.place("ann")
            pk, sk = where.key
            key = {"pk": {"S": pk}, "sk": {"S": str(sk)}}
            world.service.execute("delete_item", {"TableName": "MainTable", "Key": key}, "", None)
            world.leaving.add(where.id)
            if silent:
                await asyncio.sleep(40.0)  # the next question finds that nothing is shown
                assert world.items(presence.HEARTBEAT_PREFIX) == {}
            else:
                await asyncio.sleep(39.0)
                with pytest.raises(NotFound):
                    await world.heartbeat("ann")
            await asyncio.sleep(100.0)
            assert world.queue.messages == {}

    world.run(main)
