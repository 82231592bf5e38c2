"""Engine and network edge together: a mutation over HTTP reaches the subscribers over WebSockets that it concerns."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.definition import AuthMode
from local.appsync.server import Server
from tests.local.appsync.api import Api
from tests.local.appsync.serving import API_KEY, ROOT, User, definition

SDL = """
type Query { room(id: ID!): String }
type Mutation { send(roomId: ID!, text: String!): Message }
type Subscription { onMessage(roomId: ID): Message @aws_subscribe(mutations: ["send"]) }
type Message { roomId: ID! text: String! }
"""
SEND = "mutation($room: ID!, $text: String!) { send(roomId: $room, text: $text) { roomId text } }"


class Plane:
    """A served engine; `send` mutates over HTTP."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"

    async def send(self, room: str, text: str) -> Any:
        body = json.dumps({"query": SEND, "variables": {"room": room, "text": text}}).encode()
        request = urllib.request.Request(f"http://{self.host}/graphql", body, {"x-api-key": API_KEY})
        return json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=5).read()))

    def connecting(self) -> connect:
        return connect(
            f"ws://{self.host}/graphql/realtime",
            subprotocols=[Subprotocol("graphql-ws")],
            additional_headers={"x-api-key": API_KEY},
            proxy=None,
        )


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async def principal(access_key_id: str, session_token: str | None) -> User | None:
        return ROOT

    engine = Api(SDL, {"Mutation.send": lambda context: dict(context.arguments)}).engine
    apis = Apis(Principals(principal))
    await apis.serve(definition(AuthMode.API_KEY, schema=SDL), engine)
    server = Server(apis)
    yield Plane(await server.listen("127.0.0.1", 0))
    await server.stop()


async def start(socket: ClientConnection, identifier: str, query: str, **variables: Any) -> Any:
    data = json.dumps({"query": query, "variables": variables})
    payload = {"data": data, "extensions": {"authorization": {"host": "localhost", "x-api-key": API_KEY}}}
    await socket.send(json.dumps({"id": identifier, "type": "start", "payload": payload}))
    return await receive(socket)


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def test_events_reach_the_rooms_subscribers_in_their_own_selection(plane: Plane) -> None:
    async with plane.connecting() as socket:
        lobby = "subscription($room: ID) { onMessage(roomId: $room) { text } }"
        everywhere = "subscription { news: onMessage { roomId __typename } }"
        assert await start(socket, "lobby", lobby, room="lobby") == {"id": "lobby", "type": "start_ack"}
        assert await start(socket, "all", everywhere) == {"id": "all", "type": "start_ack"}
        assert await plane.send("kitchen", "hi") == {"data": {"send": {"roomId": "kitchen", "text": "hi"}}}
        await plane.send("lobby", "hello")
        frames = [await receive(socket) for _ in range(3)]
    data = [(frame["id"], frame["payload"]["data"]) for frame in frames]
    assert data[0] == ("all", {"news": {"roomId": "kitchen", "__typename": "Message"}})
    assert sorted(data[1:]) == [
        ("all", {"news": {"roomId": "lobby", "__typename": "Message"}}),
        ("lobby", {"onMessage": {"text": "hello"}}),
    ]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            "subscription { onMessage { author } }",
            "Validation error of type FieldUndefined: Field 'author' in type 'Message' is undefined "
            "@ 'onMessage/author'",
        ),
        ("subscription {", "Unable to parse GraphQL query."),
    ],
)
async def test_a_start_that_cannot_run_gets_the_engines_message(plane: Plane, query: str, error: str) -> None:
    async with plane.connecting() as socket:
        frame = await start(socket, "1", query)
        assert (frame["id"], frame["type"]) == ("1", "error")
        assert frame["payload"]["errors"][0]["message"] == error
        assert (await start(socket, "1", "subscription { onMessage { text } }"))["type"] == "start_ack"


async def test_a_query_as_start_is_refused_without_an_id(plane: Plane) -> None:
    async with plane.connecting() as socket:
        frame = await start(socket, "1", '{ room(id: "lobby") }')
        assert "id" not in frame
        assert frame["payload"]["errors"][0]["errorType"] == "UnsupportedOperation"


async def test_two_root_fields_are_a_duplicated_operation(plane: Plane) -> None:
    async with plane.connecting() as socket:
        frame = await start(socket, "1", "subscription { a: onMessage { text } b: onMessage { text } }")
        error = {"errorType": "DuplicatedOperationError", "message": "Duplicated operation with id 1"}
        assert frame == {"id": "1", "type": "error", "payload": {"errors": [error]}}
