"""A feed whose connection comes and goes."""

from __future__ import annotations

import asyncio

from headwater import Client, Feed, Message
from tests.client.chat_api import TOPIC, ChatApi
from tests.client.following import brief, expect_pending, take


async def test_a_dropped_connection_is_resumed_from_the_last_change(api: ChatApi, feed: Feed[Message]) -> None:
    await api.say("one")
    await take(feed, 1)
    await api.stop()
    api.commit("meanwhile")
    await api.start()
    [missed] = await take(feed, 1)
    assert (missed.seq, missed.source) == (2, "catch-up")
    await api.say("three")
    assert brief(await take(feed, 1)) == [(3, "push")]


async def test_a_server_that_is_away_for_a_while_is_waited_for(api: ChatApi, feed: Feed[Message]) -> None:
    waiting = asyncio.create_task(take(feed, 1))
    await api.stop()
    await expect_pending(waiting)
    await api.start()
    await api.say("back")
    assert [change.seq for change in await waiting] == [1]


async def test_two_feeds_resume_on_one_new_connection(api: ChatApi, client: Client) -> None:
    async with client.live(TOPIC) as first, client.live(TOPIC) as second:
        await api.stop()
        api.commit("meanwhile")
        await api.start()
        assert brief(await take(first, 1)) == brief(await take(second, 1)) == [(1, "catch-up")]
        await api.say("two")
        assert brief(await take(first, 1)) == brief(await take(second, 1)) == [(2, "push")]
