"""The Python client's feeds on a running instance: every kind of topic, credentials that expire, and a restart."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest

from headwater import Change, Client, Feed, Message, Notice, Presence, Profile, TakenOver, connect, jwt
from headwater.generated import documents
from tests.stack.channels import device, notify
from tests.stack.instance import PROJECT, Instance
from tests.stack.users import User, operator, sign_up

pytestmark = pytest.mark.stack

SECONDS = 30.0


@pytest.fixture(scope="module")
def ann(instance: Instance) -> User:
    return sign_up(instance)


@pytest.fixture(scope="module")
def op(instance: Instance) -> User:
    return operator(instance)


def signed_in(user: User) -> Client:
    outputs = user.instance.outputs
    return connect(url=outputs["graphql"], realtime_url=outputs["realtime"], auth=jwt(user.access))


async def take(feed: Feed[Any]) -> Change[Any]:
    async with asyncio.timeout(SECONDS):
        event = await anext(feed)
    assert isinstance(event, Change)
    return event


async def until_shown(feed: Feed[Any], key: str, *, shown: bool = True) -> None:
    async with asyncio.timeout(SECONDS):
        while (key in feed.items) != shown:  # noqa: ASYNC110 - items have no event
            await asyncio.sleep(0.01)


async def test_a_room_from_its_snapshot_on(ann: User) -> None:
    room = f"feed-{uuid.uuid4()}"
    async with signed_in(ann) as hw:
        first = await hw.send_message(room, "one")
        async with hw.live(f"room:{room}") as feed:
            await until_shown(feed, first.id)
            second = await hw.send_message(room, "two")
            while (change := await take(feed)).key != second.id:
                assert change.key == first.id, "whatever the stream told after the feed began"
            assert (change.kind, change.item) == ("INSERT", second)
            assert [message.text for message in feed.items.values()] == ["one", "two"]
            assert feed.state == "live"


async def test_a_users_own_topic(ann: User, op: User) -> None:
    async with signed_in(ann) as hw, hw.live("user") as feed:
        assert isinstance(feed.items[ann.id], Profile)
        name = f"Ann {uuid.uuid4().hex[:8]}"
        await hw.mutate(documents.UPDATE_PROFILE, {"input": {"displayName": name}})
        async with asyncio.timeout(SECONDS):
            while feed.items[ann.id].display_name != name:
                assert (await take(feed)).topic == f"user:{ann.id}"
        told = await asyncio.to_thread(notify, op, userId=ann.id, data=json.dumps({"n": 1}))
        change = await take(feed)
        assert isinstance(change.item, Notice)
        assert (change.key, change.item.data) == (told["id"], {"n": 1})
        await hw.mutate(documents.DISMISS_NOTICE, {"id": told["id"]})
        await until_shown(feed, told["id"], shown=False)


async def test_a_clients_own_topic_until_it_is_taken_over(ann: User, op: User) -> None:
    phone = await asyncio.to_thread(device, ann.instance, ann)
    async with signed_in(ann) as hw, hw.live(f"client:{phone.id}", lease=phone.lease) as feed:
        told = await asyncio.to_thread(notify, op, clientId=phone.id, data=json.dumps({"n": 1}))
        assert (await take(feed)).key == told["id"]
        await asyncio.to_thread(phone.again)
        with pytest.raises(TakenOver):
            await take(feed)
        assert feed.state == "closed"


async def test_who_is_present_in_a_room(ann: User) -> None:
    room = f"feed-{uuid.uuid4()}"
    async with signed_in(ann) as hw:
        await hw.send_message(room, "hello")
        async with hw.live(f"presence:{room}") as feed:
            joined = await hw.mutate(documents.JOIN_ROOM, {"input": {"roomId": room, "clientId": "c1"}})
            key = joined["joinRoom"]["presence"]["id"]
            await until_shown(feed, key)
            assert isinstance(feed.items[key], Presence)
            await hw.mutate(documents.LEAVE_ROOM, {"input": {"roomId": room, "clientId": "c1"}})
            await until_shown(feed, key, shown=False)


async def token(instance: Instance, name: str, seconds: int) -> str:
    """What `python -m local token` prints."""
    process = await asyncio.create_subprocess_exec(
        PROJECT / ".venv" / "bin" / "python", "-m", "local", "token", "--user", name, "--expires", str(seconds),
        cwd=PROJECT, env={"HEADWATER_STATE": str(instance.state), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode().strip()


async def test_tokens_expire_in_mid_stream_and_nothing_is_missed(instance: Instance) -> None:
    life = 20
    room, name = f"feed-{uuid.uuid4()}", f"brief-{uuid.uuid4().hex[:8]}"
    loop = asyncio.get_running_loop()
    kept = (await token(instance, name, life), loop.time() + life / 2)

    async def get_token() -> str:
        nonlocal kept
        if loop.time() > kept[1]:
            kept = (await token(instance, name, life), loop.time() + life / 2)
        return kept[0]

    outputs = instance.outputs
    async with (
        connect(url=outputs["graphql"], realtime_url=outputs["realtime"], auth=jwt(get_token)) as hw,
        hw.live(f"room:{room}") as feed,
    ):
        connections = hw._realtime.connections
        [first] = connections
        seen: list[str] = []
        said: list[str] = []
        sent: list[str] = []
        tasks = [asyncio.create_task(_follow(feed, seen)), asyncio.create_task(_states(feed, said))]
        async with asyncio.timeout(4 * life):
            while not first.closed:
                sent.append((await hw.send_message(room, f"message {len(sent)}")).text)
                await asyncio.sleep(0.2)
            while len(seen) < len(sent):  # noqa: ASYNC110 - appended to by another task
                await asyncio.sleep(0.05)
        assert seen == sent
        # It was never without a connection. On a busy machine an answer may be late, which is told.
        assert said[0] == "live"
        assert not {"connecting", "offline"} & set(said)
        for task in tasks:
            task.cancel()


async def _follow(feed: Feed[Message], seen: list[str]) -> None:
    async for event in feed:
        assert isinstance(event, Change)
        assert event.item
        seen.append(event.item.text)


async def _states(feed: Feed[Message], said: list[str]) -> None:
    async for state in feed.states():
        said.append(state)  # noqa: PERF401 - to be read meanwhile
