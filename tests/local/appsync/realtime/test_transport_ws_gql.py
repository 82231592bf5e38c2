"""`graphql-transport-ws` between a real server with a real engine and gql's WebsocketsTransport, unmodified."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed, TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.engine import Engine
from local.appsync.rates import Quotas, Rates
from local.appsync.server import Server
from tests.local.appsync.api import Api
from tests.local.appsync.serving import API_ID, API_KEY, ROOT, User, definition, until

TRANSPORT_WS = Subprotocol("graphql-transport-ws")
SDL = """
type Query { room(id: ID!): String @aws_api_key @aws_iam }
type Mutation { send(roomId: ID!, text: String!): Message }
type Subscription { onMessage(roomId: ID): Message @aws_subscribe(mutations: ["send"]) }
type Message { roomId: ID! text: String! }
"""
QUERY = 'query { room(id: "hall") }'
SEND = 'mutation Send($text: String!) { send(roomId: "hall", text: $text) { roomId text } }'
ON_MESSAGE = 'subscription { onMessage(roomId: "hall") { text } }'
KEY = {"x-api-key": API_KEY}


class Plane:
    """A served engine."""

    def __init__(self, apis: Apis, engine: Engine, server: Server, port: int) -> None:
        self.apis = apis
        self.engine = engine
        self.server = server
        self.host = f"127.0.0.1:{port}"

    def client(self, payload: Any = KEY, path: str = "/graphql", **options: Any) -> Client:
        transport = WebsocketsTransport(
            url=f"ws://{self.host}{path}", init_payload=payload, subprotocols=[TRANSPORT_WS],
            connect_args={"proxy": None}, **options,
        )  # fmt: skip
        return Client(transport=transport)

    def connecting(self, path: str = "/graphql", **options: Any) -> connect:
        return connect(f"ws://{self.host}{path}", subprotocols=[TRANSPORT_WS], proxy=None, **options)


@asynccontextmanager
async def serving(rates: Rates | None = None) -> AsyncIterator[Plane]:
    async def principal(access_key_id: str, session_token: str | None) -> User | None:
        return ROOT if access_key_id == "test" else None

    async def room(context: Any) -> str:
        return f"room {context.arguments['id']}"

    api = definition(schema=SDL)
    fields = {"Mutation.send": lambda context: dict(context.arguments), "Query.room": room}
    engine = Api(SDL, fields, providers=api.providers).engine
    apis = Apis(Principals(principal))
    await apis.serve(api, engine)
    server = Server(apis, rates=rates)
    try:
        yield Plane(apis, engine, server, await server.listen("127.0.0.1", 0))
    finally:
        await server.stop()


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async with serving() as running:
        yield running


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def close_code(socket: ClientConnection) -> int:
    """The code of the close frame, which must be the next thing that arrives."""
    with pytest.raises(ConnectionClosed) as closed:
        await receive(socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@pytest.mark.parametrize("path", ["/graphql", "/graphql/realtime", f"/{API_ID}/graphql", f"/{API_ID}/graphql/realtime"])
async def test_a_query_and_a_mutation_are_answered(plane: Plane, path: str) -> None:
    async with asyncio.timeout(10), plane.client(path=path) as session:
        assert await session.execute(gql(QUERY)) == {"room": "room hall"}
        request = gql(SEND)
        request.variable_values = {"text": "hi"}
        assert await session.execute(request) == {"send": {"roomId": "hall", "text": "hi"}}


async def test_a_subscription_gets_the_events_of_another_connections_mutations(plane: Plane) -> None:
    async with asyncio.timeout(10), plane.client() as listening, plane.client() as sending:
        events = listening.subscribe(gql(ON_MESSAGE))
        first = asyncio.ensure_future(anext(events))
        await until(lambda: len(plane.engine.subscriptions))
        for text in ("one", "two"):
            request = gql(SEND)
            request.variable_values = {"text": text}
            await sending.execute(request)
        assert await first == {"onMessage": {"text": "one"}}
        assert await anext(events) == {"onMessage": {"text": "two"}}
        await events.aclose()
        await until(lambda: not len(plane.engine.subscriptions))


async def test_a_document_that_does_not_validate_is_told_as_an_error(plane: Plane) -> None:
    async with asyncio.timeout(10), plane.client() as session:
        with pytest.raises(TransportQueryError, match="FieldUndefined: Field 'meow' in type 'Query'"):
            await session.execute(gql("{ meow }"))
        assert await session.execute(gql(QUERY)) == {"room": "room hall"}


async def test_the_headers_of_the_handshake_are_credentials_too(plane: Plane) -> None:
    async with asyncio.timeout(10), plane.client({}, headers=KEY) as session:
        assert await session.execute(gql(QUERY)) == {"room": "room hall"}


async def test_a_signature_of_the_connect_holds_for_its_operations(plane: Plane) -> None:
    request = AWSRequest("POST", f"http://{plane.host}/graphql/connect", {}, b"{}")
    SigV4Auth(Credentials("test", "test"), "appsync", "us-east-1").add_auth(request)
    async with asyncio.timeout(10), plane.client(dict(request.headers.items())) as session:
        assert await session.execute(gql(QUERY)) == {"room": "room hall"}


@pytest.mark.parametrize("payload", [{}, {"x-api-key": "da2-wrong"}, {"Authorization": "some token"}])
async def test_wrong_credentials_close_the_socket_with_4403(plane: Plane, payload: dict[str, str]) -> None:
    async with plane.connecting() as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert await close_code(socket) == 4403
    with pytest.raises((TransportConnectionFailed, TransportError)):
        async with asyncio.timeout(10), plane.client(payload):
            pass


async def test_an_unknown_api_closes_the_socket_with_4403(plane: Plane) -> None:
    async with plane.connecting("/nobody/graphql") as socket:
        assert await close_code(socket) == 4403


async def test_a_duplicate_id_of_any_length_closes_the_socket_with_4409(plane: Plane) -> None:
    frame = {"id": "ü" * 1000, "type": "subscribe", "payload": {"query": ON_MESSAGE}}
    async with plane.connecting() as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": KEY}))
        assert await receive(socket) == {"type": "connection_ack"}
        await socket.send(json.dumps(frame))
        await socket.send(json.dumps(frame))
        assert await close_code(socket) == 4409
    await until(lambda: not len(plane.engine.subscriptions) and not plane.server.realtime.connections)


async def test_a_client_that_offers_both_protocols_gets_appsyncs(plane: Plane) -> None:
    both = [TRANSPORT_WS, Subprotocol("graphql-ws")]
    async with connect(f"ws://{plane.host}/graphql", subprotocols=both, additional_headers=KEY, proxy=None) as socket:
        assert socket.subprotocol == "graphql-ws"


async def test_a_redeploy_carries_subscriptions_over(plane: Plane) -> None:
    async with asyncio.timeout(10), plane.client() as session:
        events = session.subscribe(gql(ON_MESSAGE))
        first = asyncio.ensure_future(anext(events))
        await until(lambda: len(plane.engine.subscriptions))
        new = Api(SDL, {"Mutation.send": lambda context: dict(context.arguments)}).engine
        await plane.apis.serve(definition(schema=SDL), new)
        request = gql(SEND)
        request.variable_values = {"text": "hi"}
        await session.execute(request)
        assert await first == {"onMessage": {"text": "hi"}}
        await events.aclose()


async def test_a_query_over_the_request_tokens_gets_an_error_and_a_connect_over_the_rate_1013() -> None:
    rates = Rates(Quotas(request_tokens=1, connects=1, inbound_messages=100), clock=lambda: 0.0)
    async with asyncio.timeout(10), serving(rates) as plane, plane.client() as session:
        assert await session.execute(gql(QUERY)) == {"room": "room hall"}
        with pytest.raises(TransportQueryError, match="TooManyRequestsException"):
            await session.execute(gql(QUERY))
        async with plane.connecting() as socket:
            assert await close_code(socket) == 1013
