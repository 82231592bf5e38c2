"""gql, unmodified, over TLS: what it makes of wrong credentials, of a stopped subscription and of a restart."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from typing import Any

import botocore.credentials
import pytest
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication, AppSyncAuthentication, AppSyncIAMAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportError, TransportServerError

from tests.stack.instance import Instance

pytestmark = pytest.mark.stack

LIVE = "subscription ($room: ID!) { onMessages(roomId: $room) { items { seq message { text } } } }"
ROOMS = GraphQLRequest("{ rooms { items { id } } }")
SECONDS = 10


def new_room() -> str:
    return f"room-{uuid.uuid4()}"


def live(room: str) -> GraphQLRequest:
    return GraphQLRequest(LIVE, variable_values={"room": room})


def key(instance: Instance, api_key: str | None = None) -> AppSyncAuthentication:
    outputs = instance.outputs
    return AppSyncApiKeyAuthentication(host=outputs["graphqlTls"].split("/")[2], api_key=api_key or outputs["apiKey"])


def signature(instance: Instance, secret: str) -> AppSyncAuthentication:
    outputs = instance.outputs
    credentials = botocore.credentials.Credentials("test", secret)
    return AppSyncIAMAuthentication(
        host=outputs["graphqlTls"].split("/")[2], region_name=outputs["region"], credentials=credentials
    )


def sockets(instance: Instance, auth: AppSyncAuthentication) -> Client:
    return Client(
        transport=AppSyncWebsocketsTransport(url=instance.outputs["realtimeTls"], auth=auth, ssl=tls(instance))
    )


def tls(instance: Instance) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=instance.outputs["caFile"])


async def within(awaited: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaited, SECONDS)


async def listen(instance: Instance, session: AsyncClientSession, room: str) -> AsyncIterator[dict[str, Any]]:
    """A live subscription: gql does not say when it is, so send until the first push is there."""
    stream = session.subscribe(live(room))
    first = asyncio.ensure_future(anext(stream))
    while not first.done():
        await asyncio.to_thread(instance.send, room, "Is anybody there?")
        await asyncio.wait([first], timeout=0.2)
    await first
    return stream


async def text_in(stream: AsyncIterator[dict[str, Any]], text: str) -> None:
    """Returns once a text arrived."""
    async for pushed in stream:
        if any(item["message"]["text"] == text for item in pushed["onMessages"]["items"]):
            return
    raise AssertionError(f"the stream ended without {text!r}")


async def everything_of(stream: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [pushed async for pushed in stream]


@pytest.mark.parametrize(
    ("mode", "status", "refusal"),
    [
        ("API key", 401, "You are not authorized to make this call."),
        ("IAM", 400, "The request signature we calculated does not match"),
    ],
)
async def test_a_stranger_is_told_so(instance: Instance, mode: str, status: int, refusal: str) -> None:
    auth = key(instance, "da2-" + "a" * 26) if mode == "API key" else signature(instance, "not the secret")
    queries = Client(transport=AIOHTTPTransport(url=instance.outputs["graphqlTls"], auth=auth, ssl=tls(instance)))
    with pytest.raises(TransportError) as refused:
        await within(queries.execute_async(ROOMS))
    assert (getattr(refused.value, "code", status), refusal in str(refused.value)) == (status, True), refused.value
    with pytest.raises(TransportServerError, match=refusal):
        await within(anext(sockets(instance, auth).subscribe_async(live("lobby"))))


async def test_a_stopped_subscription_ends_alone(instance: Instance) -> None:
    stopped, lasting = new_room(), new_room()
    async with sockets(instance, key(instance)) as session:
        ending = await listen(instance, session, stopped)
        other = await listen(instance, session, lasting)
        await ending.aclose()  # type: ignore[attr-defined]  # an async generator
        for room in (stopped, lasting):
            await asyncio.to_thread(instance.send, room, "after the stop")
        await within(text_in(other, "after the stop"))
        assert await anext(ending, None) is None
        await (await listen(instance, session, stopped)).aclose()  # type: ignore[attr-defined]
        await other.aclose()  # type: ignore[attr-defined]


async def test_a_restart_ends_the_subscription_and_a_new_one_works(own_instance: Instance) -> None:
    room = new_room()
    async with sockets(own_instance, key(own_instance)) as session:
        stream = await listen(own_instance, session, room)
        await asyncio.to_thread(own_instance.stop)
        with suppress(TransportConnectionFailed):  # or its generator just ends
            await within(everything_of(stream))
    await asyncio.to_thread(own_instance.start)
    async with sockets(own_instance, key(own_instance)) as session:
        stream = await listen(own_instance, session, room)
        await asyncio.to_thread(own_instance.send, room, "after the restart")
        await within(text_in(stream, "after the restart"))
        await stream.aclose()  # type: ignore[attr-defined]
