"""Every kind of caller with every kind of topic on a running instance, and with every field that has a rule.

The same on the domain's level with a thousand users: `tests/enumeration`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.stack.instance import Instance
from tests.stack.private_rooms import CHANGES, LIVE, MESSAGES, ROOM, SEND, PrivateRoom, create
from tests.stack.test_live_chat import new_room, raw_subscriber
from tests.stack.users import Listener, User, ask, listening, operator, sign_up

pytestmark = pytest.mark.stack

MAKE_KEY = "mutation ($input: CreateAuthKeyInput!) { createAuthKey(input: $input) { key } }"
ON_USER = "subscription { onUser { topic items { seq } } }"
USER_CHANGES = "{ userChanges(after: 0) { topic items { seq } } }"
ME = "{ me { id } }"
JOIN = """mutation ($room: ID!, $client: ID! = "x") {
    joinRoom(input: {roomId: $room, clientId: $client}) { presence { id } } }"""
PRESENCE = "query ($room: ID!) { presence(roomId: $room) { items { id } } }"
PRESENCE_CHANGES = "query ($room: ID!) { presenceChanges(roomId: $room, after: 0) { headSeq } }"
ON_PRESENCE = "subscription ($room: ID!) { onPresence(roomId: $room) { topic items { key } } }"
UPDATE = 'mutation { updateProfile(input: {displayName: "someone"}) { id } }'


@dataclass
class Cast:
    """Callers by what they are, their credentials, and the topics."""

    instance: Instance
    users: Mapping[str, User]
    keys: Mapping[str, str]
    den: PrivateRoom
    hall: str

    @property
    def callers(self) -> list[str]:
        return ["api key", *self.keys, *self.users]

    @property
    def topics(self) -> list[str]:
        return [f"room:{self.hall}", f"room:{self.den.id}"]

    def ask(self, caller: str, query: str, **variables: Any) -> dict[str, Any]:
        if caller == "api key":
            return self.instance.graphql(query, **variables)
        token = self.keys.get(caller) or self.users[caller].access
        return ask(self.instance, token, query, **variables)

    def has(self, caller: str, query: str, **variables: Any) -> bool:
        """Whether an operation is answered: neither refused nor null."""
        answer = self.ask(caller, query, **variables)
        assert {each.get("errorType") for each in answer.get("errors", ())} <= {"Unauthorized", None}, answer
        return any((answer["data"] or {}).values())

    @asynccontextmanager
    async def live(self, caller: str, room_id: str) -> AsyncIterator[Any]:
        """A listener, or None when the subscription is refused."""
        async with AsyncExitStack() as stack:
            try:
                if caller == "api key":
                    yield await stack.enter_async_context(raw_subscriber(self.instance, room_id))
                    return
                token = self.keys.get(caller) or self.users[caller].access
                found = await stack.enter_async_context(listening(self.instance, token, (LIVE, {"room": room_id})))
            except AssertionError as error:
                if "Unauthorized" not in str(error):
                    raise
                found = None
            yield found


# Who may have what: `hall` is a public room, `den` a private one.
READS = {
    "hall": {"api key", "key that reads", "owner", "member", "invited", "expelled", "stranger", "operator"},
    "den": {"owner", "member"},
}
WRITES = {"hall": READS["hall"] - {"key that reads"} | {"key that writes"}, "den": {"owner", "member"}}


@pytest.fixture(scope="module")
def cast(instance: Instance) -> Cast:
    names = ("owner", "member", "invited", "expelled", "stranger")
    users = {name: sign_up(instance) for name in names} | {"operator": operator(instance)}
    keys = {
        f"key that {verb}": users["operator"].data(MAKE_KEY, input={"name": verb, "scopes": [scope]})["key"]
        for verb, scope in (("reads", "READ"), ("writes", "WRITE"))
    }
    den = create(users["owner"])
    den.bring(users["member"], users["expelled"])
    den.invite(users["invited"])
    den.expel(users["expelled"])
    den.send(users["owner"], "first")
    hall = new_room()
    instance.send(hall, "first")
    return Cast(instance, users, keys, den, hall)


def rooms(cast: Cast) -> dict[str, str]:
    return {"hall": cast.hall, "den": cast.den.id}


@pytest.mark.parametrize("room", READS)
async def test_what_can_be_read_is_what_is_pushed_and_what_can_be_caught_up(cast: Cast, room: str) -> None:
    room_id = rooms(cast)[room]
    read = {each for each in cast.callers if cast.has(each, MESSAGES, room=room_id)}
    caught_up = {each for each in cast.callers if cast.has(each, CHANGES, room=room_id)}
    seen = {each for each in cast.callers if cast.has(each, ROOM, room=room_id)}
    heard = set()
    async with AsyncExitStack() as stack:
        live = {each: await stack.enter_async_context(cast.live(each, room_id)) for each in cast.callers}
        await asyncio.to_thread(cast.users["owner"].data, SEND, room=room_id, text="for all who may")
        for caller, listener in live.items():
            if isinstance(listener, Listener):
                assert (await listener.pushed())["topic"] == f"room:{room_id}"
                heard.add(caller)
            elif listener is not None:
                assert (await listener.changes(1))[0]["message"]
                heard.add(caller)
    assert read == READS[room]
    assert caught_up == read
    assert seen == read
    assert heard == read


@pytest.mark.parametrize("room", WRITES)
def test_who_may_write(cast: Cast, room: str) -> None:
    found = {each for each in cast.callers if cast.has(each, SEND, room=rooms(cast)[room], text="hi")}
    assert found == WRITES[room]


@pytest.mark.parametrize("room", READS)
async def test_who_is_there_is_shown_to_those_who_may_read(cast: Cast, room: str) -> None:
    room_id = rooms(cast)[room]
    joined = {each for each in cast.callers if cast.has(each, JOIN, room=room_id)}
    read = {each for each in cast.callers if cast.has(each, PRESENCE, room=room_id)}
    caught_up = {each for each in cast.callers if cast.has(each, PRESENCE_CHANGES, room=room_id)}
    heard = set()
    async with AsyncExitStack() as stack:
        live = {}
        for caller in cast.callers:
            if caller != "api key":  # which hears in test_presence.py
                token = cast.keys.get(caller) or cast.users[caller].access
                try:
                    subscribed = listening(cast.instance, token, (ON_PRESENCE, {"room": room_id}))
                    live[caller] = await stack.enter_async_context(subscribed)
                except AssertionError as error:
                    assert "Unauthorized" in str(error)  # noqa: PT017 - what else ends a start is no refusal
        # What joined above may still be on its way; this comes after it.
        last = (await asyncio.to_thread(cast.users["owner"].data, JOIN, room=room_id, client="last"))["presence"]["id"]
        for caller, listener in live.items():
            while True:
                pushed = await listener.pushed()
                assert pushed["topic"] == f"presence:{room_id}"
                if last in {each["key"] for each in pushed["items"]}:
                    break
            heard.add(caller)
    assert joined == WRITES[room]
    assert read == caught_up == READS[room]
    assert heard == READS[room] - {"api key"}


async def test_a_profile_is_its_users_alone(cast: Cast) -> None:
    assert {each for each in cast.callers if cast.has(each, ME)} == set(cast.users)
    async with AsyncExitStack() as stack:
        live = {
            name: await stack.enter_async_context(user.listening((ON_USER, {}))) for name, user in cast.users.items()
        }
        member = cast.users["member"]
        await asyncio.to_thread(member.data, UPDATE)
        assert (await live["member"].pushed())["topic"] == f"user:{member.id}"
        silent = await asyncio.gather(*(each.silent() for name, each in live.items() if name != "member"))
        assert all(silent)
    pages = {name: user.data(USER_CHANGES) for name, user in cast.users.items()}
    assert {name: page["topic"] for name, page in pages.items()} == {
        name: f"user:{user.id}" for name, user in cast.users.items()
    }
    assert not any(cast.has(each, USER_CHANGES) for each in cast.callers if each not in cast.users)
