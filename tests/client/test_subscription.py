"""Whoever begins or ends a subscription may be cancelled meanwhile, at any moment. The transport is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from gql import GraphQLRequest
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from graphql import ExecutionResult

from headwater.connection import Connection
from headwater.credentials import Caller, Grant, api_key
from headwater.endpoint import Endpoint
from headwater.network import Network
from headwater.subscription import Inbox, Subscription
from headwater.transport import STARTED

ENDPOINT = Endpoint("http://127.0.0.1:1/graphql", "ws://127.0.0.1:1/graphql/realtime")

Begin = Callable[[], Subscription]


class Server:
    """Acknowledges when it is told to."""

    def __init__(self) -> None:
        self.grant = Grant(AppSyncApiKeyAuthentication("h", "k"), None, "first")
        self.acknowledges = asyncio.Event()

    async def ping(self) -> None:
        return

    async def subscribe(self, _: GraphQLRequest) -> AsyncIterator[ExecutionResult]:
        await self.acknowledges.wait()
        yield STARTED
        await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        return


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def begin(server: Server) -> AsyncIterator[Begin]:
    network = Network(ENDPOINT.url)
    transport: Any = server
    connection = Connection(transport, Caller(api_key("k"), ENDPOINT), network, 0.0)
    begun: list[Subscription] = []

    def begin() -> Subscription:
        begun.append(Subscription(connection, GraphQLRequest("subscription { a }"), Inbox()))
        return begun[-1]

    yield begin
    for each in begun:
        await each.close()
    await connection.close()
    await network.close()


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancellation_that_comes_with_the_acknowledgement_counts(
    server: Server, begin: Begin, turns: int
) -> None:
    starting = asyncio.create_task(begin().started())
    for _ in range(3):
        await asyncio.sleep(0)
    server.acknowledges.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    was_done = starting.done()
    starting.cancel()
    await asyncio.wait({starting})
    assert starting.cancelled() is not was_done


async def test_who_ends_a_subscription_may_be_cancelled(begin: Begin) -> None:
    closing = asyncio.create_task(begin().close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()
