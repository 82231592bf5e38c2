"""A feed over a network that fails: nothing is missed or doubled, and `live` is said only while it is so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headwater import Change, Client, Feed, State, connection, following, http
from local.appsync.realtime.operations import Operations
from tests.client.chat_api import TOPIC, ChatApi
from tests.client.following import DEADLINE_SECONDS, brief, take, until
from tests.client.link import Link


@pytest.fixture
async def link(api: ChatApi) -> AsyncIterator[Link]:
    between = Link(api.port)
    await between.open()
    yield between
    await between.close()


@pytest.fixture
async def client(api: ChatApi, link: Link) -> AsyncIterator[Client]:
    """A client whose way to the API is the link."""
    async with api.client(url=f"http://127.0.0.1:{link.port}/graphql") as connected:
        yield connected


@pytest.fixture
async def states(feed: Feed[Any]) -> AsyncIterator[list[State]]:
    """What the feed has said, from `live` on."""
    said: list[State] = []

    async def follow() -> None:
        async for state in feed.states():
            said.append(state)  # noqa: PERF401 - to be read meanwhile

    following = asyncio.create_task(follow())
    await until(lambda: said == ["live"])
    yield said
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings of a tenth of a second, and what follows from them."""
    monkeypatch.setattr(connection, "PING_SECONDS", 0.1)
    monkeypatch.setattr(connection, "WINDOW_SECONDS", 0.3)
    monkeypatch.setattr(http, "IDLE_SECONDS", 0.2)


async def test_a_thousand_missed_changes_come_within_a_second_of_the_networks_return(
    api: ChatApi, link: Link, feed: Feed[Any]
) -> None:
    link.cut()
    await until(lambda: feed.state == "offline")
    api.commit(*(str(number) for number in range(1000)))
    # The attempts are seconds apart by then: what counts is that the return is noticed.
    await asyncio.sleep(3)
    await link.open()
    returned = time.monotonic()
    changes = await take(feed, 1000)
    seconds = time.monotonic() - returned
    assert [change.seq for change in changes] == list(range(1, 1001))
    assert seconds < 1.0
    await api.say("live again")
    assert brief(await take(feed, 1)) == [(1001, "push")]


@pytest.mark.usefixtures("quick")
async def test_a_half_open_connection_is_noticed_and_replaced(
    api: ChatApi, link: Link, feed: Feed[Any], states: list[State]
) -> None:
    link.freeze()
    api.commit("meanwhile")
    began = time.monotonic()
    await until(lambda: feed.state != "live")
    assert time.monotonic() - began < connection.WINDOW_SECONDS + 0.2
    assert feed.state == "stale"
    await until(lambda: feed.state == "offline")
    await link.open()
    assert brief(await take(feed, 1)) == [(1, "catch-up")]
    await until(lambda: feed.state == "live")
    assert states[:3] == ["live", "stale", "offline"]
    await api.say("two")
    assert brief(await take(feed, 1)) == [(2, "push")]


@pytest.mark.usefixtures("quick")
async def test_a_network_that_stalls_makes_the_feed_stale_and_then_live_by_way_of_the_log(
    api: ChatApi, link: Link, feed: Feed[Any], states: list[State], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_UNANSWERED", 1000)
    link.stall()
    await until(lambda: feed.state == "stale")
    await api.say("held up")
    api.commit("lost")
    await link.open()
    await until(lambda: feed.state == "live")
    assert [change.seq for change in await take(feed, 2)] == [1, 2]
    assert states == ["live", "stale", "catching-up", "live"]
    assert link.opened == 1, "the connection is the same"


async def test_the_log_is_polled_where_no_websocket_gets_through(
    api: ChatApi, link: Link, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(following, "POLLING_SECONDS", 0.5)
    link.lets_websockets_through = False
    api.commit("before")
    async with client.live(TOPIC) as feed:
        assert (feed.state, feed.transport, len(feed.items)) == ("stale", "polling", 1)
        said: list[State] = []
        watching = asyncio.create_task(_collect(feed, said))
        api.commit("polled")
        assert brief(await take(feed, 1)) == [(2, "catch-up")]
        opened = link.opened
        await until(lambda: link.opened > opened)
        api.commit("polled too")
        assert brief(await take(feed, 1)) == [(3, "catch-up")]
        assert said == ["stale"]
        link.lets_websockets_through = True
        await until(lambda: feed.state == "live")
        assert feed.transport == "websocket"
        await api.say("pushed")
        assert brief(await take(feed, 1)) == [(4, "push")]
        watching.cancel()


async def _collect(feed: Feed[Any], said: list[State]) -> None:
    async for state in feed.states():
        said.append(state)  # noqa: PERF401 - to be read meanwhile


@pytest.mark.usefixtures("quick")
async def test_cuts_of_any_length_lose_and_double_nothing(api: ChatApi, link: Link, feed: Feed[Any]) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async for event in feed:
            assert isinstance(event, Change)
            seen.append(event.seq)

    reading = asyncio.create_task(follow())
    for number, seconds in enumerate([0.0, 0.01, 0.1, 0.3, 0.7, 0.05, 1.0]):
        await api.say(f"before {number}")
        (link.cut, link.freeze)[number % 2]()
        await api.say(f"during {number}")
        await asyncio.sleep(seconds)
        await link.open()
        await api.say(f"after {number}")
    last = len(api.chat.log)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await until(lambda: len(seen) >= last and feed.state == "live")
    assert seen == list(range(1, last + 1))
    reading.cancel()


async def test_three_hundred_topics_share_two_connections(api: ChatApi, link: Link, client: Client) -> None:
    feeds = [client.live(f"room:{number}", snapshot=False) for number in range(300)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(feed.start() for feed in feeds))
    assert link.opened == 2
    api.commit("to three of them")
    for number in (0, 199, 299):
        await api.push(1, 1, room=str(number))
        assert [change.seq for change in await take(feeds[number], 1)] == [1]
    assert {feed.state for feed in feeds} == {"live"}
    assert client.state == "live"
    link.cut()
    await until(lambda: all(feed.state == "offline" for feed in feeds))
    api.commit("missed by all")
    await link.open()
    async with asyncio.timeout(60):
        await until(lambda: all(feed.state == "live" for feed in feeds))
    assert {feed.caught_up_to for feed in feeds} == {2}


async def test_an_api_that_takes_fewer_subscriptions_gets_more_connections(
    api: ChatApi, link: Link, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.appsync.realtime.protocol.Operations", lambda _: Operations(2))
    async with client.live("room:1"), client.live("room:2"), client.live("room:3") as third:
        api.commit("one")
        await api.push(1, 1, room="3")
        assert brief(await take(third, 1)) == [(1, "push")]
        assert link.opened == 2
