"""Serve Headwater's data plane: the real server and engine, its own resolvers. No cloud: the one function is here.

`python -m benchmarks.data_planes.headwater`: prints its port; each line `cpu` on standard input is answered.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import uvloop

from benchmarks.data_planes.shape import API_KEY, ROOT, schema
from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.datasources import DataSource
from local.appsync.datasources.none import NoneDataSource
from local.appsync.definition import ApiDefinition, ApiKey, AuthMode, AuthProvider, ResolverDefinition
from local.appsync.engine import Engine
from local.appsync.javascript import JavaScript
from local.appsync.server import Server

RESOLVERS = ROOT / "resolvers" / "appsync"


class ChatFunction:
    """Answers `Subscription.onMessages` as the function behind it does, without its process."""

    async def call(self, request: Any, _context: Any) -> Any:
        """The topic of the room that is asked for."""
        return {"data": {"topic": f"room:{request['payload']['arguments']['roomId']}"}}


def definition() -> ApiDefinition:
    """The deployed API, as far as publishing and subscribing need it."""
    publishing = (RESOLVERS / "Mutation.publishMessages.js").read_text()
    subscribing = (RESOLVERS / "subscription.js").read_text()
    resolvers = (
        ResolverDefinition("Mutation", "publishMessages", data_source="none", code=publishing),
        ResolverDefinition("Subscription", "onMessages", data_source="chat", code=subscribing),
    )
    return ApiDefinition(
        id="abcdefghijklmnopqrstuvwxyz",
        arn="arn:aws:appsync:us-east-1:000000000000:apis/abcdefghijklmnopqrstuvwxyz",
        name="headwater",
        region="us-east-1",
        account_id="000000000000",
        schema=schema(),
        providers=(AuthProvider(AuthMode.API_KEY), AuthProvider(AuthMode.AWS_IAM)),
        api_keys=(ApiKey(API_KEY, int(time.time()) + 86_400),),
        resolvers={resolver.coordinate: resolver for resolver in resolvers},
    )


async def serve() -> None:
    """Serve until standard input ends."""

    async def principal(_access_key_id: str, _session_token: str | None) -> None:
        return None

    api = definition()
    sources: dict[str, DataSource] = {"none": NoneDataSource(), "chat": ChatFunction()}
    apis = Apis(Principals(principal))
    await apis.serve(api, Engine(api, data_sources=sources, javascript=JavaScript()))
    server = Server(apis)
    print(await server.listen("127.0.0.1", 0), flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while await commands.readline():
        print(time.process_time(), flush=True)
    await server.stop()


if __name__ == "__main__":
    uvloop.run(serve())
