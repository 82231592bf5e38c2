"""Topics are the server's: guessing, forgetting and widening arguments gets nobody what is not theirs."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.attacks.target import Person, Target
from tests.contract.realtime import Socket, session

pytestmark = pytest.mark.stack

ROOM = "subscription ($room: ID!) { onMessages(roomId: $room) { topic items { message { text } } } }"
USER = "subscription { onUser { topic userId items { profile { displayName } } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id } }"
RENAME = "mutation ($name: String!) { updateProfile(input: {displayName: $name}) { displayName } }"

# A `start` that must not be acknowledged: query and variables.
FORGOTTEN: dict[str, tuple[str, Any]] = {
    "no argument": ("subscription { onMessages { topic } }", {}),
    "null": ("subscription { onMessages(roomId: null) { topic } }", {}),
    "null by a variable": (ROOM, {"room": None}),
    "no variable": (ROOM, {}),
    "a default of null": ("subscription ($room: ID = null) { onMessages(roomId: $room) { topic } }", {}),
    "an array": (ROOM, {"room": ["lobby", "other"]}),
    "an empty array": (ROOM, {"room": []}),
    "a filter": (ROOM, {"room": {"ne": "none"}}),
    "true": (ROOM, {"room": True}),
    "empty": (ROOM, {"room": ""}),
    "blank": (ROOM, {"room": " "}),
    "too long": (ROOM, {"room": "x" * 129}),
    "with a null character": (ROOM, {"room": "lobby\0"}),
    "an argument of the filter's own": ('subscription { onMessages(roomId: "a", topic: "user:b") { topic } }', {}),
    "two fields": ('subscription { onMessages(roomId: "a") { topic } onUser { topic } }', {}),
    "two aliases": ('subscription { a: onMessages(roomId: "a") { topic } b: onMessages(roomId: "b") { topic } }', {}),
    "an argument where there is none": ('subscription { onUser(id: "someone") { topic } }', {}),
    "nobody's profile": (USER, {}),
}

# Names that another topic, a pattern or a filter might be read into. Each is a room like any other, and only that.
GUESSES = (
    "*",
    "#",
    "+",
    "%",
    "$",
    "?",
    "/",
    "room:{room}",
    "{room}*",
    "{room}#",
    "{room}/",
    "{room},other",
    "ROOM#{room}",
    "{ROOM}",
    "user:{user}",
    "{user}",
    "eq",
    "null",
    "[]",
    '{"ne":"x"}',
    "room:*",
    "../{room}",
    "{room}%00",
    "${topic}",
    "{{topic}}",
    "{room}\u200b",
    "\u202e{room}",
)


@pytest.mark.parametrize("name", FORGOTTEN)
def test_a_forgotten_or_widened_argument_is_refused(target: Target, name: str) -> None:
    query, variables = FORGOTTEN[name]
    with session(target.api) as socket:
        assert socket.refused(query, variables)
        # The connection and its twin live on.
        socket.subscribe(ROOM, {"room": "lobby"})


@pytest.mark.parametrize(
    "query",
    ["query { rooms { nextToken } }", 'mutation { sendMessage(input: {roomId: "a", text: "by socket"}) { id } }'],
)
def test_nothing_but_subscriptions_goes_by_a_socket(target: Target, query: str) -> None:
    with session(target.api) as socket:
        socket.start(query)
        assert socket.frame()["type"] == "error"
        socket.subscribe(ROOM, {"room": "lobby"})
    items = target.api.run('{ messages(roomId: "a") { items { text } } }').data["messages"]["items"]
    assert {"text": "by socket"} not in items


def test_no_other_name_gets_a_room_s_messages(target: Target) -> None:
    room = f"Secret-{uuid.uuid4()}"
    names = [
        guess.replace("{room}", room).replace("{ROOM}", room.upper()).replace("{user}", target.bob.id)
        for guess in GUESSES
    ]
    with session(target.api) as guessing, session(target.api) as subscribed:
        for name in names:
            guessing.subscribe(ROOM, {"room": name})
        subscribed.subscribe(ROOM, {"room": room})
        for text in ("one", "two"):
            target.api.run(SEND, {"input": {"roomId": room, "text": text}}, target.bob.headers).data  # noqa: B018 - checked
        target.api.run(RENAME, {"name": "Robert"}, target.bob.headers).data  # noqa: B018 - checked
        texts: list[str] = []
        while len(texts) < 2:
            event = subscribed.event()["data"]["onMessages"]
            assert event["topic"] == f"room:{room}"
            texts += [item["message"]["text"] for item in event["items"]]
        assert texts == ["one", "two"]
        assert guessing.silent()


def test_each_guess_is_a_room_of_its_own(target: Target) -> None:
    """The twins: what is sent to a strange name is pushed to that name, and read there."""
    for guess in ("*", "room:lobby", "user:me", "ROOM#lobby", '{"ne":"x"}', "${topic}", "lobby\u200b"):
        room = f"{guess}-{uuid.uuid4().hex[:6]}"
        with session(target.api) as socket:
            socket.subscribe(ROOM, {"room": room})
            sent = target.api.run(SEND, {"input": {"roomId": room, "text": guess}}).data["sendMessage"]
            assert socket.event()["data"]["onMessages"]["topic"] == f"room:{room}"
        query = """query ($room: ID!) {
            messages(roomId: $room) { items { id } } messageChanges(roomId: $room, after: 0) { topic } }"""
        found = target.api.run(query, {"room": room}).data
        assert found == {"messages": {"items": [sent]}, "messageChanges": {"topic": f"room:{room}"}}


def test_a_user_s_topic_is_nobody_else_s(target: Target) -> None:
    def subscribed(socket: Socket, who: Person) -> None:
        socket.subscribe(USER, headers={"host": target.api.host, "Authorization": who.id_token})

    def header(who: Person) -> dict[str, str]:
        return {"host": target.api.host, "Authorization": who.id_token}

    with session(target.api, header(target.ann)) as anns, session(target.api, header(target.opal)) as opals:
        subscribed(anns, target.ann)
        subscribed(opals, target.opal)  # operators neither
        with session(target.api, header(target.bob)) as bobs:
            subscribed(bobs, target.bob)
            target.api.run(RENAME, {"name": "Bobby"}, target.bob.headers).data  # noqa: B018 - checked
            event = bobs.event()["data"]["onUser"]
        assert (event["topic"], event["userId"]) == (f"user:{target.bob.id}", target.bob.id)
        assert anns.silent()
        assert opals.silent()


def test_extensions_of_a_start_widen_nothing(target: Target) -> None:
    """What a client puts beside the operation is nobody's filter."""
    room = f"room-{uuid.uuid4()}"
    with session(target.api) as socket:
        data = json.dumps({
            "query": ROOM, "variables": {"room": room}, "filter": None, "extensions": {"filter": {"filterGroup": []}},
        })  # fmt: skip
        key = {"host": target.api.host, "x-api-key": target.api.key}
        payload = {"data": data, "extensions": {"authorization": key, "setSubscriptionFilter": None}, "topic": "*"}
        socket.send({"id": "1", "type": "start", "payload": payload, "filter": {}})
        assert socket.frame()["type"] == "start_ack"
        target.api.run(SEND, {"input": {"roomId": f"other-{room}", "text": "not yours"}}).data  # noqa: B018 - checked
        target.api.run(SEND, {"input": {"roomId": room, "text": "yours"}}).data  # noqa: B018 - checked
        [item] = socket.event()["data"]["onMessages"]["items"]
        assert item["message"]["text"] == "yours"
        assert socket.silent()
