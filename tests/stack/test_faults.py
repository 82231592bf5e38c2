"""Every fault on a real instance, with its effect; and what the publisher and the clients survive."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.instance import Instance, eventually
from tests.stack.judge import Breakable, Faults, judge, reading
from tests.stack.test_live_chat import new_room, raw_subscriber

pytestmark = pytest.mark.stack

SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id text } }"
ROOMS = "{ rooms { items { id } } }"
PUBLISHER, CHAT = "PublishFunction", "ChatFunction"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    instance = Instance(tmp_path_factory.mktemp("faults") / "state")
    instance.start()
    yield Breakable(instance)
    instance.stop()


@pytest.fixture
def broken(running: Breakable) -> Iterator[Breakable]:
    yield running
    running.clear()


def texts(changes: list[dict[str, Any]]) -> list[str]:
    return [change["message"]["text"] for change in changes]


def say(broken: Breakable, room: str, *said: str) -> None:
    for text in said:
        broken.instance.send(room, text)


# Pushes and sockets, at a subscriber that catches nothing up.


async def test_pushes_right_after_a_start_ack_are_lost(broken: Breakable) -> None:
    room = new_room()
    await asyncio.to_thread(broken.set, "drop-after-start-ack", pushes=1)
    async with raw_subscriber(broken.instance, room) as subscriber:
        await asyncio.to_thread(say, broken, room, "one")
        await asyncio.to_thread(eventually, lambda: broken.state("drop-after-start-ack")["outcomes"] == 2)
        await asyncio.to_thread(say, broken, room, "two")
        assert texts(await subscriber.changes(1)) == ["two"]


async def test_a_push_is_lost_and_one_comes_twice(broken: Breakable) -> None:
    room = new_room()
    await asyncio.to_thread(broken.set, "drop-push", containing="lose me")
    await asyncio.to_thread(broken.set, "duplicate-push", containing="twice")
    async with raw_subscriber(broken.instance, room) as subscriber:
        for number, text in enumerate(("one", "lose me", "twice", "end"), 1):
            await asyncio.to_thread(say, broken, room, text)
            await asyncio.to_thread(until_published, broken, room, number)
        assert texts(await subscriber.changes(4)) == ["one", "twice", "twice", "end"]


def until_published(broken: Breakable, room: str, number: int) -> None:
    """Wait until a change has its number, so that the next is in an envelope of its own."""
    query = "query ($room: ID!) { messageChanges(roomId: $room, after: 0, limit: 1) { headSeq } }"
    eventually(lambda: broken.instance.graphql(query, room=room)["data"]["messageChanges"]["headSeq"] == number)


async def test_a_half_open_socket_says_nothing_and_does_not_close(broken: Breakable) -> None:
    room = new_room()
    async with raw_subscriber(broken.instance, room) as subscriber, raw_subscriber(broken.instance, room) as other:
        await asyncio.to_thread(broken.set, "half-open", count=1, subscriber=room)
        await asyncio.to_thread(say, broken, room, "one")
        await asyncio.to_thread(eventually, lambda: broken.struck("half-open") == 1)
        heard = [asyncio.ensure_future(each.changes(1)) for each in (subscriber, other)]
        done, silent = await asyncio.wait(heard, return_when=asyncio.FIRST_COMPLETED)
        assert [texts(task.result()) for task in done] == [["one"]]
        [task] = silent
        deaf = (subscriber, other)[heard.index(task)]
        pong = await deaf.socket.ping()
        assert not (await asyncio.wait([task, asyncio.ensure_future(pong)], timeout=0.5))[0]
        assert deaf.socket.close_code is None
        task.cancel()
        deaf.socket.transport.abort()


async def test_a_slow_socket_gets_everything_late(broken: Breakable) -> None:
    room = new_room()
    await asyncio.to_thread(broken.set, "slow-socket", bytes_per_second=2000, subscriber=room)
    async with raw_subscriber(broken.instance, room) as subscriber:
        began = time.monotonic()
        await asyncio.to_thread(say, broken, room, "x" * 2000)
        assert texts(await subscriber.changes(1)) == ["x" * 2000]
        assert time.monotonic() - began > 0.9


# Requests.


def ask(broken: Breakable, query: str, **variables: object) -> tuple[int, dict[str, Any]]:
    try:
        return 200, broken.instance.graphql(query, **variables)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_appsync_throttles(broken: Breakable) -> None:
    broken.set("appsync-429", count=1, containing="rooms")
    status, answer = ask(broken, ROOMS)
    assert (status, answer["errors"][0]["errorType"]) == (429, "TooManyRequestsException")
    assert ask(broken, ROOMS)[0] == 200


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("status", [500, 503])
def test_appsync_fails_before_or_after_the_effect(broken: Breakable, status: int, when: str) -> None:
    room = new_room()
    broken.set("appsync-5xx", count=1, status=status, when=when, containing=room)
    given = {"roomId": room, "text": "hi", "author": "ada", "clientMutationId": room}
    assert ask(broken, SEND, input=given)[0] == status
    assert _stored(broken, room) == ([] if when == "before" else ["hi"])
    assert ask(broken, SEND, input=given)[1]["data"]["sendMessage"]["text"] == "hi"
    assert _stored(broken, room) == ["hi"]


def _stored(broken: Breakable, room: str) -> list[str]:
    answer = broken.instance.graphql("query ($room: ID!) { messages(roomId: $room) { items { text } } }", room=room)
    return [item["text"] for item in answer["data"]["messages"]["items"]]


def test_a_mutation_is_refused(broken: Breakable) -> None:
    room = new_room()
    broken.set("refuse-publish", containing="poison")
    _, answer = ask(broken, SEND, input={"roomId": room, "text": "poison", "author": "ada"})
    assert answer["data"] == {"sendMessage": None}
    assert answer["errors"][0]["errorType"] == "BadRequestException"
    say(broken, room, "harmless")
    assert _stored(broken, room) == ["harmless"]


def test_a_resolver_is_slow(broken: Breakable) -> None:
    broken.set("slow-resolver", field="Query.rooms", seconds=0.5)
    began = time.monotonic()
    assert ask(broken, ROOMS)[0] == 200
    assert time.monotonic() - began > 0.5


# Workers and the cloud.


@pytest.mark.parametrize(("at", "stored"), [("start", []), ("end", ["hi"])])
def test_a_worker_is_killed(broken: Breakable, at: str, stored: list[str]) -> None:
    room = new_room()
    broken.set("kill-worker", count=1, at=at, function=CHAT)
    given = {"roomId": room, "text": "hi", "author": "ada", "clientMutationId": room}
    _, answer = ask(broken, SEND, input=given)
    assert answer["data"] == {"sendMessage": None}
    assert "signal: killed" in answer["errors"][0]["message"]
    assert _stored(broken, room) == stored
    assert ask(broken, SEND, input=given)[1]["data"]["sendMessage"]["text"] == "hi"
    assert _stored(broken, room) == ["hi"]


def test_the_cloud_is_killed_and_has_everything_when_it_is_back(broken: Breakable) -> None:
    room = new_room()
    say(broken, room, "before")
    pid = broken.instance.outputs["pid"]
    broken.set("kill-ministack")
    eventually(lambda: broken.state("kill-ministack")["outcomes"] == 1, 30)
    assert "was back after" in broken.state("kill-ministack")["last"][0]["what"]
    say(broken, room, "after")
    assert _stored(broken, room) == ["after", "before"]
    assert broken.instance.outputs["pid"] == pid


# The command line.


def test_the_command_lists_sets_and_clears(broken: Breakable) -> None:
    assert broken.command("set", "slow-resolver", "field=Query.rooms", "seconds=0.01", "count=2").returncode == 0
    ask(broken, ROOMS)
    listed = broken.command("list", "slow-resolver")
    assert "struck 1 times" in listed.stdout
    assert "Query.rooms waited for 0.01 s" in listed.stdout
    assert broken.command("clear", "slow-resolver").returncode == 0
    assert "struck" not in broken.command("list").stdout
    refused = broken.command("set", "slow-resolver", "seconds=soon")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "it takes a number" in refused.stderr


# What must survive: nothing lost, nothing repeated, the order kept.

PUBLISH = "publishMessages"
SURVIVED: dict[str, Faults] = {
    "no fault": {},
    "a storm of 429": {"appsync-429": {"probability": 0.7, "containing": PUBLISH}},
    "5xx before the effect": {"appsync-5xx": {"probability": 0.4, "status": 503, "containing": PUBLISH}},
    "5xx after the effect": {"appsync-5xx": {"probability": 0.4, "when": "after", "containing": PUBLISH}},
    "workers killed after a call": {"kill-worker": {"probability": 0.3, "at": "answer", "function": PUBLISHER}},
    "workers killed at the end of a batch": {"kill-worker": {"probability": 0.3, "at": "end", "function": PUBLISHER}},
    "batches delivered twice": {"duplicate-batch": {"probability": 0.5, "function": PUBLISHER}},
    "batches delivered twice at once": {
        "duplicate-batch": {"probability": 0.5, "when": "beside", "function": PUBLISHER}
    },
    "pushes doubled": {"duplicate-push": {"probability": 0.5}},
    "pushes lost": {"drop-push": {"probability": 0.2}},
}


@pytest.mark.parametrize("name", SURVIVED)
async def test_nothing_is_lost_repeated_or_out_of_order_under(broken: Breakable, name: str) -> None:
    await judge(broken, SURVIVED[name])


async def test_nothing_is_lost_or_repeated_when_keys_are_reordered(broken: Breakable) -> None:
    await judge(broken, {"reorder-keys": {"function": PUBLISHER}}, in_order=False)


async def test_nothing_is_lost_or_repeated_when_the_cloud_is_killed(broken: Breakable) -> None:
    await judge(broken, {"kill-ministack": {"after": 0.3, "every": 4, "count": 3}}, messages=60)


async def test_nothing_is_lost_or_repeated_under_everything_at_once(broken: Breakable) -> None:
    faults: Faults = {
        "appsync-429": {"probability": 0.3, "containing": PUBLISH},
        "appsync-5xx": {"probability": 0.2, "when": "after", "containing": PUBLISH},
        "kill-worker": {"probability": 0.2, "at": "answer", "call": 2, "function": PUBLISHER},
        "duplicate-batch": {"probability": 0.5, "when": "beside", "function": PUBLISHER},
        "reorder-keys": {"function": PUBLISHER},
        "duplicate-push": {"probability": 0.5},
        "kill-ministack": {"after": 1, "count": 1},
    }
    await judge(broken, faults, messages=80, in_order=False)


async def test_each_item_keeps_its_order_under_everything_that_repeats_and_reorders(broken: Breakable) -> None:
    items, versions = 5, range(2, 22)
    room = new_room()
    dynamodb = broken.instance.client("dynamodb")
    table = broken.instance.resources("AWS::DynamoDB::Table")["MainTable"]

    def put(version: int) -> None:
        for row in rows:
            text = {"S": f"version {version}"}
            dynamodb.put_item(TableName=table, Item=row | {"text": text, "version": {"N": str(version)}})

    async with reading(broken, [room]) as [reader]:
        sent = [await asyncio.to_thread(broken.instance.send, room, f"item {number}") for number in range(items)]
        pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        found = await asyncio.to_thread(lambda: [row for page in pages for row in page["Items"]])
        rows = [row for row in found if any(row["sk"]["S"].endswith(message["id"]) for message in sent)]
        assert len(rows) == items
        for fault, options in {
            "reorder-keys": {"function": PUBLISHER},
            "duplicate-batch": {"function": PUBLISHER, "probability": 0.5, "when": "beside"},
            "kill-worker": {"function": PUBLISHER, "probability": 0.3, "at": "end"},
            "appsync-5xx": {"containing": PUBLISH, "probability": 0.3, "when": "after"},
        }.items():
            await asyncio.to_thread(lambda fault=fault, options=options: broken.set(fault, **options))  # type: ignore[misc]
        for version in versions:
            await asyncio.to_thread(put, version)
        expected = items * (1 + len(versions))
        await asyncio.to_thread(eventually, lambda: len(reader.changes) >= expected, 90)
        await asyncio.to_thread(broken.clear)
        await asyncio.to_thread(say, broken, room, "the end")
        await asyncio.to_thread(eventually, lambda: "the end" in reader.texts(), 90)
    assert len(reader.changes) == expected + 1
    for message in sent:
        seen = [change.item.version for change in reader.changes if change.key == message["id"] and change.item]
        assert seen == [1, *versions]
