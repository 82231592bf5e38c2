"""Every identity with every topic: what can be read is exactly what is pushed and what can be caught up.

The rules, the use cases, the filters and the registry of subscriptions are the real ones; only the table is in memory.
"""

from __future__ import annotations

import random
import time

import pytest

from domain import topics
from tests.enumeration.pushes import Pushes
from tests.enumeration.world import USERS, World, make, session_ends

MOST_SECONDS = 30.0
Pairs = set[tuple[str, str]]


@pytest.fixture(scope="module")
def world() -> World:
    return make(seed=20261121)


def subscribed(world: World) -> tuple[Pushes, Pairs]:
    """All subscriptions that the functions allow, live, and whom they belong to."""
    pushes, allowed = Pushes(), set()
    for name, topic in world.pairs():
        answer = world.subscription(name, topic)
        if answer is not None:
            pushes.subscribe(name, answer)
            allowed.add((name, topic))
    return pushes, allowed


def pushed(world: World, pushes: Pushes) -> Pairs:
    """Who hears of which topic when each is published."""
    found = set()
    for topic in world.topics:
        heard = pushes.publish(topic)
        assert len(heard) == len(set(heard)), "nobody hears a thing twice"
        found |= {(name, topic) for name in heard}
    return found


def test_what_can_be_read_is_what_is_pushed_and_what_can_be_caught_up(world: World) -> None:
    assert sum(name.startswith("u") for name in world.callers) == USERS == 1000
    assert len(world.topics) == 65 + 11 + 25 + 10 + 2, "and who is present in some of the rooms, carts, orders, a shop"
    began = time.process_time()
    pushes, allowed = subscribed(world)
    read = {pair for pair in world.pairs() if world.can_read(*pair)}
    caught_up = {pair for pair in world.pairs() if world.can_catch_up(*pair)}
    hears = pushed(world, pushes)
    seconds = time.process_time() - began
    print(f"{len(world.callers)} identities x {len(world.topics)} topics: {len(read)} of them may, {seconds:.1f} s")
    assert read == world.readers
    assert caught_up == read
    assert hears == read
    assert allowed == read
    assert seconds < MOST_SECONDS  # of this process: other programs on the machine are not its fault


def test_who_can_write_is_who_the_world_says(world: World) -> None:
    rooms = [topic.removeprefix("room:") for topic in world.topics if topic.startswith("room:")][::4]
    for name in world.callers:
        for room_id in rooms:
            may = (name, f"room:{room_id}") in world.writers
            assert world.can_write(name, room_id) == may, (name, room_id)
            assert world.can_join(name, room_id) == may, (name, room_id)


def test_a_client_that_is_taken_over_has_one_subscription_again() -> None:
    world = make(seed=8)
    pushes, _ = subscribed(world)
    taken = [(name, topic) for name, topic in sorted(world.readers) if topic.startswith("client:")]
    assert len(taken) > 5
    for name, topic in taken:
        both = (topic, f"cart:{topic}")
        for each in both:
            again = world.subscription(name, each)
            assert again
            pushes.subscribe(name, again)  # the same lease, on another connection
        ended = world.take_over(topic.removeprefix("client:"))
        for right in ended:
            pushes.end("*", right)
        assert pushes.ended[-4:] == [name] * 4
        for each in both:
            assert pushes.publish(each) == []
            newest = world.subscription(name, each)
            assert newest
            pushes.subscribe(name, newest)
        for right in ended:
            pushes.end("*", right)  # as the publisher repeats it
    assert pushed(world, pushes) == world.readers


def test_it_stays_so_when_rights_end() -> None:
    world, chance = make(seed=7), random.Random(7)
    pushes, _ = subscribed(world)
    private = sorted(pair for pair in world.readers if ":private:" in pair[1])
    for name, topic in chance.sample(private, 100):
        world.expel(name, topic)
        for each in topics.of_room(topic.partition(":")[2]):
            pushes.end(world.callers[name].id, str(each))
    people = sorted({name for name, _ in world.readers if name.startswith("u")})
    for name in chance.sample(people, 20):
        session_ends(world, name)
        pushes.end(world.callers[name].id, "*")
    affected = [pair for pair in world.pairs() if ":private:" in pair[1]]
    assert {pair for pair in affected if world.can_read(*pair)} == world.readers & set(affected)
    assert {pair for pair in affected if world.can_catch_up(*pair)} == world.readers & set(affected)
    assert pushed(world, pushes) == world.readers
