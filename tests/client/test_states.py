from __future__ import annotations

import asyncio

import pytest

from headwater.states import MOST_WAITING, State, States, worst


async def test_who_follows_is_told_the_present_state_and_each_that_follows() -> None:
    states = States()
    states.say("catching-up")
    follower = states.follow()
    assert await anext(follower) == "catching-up"
    states.say("live")
    states.say("live")
    states.say("stale")
    states.say("closed")
    states.say("live")
    assert [state async for state in follower] == ["live", "stale", "closed"]
    assert states.current == "closed"
    assert [state async for state in states.follow()] == ["closed"]


async def test_a_follower_waits_for_news_and_leaves_nothing_behind() -> None:
    states = States("live")
    follower = states.follow()
    assert await anext(follower) == "live"
    waiting = asyncio.ensure_future(anext(follower))
    await asyncio.sleep(0)
    assert not waiting.done()
    states.say("offline")
    assert await waiting == "offline"
    await follower.aclose()  # type: ignore[attr-defined]
    assert states._readers == []


async def test_a_slow_follower_misses_the_oldest_states() -> None:
    states = States("live")
    follower = states.follow()
    await anext(follower)
    for _ in range(MOST_WAITING):
        states.say("stale")
        states.say("live")
    states.say("closed")
    seen = [state async for state in follower]
    assert len(seen) == MOST_WAITING
    assert seen[-1] == "closed"


@pytest.mark.parametrize(
    ("states", "together"),
    [
        ([], "connecting"),
        (["live", "live"], "live"),
        (["live", "catching-up"], "catching-up"),
        (["catching-up", "stale"], "stale"),
        (["stale", "connecting", "live"], "connecting"),
        (["offline", "connecting"], "offline"),
    ],
)
def test_several_feeds_together_are_as_their_worst(states: list[State], together: State) -> None:
    assert worst(states) == together
