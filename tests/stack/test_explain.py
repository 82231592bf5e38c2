"""Why was I not notified? The command names the stage where each change ended, on a real instance."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

from tests.stack.explaining import (
    command,
    delivered,
    ended_at,
    explained,
    explained_until,
    main_table,
    publisher,
    put,
    put_message,
    stage,
)
from tests.stack.instance import Instance, eventually
from tests.stack.test_live_chat import RawSubscriber, new_room, raw_subscriber

pytestmark = pytest.mark.stack


def connection(subscriber: RawSubscriber) -> str:
    """The connection id, where every client finds it: in the answer to its handshake."""
    assert subscriber.socket.response
    return subscriber.socket.response.headers["x-amzn-requestid"]


async def outcome(instance: Instance, room: str, client: str) -> dict[str, Any]:
    """Where the room's last change ended for a client that did not get it."""
    change = await asyncio.to_thread(explained_until, instance, f"room:{room}", ended_at("delivery"), client)
    ended: dict[str, Any] = change["ended"]
    return ended


async def test_all_is_fine(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        sent = await asyncio.to_thread(instance.send, room, "hello")
        [change] = await subscriber.changes(1)
        told = await asyncio.to_thread(explained_until, instance, f"room:{room}", delivered, connection(subscriber))
        everyone = await asyncio.to_thread(explained_until, instance, f"room:{room}", delivered)
    assert (told["key"], told["seq"], told["kind"]) == (sent["id"], 1, "INSERT")
    assert [each["verdict"] for each in told["stages"]] == ["ok"] * 8
    assert stage(told, "delivery")["text"].startswith("delivered: its frame was written, ")
    # Others of the shared instance may have had subscriptions that have ended.
    assert stage(everyone, "subscriptions")["text"].split(";")[0] == "1 match onMessages"
    assert stage(everyone, "delivery")["text"] == "frames: 1 delivered"
    # Its trace goes from the mutation to the push.
    assert told["trace_id"].startswith("1-")
    assert f"a request of the API (trace {told['trace_id']})" in stage(told, "write")["text"]
    assert stage(told, "publish")["details"]["traceIds"] == [told["trace_id"]]
    assert change["key"] == sent["id"]


async def test_a_trace_that_the_caller_brings_comes_back_with_the_push(instance: Instance) -> None:
    room, root = new_room(), "1-6b01525d-2610baafc3e9e7a924f409f5"
    query = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id } }"
    body = {"query": query, "variables": {"input": {"roomId": room, "text": "traced", "author": "ada"}}}
    headers = {"x-api-key": instance.outputs["apiKey"], "x-amzn-trace-id": f"Root={root}"}
    request = urllib.request.Request(instance.outputs["graphql"], json.dumps(body).encode(), headers)

    def send() -> str | None:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: str | None = answer.headers["x-amzn-trace-id"]
        return found

    async with raw_subscriber(instance, room) as subscriber:
        assert await asyncio.to_thread(send) == f"Root={root}"
        await subscriber.changes(1)
        change = await asyncio.to_thread(explained_until, instance, f"room:{room}", delivered)
    assert change["trace_id"] == root
    assert stage(change, "publish")["details"]["traceIds"] == [root]


async def test_the_page_for_people_fits_a_screen_and_says_it_in_one_line(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        for number in range(7):
            await asyncio.to_thread(instance.send, room, f"text {number}")
        await subscriber.changes(7)
        await asyncio.to_thread(explained_until, instance, f"room:{room}", delivered)
        page = await asyncio.to_thread(command, instance, "explain", f"room:{room}")
        people = await asyncio.to_thread(command, instance, "explain", "--clients")
    assert page.returncode == 0
    assert len(page.stdout.splitlines()) < 40
    assert "It was delivered to everyone who asked for it." in page.stdout
    assert f"room:{room}, last number 7" in page.stdout
    assert connection(subscriber)[:8] in people.stdout


async def test_the_client_asked_for_another_room(instance: Instance) -> None:
    room, other = new_room(), new_room()
    async with raw_subscriber(instance, other) as subscriber:
        await asyncio.to_thread(instance.send, room, "elsewhere")
        ended = await outcome(instance, room, connection(subscriber))
    assert ended["reason"].startswith("filtered: ")
    assert f'"{other}"' in ended["reason"]


async def test_the_client_subscribed_too_late(instance: Instance) -> None:
    room = new_room()
    await asyncio.to_thread(instance.send, room, "early")
    await asyncio.to_thread(explained_until, instance, f"room:{room}", ended_at("subscriptions"))  # it was published
    async with raw_subscriber(instance, room) as subscriber:
        ended = await outcome(instance, room, connection(subscriber))
    assert ended["reason"].startswith("too-late: it was registered after the publish")


async def test_the_client_had_unsubscribed(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        await subscriber.socket.send('{"id": "1", "type": "stop"}')
        await subscriber.receive("complete")
        await asyncio.to_thread(instance.send, room, "unheard")
        ended = await outcome(instance, room, connection(subscriber))
    assert ended["reason"].startswith("unsubscribed: the client unsubscribed")


async def test_the_client_had_gone(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        pass
    await asyncio.to_thread(instance.send, room, "unheard")
    ended = await outcome(instance, room, connection(subscriber))
    assert ended["reason"].startswith("disconnected: the client closed the connection (1000)")


async def test_the_client_never_connected(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room):
        await asyncio.to_thread(instance.send, room, "heard by another")
        ended = await outcome(instance, room, "6f1c0000-nobody")
    assert ended["reason"].startswith("it never connected: no connection since ")


def test_nothing_is_known_of_a_topic_without_changes(instance: Instance) -> None:
    result = command(instance, "explain", f"room:{new_room()}")
    assert result.returncode == 1
    assert "Nothing was ever written" in result.stdout


def test_a_topic_that_there_cannot_be(instance: Instance) -> None:
    result = command(instance, "explain", "weather:oslo", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["problems"][0] == (
        "There is no such kind of topic: nothing is ever published as weather:oslo."
    )


def test_nobody_subscribes(instance: Instance) -> None:
    room = new_room()
    instance.send(room, "into the void")
    change = explained_until(instance, f"room:{room}", ended_at("subscriptions"))
    assert change["ended"]["verdict"] == "stopped"
    assert change["ended"]["reason"].startswith("0 match onMessages")


async def test_a_write_past_the_api_goes_by_its_event_id(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        await asyncio.to_thread(put_message, instance, room, {"S": "an import"})
        await subscriber.changes(1)
        change = await asyncio.to_thread(explained_until, instance, f"room:{room}", delivered)
    assert "by someone without a trace" in stage(change, "write")["text"]
    assert change["trace_id"] == change["event_id"]
    assert stage(change, "publish")["details"]["traceIds"] == [change["event_id"]]


class TestMapping:
    @pytest.fixture
    def mapping(self, instance: Instance) -> Iterator[dict[str, Any]]:
        lambda_ = instance.client("lambda")
        [found] = lambda_.list_event_source_mappings(FunctionName=publisher(instance))["EventSourceMappings"]
        filters = found["FilterCriteria"]
        yield found
        lambda_.update_event_source_mapping(UUID=found["UUID"], Enabled=True, FilterCriteria=filters)
        eventually(lambda: lambda_.get_event_source_mapping(UUID=found["UUID"])["State"] == "Enabled")

    def test_it_is_disabled(self, instance: Instance, mapping: dict[str, Any]) -> None:
        lambda_ = instance.client("lambda")
        lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        eventually(lambda: lambda_.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Disabled")
        room = new_room()

        def stopped(change: dict[str, Any]) -> bool:
            instance.send(room, "unheard")  # the switch counts within seconds
            return ended_at("mapping")(change)

        instance.send(room, "first")
        change = explained_until(instance, f"room:{room}", stopped)
        assert change["ended"]["verdict"] == "stopped"
        assert f"{mapping['UUID']} is Disabled" in change["ended"]["reason"]
        problems = explained(instance, f"room:{room}")["problems"]
        assert f"The event source mapping {mapping['UUID']} is Disabled." in problems

    def test_its_filters_leave_the_record_out(self, instance: Instance, mapping: dict[str, Any]) -> None:
        pattern = '{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "NOTHING#"}]}}}}'
        instance.client("lambda").update_event_source_mapping(
            UUID=mapping["UUID"], FilterCriteria={"Filters": [{"Pattern": pattern}]}
        )
        room = new_room()

        def filtered(change: dict[str, Any]) -> bool:
            instance.send(room, "unheard")
            return ended_at("mapping")(change)

        instance.send(room, "first")
        change = explained_until(instance, f"room:{room}", filtered)
        assert "leave it out" in change["ended"]["reason"]
        assert pattern in change["ended"]["reason"]


class TestPublisher:
    async def test_it_has_lost_the_right_to_publish(self, instance: Instance) -> None:
        iam = instance.client("iam")
        [(role, name, document)] = [
            (role, name, document)
            for role in instance.resources("AWS::IAM::Role").values()
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
            for document in [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]]
            if "appsync:GraphQL" in json.dumps(document)
        ]
        statements = [each for each in document["Statement"] if "appsync:GraphQL" not in json.dumps(each)]
        room = new_room()
        async with raw_subscriber(instance, room) as subscriber:
            iam.put_role_policy(
                RoleName=role, PolicyName=name, PolicyDocument=json.dumps({**document, "Statement": statements})
            )
            try:

                def unpublished(change: dict[str, Any]) -> bool:
                    if not ended_at("publish")(change):
                        instance.send(room, "unheard")
                    return ended_at("publish")(change)

                instance.send(room, "first")
                change = await asyncio.to_thread(explained_until, instance, f"room:{room}", unpublished)
                about = await asyncio.to_thread(explained, instance, f"room:{room}", connection(subscriber))
            finally:
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
            assert change["seq"] is not None  # the log has it
            assert "Unauthorized" in change["ended"]["reason"]
            assert about["changes"][0]["ended"]["stage"] == "publish"
            await asyncio.to_thread(explained_until, instance, f"room:{room}", delivered, None, 60)

    def test_it_is_throttled(self, instance: Instance) -> None:
        lambda_, name = instance.client("lambda"), publisher(instance)
        room = new_room()
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            instance.send(room, "unheard")
            change = explained_until(instance, f"room:{room}", ended_at("publisher"))
            problems = explained(instance, f"room:{room}")["problems"]
        finally:
            lambda_.delete_function_concurrency(FunctionName=name)
        assert "TooManyRequestsException" in change["ended"]["reason"]
        assert problems[0].startswith("The publisher cannot be asked: ")
        assert "TooManyRequests" in problems[0]
        explained_until(instance, f"room:{room}", ended_at("subscriptions"))

    def test_it_fails(self, instance: Instance) -> None:
        lambda_, name = instance.client("lambda"), publisher(instance)
        handler = lambda_.get_function_configuration(FunctionName=name)["Handler"]
        room = new_room()
        lambda_.update_function_configuration(FunctionName=name, Handler="missing.handler")
        try:
            instance.send(room, "unheard")
            change = explained_until(instance, f"room:{room}", ended_at("publisher"))
            page = command(instance, "explain", f"room:{room}").stdout
        finally:
            lambda_.update_function_configuration(FunctionName=name, Handler=handler)
        assert "Runtime.ImportModuleError: Unable to import module 'missing'" in change["ended"]["reason"]
        assert "It ended at publisher: " in page
        explained_until(instance, f"room:{room}", ended_at("subscriptions"), seconds=60)

    def test_it_parked_the_record_and_what_came_behind_it(self, instance: Instance) -> None:
        room = new_room()
        key = put_message(instance, room, {"M": {}})
        first = explained_until(instance, f"room:{room}", ended_at("change log"))
        assert first["ended"]["reason"].startswith("it is parked as ")
        put(instance, key, text={"S": "mended"}, author={"S": "an import"})
        behind = explained_until(instance, f"room:{room}", lambda change: change["kind"] == "MODIFY")
        behind = explained_until(instance, f"room:{room}", ended_at("change log"))
        assert f"it is parked behind event {first['event_id']}" in behind["ended"]["reason"]
        parked = explained(instance, f"room:{room}")["parked"]
        assert [each["records"] for each in parked] == [2]
        page = command(instance, "explain", f"room:{room}").stdout
        assert "Parked since" in page
        one = command(instance, "explain", f"room:{room}", "--json", "--change", first["event_id"])
        assert [each["event_id"] for each in json.loads(one.stdout)["changes"]] == [first["event_id"]]
        command(instance, "redrive", "discard", parked[0]["id"], "--yes")


async def test_what_expired_is_told_as_such(instance: Instance) -> None:
    """DynamoDB's time to live removes with a principal of its own; the local cloud sweeps at once."""
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        key = await asyncio.to_thread(put_message, instance, room, {"S": "soon gone"})
        await subscriber.changes(1)
        past = str(int(time.time()) - 3600)
        await asyncio.to_thread(put, instance, key, text={"S": "soon gone"}, expiresAt={"N": past})
        removed = await asyncio.to_thread(
            explained_until, instance, f"room:{room}", lambda change: change["kind"] == "REMOVE", None, 90
        )
    assert "by DynamoDB's time to live" in stage(removed, "write")["text"]
    assert removed["trace_id"] == removed["event_id"]
    assert main_table(instance)


async def test_a_fault_was_injected(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        set_fault = ("fault", "set", "drop-push", f"containing={room}", "count=1")
        assert (await asyncio.to_thread(command, instance, *set_fault)).returncode == 0
        try:
            await asyncio.to_thread(instance.send, room, "lost on its way")
            ended = await outcome(instance, room, connection(subscriber))
        finally:
            await asyncio.to_thread(command, instance, "fault", "clear", "drop-push")
    assert ended["reason"].startswith("dropped: the fault drop-push")


async def test_gql_finds_its_connection_id_as_the_document_says(instance: Instance) -> None:
    """docs/explain.md, "Who is who"."""
    room = new_room()
    outputs = instance.outputs
    auth = AppSyncApiKeyAuthentication(host=outputs["graphql"].split("/")[2], api_key=outputs["apiKey"])
    transport = AppSyncWebsocketsTransport(outputs["realtime"], auth=auth)
    query = gql("subscription ($room: ID!) { onMessages(roomId: $room) { firstSeq items { key } } }")
    query.variable_values = {"room": room}
    async with Client(transport=transport) as session:
        events = session.subscribe(query)
        first = asyncio.ensure_future(anext(events))
        while not first.done():  # gql does not say when a subscription is live
            await asyncio.to_thread(instance.send, room, "hello")
            await asyncio.wait([first], timeout=0.2)
        headers: Any = transport.adapter.response_headers
        known = headers["x-amzn-requestid"]
        change = await asyncio.to_thread(explained_until, instance, f"room:{room}", delivered, known[:8])
        assert stage(change, "delivery")["details"]["outcomes"][0]["connection"] == known
        await events.aclose()
