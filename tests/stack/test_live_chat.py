"""Independent clients see every change: gql with an API key and with IAM, a raw socket by the wire's own rules."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import botocore.credentials
import pytest
import websockets
from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication, AppSyncAuthentication, AppSyncIAMAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

from tests.stack.instance import Instance

pytestmark = pytest.mark.stack

LIVE = """subscription ($room: ID!) { onMessages(roomId: $room) {
    topic firstSeq lastSeq items { seq kind key message { id text version } } } }"""


class RawSubscriber:
    """AppSync's real-time protocol by hand. A subscription counts as live from `start_ack` on."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def receive(self, kind: str) -> dict[str, Any]:
        while True:
            frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
            if frame["type"] == kind:
                return frame
            assert frame["type"] == "ka", frame

    async def changes(self, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            frame = await self.receive("data")
            assert "errors" not in frame["payload"], frame
            found += frame["payload"]["data"]["onMessages"]["items"]
        return found

    async def expect_silence(self, seconds: float) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.receive("data"), seconds)


@asynccontextmanager
async def raw_subscriber(instance: Instance, room: str) -> AsyncIterator[RawSubscriber]:
    outputs = instance.outputs
    authorization = {"host": outputs["graphql"].split("/")[2], "x-api-key": outputs["apiKey"]}
    header = base64.urlsafe_b64encode(json.dumps(authorization).encode()).decode().rstrip("=")
    subprotocols = [websockets.Subprotocol("graphql-ws"), websockets.Subprotocol(f"header-{header}")]
    async with websockets.connect(outputs["realtime"], subprotocols=subprotocols) as socket:
        subscriber = RawSubscriber(socket)
        await socket.send('{"type": "connection_init"}')
        await subscriber.receive("connection_ack")
        data = json.dumps({"query": LIVE, "variables": {"room": room}})
        start = {"id": "1", "type": "start", "payload": {"data": data, "extensions": {"authorization": authorization}}}
        await socket.send(json.dumps(start))
        assert (await subscriber.receive("start_ack"))["id"] == "1"
        yield subscriber


def new_room() -> str:
    return f"room-{uuid.uuid4()}"


async def test_a_message_reaches_a_raw_subscriber_of_its_room_and_of_no_other(instance: Instance) -> None:
    room, other = new_room(), new_room()
    async with raw_subscriber(instance, room) as here, raw_subscriber(instance, other) as elsewhere:
        sent = [await asyncio.to_thread(instance.send, room, text) for text in ("one", "two", "three")]
        changes = await here.changes(3)
        assert [(change["seq"], change["kind"], change["message"]["id"]) for change in changes] == [
            (number, "INSERT", message["id"]) for number, message in enumerate(sent, 1)
        ]
        await elsewhere.expect_silence(0.5)


@pytest.mark.parametrize("mode", ["API key", "IAM"])
async def test_gql_receives_what_is_sent(instance: Instance, mode: str) -> None:
    room, outputs = new_room(), instance.outputs
    host = outputs["graphql"].split("/")[2]
    auth: AppSyncAuthentication = AppSyncApiKeyAuthentication(host=host, api_key=outputs["apiKey"])
    if mode == "IAM":
        credentials = botocore.credentials.Credentials("test", "test")
        auth = AppSyncIAMAuthentication(host=host, region_name=outputs["region"], credentials=credentials)
    transport = AppSyncWebsocketsTransport(url=outputs["realtime"], auth=auth)
    query = gql(LIVE)
    query.variable_values = {"room": room}
    async with Client(transport=transport) as session:
        stream = session.subscribe(query)
        first = asyncio.ensure_future(anext(stream))

        # gql does not say when the subscription is live: send until the first push is there.
        texts: list[str] = []
        while not first.done():
            texts.append((await asyncio.to_thread(instance.send, room, f"text {len(texts)}"))["text"])
            await asyncio.wait([first], timeout=0.2)
        assert (await first)["onMessages"]["items"][0]["message"]["text"] in texts
        await stream.aclose()


async def test_what_is_put_straight_into_the_table_reaches_subscribers_in_order(instance: Instance) -> None:
    room = new_room()
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    dynamodb = instance.client("dynamodb")
    async with raw_subscriber(instance, room) as subscriber:
        message = await asyncio.to_thread(instance.send, room, "as sent")
        items = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
        item = next(item for item in items if item["sk"]["S"].endswith(message["id"]))
        for text, version in (("newer", "7"), ("a lower version", "2")):
            dynamodb.put_item(TableName=table, Item=item | {"text": {"S": text}, "version": {"N": version}})
        dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        dynamodb.put_item(TableName=table, Item=item | {"text": {"S": "created again"}})
        changes = await subscriber.changes(5)
    assert [(change["seq"], change["kind"], change["message"] and change["message"]["text"]) for change in changes] == [
        (1, "INSERT", "as sent"),
        (2, "MODIFY", "newer"),
        (3, "MODIFY", "a lower version"),
        (4, "REMOVE", None),
        (5, "INSERT", "created again"),
    ]
    assert {change["key"] for change in changes} == {message["id"]}


async def test_catch_up_answers_what_was_pushed(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        for number in range(5):
            await asyncio.to_thread(instance.send, room, f"text {number}")
        pushed = await subscriber.changes(5)
    answer = instance.graphql(
        """query ($room: ID!, $after: Int!) { messageChanges(roomId: $room, after: $after, limit: 3) {
            items { seq kind key message { id text version } } lastSeq headSeq resyncRequired } }""",
        room=room,
        after=1,
    )["data"]["messageChanges"]
    assert answer == {"items": pushed[1:4], "lastSeq": 4, "headSeq": 5, "resyncRequired": False}
