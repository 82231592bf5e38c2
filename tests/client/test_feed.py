"""A live feed against the real data plane: each change once and in order, whatever happens to pushes."""

from __future__ import annotations

import asyncio

import pytest

from headwater import Client, Feed, Message, MissingChanges, backlog, looks, subscription
from tests.client.chat_api import ROOM, TOPIC, ChatApi
from tests.client.following import brief, expect_silence, take, until


async def test_a_push_arrives_with_all_that_it_carries(api: ChatApi, feed: Feed[Message]) -> None:
    await api.say("hello")
    [change] = await take(feed, 1)
    assert (change.seq, change.kind, change.key, change.event_id) == (1, "INSERT", "m1", "e1")
    assert (change.source, change.trace_id) == ("push", None)
    assert change.item is not None
    assert (change.item.text, change.item.author, change.item.room_id) == ("hello", "ada", ROOM)
    assert feed.position == 1


async def test_a_removal_has_no_message(api: ChatApi, feed: Feed[Message]) -> None:
    api.commit("hello")
    api.chat.log[0] |= {"kind": "REMOVE", "message": None}
    await api.push(1, 1)
    [change] = await take(feed, 1)
    assert (change.kind, change.key, change.item) == ("REMOVE", "m1", None)


async def test_an_envelope_is_handed_out_change_by_change(api: ChatApi, feed: Feed[Message]) -> None:
    await api.say("one", "two", "three")
    assert brief(await take(feed, 3)) == [(1, "push"), (2, "push"), (3, "push")]


async def test_a_lost_push_is_read_from_the_log_at_once(api: ChatApi, feed: Feed[Message]) -> None:
    await api.say("one")
    api.commit("lost")
    await api.say("three")
    assert brief(await take(feed, 3)) == [(1, "push"), (2, "catch-up"), (3, "push")]


async def test_no_log_is_read_while_nothing_is_missing(api: ChatApi, feed: Feed[Message]) -> None:
    await api.say("one")
    await take(feed, 1)
    reads = len(api.chat.reads)
    await api.say("two")
    await take(feed, 1)
    await expect_silence(feed)
    assert len(api.chat.reads) == reads


async def test_a_lost_last_push_is_found_though_nothing_follows(
    api: ChatApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "FIRST_LOOKS_SECONDS", (0.05, 0.1))
    monkeypatch.setattr(looks, "SILENCE_SECONDS", 0.1)
    async with client.live(TOPIC) as feed:
        api.commit("lost after the acknowledgement")
        assert brief(await take(feed, 1)) == [(1, "catch-up")]
        await expect_silence(feed)  # longer than the first looks
        api.commit("lost later")
        assert brief(await take(feed, 1)) == [(2, "catch-up")]
        await api.say("pushed")
        assert brief(await take(feed, 1)) == [(3, "push")]


async def test_pushes_do_not_put_off_the_looks_after_going_live(
    api: ChatApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "FIRST_LOOKS_SECONDS", (0.3,))
    async with client.live(TOPIC) as feed:
        await api.say("pushed")
        assert brief(await take(feed, 1)) == [(1, "push")]
        api.commit("lost")
        assert brief(await take(feed, 1)) == [(2, "catch-up")]


async def test_repeated_pushes_do_not_put_off_the_look_that_finds_a_lost_one(
    api: ChatApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "FIRST_LOOKS_SECONDS", ())
    monkeypatch.setattr(looks, "SILENCE_SECONDS", 0.5)
    async with client.live(TOPIC) as feed:
        await api.say("one")
        await take(feed, 1)
        api.commit("lost")
        repeating = asyncio.create_task(_repeat(api))
        assert brief(await take(feed, 1)) == [(2, "catch-up")]
        repeating.cancel()


async def _repeat(api: ChatApi) -> None:
    while True:
        await api.push(1, 1)
        await asyncio.sleep(0.05)


async def test_a_repeated_push_is_dropped(api: ChatApi, feed: Feed[Message]) -> None:
    await api.say("one")
    await api.push(1, 1)
    await api.say("two")
    await api.push(1, 2)
    assert brief(await take(feed, 2)) == [(1, "push"), (2, "push")]
    await expect_silence(feed)


async def test_pushes_that_overtake_each_other_come_in_order(api: ChatApi, feed: Feed[Message]) -> None:
    api.commit("one", "two", "three")
    await api.push(3, 3)
    await api.push(2, 2)
    await api.push(1, 1)
    assert [change.seq for change in await take(feed, 3)] == [1, 2, 3]
    await expect_silence(feed)


async def test_a_push_that_cannot_be_delivered_whole_is_read_from_the_log(api: ChatApi, feed: Feed[Message]) -> None:
    api.commit("one")
    entry = api.chat.log[0]
    api.chat.log[0] = entry | {"at": "no time"}
    with pytest.raises(AssertionError):  # the publisher is told, and subscribers get the event with errors
        await api.push(1, 1)
    api.chat.log[0] = entry
    await api.say("two")
    assert [change.seq for change in await take(feed, 2)] == [1, 2]


async def test_a_pointer_is_followed_and_comes_whole_and_in_its_place(api: ChatApi, feed: Feed[Message]) -> None:
    api.commit("one")
    api.commit_large("two")
    api.commit("three")
    await api.push(1, 3)
    changes = await take(feed, 3)
    assert brief(changes) == [(1, "push"), (2, "catch-up"), (3, "push")]
    assert [change.item.text for change in changes if change.item] == ["one", "two", "three"]
    await api.say("four")
    assert brief(await take(feed, 1)) == [(4, "push")]
    assert api.chat.reads[-1] == 1  # the one read after the start, and none for what was pushed whole


async def test_a_missed_pointer_comes_whole_too(api: ChatApi, client: Client) -> None:
    api.commit("one")
    api.commit_large("two")
    api.commit_large("three")
    api.commit("four")
    async with client.live(TOPIC, after=0) as feed:
        changes = await take(feed, 4)
        assert [change.item.text for change in changes if change.item] == ["one", "two", "three", "four"]
        await expect_silence(feed)


async def test_a_pointer_to_what_is_gone_is_handed_out_as_such(api: ChatApi, feed: Feed[Message]) -> None:
    api.commit_large("one")
    api.chat.large.clear()
    api.commit("gone")
    api.chat.log[1] |= {"kind": "REMOVE", "message": None}
    await api.push(1, 2)
    pointer, removal = await take(feed, 2)
    assert (pointer.seq, pointer.truncated, pointer.item, pointer.source) == (1, True, None, "catch-up")
    assert (removal.seq, removal.truncated, removal.source) == (2, False, "push")
    await expect_silence(feed)


async def test_a_hole_that_the_log_does_not_close_is_told(
    api: ChatApi, feed: Feed[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.following.full_jitter", lambda _: 0.0)
    api.commit("one", "two")
    lost = api.chat.log[0]
    await api.push(2, 2)
    api.chat.log.remove(lost)
    with pytest.raises(MissingChanges) as raised:
        await take(feed, 1)
    assert raised.value.after == 0


async def test_giving_up_the_wait_loses_nothing(api: ChatApi, feed: Feed[Message]) -> None:
    await expect_silence(feed)
    await api.say("one")
    assert brief(await take(feed, 1)) == [(1, "push")]


async def test_a_reader_slower_than_the_topic_reads_the_rest_from_the_log(
    api: ChatApi, feed: Feed[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MOST_WAITING", 3)
    for number in range(10):
        await api.say(str(number))
    await until(lambda: len(feed.items) == 10)
    changes = await take(feed, 10)
    assert [change.seq for change in changes] == list(range(1, 11))
    assert [change.source for change in changes] == ["push"] * 3 + ["catch-up"] * 7
    await api.say("at pace again")
    assert brief(await take(feed, 1)) == [(11, "push")]


async def test_a_feed_slower_than_its_topic_reads_the_rest_from_the_log(
    api: ChatApi, feed: Feed[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "MAX_WAITING", 3)
    api.commit(*(str(number) for number in range(50)))
    for number in range(1, 51):
        await api.push(number, number)
    assert [change.seq for change in await take(feed, 50)] == list(range(1, 51))
    await api.say("at pace again")
    assert brief(await take(feed, 1)) == [(51, "push")]
