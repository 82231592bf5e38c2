"""Event source mappings of SQS queues, as a function sees them."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise
from typing import Any

import pytest

from tests.local.event_sources.conftest import World, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
FAST: dict[str, Any] = {"Timeout": 1}


async def test_a_function_gets_messages_as_from_lambda_and_they_are_deleted(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    await function.map(queue)
    attribute = {"source": {"DataType": "String", "StringValue": "test"}}
    await queue.put("hello", MessageAttributes=attribute)
    await until(lambda: function.flat() == ["hello"])
    (record,) = function.events()[0]["Records"]
    assert record["attributes"].keys() == {
        "ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp",
    }  # fmt: skip
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["source"]["stringValue"] == "test"
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert (record["eventSource"], record["eventSourceARN"]) == ("aws:sqs", queue.source)
    assert (record["awsRegion"], record["messageId"] != "", record["receiptHandle"] != "") == ("us-east-1", True, True)
    await queue.empty()


async def test_messages_that_were_there_before_come_at_once_and_new_ones_soon(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    await queue.put("1", "2", "3")
    await function.map(queue, BatchSize=2)
    await until(lambda: sorted(function.flat()) == ["1", "2", "3"])
    assert max(len(batch) for batch in function.texts()) <= 2
    started = time.monotonic()
    await queue.put("4")
    await until(lambda: "4" in function.flat(), seconds=2)
    assert time.monotonic() - started < 2


async def test_a_failed_message_comes_again_after_the_visibility_timeout_and_then_dies(world: World) -> None:
    queue = await world.queue(receives=2, VisibilityTimeout="1")
    function = await world.function("def handler(event, context):\n    note(event)\n    1 / 0\n", **FAST)
    await function.map(queue)
    await queue.put("poison")
    await until(lambda: len(function.events()) == 2)
    receives = [event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in function.events()]
    assert receives == ["1", "2"]
    assert queue.dead is not None
    assert await queue.dead.receive() == ["poison"]
    assert await queue.left() == 0
    assert len(function.events()) == 2


async def test_what_a_function_reports_comes_again_alone(world: World) -> None:
    code = """
    def handler(event, context):
        note(event)
        first = event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"
        return report([record for record in event["Records"] if record["body"] == "bad" and first])
    """
    queue, function = await world.queue(VisibilityTimeout="1"), await world.function(code, **FAST)
    await queue.put("good", "bad", "fine")
    await function.map(queue, **PARTIAL)
    await until(lambda: len(function.texts()) == 2)
    assert function.texts() == [["good", "bad", "fine"], ["bad"]]
    await queue.empty()


@pytest.mark.parametrize(
    "answer",
    ["'x'", "{'batchItemFailures': [{'itemIdentifier': ''}]}", "{'batchItemFailures': [{'itemIdentifier': None}]}",
     "{'batchItemFailures': [{'id': 'x'}]}", "{'batchItemFailures': [{'itemIdentifier': 'no such message'}]}"],
)  # fmt: skip
async def test_a_malformed_answer_fails_the_whole_batch(world: World, answer: str) -> None:
    code = f"""
    def handler(event, context):
        note(event)
        return {answer} if event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1" else None
    """
    queue, function = await world.queue(VisibilityTimeout="1"), await world.function(code, **FAST)
    await queue.put("1", "2")
    await function.map(queue, **PARTIAL)
    await until(lambda: len(function.texts()) == 2)
    assert sorted(function.flat()) == ["1", "1", "2", "2"]
    await queue.empty()


async def test_filtered_messages_are_deleted(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    pattern = json.dumps({"body": {"kind": ["wanted"], "size": [{"numeric": [">", 3]}]}})
    await function.map(queue, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    bodies = [
        {"kind": "wanted", "size": 5}, {"kind": "other", "size": 5}, {"kind": "wanted", "size": 2},
    ]  # fmt: skip
    await queue.put("plain text", *(json.dumps(body) for body in bodies))
    await queue.empty()
    assert function.flat() == [json.dumps(bodies[0])]


async def test_a_window_collects_more_than_ten(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    await queue.put(*map(str, range(25)))
    await function.map(queue, BatchSize=100, MaximumBatchingWindowInSeconds=1)
    await until(lambda: len(function.flat()) == 25)
    assert len(function.texts()) == 1
    await queue.put("late")
    await until(lambda: len(function.texts()) == 2)
    await queue.empty()


async def test_a_group_of_a_fifo_queue_keeps_its_order_and_waits_for_its_failure(world: World) -> None:
    code = """
    def handler(event, context):
        note(event)
        first = event["Records"][0]
        if first["body"] == "a1" and first["attributes"]["ApproximateReceiveCount"] == "1":
            raise ValueError("a1")
    """
    queue, function = await world.queue(fifo=True, VisibilityTimeout="1"), await world.function(code, **FAST)
    await function.map(queue, BatchSize=1)
    for number in range(1, 4):
        await queue.put(f"a{number}", group="a")
    await until(lambda: function.flat() == ["a1"])
    await queue.put("b1", group="b")
    await until(lambda: len(function.flat()) == 5)
    assert [text for text in function.flat() if text[0] == "a"] == ["a1", "a1", "a2", "a3"]
    assert function.flat().index("b1") <= 2  # the other group did not wait for the second a1
    attributes = function.events()[0]["Records"][0]["attributes"]
    assert attributes["MessageGroupId"] == "a"
    assert {"SequenceNumber", "MessageDeduplicationId"} <= attributes.keys()


async def test_maximum_concurrency_is_kept_and_reached(world: World) -> None:
    code = """
    def handler(event, context):
        note({"Records": [], "at": time.time(), "change": 1})
        time.sleep(0.3)
        note({"Records": [], "at": time.time(), "change": -1})
    """
    queue, function = await world.queue(), await world.function(code)
    await queue.put(*map(str, range(12)))
    await function.map(queue, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    await queue.empty()
    await until(lambda: len(function.events()) == 24)
    running = [0]
    for event in sorted(function.events(), key=lambda event: event["at"]):
        running.append(running[-1] + event["change"])
    assert max(running) == 2


async def test_a_disabled_queue_keeps_its_messages(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    mapping = await function.map(queue)
    await queue.put("1")
    await until(lambda: function.flat() == ["1"])
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, Enabled=False)
    await until(lambda: not world.sources.running(mapping))
    await queue.put("2")
    assert await queue.left() == 1
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, Enabled=True)
    await until(lambda: function.flat() == ["1", "2"])


async def test_a_message_for_a_topic_is_announced_too(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    mapping = await function.map(queue)
    topic = (await world.call("sns", "create_topic", Name="announced"))["TopicArn"]
    statement = {
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": queue.source, "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await world.call("sqs", "set_queue_attributes", QueueUrl=queue.url, Attributes={"Policy": policy})
    await world.call("sns", "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue.source)
    await until(lambda: world.sources.running(mapping))
    await world.call("sns", "publish", TopicArn=topic, Message="from SNS")
    await until(lambda: len(function.flat()) == 1, seconds=3)
    assert json.loads(function.flat()[0])["Message"] == "from SNS"


async def test_a_delayed_message_comes_when_its_time_has_come(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    mapping = await function.map(queue)
    await until(lambda: world.sources.running(mapping))
    started = time.time()
    await queue.put("late", DelaySeconds=1)
    await until(lambda: function.flat() == ["late"], seconds=3)
    assert 1 <= time.time() - started < 3


async def test_a_throttled_message_waits_and_comes_once(world: World) -> None:
    code = """
    def handler(event, context):
        note({"Records": [], **event})
        time.sleep(event.get("hold", 0))
    """
    queue, function = await world.queue(), await world.function(code)
    await world.call("lambda", "put_function_concurrency", FunctionName=function.name, ReservedConcurrentExecutions=1)
    holding = asyncio.create_task(
        world.call("lambda", "invoke", FunctionName=function.name, Payload=json.dumps({"hold": 1.5}))
    )
    await until(lambda: len(function.events()) == 1)
    await function.map(queue)
    await queue.put("1")
    await until(lambda: function.flat() == ["1"])
    await holding
    assert function.events()[1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"
    await queue.empty()


async def test_messages_survive_a_restart_in_the_middle(world: World) -> None:
    code = """
    def handler(event, context):
        note(event)
        time.sleep(0.5 if len(open(os.environ["NOTES"]).readlines()) == 1 else 0)
    """
    queue, function = await world.queue(), await world.function(code)
    await function.map(queue, BatchSize=1)
    await queue.put("1")
    await until(lambda: function.flat() == ["1"])
    await world.sources.stop()
    await queue.put("2")
    await world.restart()
    await until(lambda: sorted(function.flat()) == ["1", "2"])
    await queue.empty()


async def test_a_batch_that_is_being_collected_is_given_back_when_the_mapping_stops(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    mapping = await function.map(queue, BatchSize=20, MaximumBatchingWindowInSeconds=60)
    await until(lambda: world.sources.running(mapping))
    await queue.put("1")
    deadline = time.monotonic() + 15
    while await queue.visible():
        assert time.monotonic() < deadline, "the message is not collected"
        await asyncio.sleep(0.02)
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, Enabled=False)
    await until(lambda: not world.sources.running(mapping))
    assert await queue.visible() == 1
    assert function.events() == []


async def test_a_queue_that_shows_messages_too_early_is_refused_as_on_aws(world: World) -> None:
    queue, function = await world.queue(VisibilityTimeout="5"), await world.function()
    mapping = await function.map(queue)
    await until(lambda: mapping in world.sources.not_emulated)
    assert "visibility timeout (5 s) is less than the function's timeout (10 s)" in str(
        world.sources.not_emulated[mapping]
    )
    await queue.put("1")
    await world.call("sqs", "set_queue_attributes", QueueUrl=queue.url, Attributes={"VisibilityTimeout": "60"})
    await until(lambda: function.flat() == ["1"])
    assert mapping not in world.sources.not_emulated


async def test_an_idle_queue_is_left_in_peace(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    mapping = await function.map(queue)
    await until(lambda: world.sources.running(mapping))
    calls: list[float] = []
    client = world.cloud.client("sqs")

    def note(params: dict[str, str], **_: object) -> None:
        if queue.url.rpartition("/")[2] in str(params):
            calls.append(time.monotonic())

    client.meta.events.register("before-call.sqs.ReceiveMessage", note)
    try:
        await queue.put("1")
        await until(lambda: function.flat() == ["1"])
        await until(lambda: any(later - earlier > 3 for earlier, later in pairwise(calls)))
    finally:
        client.meta.events.unregister("before-call.sqs.ReceiveMessage", note)
    assert len(calls) <= 4
