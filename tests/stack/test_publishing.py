"""The publisher on a real instance: one invocation per write, and poison records that stop only themselves."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.explaining import main_table, publisher
from tests.stack.instance import Instance, eventually
from tests.stack.judge import Breakable
from tests.stack.test_live_chat import new_room, raw_subscriber

pytestmark = pytest.mark.stack

POISON = {"M": {"no": {"S": "text"}}}
Item = dict[str, Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    instance = Instance(tmp_path_factory.mktemp("publishing") / "state")
    instance.start()
    yield Breakable(instance)
    instance.stop()


@pytest.fixture
def instance(running: Breakable) -> Iterator[Instance]:
    yield running.instance
    running.clear()


def operate(instance: Instance, operation: str, **arguments: Any) -> dict[str, Any]:
    """One of the publisher's operations."""
    request = json.dumps({"operation": operation, **arguments})
    answer = instance.client("lambda").invoke(FunctionName=publisher(instance), Payload=request)
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    assert "error" not in found, found
    return found


def replay(instance: Instance) -> dict[str, Any]:
    """A replay of everything, to its end."""
    answer = operate(instance, "parked.replay")
    while answer["nextToken"]:
        more = operate(instance, "parked.replay", nextToken=answer["nextToken"])
        answer = {name: more[name] if name == "nextToken" else answer[name] + more[name] for name in answer}
    return answer


def parked(instance: Instance, room: str) -> list[dict[str, Any]]:
    items = operate(instance, "parked.list", limit=1000)["items"]
    return [each for each in items if f"room:{room}" in each["topics"]]


def item(room: str, number: int, text: object = None) -> Item:
    """An item whose messages all are in one partition of the table, so that their records are in one shard."""
    hour = time.strftime("%Y%m%d%H", time.gmtime())
    return {
        "pk": {"S": f"MESSAGES#{room}#{hour}#0"},
        "sk": {"S": f"{int(time.time() * 1000):013d}#{number:04}"},
        "author": {"S": "an import"},
        "text": text if isinstance(text, dict) else {"S": str(text or f"text {number}")},
    }


def write(instance: Instance, *items: Item) -> None:
    """As an import does, 25 at a time."""
    table, dynamodb = main_table(instance), instance.client("dynamodb")
    for start in range(0, len(items), 25):
        requests = [{"PutRequest": {"Item": each}} for each in items[start : start + 25]]
        while requests:
            rest = dynamodb.batch_write_item(RequestItems={table: requests})["UnprocessedItems"]
            requests = rest.get(table, [])


def invocations(instance: Instance) -> int:
    """How often the publisher was invoked, from the platform's own lines in its log."""
    log = instance.state / "logs" / f"{publisher(instance)}.log"
    return log.read_text(errors="replace").count("START RequestId: ") if log.exists() else 0


async def test_one_write_is_one_invocation_and_no_invocation_causes_another(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        # The first message makes the room, and its hour: items that nobody hears of.
        await asyncio.to_thread(instance.send, room, "first")
        await subscriber.changes(1)
        before = await asyncio.to_thread(invocations, instance)
        for number in range(10):
            await asyncio.to_thread(instance.send, room, f"text {number}")
            await subscriber.changes(1)
        assert await asyncio.to_thread(invocations, instance) - before == 10
        # A poison record is written to the bucket, the queue and the change log, and none of that comes back.
        await asyncio.to_thread(write, instance, item(room, 1, POISON))
        await asyncio.to_thread(eventually, lambda: invocations(instance) - before == 11)
        await subscriber.expect_silence(2)
        assert await asyncio.to_thread(invocations, instance) - before == 11


async def test_a_burst_is_few_invocations(instance: Instance) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        before = await asyncio.to_thread(invocations, instance)
        await asyncio.to_thread(write, instance, *(item(room, number) for number in range(1000)))
        changes = await subscriber.changes(1000)
    assert sorted(change["key"] for change in changes) == [f"{number:04}" for number in range(1000)]
    assert [change["seq"] for change in changes] == list(range(1, 1001))
    assert await asyncio.to_thread(invocations, instance) - before <= 50


async def test_a_poison_record_among_a_thousand_stops_only_its_item(instance: Instance) -> None:
    room = new_room()
    items = [item(room, number) for number in range(1000)]
    bad = items[500] | {"text": POISON}
    async with raw_subscriber(instance, room) as subscriber:
        await asyncio.to_thread(write, instance, *items[:500], bad, *items[501:])
        changes = await subscriber.changes(999)
        assert {change["key"] for change in changes} == {f"{number:04}" for number in range(1000) if number != 500}
        # What comes later for the item waits behind it.
        await asyncio.to_thread(write, instance, items[500] | {"text": {"S": "mended"}})
        await asyncio.to_thread(write, instance, items[501] | {"text": {"S": "another"}})
        assert [change["key"] for change in await subscriber.changes(1)] == ["0501"]
        (found,) = await asyncio.to_thread(parked, instance, room)
        shown = operate(instance, "parked.show", id=found["id"])["items"]
        assert [each["record"]["dynamodb"]["NewImage"]["text"] for each in shown] == [POISON, {"S": "mended"}]
        blocked = await asyncio.to_thread(operate, instance, "parked.replay", ids=[found["id"]])
        assert [each["transient"] for each in blocked["blocked"]] == [False]
        answer = await asyncio.to_thread(
            operate, instance, "parked.discard", id=found["id"], eventId=shown[0]["eventId"]
        )
        assert (answer["discarded"], answer["replayed"], answer["lifted"]) == (1, 1, [found["id"]])
        (change,) = await subscriber.changes(1)
        assert (change["key"], change["message"]["text"]) == ("0500", "mended")


async def test_a_poison_record_of_400_kb_with_both_images_is_parked_whole(instance: Instance) -> None:
    room = new_room()
    large = item(room, 1) | {"text": {"S": "é" * 190_000}}
    bad = large | {"text": {"L": [{"S": "é" * 190_000}]}}
    async with raw_subscriber(instance, room) as subscriber:
        await asyncio.to_thread(write, instance, large)
        (change,) = await subscriber.changes(1)
        assert change["message"] is None  # a pointer
        await asyncio.to_thread(write, instance, bad, item(room, 2))
        assert [change["key"] for change in await subscriber.changes(1)] == ["0002"]
    (found,) = await asyncio.to_thread(parked, instance, room)
    (shown,) = operate(instance, "parked.show", id=found["id"])["items"]
    assert shown["record"]["dynamodb"]["OldImage"] == large
    assert shown["record"]["dynamodb"]["NewImage"] == bad
    operate(instance, "parked.discard", id=found["id"], eventId=shown["eventId"])


async def test_what_appsync_refuses_is_found_parked_and_replayed_in_order(
    running: Breakable, instance: Instance
) -> None:
    room, secret = new_room(), uuid.uuid4().hex
    items = [item(room, number) for number in range(200)]
    await asyncio.to_thread(running.set, "refuse-publish", containing=secret)
    async with raw_subscriber(instance, room) as subscriber:
        await asyncio.to_thread(write, instance, *items[:100], items[100] | {"text": {"S": secret}}, *items[101:])
        await asyncio.to_thread(write, instance, items[100] | {"text": {"S": "after"}})
        changes = await subscriber.changes(199)
        assert {change["key"] for change in changes} == {f"{number:04}" for number in range(200) if number != 100}
        (found,) = await asyncio.to_thread(eventually, lambda: parked(instance, room))
        await asyncio.to_thread(running.clear)
        answer = await asyncio.to_thread(replay, instance)
        assert found["id"] in answer["lifted"]
        last = await subscriber.changes(2)
        assert [change["message"]["text"] for change in last] == [secret, "after"]
        # With these the numbers have no gap.
        assert sorted(change["seq"] for change in [*changes, *last]) == list(range(1, 202))
    assert await asyncio.to_thread(parked, instance, room) == []


async def test_a_batch_that_the_function_does_not_survive_is_kept_by_the_mapping_and_taken_in(
    running: Breakable, instance: Instance
) -> None:
    room = new_room()
    lambda_ = instance.client("lambda")
    (mapping,) = lambda_.list_event_source_mappings(FunctionName=publisher(instance))["EventSourceMappings"]

    def retries(number: int) -> None:
        lambda_.update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=number)
        eventually(
            lambda: (
                lambda_.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled"
                and lambda_.get_event_source_mapping(UUID=mapping["UUID"])["MaximumRetryAttempts"] == number
            )
        )

    bucket = instance.resources("AWS::S3::Bucket")["Failures"]

    def left() -> int:
        listing = instance.client("s3").list_objects_v2(Bucket=bucket, Prefix="aws/lambda/")
        return int(listing["KeyCount"])

    await asyncio.to_thread(retries, 1)
    async with raw_subscriber(instance, room) as subscriber:
        try:
            await asyncio.to_thread(running.set, "kill-worker", at="start", function="PublishFunction")
            await asyncio.to_thread(write, instance, item(room, 1), item(room, 2))
            await asyncio.to_thread(eventually, lambda: left() >= 2, 60)
        finally:
            await asyncio.to_thread(running.clear)
            await asyncio.to_thread(retries, mapping["MaximumRetryAttempts"])
        assert (await asyncio.to_thread(operate, instance, "parked.list"))["leftovers"] >= 2
        answer = await asyncio.to_thread(replay, instance)
        assert (answer["takenIn"], answer["replayed"]) == (2, 2)
        assert sorted(change["key"] for change in await subscriber.changes(2)) == ["0001", "0002"]
    assert left() == 0


async def test_the_queue_says_how_many_items_are_parked(instance: Instance) -> None:
    room = new_room()
    sqs = instance.client("sqs")
    url = instance.resources("AWS::SQS::Queue")["ParkedQueue"]

    def length() -> int:
        name = "ApproximateNumberOfMessages"
        return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])

    before = length()
    await asyncio.to_thread(write, instance, item(room, 1, POISON), item(room, 2, POISON))
    await asyncio.to_thread(eventually, lambda: length() == before + 2)
    for each in await asyncio.to_thread(parked, instance, room):
        operate(instance, "parked.discard", id=each["id"], eventId=each["eventId"])
    await asyncio.to_thread(eventually, lambda: length() <= before, 20)
