"""A running data plane for tests of the network edge: the echo engine behind an API key and IAM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.definition import ApiDefinition, ApiKey, AuthMode, AuthProvider
from local.appsync.server import Server
from tests.local.appsync.echo_engine import EchoEngine

API_ID = "abcdefghijklmnopqrstuvwxyz"
API_KEY = "da2-abcdefghijklmnopqrstuvwxyz"
SCHEMA = "type Query { room: String } type Subscription { onRoom: String }"


@dataclass(frozen=True)
class User:
    """A principal for tests."""

    secret_access_key: str = "secret"
    arn: str = "arn:aws:iam::000000000000:user/ann"
    account_id: str = "000000000000"
    user_id: str = "AIDAANN"
    root: bool = False
    policies: tuple[Mapping[str, Any], ...] = ()
    limits: tuple[tuple[Mapping[str, Any], ...], ...] = ()


ROOT = User("test", "arn:aws:iam::000000000000:root", user_id="000000000000", root=True)


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(resource: str, action: str = "appsync:GraphQL") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def definition(
    *modes: AuthMode,
    providers: tuple[AuthProvider, ...] = (),
    api_id: str = API_ID,
    expires_at: int | None = None,
    schema: str = SCHEMA,
) -> ApiDefinition:
    """An API with modes that need no settings, or with `providers`; else with an API key and IAM."""
    named = tuple(AuthProvider(mode) for mode in modes or (AuthMode.API_KEY, AuthMode.AWS_IAM))
    return ApiDefinition(
        id=api_id,
        arn=f"arn:aws:appsync:us-east-1:000000000000:apis/{api_id}",
        name="test",
        region="us-east-1",
        account_id="000000000000",
        schema=schema,
        providers=providers or named,
        api_keys=(ApiKey(API_KEY, expires_at if expires_at is not None else int(time.time()) + 3600),),
    )


@dataclass
class Serving:
    """A server on a free port. `users` maps access key ids to principals; `test` is the account's root."""

    apis: Apis
    server: Server
    engine: EchoEngine
    port: int
    users: dict[str, User] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/graphql"

    @property
    def realtime(self) -> str:
        return f"ws://{self.host}/graphql/realtime"


@asynccontextmanager
async def serving(
    api: ApiDefinition | None = None, *, clock: Callable[[], float] = time.time, **options: Any
) -> AsyncIterator[Serving]:
    """Serve one API until the block ends."""
    users = {"test": ROOT}

    async def principal(access_key_id: str, session_token: str | None) -> User | None:
        return users.get(access_key_id if session_token is None else f"{access_key_id}/{session_token}")

    apis = Apis(Principals(principal), clock)
    engine = EchoEngine()
    await apis.serve(api or definition(), engine)
    server = Server(apis, **options)
    port = await server.listen("127.0.0.1", 0)
    try:
        yield Serving(apis, server, engine, port, users)
    finally:
        await server.stop()


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that no event announces; fails after five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
