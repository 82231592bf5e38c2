"""A live room against the real data plane: each change once and in order, whatever happens to pushes and sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from botocore.credentials import Credentials

import headwater.room as room_module
from headwater import (
    Change,
    Client,
    GraphQLFailure,
    MissingChanges,
    ResyncRequired,
    Room,
    Unauthorized,
    Unreachable,
    connect,
    iam,
)
from local.certificates import certificates
from tests.client.chat_api import ACCESS_KEY, KEY, ROOM, SECRET_KEY, ChatApi

DEADLINE_SECONDS = 20.0
SILENCE_SECONDS = 0.2


@pytest.fixture
async def client(api: ChatApi) -> AsyncIterator[Client]:
    async with api.client() as connected:
        yield connected


@pytest.fixture
async def room(client: Client) -> AsyncIterator[Room]:
    """A live room with nothing in it."""
    async with client.room(ROOM) as live:
        yield live


async def take(room: Room, count: int) -> list[Change]:
    async with asyncio.timeout(DEADLINE_SECONDS):
        return [await anext(room) for _ in range(count)]


async def expect_silence(room: Room) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(room), SILENCE_SECONDS)


def brief(changes: list[Change]) -> list[tuple[int, str]]:
    return [(change.seq, change.source) for change in changes]


async def test_a_push_arrives_with_all_that_it_carries(api: ChatApi, room: Room) -> None:
    await api.say("hello")
    [change] = await take(room, 1)
    assert (change.seq, change.kind, change.key, change.event_id) == (1, "INSERT", "m1", "e1")
    assert (change.source, change.trace_id) == ("push", None)
    assert change.message is not None
    assert (change.message.text, change.message.author, change.message.room_id) == ("hello", "ada", ROOM)
    assert room.position == 1


async def test_a_removal_has_no_message(api: ChatApi, room: Room) -> None:
    api.commit("hello")
    api.chat.log[0] |= {"kind": "REMOVE", "message": None}
    await api.push(1, 1)
    [change] = await take(room, 1)
    assert (change.kind, change.key, change.message) == ("REMOVE", "m1", None)


async def test_an_envelope_is_handed_out_change_by_change(api: ChatApi, room: Room) -> None:
    await api.say("one", "two", "three")
    assert brief(await take(room, 3)) == [(1, "push"), (2, "push"), (3, "push")]


async def test_what_was_there_before_is_not_news(api: ChatApi, client: Client) -> None:
    api.commit("old", "older")
    async with client.room(ROOM) as room:
        await expect_silence(room)
        await api.say("new")
        assert brief(await take(room, 1)) == [(3, "push")]


async def test_the_position_is_that_of_the_last_change_handed_out(api: ChatApi, client: Client) -> None:
    api.commit("one", "two", "three")
    async with client.room(ROOM, after=0) as room:
        assert room.position == 0, "three wait, none was handed out"
        await take(room, 2)
        assert room.position == 2
    assert room.position == 2, "what was not handed out comes again after this cursor"
    async with client.room(ROOM, after=room.position) as again:
        assert brief(await take(again, 1)) == [(3, "catch-up")]


async def test_a_cursor_resumes_from_the_log_then_live(api: ChatApi, client: Client) -> None:
    api.commit("one", "two", "three")
    async with client.room(ROOM, after=1) as room:
        await api.say("four")
        assert brief(await take(room, 3)) == [(2, "catch-up"), (3, "catch-up"), (4, "push")]


async def test_a_long_log_is_read_page_by_page(api: ChatApi, client: Client) -> None:
    api.commit(*(str(number) for number in range(250)))
    async with client.room(ROOM, after=0) as room:
        assert [change.seq for change in await take(room, 250)] == list(range(1, 251))
        await expect_silence(room)


async def test_a_lost_push_is_read_from_the_log_at_once(api: ChatApi, room: Room) -> None:
    await api.say("one")
    api.commit("lost")
    await api.say("three")
    assert brief(await take(room, 3)) == [(1, "push"), (2, "catch-up"), (3, "push")]


async def test_no_log_is_read_while_nothing_is_missing(api: ChatApi, room: Room) -> None:
    await api.say("one")
    await take(room, 1)
    reads = len(api.chat.reads)
    await api.say("two")
    await take(room, 1)
    await expect_silence(room)
    assert len(api.chat.reads) == reads


async def test_a_lost_last_push_is_found_though_nothing_follows(
    api: ChatApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "FIRST_LOOKS_SECONDS", (0.05, 0.1))
    monkeypatch.setattr(room_module, "SILENCE_SECONDS", 0.1)
    async with client.room(ROOM) as room:
        api.commit("lost after the acknowledgement")
        assert brief(await take(room, 1)) == [(1, "catch-up")]
        await expect_silence(room)  # longer than the first looks
        api.commit("lost later")
        assert brief(await take(room, 1)) == [(2, "catch-up")]
        await api.say("pushed")
        assert brief(await take(room, 1)) == [(3, "push")]


async def test_pushes_do_not_put_off_the_looks_after_going_live(
    api: ChatApi, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "FIRST_LOOKS_SECONDS", (0.3,))
    async with client.room(ROOM) as room:
        await api.say("pushed")
        assert brief(await take(room, 1)) == [(1, "push")]
        api.commit("lost")
        assert brief(await take(room, 1)) == [(2, "catch-up")]


async def test_a_repeated_push_is_dropped(api: ChatApi, room: Room) -> None:
    await api.say("one")
    await api.push(1, 1)
    await api.say("two")
    await api.push(1, 2)
    assert brief(await take(room, 2)) == [(1, "push"), (2, "push")]
    await expect_silence(room)


async def test_pushes_that_overtake_each_other_come_in_order(api: ChatApi, room: Room) -> None:
    api.commit("one", "two", "three")
    await api.push(3, 3)
    await api.push(2, 2)
    await api.push(1, 1)
    assert [change.seq for change in await take(room, 3)] == [1, 2, 3]
    await expect_silence(room)


async def test_a_push_that_cannot_be_delivered_whole_is_read_from_the_log(api: ChatApi, room: Room) -> None:
    api.commit("one")
    entry = api.chat.log[0]
    api.chat.log[0] = entry | {"at": "no time"}
    with pytest.raises(AssertionError):  # the publisher is told, and subscribers get the event with errors
        await api.push(1, 1)
    api.chat.log[0] = entry
    await api.say("two")
    assert [change.seq for change in await take(room, 2)] == [1, 2]


async def test_a_pointer_is_followed_and_comes_whole_and_in_its_place(api: ChatApi, room: Room) -> None:
    api.commit("one")
    api.commit_large("two")
    api.commit("three")
    await api.push(1, 3)
    changes = await take(room, 3)
    assert brief(changes) == [(1, "push"), (2, "catch-up"), (3, "push")]
    assert [change.message.text for change in changes if change.message] == ["one", "two", "three"]
    await api.say("four")
    assert brief(await take(room, 1)) == [(4, "push")]
    assert api.chat.reads[-1] == 1  # the one read after the start, and none for what was pushed whole


async def test_a_missed_pointer_comes_whole_too(api: ChatApi, client: Client) -> None:
    api.commit("one")
    api.commit_large("two")
    api.commit_large("three")
    api.commit("four")
    async with client.room(ROOM, after=0) as room:
        changes = await take(room, 4)
        assert [change.message.text for change in changes if change.message] == ["one", "two", "three", "four"]
        await expect_silence(room)


async def test_a_pointer_to_what_is_gone_is_handed_out_as_such(api: ChatApi, room: Room) -> None:
    api.commit_large("one")
    api.chat.large.clear()
    api.commit("gone")
    api.chat.log[1] |= {"kind": "REMOVE", "message": None}
    await api.push(1, 2)
    pointer, removal = await take(room, 2)
    assert (pointer.seq, pointer.truncated, pointer.message, pointer.source) == (1, True, None, "catch-up")
    assert (removal.seq, removal.truncated, removal.source) == (2, False, "push")
    await expect_silence(room)


async def test_a_reader_slower_than_the_room_reads_the_rest_from_the_log(
    api: ChatApi, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.realtime.MAX_WAITING", 3)
    for number in range(10):
        await api.say(str(number))
    async with api.client() as other, other.room(ROOM, after=9) as witness:
        await take(witness, 1)
    await expect_order(room, 10)
    await api.say("at pace again")
    assert brief(await take(room, 1)) == [(11, "push")]


async def expect_order(room: Room, count: int) -> None:
    changes = await take(room, count)
    assert [change.seq for change in changes] == list(range(1, count + 1))
    assert {change.source for change in changes[:3]} == {"push"}
    assert {change.source for change in changes[3:]} == {"catch-up"}


async def test_a_dropped_connection_is_resumed_from_the_last_change(api: ChatApi, room: Room) -> None:
    await api.say("one")
    await take(room, 1)
    await api.stop()
    api.commit("meanwhile")
    await api.start()
    [missed] = await take(room, 1)
    assert (missed.seq, missed.source) == (2, "catch-up")
    await api.say("three")
    assert brief(await take(room, 1)) == [(3, "push")]


async def test_a_server_that_is_away_for_a_while_is_waited_for(api: ChatApi, room: Room) -> None:
    waiting = asyncio.create_task(take(room, 1))
    await api.stop()
    await expect_pending(waiting)
    await api.start()
    await api.say("back")
    assert [change.seq for change in await waiting] == [1]


async def expect_pending(task: asyncio.Task[list[Change]]) -> None:
    done, _ = await asyncio.wait({task}, timeout=SILENCE_SECONDS)
    assert not done


async def test_two_rooms_resume_on_one_new_connection(api: ChatApi, client: Client) -> None:
    async with client.room(ROOM) as first, client.room(ROOM) as second:
        await api.stop()
        api.commit("meanwhile")
        await api.start()
        assert brief(await take(first, 1)) == brief(await take(second, 1)) == [(1, "catch-up")]
        await api.say("two")
        assert brief(await take(first, 1)) == brief(await take(second, 1)) == [(2, "push")]


async def test_giving_up_the_wait_loses_nothing(api: ChatApi, room: Room) -> None:
    await expect_silence(room)
    await api.say("one")
    assert brief(await take(room, 1)) == [(1, "push")]


async def test_a_cursor_too_old_for_the_log_asks_for_a_resync(api: ChatApi, client: Client) -> None:
    api.commit("one", "two")
    api.chat.resync_required = True
    with pytest.raises(ResyncRequired) as raised:
        async with client.room(ROOM, after=1):
            pass
    assert (raised.value.after, raised.value.head_seq) == (1, 2)


async def test_a_log_that_has_expired_is_no_obstacle_to_what_is_new(api: ChatApi, client: Client) -> None:
    api.commit("expired")
    api.chat.resync_required = True
    with pytest.raises(ResyncRequired):
        async with client.room(ROOM, after=0):
            pass
    api.chat.resync_required = False
    async with client.room(ROOM, after=1) as room:
        await api.say("new")
        assert brief(await take(room, 1)) == [(2, "push")]


async def test_a_hole_that_the_log_does_not_close_is_told(
    api: ChatApi, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.room.full_jitter", lambda _: 0.0)
    api.commit("one", "two")
    lost = api.chat.log[0]
    await api.push(2, 2)
    api.chat.log.remove(lost)
    with pytest.raises(MissingChanges) as raised:
        await take(room, 1)
    assert raised.value.after == 0


async def test_a_wrong_key_is_told_at_once(api: ChatApi) -> None:
    async with api.client(key="da2-00000000000000000000000000") as stranger:
        with pytest.raises(Unauthorized):
            await take(stranger.room(ROOM, after=0), 1)


async def test_a_connection_that_cannot_be_made_is_told_at_once(api: ChatApi, client: Client) -> None:
    await api.stop()
    with pytest.raises(Unreachable, match=rf"ws://127\.0\.0\.1:{api.port}/graphql/realtime: "):
        await take(client.room(ROOM, after=0), 1)


async def test_no_credentials_show_in_an_error(api: ChatApi) -> None:
    async with api.client(realtime_url=f"ws://127.0.0.1:{api.port}/elsewhere") as lost:
        with pytest.raises(Unreachable) as raised:
            await take(lost.room(ROOM, after=0), 1)
    assert "header=" not in str(raised.value)


async def test_an_iam_caller_subscribes(api: ChatApi) -> None:
    async with (
        connect(
            url=f"http://127.0.0.1:{api.port}/graphql",
            auth=iam(credentials=Credentials(ACCESS_KEY, SECRET_KEY), region="us-east-1"),
        ) as caller,
        caller.room(ROOM) as room,
    ):
        await api.say("hello")
        assert brief(await take(room, 1)) == [(1, "push")]


async def test_a_room_over_tls_with_an_authority_of_its_own(api: ChatApi, tmp_path: Path) -> None:
    files = certificates(tmp_path)
    port = await api.listen_with(files.context())
    url = f"https://127.0.0.1:{port}/graphql"
    async with connect(url=url, api_key=KEY, ca_file=files.authority) as caller, caller.room(ROOM) as room:
        await api.say("hello")
        assert brief(await take(room, 1)) == [(1, "push")]
    async with connect(url=url, api_key=KEY) as distrustful:
        with pytest.raises(Unreachable, match="certificate verify failed"):
            await take(distrustful.room(ROOM), 1)


async def test_a_wrong_secret_may_not_subscribe(api: ChatApi) -> None:
    async with connect(
        url=f"http://127.0.0.1:{api.port}/graphql",
        auth=iam(credentials=Credentials(ACCESS_KEY, "wrong"), region="us-east-1"),
    ) as caller:
        with pytest.raises(GraphQLFailure):
            await take(caller.room(ROOM, after=0), 1)


async def test_a_bare_loop_goes_live_by_itself_and_ends_with_its_client(api: ChatApi) -> None:
    async def listen(client: Client) -> list[int]:
        return [change.seq async for change in client.room(ROOM, after=0)]

    client = api.client()
    async with client:
        api.commit("one")
        listening = asyncio.create_task(listen(client))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not api.chat.reads:  # noqa: ASYNC110 - the data source is asked from another task
                await asyncio.sleep(0.01)
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await listening in ([], [1])


async def test_closing_a_room_ends_whoever_waits_for_it(api: ChatApi, room: Room) -> None:
    waiting = asyncio.create_task(take(room, 1))
    await expect_pending(waiting)
    await room.close()
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises((StopAsyncIteration, RuntimeError)):
            await waiting


async def test_a_closed_room_is_no_longer_subscribed(api: ChatApi, client: Client) -> None:
    async with client.room(ROOM) as first:
        async with client.room(ROOM) as second:
            pass
        await api.say("one")
        assert brief(await take(first, 1)) == [(1, "push")]
        assert [change async for change in second] == []
