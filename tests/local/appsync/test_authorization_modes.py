"""All five modes on one API, over HTTP and WebSocket: who is let in, which fields they reach, who resolvers see."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.server import Server
from local.functions import Invocation
from tests.local.appsync.api import Api
from tests.local.appsync.auth.issuers import NOW, Publisher, jwk, publishing, rsa_key, sign
from tests.local.appsync.serving import API_KEY, ROOT, User, definition

POOL = "us-east-1_Pool"
POOL_ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
CLIENT = "client1"

EVERYBODY = "@aws_api_key @aws_iam @aws_oidc @aws_lambda @aws_cognito_user_pools"
SDL = f"""
type Query {{
  identity: String {EVERYBODY}
  item: Item {EVERYBODY}
  byDefault: String
  cognito: String @aws_cognito_user_pools
  admins: String @aws_cognito_user_pools(cognito_groups: ["Admins"])
  oidc: String @aws_oidc
  lambda: String @aws_lambda
}}
type Mutation {{ post(room: ID!): Item {EVERYBODY} }}
type Subscription {{ onPost(room: ID): Item {EVERYBODY} @aws_subscribe(mutations: ["post"]) }}
type Item {EVERYBODY} {{ room: ID name: String }}
"""
ASKED = "{ byDefault cognito admins oidc lambda }"
SUBSCRIBE = "subscription Posts { onPost { room } }"


class Plane:
    """A served API whose default mode is Cognito, its identity providers, and its authorizer."""

    def __init__(self, web: Publisher) -> None:
        self.web = web
        self.port = 0
        self.now = float(NOW)
        self.answer: dict[str, Any] = {"isAuthorized": True}
        self.events: list[Any] = []

    def cognito(self, **claims: Any) -> str:
        own = {"iss": POOL_ISSUER, "sub": "s", "aud": CLIENT, "token_use": "id", "cognito:username": "ann"}
        return sign({**own, "exp": NOW + 60, **claims}, rsa_key("pool"), "pool")

    def oidc(self, **claims: Any) -> str:
        return sign({"iss": self.web.url, "sub": "olga", "exp": NOW + 60, **claims}, rsa_key("provider"), "provider")

    def providers(self, **pool: str) -> tuple[AuthProvider, ...]:
        return (
            AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, {"UserPoolId": POOL, "AppIdClientRegex": CLIENT, **pool}),
            AuthProvider(AuthMode.OPENID_CONNECT, {"Issuer": self.web.url}),
            AuthProvider(AuthMode.AWS_LAMBDA, {"AuthorizerUri": "authorizer"}),
            AuthProvider(AuthMode.API_KEY),
            AuthProvider(AuthMode.AWS_IAM),
        )

    async def invoke(self, function_arn: str, event: bytes) -> Invocation:
        assert function_arn == "authorizer"
        self.events.append(json.loads(event))
        return Invocation(json.dumps(self.answer).encode(), None, b"")

    async def serve(self, apis: Apis, **pool: str) -> None:
        names = ("byDefault", "cognito", "admins", "oidc", "lambda")
        fields = {f"Query.{name}": lambda _context: "yes" for name in names}
        api = Api(
            SDL,
            {
                **fields,
                "Query.identity": lambda context: json.dumps(context.identity),
                "Query.item": lambda _context: {"room": "a", "name": "n"},
                "Mutation.post": lambda context: dict(context.arguments),
            },
            providers=self.providers(**pool),
        )
        served = definition(providers=self.providers(**pool), schema=SDL, expires_at=NOW + 60)
        await apis.serve(served, api.engine, invoke=self.invoke)

    async def ask(self, query: str, **headers: str) -> Any:
        """Over HTTP; a refusal as its status, error type and message."""
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body, headers)

        def send() -> Any:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    [problem] = json.load(error)["errors"]
                return error.code, error.headers["x-amzn-ErrorType"], problem["message"]

        return await asyncio.to_thread(send)

    async def reached(self, authorization: str) -> set[str]:
        """The fields that a caller gets."""
        answer = await self.ask(ASKED, authorization=authorization)
        return {name for name, value in answer["data"].items() if value == "yes"}

    def connecting(self, **headers: str) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}/graphql/realtime",
            subprotocols=[Subprotocol("graphql-ws")],
            additional_headers=headers,
            proxy=None,
        )


@pytest.fixture
def web() -> Iterator[Publisher]:
    """The pool's keys and the OpenID provider, on one server."""
    with publishing() as publisher:
        publisher.documents = {
            f"/{POOL}/.well-known/jwks.json": {"keys": [jwk(rsa_key("pool"), "pool")]},
            "/.well-known/openid-configuration": {"issuer": publisher.url, "jwks_uri": f"{publisher.url}/keys"},
            "/keys": {"keys": [jwk(rsa_key("provider"), "provider")]},
        }
        yield publisher


@pytest.fixture
async def apis(web: Publisher, plane: Plane) -> AsyncIterator[Apis]:
    async def principal(access_key_id: str, session_token: str | None) -> User | None:
        return ROOT

    apis = Apis(Principals(principal), lambda: plane.now, aws_endpoint=web.url)
    await plane.serve(apis)
    server = Server(apis)
    plane.port = await server.listen("127.0.0.1", 0)
    yield apis
    await server.stop()


@pytest.fixture
def plane(web: Publisher) -> Plane:
    return Plane(web)


@pytest.fixture(autouse=True)
def _served(apis: Apis) -> None:
    """Every test has the server."""


async def start(socket: ClientConnection, query: str = SUBSCRIBE, **authorization: str) -> Any:
    """Start a subscription; the frame that answers it."""
    data = json.dumps({"query": query, "operationName": "Posts"})
    payload = {"data": data, "extensions": {"authorization": {"host": "localhost", **authorization}}}
    await socket.send(json.dumps({"id": "1", "type": "start", "payload": payload}))
    return await receive(socket)


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def test_each_mode_reaches_the_fields_of_its_directive(plane: Plane) -> None:
    assert await plane.reached(plane.cognito()) == {"byDefault", "cognito"}
    assert await plane.reached("Bearer " + plane.oidc()) == {"oidc"}
    assert await plane.reached("a token of mine") == {"lambda"}
    assert (await plane.ask(ASKED, **{"x-api-key": API_KEY}))["data"]["byDefault"] is None


async def test_groups_open_fields_to_their_members(plane: Plane) -> None:
    groups = {"cognito:groups": ["Guests", "Admins"]}
    assert await plane.reached(plane.cognito(**groups)) == {"byDefault", "cognito", "admins"}
    assert "admins" not in await plane.reached(plane.cognito(**{"cognito:groups": ["Guests"]}))


async def test_the_default_action_deny_leaves_only_fields_with_a_directive(plane: Plane, apis: Apis) -> None:
    await plane.serve(apis, DefaultAction="DENY")
    assert await plane.reached(plane.cognito()) == {"cognito"}


async def test_resolvers_see_who_asks(plane: Plane) -> None:
    async def identity(authorization: str) -> Any:
        return json.loads((await plane.ask("{ identity }", authorization=authorization))["data"]["identity"])

    user = await identity(plane.cognito())
    assert (user["username"], user["sourceIp"], user["issuer"]) == ("ann", ["127.0.0.1"], POOL_ISSUER)
    assert (await identity(plane.oidc()))["sub"] == "olga"
    plane.answer = {"isAuthorized": True, "resolverContext": {"user": "ann"}}
    assert await identity("a token of mine") == {"resolverContext": {"user": "ann"}}


async def test_refusals_over_http(plane: Plane) -> None:
    refused = (401, "UnauthorizedException")
    header = (*refused, "Valid authorization header not provided.")
    assert await plane.ask(ASKED) == header
    assert await plane.ask(ASKED, authorization=plane.cognito(aud="client2")) == header
    assert await plane.ask(ASKED, authorization=plane.cognito(exp=NOW)) == (*refused, "Token has expired.")
    assert await plane.ask(ASKED, authorization=plane.oidc(nbf=NOW + 1)) == header
    plane.answer = {"isAuthorized": False}
    call = (*refused, "You are not authorized to make this call.")
    assert await plane.ask(ASKED, authorization="a token of mine") == call


async def test_the_authorizer_denies_fields_at_any_depth(plane: Plane) -> None:
    plane.answer = {"isAuthorized": True, "deniedFields": ["Item.name", "Query.lambda"]}
    answer = await plane.ask("{ lambda item { room name } }", authorization="a token of mine")
    assert answer["data"] == {"lambda": None, "item": {"room": "a", "name": None}}
    assert {error["message"] for error in answer["errors"]} == {
        "Not Authorized to access lambda on type Query",
        "Not Authorized to access name on type Item",
    }
    assert {error["errorType"] for error in answer["errors"]} == {"Unauthorized"}


async def test_the_authorizer_sees_the_request(plane: Plane) -> None:
    await plane.ask("{ item { room } }", authorization="a token of mine", **{"x-tenant": "t"})
    [event] = plane.events
    assert event["requestContext"]["queryString"] == "{ item { room } }"
    assert event["requestContext"]["requestId"]
    assert event["requestHeaders"]["x-tenant"] == "t"


@pytest.mark.parametrize("mode", ["cognito", "oidc", "lambda"])
async def test_each_mode_connects_subscribes_and_receives(plane: Plane, mode: str) -> None:
    tokens: Mapping[str, str] = {"cognito": plane.cognito(), "oidc": plane.oidc(), "lambda": "a token of mine"}
    authorization = tokens[mode]
    async with plane.connecting(authorization=authorization) as socket:
        assert await start(socket, Authorization=authorization) == {"id": "1", "type": "start_ack"}
        await plane.ask('mutation { post(room: "a") { room } }', **{"x-api-key": API_KEY})
        assert (await receive(socket))["payload"] == {"data": {"onPost": {"room": "a"}}}


async def test_the_authorizer_is_asked_at_the_connect_and_again_at_each_start(plane: Plane) -> None:
    async with plane.connecting(authorization="a token of mine") as socket:
        await start(socket, Authorization="another token")
    connected, started = plane.events
    assert connected["authorizationToken"] == "a token of mine"
    assert connected["requestContext"]["operationName"] == "Deepdish:Connect"
    assert started["authorizationToken"] == "another token"
    assert started["requestContext"]["queryString"] == SUBSCRIBE
    assert started["requestContext"]["operationName"] == "Posts"
    assert connected["requestContext"]["requestId"] != started["requestContext"]["requestId"]


async def test_a_refused_connect_is_a_frame(plane: Plane) -> None:
    plane.answer = {"isAuthorized": False}
    problems = {
        plane.cognito(exp=NOW): "Token has expired.",
        plane.oidc(iss=POOL_ISSUER): "Valid authorization header not provided.",
        "a token of mine": "You are not authorized to make this call.",
    }
    for authorization, message in problems.items():
        async with plane.connecting(authorization=authorization) as socket:
            problem = {"errorType": "UnauthorizedException", "message": message, "errorCode": 401}
            assert await receive(socket) == {"payload": {"errors": [problem]}, "type": "connection_error"}


async def test_credentials_count_at_each_start_and_the_connection_outlives_them(plane: Plane) -> None:
    token = plane.cognito()
    async with plane.connecting(authorization=token) as socket:
        assert (await start(socket, Authorization=token))["type"] == "start_ack"
        plane.now += 120
        problem = {"errorType": "UnauthorizedException", "message": "Token has expired."}
        async with plane.connecting(authorization=plane.oidc(exp=NOW + 600)) as other:
            refused = await start(other, Authorization=token)
            assert refused == {"id": "1", "type": "error", "payload": {"errors": [problem]}}
        await plane.ask('mutation { post(room: "a") { room } }', authorization=plane.oidc(exp=NOW + 600))
        assert (await receive(socket))["payload"] == {"data": {"onPost": {"room": "a"}}}


async def test_a_subscription_may_use_another_mode_than_its_connection(plane: Plane) -> None:
    async with plane.connecting(**{"x-api-key": API_KEY}) as socket:
        assert (await start(socket, Authorization=plane.oidc()))["type"] == "start_ack"


async def test_the_authorizer_denies_subscriptions(plane: Plane) -> None:
    plane.answer = {"isAuthorized": True, "deniedFields": ["Subscription.onPost"]}
    async with plane.connecting(authorization="a token of mine") as socket:
        refused = await start(socket, Authorization="a token of mine")
    problem = {"errorType": "Unauthorized", "message": "Not Authorized to access onPost on type Subscription"}
    assert refused["payload"] == {"errors": [problem]}
