"""Real clients with tokens: of a user pool, of an OpenID provider, for a Lambda authorizer. The data plane runs here.

What is deployed has no such mode yet, so that these tests serve an API of their own, with TLS as Amplify needs it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.appsync_auth import AppSyncJWTAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportServerError

from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.context import ResolverContext
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.server import Server
from local.certificates import Certificates, certificates
from local.functions import Invocation
from tests.clients.conftest import Start
from tests.clients.driver import LIVE, LIVE_SECONDS, ClientError, Driver
from tests.local.appsync.api import Api
from tests.local.appsync.auth.issuers import Publisher, jwk, publishing, rsa_key, sign
from tests.local.appsync.serving import definition

POOL = "us-east-1_Pool"
GOOD_LAMBDA_TOKEN = "Let me in"
ALL = "@aws_cognito_user_pools @aws_oidc @aws_lambda"
SDL = f"""
type Query {{ me: String {ALL} }}
type Mutation {{ say(roomId: ID!, text: String!): MessageChanges {ALL} }}
type Subscription {{ onMessages(roomId: ID!): MessageChanges {ALL} @aws_subscribe(mutations: ["say"]) }}
type MessageChanges {ALL} {{ roomId: ID! items: [MessageChange!]! }}
type MessageChange {ALL} {{ seq: Int! message: Message! }}
type Message {ALL} {{ text: String! }}
"""
ME = "query { me }"
SAY = """mutation ($room: ID!, $text: String!) {
    say(roomId: $room, text: $text) { roomId items { seq message { text } } } }"""
NAMES = {"AMAZON_COGNITO_USER_POOLS": "ann", "OPENID_CONNECT": "olga", "AWS_LAMBDA": "lars"}


@dataclass
class Plane:
    """A served API and the tokens that open it."""

    port: int
    web: Publisher
    certificates: Certificates

    @property
    def outputs(self) -> dict[str, Any]:
        url = f"https://127.0.0.1:{self.port}/graphql"
        data = {"url": url, "aws_region": "us-east-1", "default_authorization_type": "AMAZON_COGNITO_USER_POOLS"}
        return {"version": "1.4", "data": data}

    def token(self, mode: str, expires_in: float = 60) -> str:
        """A token of a mode; one that is refused when it has expired."""
        expires_at = time.time() + expires_in
        if mode == "AWS_LAMBDA":
            return GOOD_LAMBDA_TOKEN if expires_in > 0 else "an old token"
        if mode == "OPENID_CONNECT":
            claims = {"iss": self.web.url, "sub": "olga", "exp": expires_at}
            return sign(claims, rsa_key("provider"), "provider")
        issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
        claims = {"iss": issuer, "sub": "s", "client_id": "app", "token_use": "access", "username": "ann"}
        return sign({**claims, "exp": expires_at}, rsa_key("pool"), "pool")


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    """The API and its identity providers."""
    with publishing() as web:
        web.documents = {
            f"/{POOL}/.well-known/jwks.json": {"keys": [jwk(rsa_key("pool"), "pool")]},
            "/.well-known/openid-configuration": {"issuer": web.url, "jwks_uri": f"{web.url}/keys"},
            "/keys": {"keys": [jwk(rsa_key("provider"), "provider")]},
        }
        providers = (
            AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, {"UserPoolId": POOL}),
            AuthProvider(AuthMode.OPENID_CONNECT, {"Issuer": web.url}),
            AuthProvider(AuthMode.AWS_LAMBDA, {"AuthorizerUri": "authorizer"}),
        )
        api = Api(SDL, {"Query.me": name_of_caller, "Mutation.say": said}, providers=providers)
        apis = Apis(Principals(no_principal), aws_endpoint=web.url)
        await apis.serve(definition(providers=providers, schema=SDL), api.engine, invoke=authorize)
        server = Server(apis)
        files = certificates(tmp_path)
        yield Plane(await server.listen("127.0.0.1", 0, files.context()), web, files)
        await server.stop()


async def no_principal(access_key_id: str, session_token: str | None) -> None:
    """Nobody signs here."""


async def authorize(function_arn: str, event: bytes) -> Invocation:
    """The authorizer's function."""
    allowed = json.loads(event)["authorizationToken"] == GOOD_LAMBDA_TOKEN
    answer = {"isAuthorized": allowed, "resolverContext": {"username": "lars"}}
    return Invocation(json.dumps(answer).encode(), None, b"")


def name_of_caller(context: ResolverContext) -> str | None:
    identity = context.identity or {}
    found = {**identity, **identity.get("resolverContext", {})}
    name: str = found.get("username") or found["sub"]
    return name


def said(context: ResolverContext) -> dict[str, Any]:
    room, text = context.arguments["roomId"], context.arguments["text"]
    return {"roomId": room, "items": [{"seq": 1, "message": {"text": text}}]}


@pytest.mark.clients
@pytest.mark.parametrize("client", ["Amplify in Node", "Apollo in Node"])
async def test_a_token_opens_what_its_mode_may(plane: Plane, start: Start, client: str) -> None:
    def use(driver: Driver, mode: str) -> None:
        driver.connect(plane.outputs, token=plane.token(mode))
        assert driver.run(ME, mode) == {"me": NAMES[mode]}
        room = f"room of {mode}"
        subscription = driver.listen(lambda room, text: driver.run(SAY, mode, room=room, text=text), room, mode)
        driver.run(SAY, mode, room="another", text="elsewhere")
        driver.run(SAY, mode, room=room, text="here")
        driver.wait(lambda: subscription.texts, LIVE_SECONDS, "the message")
        assert subscription.texts == ["here"]
        driver.unsubscribe(subscription)

    def use_all() -> None:
        with closing(start(client, str(plane.certificates.authority))) as driver:
            for mode in NAMES:
                use(driver, mode)

    await asyncio.to_thread(use_all)


@pytest.mark.clients
@pytest.mark.parametrize("client", ["Amplify in Node", "Apollo in Node"])
async def test_an_expired_token_is_reported(plane: Plane, start: Start, client: str) -> None:
    def use_all() -> None:
        with closing(start(client, str(plane.certificates.authority))) as driver:
            for mode in NAMES:
                driver.connect(plane.outputs, token=plane.token(mode, expires_in=-60))
                with pytest.raises(ClientError, match=r"Unauthorized|Received status code 401"):
                    driver.run(ME, mode)
                subscription = driver.subscribe("lobby", mode)
                driver.wait(lambda: subscription.errors, LIVE_SECONDS, "the refusal")  # noqa: B023 - waits here
                assert "Connection failed: UnauthorizedException" in str(subscription.errors[0])

    await asyncio.to_thread(use_all)


@pytest.mark.parametrize("mode", NAMES)
async def test_gql_with_a_token(plane: Plane, mode: str) -> None:
    authority = ssl.create_default_context(cafile=plane.certificates.authority)
    url = plane.outputs["data"]["url"]

    def auth(token: str) -> AppSyncJWTAuthentication:
        return AppSyncJWTAuthentication(host=f"127.0.0.1:{plane.port}", jwt=token)

    def live(token: str) -> Client:
        realtime = f"{url.replace('https', 'wss')}/realtime"
        return Client(transport=AppSyncWebsocketsTransport(url=realtime, auth=auth(token), ssl=authority))

    request = GraphQLRequest(LIVE, variable_values={"room": "lobby"})
    queries = Client(transport=AIOHTTPTransport(url=url, auth=auth(plane.token(mode)), ssl=authority))
    async with queries as posts, live(plane.token(mode)) as session:
        assert await posts.execute(GraphQLRequest(ME)) == {"me": NAMES[mode]}
        stream = session.subscribe(request)
        first = asyncio.ensure_future(anext(stream))
        while not first.done():  # gql does not say when the subscription is live
            await posts.execute(GraphQLRequest(SAY, variable_values={"room": "lobby", "text": "here"}))
            await asyncio.wait([first], timeout=0.1)
        assert (await first)["onMessages"]["items"] == [{"seq": 1, "message": {"text": "here"}}]
        await stream.aclose()
    with pytest.raises(TransportServerError, match="UnauthorizedException"):
        await asyncio.wait_for(anext(live(plane.token(mode, expires_in=-60)).subscribe_async(request)), LIVE_SECONDS)
