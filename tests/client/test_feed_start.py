"""Where a feed begins and how it ends: cursors, the snapshot, credentials, and an API that cannot be reached."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from headwater import (
    Change,
    Client,
    Feed,
    FileCursors,
    GraphQLFailure,
    HeadwaterError,
    Message,
    Resync,
    Unauthorized,
    UnknownTopic,
    Unreachable,
    backlog,
    connect,
    iam,
)
from headwater.topics import topic
from local.certificates import certificates
from tests.client.chat_api import ACCESS_KEY, KEY, SECRET_KEY, TOPIC, ChatApi, message
from tests.client.following import DEADLINE_SECONDS, brief, expect_pending, expect_silence, take, texts, until


async def test_what_was_there_before_is_not_news(api: ChatApi, client: Client) -> None:
    api.commit("old", "older")
    async with client.live(TOPIC) as feed:
        await expect_silence(feed)
        await api.say("new")
        assert brief(await take(feed, 1)) == [(3, "push")]


async def test_the_position_is_that_of_the_last_change_handed_out(api: ChatApi, client: Client) -> None:
    api.commit("one", "two", "three")
    async with client.live(TOPIC, after=0) as feed:
        assert feed.position == 0, "three wait, none was handed out"
        await take(feed, 2)
        assert feed.position == 2
    assert feed.position == 2, "what was not handed out comes again after this cursor"
    async with client.live(TOPIC, after=feed.position) as again:
        assert brief(await take(again, 1)) == [(3, "catch-up")]


async def test_a_callers_own_topic_has_a_cursor_for_each_caller(client: Client, tmp_path: Path) -> None:
    async def query(*_: object) -> dict[str, object]:
        return {"userChanges": {"topic": "user:ann"}}

    cursors = FileCursors(tmp_path / "cursors")
    feed: Feed[Any] = Feed(query, client._realtime, topic("user"), after=5, cursor=cursors)
    assert await feed.cursor() == 5
    await feed.begun(None, 5, 5)
    assert (cursors.load("user:ann"), cursors.load("user")) == (5, None)


async def test_a_client_that_was_closed_follows_nothing(api: ChatApi) -> None:
    async with api.client() as client:
        pass
    with pytest.raises(Unreachable, match="closed"):
        client.live(TOPIC)


async def test_a_feed_that_was_closed_does_not_begin_again(api: ChatApi, client: Client) -> None:
    async with client.live(TOPIC) as feed:
        pass
    with pytest.raises(HeadwaterError, match="is closed"):
        await feed.start()
    assert feed.state == "closed"


async def test_a_cursor_resumes_from_the_log_then_live(api: ChatApi, client: Client) -> None:
    api.commit("one", "two", "three")
    async with client.live(TOPIC, after=1) as feed:
        await api.say("four")
        assert brief(await take(feed, 3)) == [(2, "catch-up"), (3, "catch-up"), (4, "push")]


async def test_a_long_log_is_read_page_by_page(api: ChatApi, client: Client) -> None:
    api.commit(*(str(number) for number in range(250)))
    async with client.live(TOPIC, after=0) as feed:
        assert [change.seq for change in await take(feed, 250)] == list(range(1, 251))
        await expect_silence(feed)


async def test_a_wrong_key_is_told_at_once(api: ChatApi) -> None:
    async with api.client(key="da2-00000000000000000000000000") as stranger:
        with pytest.raises(Unauthorized):
            await take(stranger.live(TOPIC, after=0), 1)
        with pytest.raises(Unauthorized):
            await stranger.live(TOPIC).start()


async def test_a_connection_that_cannot_be_made_is_told_at_once(api: ChatApi, client: Client) -> None:
    await api.stop()
    feed = client.live(TOPIC, after=0)
    with pytest.raises(Unreachable, match=rf"ws://127\.0\.0\.1:{api.port}/graphql/realtime: ") as raised:
        await feed.start()
    assert "header=" not in str(raised.value), "no credentials show in an error"
    assert feed.state == "offline"
    await api.start()
    api.commit("one")
    await feed.start()
    assert brief(await take(feed, 1)) == [(1, "catch-up")]


async def test_a_bare_loop_waits_for_an_api_that_cannot_be_reached_yet(api: ChatApi, client: Client) -> None:
    await api.stop()
    waiting = asyncio.create_task(take(client.live(TOPIC, after=0), 1))
    await expect_pending(waiting)
    api.commit("one")
    await api.start()
    assert brief(await waiting) == [(1, "catch-up")]


async def test_an_iam_caller_subscribes(api: ChatApi) -> None:
    async with (
        connect(
            url=f"http://127.0.0.1:{api.port}/graphql",
            auth=iam(credentials=Credentials(ACCESS_KEY, SECRET_KEY), region="us-east-1"),
        ) as caller,
        caller.live(TOPIC) as feed,
    ):
        await api.say("hello")
        assert brief(await take(feed, 1)) == [(1, "push")]


async def test_a_room_over_tls_with_an_authority_of_its_own(api: ChatApi, tmp_path: Path) -> None:
    files = certificates(tmp_path)
    port = await api.listen_with(files.context())
    url = f"https://127.0.0.1:{port}/graphql"
    async with connect(url=url, api_key=KEY, ca_file=files.authority) as caller, caller.live(TOPIC) as feed:
        await api.say("hello")
        assert brief(await take(feed, 1)) == [(1, "push")]
    async with connect(url=url, api_key=KEY) as distrustful:
        with pytest.raises(Unreachable, match="certificate verify failed"):
            await distrustful.live(TOPIC).start()


async def test_a_wrong_secret_may_not_subscribe(api: ChatApi) -> None:
    async with connect(
        url=f"http://127.0.0.1:{api.port}/graphql",
        auth=iam(credentials=Credentials(ACCESS_KEY, "wrong"), region="us-east-1"),
    ) as caller:
        with pytest.raises(GraphQLFailure):
            await take(caller.live(TOPIC, after=0), 1)


async def test_a_bare_loop_goes_live_by_itself_and_ends_with_its_client(api: ChatApi) -> None:
    async def listen(client: Client) -> list[int]:
        return [event.position async for event in client.live(TOPIC, after=0)]

    client = api.client()
    async with client:
        api.commit("one")
        listening = asyncio.create_task(listen(client))
        await until(lambda: bool(api.chat.reads))
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await listening in ([], [1])


async def test_closing_a_feed_ends_whoever_waits_for_it(api: ChatApi, feed: Feed[Message]) -> None:
    waiting = asyncio.create_task(take(feed, 1))
    await expect_pending(waiting)
    await feed.close()
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises((StopAsyncIteration, RuntimeError)):
            await waiting


async def test_a_closed_feed_is_no_longer_subscribed(api: ChatApi, client: Client) -> None:
    async with client.live(TOPIC) as first:
        async with client.live(TOPIC) as second:
            pass
        await api.say("one")
        assert brief(await take(first, 1)) == [(1, "push")]
        assert [event async for event in second] == []


async def test_the_snapshot_comes_first_and_is_kept_up_to_date(api: ChatApi, client: Client) -> None:
    api.commit("one", "two")
    async with client.live(TOPIC) as feed:
        assert texts(feed) == ["one", "two"]
        await api.say("three")
        await take(feed, 1)
        assert texts(feed) == ["one", "two", "three"]
        api.commit("two is gone")
        api.chat.log[3] |= {"kind": "REMOVE", "key": "m2", "message": None}
        await api.push(4, 4)
        await take(feed, 1)
        assert texts(feed) == ["one", "three"]


async def test_items_are_kept_up_to_date_though_nobody_iterates(api: ChatApi, client: Client) -> None:
    async with client.live(TOPIC) as feed:
        await api.say("one")
        await until(lambda: texts(feed) == ["one"])


async def test_a_snapshot_longer_than_a_page_is_the_newest_items(api: ChatApi, client: Client) -> None:
    api.commit(*(str(number) for number in range(250)))
    async with client.live(TOPIC, keep=230) as feed:
        assert set(texts(feed)) == {str(number) for number in range(20, 250)}
    async with client.live(TOPIC, snapshot=False) as feed:
        assert texts(feed) == []


async def test_what_the_snapshot_shows_is_not_undone_by_the_changes_before_it(api: ChatApi, client: Client) -> None:
    api.commit("first", "other")
    api.chat.log[1] |= {"kind": "MODIFY", "key": "m1", "message": message(1, text="second")}
    async with client.live(TOPIC, after=0) as feed:
        assert texts(feed) == ["second"]
        assert brief(await take(feed, 2)) == [(1, "catch-up"), (2, "catch-up")]
        assert texts(feed) == ["second"]


async def test_a_cursor_too_old_for_the_log_begins_anew_with_the_items(api: ChatApi, client: Client) -> None:
    api.commit("one", "two")
    api.chat.oldest = 3
    async with client.live(TOPIC, after=1) as feed:
        event = await anext(feed)
        assert isinstance(event, Resync)
        assert ([message.text for message in event.items.values()], event.position) == (["one", "two"], 2)
        assert texts(feed) == ["one", "two"]
        await api.say("three")
        assert brief(await take(feed, 1)) == [(3, "push")]


async def test_a_log_that_expires_while_a_reader_is_slow_is_told_too(
    api: ChatApi, feed: Feed[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MOST_WAITING", 2)
    for number in range(5):
        await api.say(str(number))
    await until(lambda: len(feed.items) == 5)
    api.chat.oldest = 4
    assert [change.seq for change in await take(feed, 2)] == [1, 2]
    event = await anext(feed)
    assert isinstance(event, Resync)
    assert (len(event.items), event.position) == (5, 5)
    await api.say("new")
    assert brief(await take(feed, 1)) == [(6, "push")]


async def test_an_unknown_kind_of_topic_is_named(client: Client) -> None:
    with pytest.raises(UnknownTopic, match="the kinds of topics are room"):
        client.live("shelf:1")
    with pytest.raises(UnknownTopic, match="write room:<id>"):
        client.live("room")
    with pytest.raises(UnknownTopic, match="the caller's token says whose it is"):
        client.live("user:1")


class Kept:
    """A cursor store of the program's own."""

    def __init__(self) -> None:
        self.cursors: dict[str, int] = {}

    async def load(self, topic: str) -> int | None:
        return self.cursors.get(topic)

    async def save(self, topic: str, seq: int) -> None:
        self.cursors[topic] = seq


async def test_a_cursor_is_saved_when_the_change_has_been_handled(api: ChatApi, client: Client) -> None:
    kept = Kept()
    api.commit("before")
    async with client.live(TOPIC, cursor=kept) as feed:
        assert kept.cursors == {TOPIC: 1}, "what comes next is new, also to the program's next start"
        await api.say("two", "three")
        saved = []
        async for event in feed:
            saved.append((event.position, kept.cursors[TOPIC]))
            if event.position == 3:
                break
        assert saved == [(2, 1), (3, 2)]
    async with client.live(TOPIC, cursor=kept) as feed:
        assert brief(await take(feed, 1)) == [(3, "catch-up")], "nobody knows whether it was handled"


async def test_a_callback_that_fails_gets_its_change_again(api: ChatApi, client: Client, tmp_path: Path) -> None:
    handled: list[int] = []

    async def handle(event: Change[Message] | Resync[Message]) -> None:
        if event.position == 2 and handled[-1:] != [2]:
            handled.append(2)
            raise ValueError("out of order")
        handled.append(event.position)

    for _ in range(2):
        feed = client.live(TOPIC, cursor=FileCursors(tmp_path / "cursors.json"))
        async with asyncio.timeout(DEADLINE_SECONDS):
            await feed.start()
            await api.say("more", "and more")
            following = asyncio.create_task(feed.for_each(handle))
            if handled:
                await until(lambda: handled[-1] == 4)
                following.cancel()
            with pytest.raises((ValueError, asyncio.CancelledError)):
                await following
        await feed.close()
    assert handled == [1, 2, 2, 3, 4]
