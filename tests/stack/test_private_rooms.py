"""Private rooms on a running instance: who sees them, and that a right that ends ends at once, on every open socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import pytest
import websockets

from tests.stack.instance import Instance, eventually
from tests.stack.private_rooms import (
    ACCEPT,
    CHANGES,
    LIVE,
    MEMBERS,
    MEMBERSHIPS,
    MESSAGES,
    OF_A_ROOM,
    RESIGN,
    ROOM,
    ROOMS,
    SEND,
    UNKNOWN,
    PrivateRoom,
    create,
    main_table,
)
from tests.stack.users import Listener, User, ask, sign_up

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def people(instance: Instance) -> Iterator[list[User]]:
    """Ann, Bob, Cid and Eve, as far as a test gives them names."""
    with ThreadPoolExecutor(4) as threads:
        yield list(threads.map(lambda _: sign_up(instance), range(4)))


@pytest.fixture
def ann(people: list[User]) -> User:
    return people[0]


@pytest.fixture
def bob(people: list[User]) -> User:
    return people[1]


@pytest.fixture
def cid(people: list[User]) -> User:
    return people[2]


@pytest.fixture
def eve(people: list[User]) -> User:
    return people[3]


@pytest.fixture
def den(ann: User, bob: User, cid: User) -> PrivateRoom:
    """A private room of Ann's, with Bob and Cid."""
    room = create(ann, "Den")
    room.bring(bob, cid)
    return room


def texts(push: Any) -> list[str]:
    return [item["message"]["text"] for item in push["items"]]


async def heard_until_the_end(listener: Listener) -> list[str]:
    """All texts that are pushed until the connection is closed."""
    found: list[str] = []
    try:
        while True:
            frame = await listener.frame()
            if frame["type"] == "data":
                found += texts(frame["payload"]["data"]["onMessages"])
            else:
                assert frame["type"] == "complete", frame
    except websockets.ConnectionClosed:
        return found


def test_members_read_write_and_are_listed(den: PrivateRoom, ann: User, bob: User, cid: User) -> None:
    den.send(bob, "hello")
    assert [each["text"] for each in cid.data(MESSAGES, room=den.id)["items"]] == ["hello"]
    assert bob.data(ROOM, room=den.id) == {"id": den.id, "name": "Den", "private": True}
    found = {
        each["userId"]: (each["displayName"], each["standing"]) for each in cid.data(MEMBERS, room=den.id)["items"]
    }
    assert found == {ann.id: (ann.name, "OWNER"), bob.id: (bob.name, "MEMBER"), cid.id: (cid.name, "MEMBER")}
    mine = {each["room"]["id"]: each["standing"] for each in bob.data(MEMBERSHIPS)["items"]}
    assert mine[den.id] == "MEMBER"


@pytest.mark.parametrize("field", OF_A_ROOM)
def test_to_strangers_private_and_unknown_rooms_are_alike(
    instance: Instance, den: PrivateRoom, eve: User, field: str
) -> None:
    query, more = OF_A_ROOM[field]
    answers = [eve.ask(query, room=room, **more) for room in (den.id, UNKNOWN)]
    assert answers[0] == answers[1]
    assert answers[0]["data"] in (None, {field: None})
    assert ("errors" in answers[0]) == (field != "room")
    by_key = [instance.graphql(query, room=room, **more) for room in (den.id, UNKNOWN)]
    assert by_key[0] == by_key[1]
    assert by_key[0]["data"] in (None, {field: None})


def test_no_list_shows_a_private_room_to_anyone(instance: Instance, den: PrivateRoom, ann: User, eve: User) -> None:
    for asking in (instance.graphql, ann.ask, eve.ask):
        token, shown = None, list[str]()
        while True:
            page = asking(ROOMS, token=token)["data"]["rooms"]
            shown += [each["id"] for each in page["items"]]
            if (token := page["nextToken"]) is None:
                break
        assert not [each for each in shown if each.startswith("private:")]
    assert den.id not in str(eve.data(MEMBERSHIPS))


async def test_strangers_cannot_subscribe(den: PrivateRoom, eve: User) -> None:
    for room in (den.id, UNKNOWN):
        with pytest.raises(AssertionError, match="Unauthorized"):
            async with eve.listening((LIVE, {"room": room})):
                raise RuntimeError("the subscription began")


async def test_an_expelled_member_hears_nothing_from_the_next_write_on_on_any_socket(
    den: PrivateRoom, bob: User, cid: User
) -> None:
    """Three sockets of his, one of them with a public room too, and two of others; messages flow all the time."""
    sent: list[str] = []
    stop = asyncio.Event()

    async def flow() -> None:
        while not stop.is_set():
            sent.append(f"m{len(sent)}")
            await asyncio.to_thread(den.send, cid, sent[-1])

    async with AsyncExitStack() as stack:
        his = [await stack.enter_async_context(bob.listening((LIVE, {"room": den.id}))) for _ in range(2)]
        his.append(await stack.enter_async_context(bob.listening((LIVE, {"room": "plaza"}), (LIVE, {"room": den.id}))))
        others = [
            await stack.enter_async_context(user.listening((LIVE, {"room": den.id}))) for user in (cid, den.owner)
        ]
        flowing = asyncio.create_task(flow())
        hearing = [asyncio.create_task(heard_until_the_end(listener)) for listener in his]
        await asyncio.to_thread(eventually, lambda: len(sent) >= 5)
        await asyncio.to_thread(den.expel, bob)
        before = len(sent)  # one of these may be under way; those from here on are written after the answer
        await asyncio.to_thread(eventually, lambda: len(sent) >= before + 5)
        stop.set()
        await flowing
        late = set(sent[before:])
        for heard in await asyncio.wait_for(asyncio.gather(*hearing), 10):
            assert not late & set(heard)
        for listener in others:
            found: list[str] = []
            while sent[-1] not in found:
                found += texts(await listener.pushed())
            assert found == sent, "the others hear all, each once, in order"
    assert bob.refusal(CHANGES, room=den.id) == "Unauthorized"
    assert bob.refusal(MESSAGES, room=den.id) == "Unauthorized"
    assert bob.refusal(SEND, room=den.id, text="?") == "Unauthorized"
    assert bob.data(ROOM, room=den.id) is None


async def test_who_is_invited_again_catches_up_and_hears_again(den: PrivateRoom, bob: User, cid: User) -> None:
    await asyncio.to_thread(den.expel, bob)
    await asyncio.to_thread(den.send, cid, "meanwhile")
    with pytest.raises(AssertionError, match="Unauthorized"):
        async with bob.listening((LIVE, {"room": den.id})):
            raise RuntimeError("the subscription began")
    await asyncio.to_thread(den.bring, bob)
    async with bob.listening((LIVE, {"room": den.id})) as listener:
        await asyncio.to_thread(den.send, cid, "again")
        assert texts(await listener.pushed()) == ["again"]
    missed = await asyncio.to_thread(bob.data, CHANGES, room=den.id)
    assert [each["message"]["text"] for each in missed["items"]] == ["meanwhile", "again"]


async def test_who_resigns_hears_nothing_more_and_nobody_else_is_disturbed(
    den: PrivateRoom, bob: User, cid: User
) -> None:
    other = await asyncio.to_thread(create, bob)
    async with (
        bob.listening((LIVE, {"room": den.id})) as leaving,
        bob.listening((LIVE, {"room": other.id})) as elsewhere,
        cid.listening((LIVE, {"room": den.id})) as staying,
    ):
        assert (await asyncio.to_thread(bob.data, RESIGN, room=den.id))["userId"] == bob.id
        await asyncio.to_thread(den.send, cid, "without bob")
        assert await leaving.end() == []
        assert texts(await staying.pushed()) == ["without bob"]
        await asyncio.to_thread(other.send, bob, "still here")
        assert texts(await elsewhere.pushed()) == ["still here"]


async def test_a_membership_that_is_removed_by_hand_ends_the_subscription(
    instance: Instance, den: PrivateRoom, bob: User, cid: User
) -> None:
    async with bob.listening((LIVE, {"room": den.id})) as listener, cid.listening((LIVE, {"room": den.id})) as staying:
        instance.client("dynamodb").delete_item(TableName=main_table(instance), Key=den.membership(bob))
        assert await listener.end() == []
        await asyncio.to_thread(den.send, cid, "without bob")
        assert texts(await staying.pushed()) == ["without bob"]
    assert bob.refusal(CHANGES, room=den.id) == "Unauthorized"


async def test_a_membership_that_is_turned_into_an_invitation_by_hand_ends_the_subscription(
    instance: Instance, den: PrivateRoom, bob: User
) -> None:
    async with bob.listening((LIVE, {"room": den.id})) as listener:
        instance.client("dynamodb").update_item(
            TableName=main_table(instance), Key=den.membership(bob), UpdateExpression="SET standing = :invited",
            ExpressionAttributeValues={":invited": {"S": "INVITED"}},
        )  # fmt: skip
        assert await listener.end() == []


async def test_a_room_that_is_removed_by_hand_ends_the_subscriptions_of_all(
    instance: Instance, den: PrivateRoom, bob: User, cid: User
) -> None:
    async with bob.listening((LIVE, {"room": den.id})) as one, cid.listening((LIVE, {"room": den.id})) as two:
        key = {"pk": {"S": f"ROOM#{den.id}"}, "sk": {"S": "ROOM"}}
        instance.client("dynamodb").delete_item(TableName=main_table(instance), Key=key)
        assert await one.end() == []
        assert await two.end() == []
    assert bob.refusal(MESSAGES, room=den.id) == "Unauthorized"


async def test_expelling_during_a_storm_of_messages_lets_none_of_his_in_afterwards(
    den: PrivateRoom, ann: User, bob: User
) -> None:
    def storm(number: int) -> list[str]:
        stored = list[str]()
        for message in range(200):
            text = f"{number}.{message}"
            if bob.refusal(SEND, room=den.id, text=text):
                return stored
            stored.append(text)
        raise AssertionError("never refused")

    tasks = [asyncio.create_task(asyncio.to_thread(storm, number)) for number in range(4)]
    await asyncio.to_thread(eventually, lambda: len(ann.data(MESSAGES, room=den.id)["items"]) > 8)
    await asyncio.to_thread(den.expel, bob)
    at_once = {each["text"] for each in ann.data(MESSAGES, room=den.id)["items"]}
    stored = {text for each in await asyncio.gather(*tasks) for text in each}
    finally_there = {each["text"] for each in ann.data(MESSAGES, room=den.id)["items"]}
    assert finally_there == at_once, "what was under way is in before the answer, or never"
    assert finally_there <= stored


async def test_two_accept_at_once(den: PrivateRoom, bob: User, cid: User, eve: User) -> None:
    for user in (bob, cid):
        await asyncio.to_thread(den.expel, user)
    for user in (bob, cid, eve):
        await asyncio.to_thread(den.invite, user)
    answers = await asyncio.gather(
        *(asyncio.to_thread(user.data, ACCEPT, room=den.id) for user in (bob, cid, eve) for _ in range(2))
    )
    assert {each["standing"] for each in answers} == {"MEMBER"}
    found = await asyncio.to_thread(den.owner.data, MEMBERS, room=den.id)
    assert {each["standing"] for each in found["items"] if each["userId"] != den.owner.id} == {"MEMBER"}
    assert len(found["items"]) == 4


def test_only_the_publisher_may_end_subscriptions(instance: Instance, ann: User, den: PrivateRoom) -> None:
    query = "mutation ($input: EndSubscriptionsInput!) { endSubscriptions(input: $input) { count } }"
    ends = {"ends": [{"subscriptionField": "onMessages", "topic": f"room:{den.id}", "userId": "*"}]}
    for answer in (ask(instance, ann.access, query, input=ends), instance.graphql(query, input=ends)):
        assert [each["errorType"] for each in answer["errors"]] == ["Unauthorized"]
