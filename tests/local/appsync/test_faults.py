"""The data plane's faults, each with its effect on a client; none without being set."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.definition import AuthMode
from local.appsync.realtime.outbox import MAX_UNREAD_BYTES
from local.appsync.server import Server
from local.faults import Faults
from tests.local.appsync.api import Api
from tests.local.appsync.serving import API_KEY, ROOT, User, definition, until

SDL = """
type Query { room(id: ID!): String }
type Mutation { send(roomId: ID!, text: String!): Message }
type Subscription { onMessage(roomId: ID): Message @aws_subscribe(mutations: ["send"]) }
type Message { roomId: ID! text: String! }
"""
SEND = "mutation($room: ID!, $text: String!) { send(roomId: $room, text: $text) { roomId text } }"
ROOM = "subscription($room: ID) { onMessage(roomId: $room) { text } }"


class Plane:
    """A served engine with its faults; `sent` are the texts whose mutation took effect."""

    def __init__(self) -> None:
        async def principal(access_key_id: str, session_token: str | None) -> User | None:
            return ROOT

        self.now = 0.0
        self.sent: list[str] = []
        self.faults = Faults(lambda: self.now)
        self.engine = Api(SDL, {"Mutation.send": self._send, "Query.room": lambda _: "room"}, faults=self.faults).engine
        self.apis = Apis(Principals(principal), faults=self.faults)
        self.server = Server(self.apis)
        self.host = ""

    def _send(self, context: Any) -> Any:
        self.sent.append(context.arguments["text"])
        return dict(context.arguments)

    async def start(self) -> None:
        await self.apis.serve(definition(AuthMode.API_KEY, schema=SDL), self.engine)
        self.host = f"127.0.0.1:{await self.server.listen('127.0.0.1', 0)}"

    async def post(self, query: str, **variables: Any) -> tuple[int, Any]:
        """Status and JSON of an operation."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://{self.host}/graphql", body, {"x-api-key": API_KEY})

        def ask() -> tuple[int, Any]:
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, json.load(error)

        return await asyncio.to_thread(ask)

    async def send(self, text: str, room: str = "lobby") -> None:
        status, answer = await self.post(SEND, room=room, text=text)
        assert (status, answer) == (200, {"data": {"send": {"roomId": room, "text": text}}})

    def connecting(self) -> connect:
        return connect(
            f"ws://{self.host}/graphql/realtime",
            subprotocols=[Subprotocol("graphql-ws")],
            additional_headers={"x-api-key": API_KEY},
            proxy=None,
            close_timeout=0.1,
        )

    def told(self, name: str) -> list[str]:
        state = next(fault["set"] for fault in self.faults.listed() if fault["name"] == name)
        return [each["what"] for each in state["last"]]


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    plane = Plane()
    await plane.start()
    yield plane
    await plane.server.stop()


async def start(socket: ClientConnection, identifier: str = "1", room: str = "lobby", query: str = ROOM) -> None:
    data = json.dumps({"query": query, "variables": {"room": room}})
    payload = {"data": data, "extensions": {"authorization": {"host": "localhost", "x-api-key": API_KEY}}}
    await socket.send(json.dumps({"id": identifier, "type": "start", "payload": payload}))
    assert await receive(socket) == {"id": identifier, "type": "start_ack"}


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def texts(socket: ClientConnection, last: str) -> list[tuple[str, str]]:
    """Id and text of the pushes until one with this text, which is included."""
    found: list[tuple[str, str]] = []
    while not found or found[-1][1] != last:
        frame = await receive(socket)
        found.append((frame["id"], frame["payload"]["data"]["onMessage"]["text"]))
    return found


async def test_after_a_start_ack_pushes_are_dropped_for_a_time(plane: Plane) -> None:
    plane.faults.set("drop-after-start-ack", seconds=2)
    async with plane.connecting() as socket:
        await start(socket)
        await plane.send("one")
        plane.now = 1.9
        await plane.send("two")
        plane.now = 2.0
        await plane.send("three")
        assert await texts(socket, "three") == [("1", "three")]
        await start(socket, "2")
        await plane.send("four")
        plane.now = 4.0
        await plane.send("five")
        assert sorted(await texts(socket, "five") + await texts(socket, "five")) == [
            ("1", "five"), ("1", "four"), ("2", "five"),
        ]  # fmt: skip
    assert plane.told("drop-after-start-ack") == [
        "onMessage 1 is deaf after its start_ack",
        "dropped a push of onMessage to 1", "dropped a push of onMessage to 1",
        "onMessage 2 is deaf after its start_ack",
        "dropped a push of onMessage to 2",
    ]  # fmt: skip


async def test_after_a_start_ack_a_number_of_pushes_is_dropped(plane: Plane) -> None:
    plane.faults.set("drop-after-start-ack", pushes=2, subscriber="lobby")
    async with plane.connecting() as socket:
        await start(socket)
        await start(socket, "2", "kitchen")
        await plane.send("kitchen", "kitchen")
        for text in ("one", "two", "three"):
            await plane.send(text)
        assert await texts(socket, "three") == [("2", "kitchen"), ("1", "three")]


async def test_clearing_lets_a_deaf_subscription_hear_again(plane: Plane) -> None:
    plane.faults.set("drop-after-start-ack", seconds=1000)
    async with plane.connecting() as socket:
        await start(socket)
        await plane.send("one")
        plane.faults.clear()
        await plane.send("two")
        assert await texts(socket, "two") == [("1", "two")]


async def test_a_push_is_dropped(plane: Plane) -> None:
    async with plane.connecting() as socket:
        await start(socket)
        plane.faults.set("drop-push", count=1, containing="two", subscription="onMessage")
        for text in ("one", "two", "two", "three"):
            await plane.send(text)
        assert await texts(socket, "three") == [("1", "one"), ("1", "two"), ("1", "three")]
    dropped = [entry.dropped for entry in plane.apis.journal.publishes]
    assert [None if each is None else list(each.values()) for each in dropped] == [
        None, ["the fault drop-push"], None, None,
    ]  # fmt: skip


async def test_a_push_is_doubled(plane: Plane) -> None:
    async with plane.connecting() as socket:
        await start(socket)
        plane.faults.set("duplicate-push", count=1)
        for text in ("one", "two"):
            await plane.send(text)
        assert await texts(socket, "two") == [("1", "one"), ("1", "one"), ("1", "two")]


async def test_only_the_wanted_subscriber_is_struck(plane: Plane) -> None:
    async with plane.connecting() as ada, plane.connecting() as bob:
        await start(ada, query=ROOM + " # ada")
        await start(bob, query=ROOM + " # bob")
        plane.faults.set("drop-push", subscriber="# ada", count=1)
        await plane.send("one")
        await plane.send("two")
        assert await texts(ada, "two") == [("1", "two")]
        assert await texts(bob, "two") == [("1", "one"), ("1", "two")]


@pytest.mark.parametrize("first", ["push", "frame"])
async def test_a_half_open_socket_is_silent_in_both_directions_and_stays_open(plane: Plane, first: str) -> None:
    async with plane.connecting() as socket, plane.connecting() as other:
        await start(socket, query=ROOM + " # ada")
        await start(other)
        plane.faults.set("half-open", subscriber="# ada")
        if first == "push":
            await plane.send("one")
        else:
            await socket.send('{"id":"1","type":"stop"}')
        await until(lambda: plane.told("half-open"))
        plane.faults.clear()  # what is cut off stays cut off
        pong = asyncio.ensure_future(await socket.ping())
        await plane.send("two")
        assert (await texts(other, "two"))[-1] == ("1", "two")
        assert not pong.done()
        assert not socket.close_code
        assert len(plane.server.realtime.connections) == 2
        async with asyncio.timeout(5):
            await plane.server.stop()


async def test_a_slow_socket_takes_its_time_and_loses_nothing(plane: Plane) -> None:
    plane.faults.set("slow-socket", bytes_per_second=20_000, subscriber="lobby")
    async with plane.connecting() as socket:
        await start(socket)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(4):
            await plane.send(f"{number}" * 2500)
        received = await texts(socket, "3" * 2500)
        assert [text[0] for _, text in received] == ["0", "1", "2", "3"]
        assert loop.time() - began > 0.3


async def test_a_slow_socket_is_closed_once_too_much_waits_for_it(plane: Plane) -> None:
    async with plane.connecting() as socket:
        await start(socket)
        plane.faults.set("slow-socket", bytes_per_second=1)
        body = b'{"data":{"onMessage":{"text":"' + b"x" * 1_000_000 + b'"}}}'
        [connection] = plane.server.realtime.connections
        [live] = [connection._live[operation] for operation in connection.operations()]
        for _ in range(MAX_UNREAD_BYTES // len(body) + 3):
            live.subscription.deliver(body)
            await asyncio.sleep(0)
        assert connection.client.why.startswith("the server closed the connection: a slow consumer")


async def test_429(plane: Plane) -> None:
    plane.faults.set("appsync-429", count=2, containing="send")
    assert (await plane.post('{ room(id: "1") }'))[0] == 200
    for _ in range(2):
        error = {"errorType": "TooManyRequestsException", "message": "Rate exceeded"}
        assert await plane.post(SEND, room="lobby", text="one") == (429, {"errors": [error]})
    await plane.send("two")
    assert plane.sent == ["two"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(("when", "sent"), [("before", ["two"]), ("after", ["one", "two"])])
async def test_5xx(plane: Plane, status: int, when: str, sent: list[str]) -> None:
    plane.faults.set("appsync-5xx", count=1, status=status, when=when)
    answered, content = await plane.post(SEND, room="lobby", text="one")
    assert answered == status
    assert content["errors"][0]["errorType"]
    await plane.send("two")
    assert plane.sent == sent


async def test_a_refused_mutation_has_no_effect(plane: Plane) -> None:
    plane.faults.set("refuse-publish", containing='"poison"')
    async with plane.connecting() as socket:
        await start(socket)
        status, answer = await plane.post(SEND, room="lobby", text="poison")
        assert status == 200
        assert answer["data"] == {"send": None}
        [error] = answer["errors"]
        assert (error["path"], error["errorType"]) == (["send"], "BadRequestException")
        assert (await plane.post('query { room(id: "\\"poison\\"") }'))[1] == {"data": {"room": "room"}}
        await plane.send("two")
        assert await texts(socket, "two") == [("1", "two")]
    assert plane.sent == ["two"]


async def test_a_slow_resolver(plane: Plane) -> None:
    plane.faults.set("slow-resolver", field="Query.room", seconds=0.2)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await plane.post('{ room(id: "1") }'))[1] == {"data": {"room": "room"}}
    assert loop.time() - began > 0.2
    assert plane.told("slow-resolver") == ["Query.room waited for 0.2 s"]


async def test_what_is_set_but_does_not_strike_changes_nothing(plane: Plane) -> None:
    for name in ("drop-push", "duplicate-push", "appsync-429", "appsync-5xx", "half-open", "slow-socket"):
        plane.faults.set(name, probability=0)
    async with plane.connecting() as socket:
        await start(socket)
        for text in ("one", "two"):
            await plane.send(text)
        assert await texts(socket, "two") == [("1", "one"), ("1", "two")]
