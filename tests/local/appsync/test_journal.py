"""What the journal tells of publishes and their receivers, over real sockets: every verdict with its reason."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import struct
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.datasources import DataSourceError
from local.appsync.definition import ApiDefinition, AuthMode
from local.appsync.journal import Journal
from local.appsync.journal_report import JournalReport
from local.appsync.request import Caller
from local.appsync.server import Server
from tests.local.appsync.api import Api, js
from tests.local.appsync.serving import API_KEY, ROOT, User, definition, until

SDL = """
type Query { a: ID }
type Mutation { send(room: ID!, text: String, seqs: [Int!]): Message other(room: ID!): Message gone(room: ID!): ID }
type Subscription {
  onMessage(room: ID): Message @aws_subscribe(mutations: ["send"])
  onText(room: ID): Message @aws_subscribe(mutations: ["send"])
  onOther(room: ID): Message @aws_subscribe(mutations: ["other"])
  onSecret: Message @aws_subscribe(mutations: ["send"]) @aws_iam
}
type Message @aws_api_key @aws_iam { room: ID! text: String size: Int items: [Item!] }
type Item @aws_api_key @aws_iam { seq: Int! eventId: ID traceId: String }
"""
SEND = (
    "mutation($room: ID!, $text: String) { send(room: $room, text: $text) { room text items { seq eventId traceId } } }"
)
ON_MESSAGE = "subscription($room: ID) { onMessage(room: $room) { text } }"


def send(context: Any) -> dict[str, Any]:
    if context.arguments["text"] == "fail":
        raise DataSourceError("boom", "Exploded")
    items = [{"seq": 7, "eventId": "e7", "traceId": "1-abc"}, {"seq": 8, "eventId": "e8"}]
    return {"room": context.arguments["room"], "text": context.arguments["text"], "items": items}


def api(sdl: str = SDL) -> tuple[ApiDefinition, Any]:
    text = "{ fieldName: 'text', operator: 'beginsWith', value: 'long' }"
    room = "{ fieldName: 'room', operator: 'eq', value: 'r' }"
    gone = "extensions.invalidateSubscriptions({ subscriptionField: 'onOther', payload: { room: ctx.args.room } })"
    code = {
        "Subscription.onText": js(
            "{}", f"extensions.setSubscriptionFilter({{ filterGroup: [{{ filters: [{text}, {room}] }}] }}), null"
        ),
        "Mutation.gone": js("{}", f"{gone}, null"),
        "Subscription.onOther": js(
            "{}",
            "extensions.setSubscriptionInvalidationFilter({ filterGroup: [{ filters: ["
            "{ fieldName: 'room', operator: 'eq', value: ctx.args.room }] }] }), null",
        ),
    }
    fields = {"Mutation.send": send, "Mutation.other": lambda context: dict(context.arguments)}
    served = definition(AuthMode.API_KEY, AuthMode.AWS_IAM, schema=sdl, api_id="api")
    return served, Api(sdl, fields, code=code, providers=served.providers).engine


class Plane:
    """A served engine with the report of its journal."""

    def __init__(self, apis: Apis, server: Server, port: int) -> None:
        self.apis = apis
        self.server = server
        self.host = f"127.0.0.1:{port}"
        self.report = JournalReport(apis.journal)

    async def post(self, query: str, key: str = API_KEY, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://{self.host}/graphql", body, {"x-api-key": key})
        return json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=5).read()))

    async def send(self, room: str, text: str = "hi") -> Any:
        return await self.post(SEND, room=room, text=text)

    def connecting(self, key: str = API_KEY, **options: Any) -> connect:
        return connect(
            f"ws://{self.host}/graphql/realtime", subprotocols=[Subprotocol("graphql-ws")],
            additional_headers={"x-api-key": key}, proxy=None, user_agent_header="tests/1", **options,
        )  # fmt: skip

    async def last(self, topic: str, client: str | None = None) -> Any:
        """The newest publish of a topic."""
        return (await self.report.publishes(topic, 1, client))["publishes"][0]

    async def verdict(self, topic: str, client: str) -> tuple[str, str]:
        """What became of the newest publish of a topic at a client with one subscription."""
        publish = await self.last(topic, client)
        [found] = publish["receivers"] + publish["missed"]
        return found["verdict"], found["reason"]


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    async def principal(access_key_id: str, session_token: str | None) -> User | None:
        return ROOT

    apis = Apis(Principals(principal))
    await apis.serve(*api())
    server = Server(apis)
    yield Plane(apis, server, await server.listen("127.0.0.1", 0))
    await server.stop()


async def start(socket: ClientConnection, identifier: str, query: str = ON_MESSAGE, **variables: Any) -> Any:
    data = json.dumps({"query": query, "variables": variables})
    headers = {"host": "localhost", "x-api-key": API_KEY, "x-amz-user-agent": "aws-amplify/6"}
    payload = {"data": data, "extensions": {"authorization": headers}}
    await socket.send(json.dumps({"id": identifier, "type": "start", "payload": payload}))
    return await receive(socket)


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


def connection_id(socket: ClientConnection) -> str:
    assert socket.response
    return socket.response.headers["x-amzn-requestid"]


class TestPublishes:
    async def test_a_publish_has_its_request_its_caller_and_the_ids_in_its_payload(self, plane: Plane) -> None:
        await plane.send("r")
        publish = await plane.last("r")
        assert (publish["mutation"], publish["arguments"]) == ("send", {"room": "r", "text": "hi"})
        assert (publish["caller"], publish["matched"], publish["errors"]) == ("API_KEY", 0, [])
        assert (publish["seqs"], publish["eventIds"], publish["traceIds"]) == ([7, 8], ["e7", "e8"], ["1-abc"])
        assert len(publish["requestId"]) == 36
        assert publish["size"] > 50

    async def test_only_the_publishes_of_the_topic_are_told_the_newest_first(self, plane: Plane) -> None:
        for room, text in (("r", "1"), ("s", "2"), ("r", "3"), ("r", "4")):
            await plane.send(room, text)
        found = (await plane.report.publishes("r", 2))["publishes"]
        assert [each["arguments"]["text"] for each in found] == ["4", "3"]
        assert (await plane.report.publishes("unknown", 2))["publishes"] == []

    async def test_only_those_with_a_text_are_told_when_it_is_asked_for(self, plane: Plane) -> None:
        for text in ("one", "two"):
            await plane.send("r", text)
        found = (await plane.report.publishes("r", 10, containing=["one", "three"]))["publishes"]
        assert [each["arguments"]["text"] for each in found] == ["one"]

    async def test_aliases_of_the_caller_do_not_hide_a_publish(self, plane: Plane) -> None:
        await plane.post('mutation { a: send(room: "r") { name: room } b: send(room: "s") { room } }')
        assert (await plane.last("r"))["arguments"] == {"room": "r"}
        assert (await plane.last("s"))["arguments"] == {"room": "s"}

    async def test_a_mutation_that_failed_is_told_with_its_error(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await plane.send("r", "fail")
            assert (await plane.last("r"))["errors"][0]["errorType"] == "Exploded"
            assert await plane.verdict("r", "1") == ("failed", "the mutation failed")

    async def test_a_request_that_was_refused_as_a_whole_is_told_by_its_variables(self, plane: Plane) -> None:
        with pytest.raises(urllib.error.HTTPError) as refused:
            await plane.post(SEND, key="wrong", room="r", text="x")
        refused.value.close()
        [refusal] = (await plane.report.publishes("r", 1))["refusals"]
        assert (refusal["status"], refusal["errorType"]) == (401, "UnauthorizedException")

    async def test_a_payload_over_the_limit_is_told_as_oversized(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await plane.send("r", "x" * 250_000)
            assert (await plane.last("r"))["oversized"]
            assert await plane.verdict("r", "1") == ("oversized", f"{(await plane.last('r'))['size']} bytes")

    def test_what_is_kept_is_bounded_by_number_bytes_and_references(self) -> None:
        caller = Caller(AuthMode.API_KEY)

        def filled(journal: Journal, references: int = 0) -> int:
            for _ in range(100):
                entry = journal.publish("api", "send", ("onMessage",), caller, "id")
                entry.references = references
                journal.delivered(entry)
                journal.settle(entry, b"x" * 100)
            assert journal.forgotten == 100 - len(journal.publishes)
            return len(journal.publishes)

        assert filled(Journal(publishes=10)) == 10
        assert filled(Journal(content_bytes=2_000)) == 20
        assert filled(Journal(references=50), references=10) == 5

    def test_an_operation_that_never_ends_does_not_keep_the_others_from_being_forgotten(self) -> None:
        journal = Journal(publishes=3)
        stuck = journal.publish("api", "send", (), Caller(AuthMode.API_KEY), "stuck")
        for _ in range(5):
            entry = journal.publish("api", "send", (), Caller(AuthMode.API_KEY), "id")
            journal.settle(entry, b"xx")
        assert [entry.request_id for entry in journal.publishes] == ["id"] * 3
        journal.settle(stuck, b"late")
        assert journal._bytes == 6


class TestVerdicts:
    async def test_delivered(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await plane.send("r")
            frame = await socket.recv()
            publish = await plane.last("r")
        [receiver] = publish["receivers"]
        assert receiver["verdict"] == "delivered"
        assert receiver["connection"] == connection_id(socket)
        assert (receiver["identity"], receiver["library"]) == ("API_KEY", "aws-amplify/6")
        assert (receiver["field"], receiver["arguments"]) == ("onMessage", {"room": "r"})
        assert receiver["bytes"] == len(frame) + 2  # the WebSocket header of a short frame
        assert publish["at"] <= publish["writtenAt"] == receiver["at"]

    async def test_other_arguments(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="kitchen")
            await plane.send("r")
            assert await plane.verdict("r", "1") == ("filtered", 'room is "r", wanted "kitchen"')

    async def test_the_rules_of_an_enhanced_filter_that_do_not_hold(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", "subscription { onText { text } }")
            await plane.send("r", "short")
            assert await plane.verdict("r", "1") == ("filtered", 'text is "short", wanted beginsWith "long"')
            await plane.send("r", "longer")
            assert (await plane.verdict("r", "1"))[0] == "delivered"

    async def test_another_field(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", 'subscription { onOther(room: "r") { text } }')
            await plane.send("r")
            assert await plane.verdict("r", "1") == ("other-field", "onOther does not hang on send")
            assert (await plane.last("r"))["missed"] == []  # told only of a client that is asked about

    async def test_subscribed_after_the_publish(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await plane.send("r")
            await start(socket, "1", room="r")
            assert (await plane.verdict("r", "1"))[0] == "too-late"

    async def test_unsubscribed_before_it(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await plane.send("r", "before")
            await receive(socket)
            await socket.send('{"id": "1", "type": "stop"}')
            await receive(socket)
            await plane.send("r", "after")
            after, before = (await plane.report.publishes("r", 2, "1"))["publishes"]
        assert (after["missed"][0]["verdict"], after["missed"][0]["reason"]) == (
            "unsubscribed",
            "the client unsubscribed",
        )
        assert before["receivers"][0]["verdict"] == "delivered"

    async def test_disconnected_before_it_with_the_close_code(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await socket.close(4000, "bye")
        await until(lambda: plane.apis.journal.gone)
        await plane.send("r")
        assert await plane.verdict("r", connection_id(socket)) == (
            "disconnected",
            "the client closed the connection (4000 bye)",
        )

    async def test_a_client_that_went_away_without_a_word(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            socket.transport.abort()
        await until(lambda: plane.apis.journal.gone)
        await plane.send("r")
        verdict, reason = await plane.verdict("r", "1")
        assert verdict == "disconnected"
        assert reason.startswith(("the client went away without a close frame", "the connection broke"))

    async def test_a_refused_subscription(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "secret", "subscription { onSecret { text } }")
            await plane.send("r")
            verdict, reason = await plane.verdict("r", connection_id(socket))
            assert verdict == "refused"
            assert reason == "Unauthorized: Not Authorized to access onSecret on type Subscription"
            [client] = plane.report.clients()
            assert client["errorFrames"][0]["frame"]["type"] == "error"

    async def test_a_refused_connection(self, plane: Plane) -> None:
        async with plane.connecting("wrong") as socket:
            assert (await receive(socket))["type"] == "connection_error"
        await plane.send("r")
        verdict, reason = await plane.verdict("r", connection_id(socket))
        assert verdict == "not-connected"
        assert reason.startswith("it was refused: UnauthorizedException: You are not authorized")

    async def test_a_connection_that_never_subscribed(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await plane.send("r")
            assert await plane.verdict("r", connection_id(socket)) == (
                "not-subscribed", "it has not subscribed to anything",
            )  # fmt: skip

    async def test_a_start_that_the_protocol_refused(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await socket.send('{"type": "start", "id": "1", "payload": {"data": "{}"}}')
            assert (await receive(socket))["type"] == "error"
            await plane.send("r")
            verdict, reason = await plane.verdict("r", connection_id(socket))
            assert verdict == "not-subscribed"
            assert reason == (
                "it has not subscribed to anything; "
                "it was told UnauthorizedException: Valid authorization header not provided."
            )

    async def test_a_subscription_that_the_api_ended(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", 'subscription { onOther(room: "r") { text } }')
            await plane.post('mutation { gone(room: "r") }')
            assert (await receive(socket))["type"] == "complete"
            await plane.post('mutation { other(room: "r") { room } }')
            assert await plane.verdict("r", "1") == ("ended", "the API ended the subscription (invalidation)")

    async def test_a_client_that_does_not_read(self, plane: Plane) -> None:
        async with plane.connecting(max_queue=1) as socket:
            await start(socket, "1", room="r")
            raw = socket.transport.get_extra_info("socket")
            raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
            socket.transport.pause_reading()
            for _ in range(60):
                await plane.send("r", "x" * 200_000)
                if (await plane.verdict("r", "1"))[0] == "unread":
                    break
            verdict, reason = await plane.verdict("r", "1")
            assert verdict == "unread"
            assert reason.endswith("bytes wait for the client to read")
            first = (await plane.report.publishes("r", 100, "1"))["publishes"][-1]
            assert first["receivers"][0]["verdict"] == "delivered"  # the kernel took it
            raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
            socket.transport.abort()

    async def test_an_injected_fault(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            [connection] = plane.server.realtime.connections
            [subscriber] = connection.client.live.values()
            registration = subscriber.registrations[0]
            registration.deliver = lambda _body: plane.apis.journal.drop(subscriber, "the fault drop-push")
            await plane.send("r")
            assert await plane.verdict("r", "1") == ("dropped", "the fault drop-push")
            assert (await plane.last("r"))["dropped"] == 1

    async def test_a_redeployed_api_keeps_the_subscription_and_its_history(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await plane.send("r", "before")
            await plane.apis.serve(*api(SDL.replace("type Query {", "type Query { b: ID")))
            await plane.send("r", "after")
            await receive(socket)
            await receive(socket)
            found = (await plane.report.publishes("r", 2, "1"))["publishes"]
        assert [[each["verdict"] for each in publish["receivers"]] for publish in found] == [
            ["delivered"],
            ["delivered"],
        ]

    async def test_a_redeployed_api_that_refuses_the_subscription(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await plane.apis.serve(*api(SDL.replace("onMessage(room: ID)", "onMessage(salon: ID)")))
            assert (await receive(socket))["type"] == "error"
            await plane.send("r")
            assert await plane.verdict("r", "1") == ("refused", "the redeployed API refused it")


class TestClients:
    async def test_a_client_is_found_by_its_ids_its_identity_and_its_library(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "0f3c9a52-aaaa", room="r")
            await plane.send("r")
            known = connection_id(socket)
            for name in (known, known[:8], "0f3c9a52-aaaa", "0f3c9a52", "API_KEY", "amplify"):
                assert (await plane.verdict("r", name))[0] == "delivered", name
            for name in (known[:7], "nobody"):
                assert (await plane.report.publishes("r", 1, name))["clients"] == []

    async def test_a_connection_is_told_with_all_that_it_subscribed_to(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await start(socket, "2", "subscription { onText { text } }")
            [client] = plane.report.clients()
        assert (client["protocol"], client["endedAt"], client["unreadBytes"]) == ("graphql-ws", None, 0)
        first, second = client["subscriptions"]
        assert (first["field"], first["arguments"]) == ("onMessage", {"room": "r"})
        assert first["startedAt"] <= first["liveAt"]
        assert second["filter"] == [
            [
                {"field": "room", "operator": "eq", "value": "r"},
                {"field": "text", "operator": "beginsWith", "value": "long"},
            ]
        ]
        await until(lambda: plane.apis.journal.gone)
        [client] = plane.report.clients()
        assert client["why"] == "the client closed the connection (1000)"

    async def test_what_a_cancelled_subscription_leaves_in_the_journal_holds_no_connection(self, plane: Plane) -> None:
        async with plane.connecting() as socket:
            await start(socket, "1", room="r")
            await plane.send("r")
            await receive(socket)
        await until(lambda: plane.apis.journal.gone)
        [(_, _, [subscription])] = plane.apis.journal.publishes[-1].reached
        assert subscription.ended is None
        assert subscription.deliver.__name__ == "_to_nobody"
