"""Event source mappings of Kinesis data streams, as a function sees them."""

from __future__ import annotations

import json
import math
import time

import pytest

from tests.local.event_sources.conftest import World, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_function_gets_records_as_from_lambda(world: World) -> None:
    stream, function = await world.stream(), await world.function()
    await function.map(stream)
    await stream.put("hello", key="42")
    await until(lambda: function.flat() == ["hello"])
    (record,) = function.events()[0]["Records"]
    data = record.pop("kinesis")
    sequence_number, arrived = data.pop("sequenceNumber"), data.pop("approximateArrivalTimestamp")
    assert data == {"kinesisSchemaVersion": "1.0", "partitionKey": "42", "data": "aGVsbG8="}
    assert 0 < time.time() - arrived < 60
    assert record == {
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record",
        "eventID": f"shardId-000000000000:{sequence_number}",
        "invokeIdentityArn": function.role,
        "awsRegion": "us-east-1", "eventSourceARN": stream.source,
    }  # fmt: skip


async def test_starting_positions(world: World) -> None:
    stream = await world.stream()
    oldest, at, latest = [await world.function() for _ in range(3)]
    await stream.put("1")
    between = math.ceil(time.time())  # the API takes whole seconds
    await until(lambda: time.time() >= between)
    await stream.put("2")
    await oldest.map(stream)
    await at.map(stream, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=between)
    mapping = await latest.map(stream, StartingPosition="LATEST")
    await until(lambda: world.sources.running(mapping))
    await stream.put("3")
    await until(lambda: latest.flat() == ["3"])
    await until(lambda: at.flat() == ["2", "3"])
    await until(lambda: oldest.flat() == ["1", "2", "3"])


async def test_new_records_come_at_once(world: World) -> None:
    stream, function = await world.stream(), await world.function()
    await function.map(stream)
    await stream.put("warm")
    await until(lambda: function.flat() == ["warm"])
    for number in range(5):
        started = time.monotonic()
        await stream.put(str(number))
        await until(lambda number=number: str(number) in function.flat(), seconds=1.5)  # type: ignore[misc]
        assert time.monotonic() - started < 1.5  # a poll without a notification comes after two seconds


async def test_filters_see_the_data_and_the_partition_key(world: World) -> None:
    stream, data, keys = await world.stream(), await world.function(), await world.function()
    by_data = {"data": {"kind": [{"anything-but": "other"}]}}
    await data.map(stream, FilterCriteria={"Filters": [{"Pattern": json.dumps(by_data)}]})
    await keys.map(stream, FilterCriteria={"Filters": [{"Pattern": json.dumps({"partitionKey": ["wanted"]})}]})
    wanted, other = json.dumps({"kind": "wanted"}), json.dumps({"kind": "other"})
    await stream.put("plain", other, wanted, key="k")
    await stream.put("plain", key="wanted")
    await until(lambda: data.flat() == [wanted] and keys.flat() == ["plain"])


async def test_parallel_batches_keep_the_order_of_each_partition_key(world: World) -> None:
    code = """
    def handler(event, context):
        time.sleep(0.02)
        note(event)
    """
    stream, function = await world.stream(shards=2), await world.function(code)
    for round_ in range(4):
        for key in range(6):
            await stream.put(f"{key}-{round_}", key=str(key))
    await function.map(stream, BatchSize=1, ParallelizationFactor=4)
    await until(lambda: len(function.flat()) == 24)
    for key in range(6):
        mine = [text for text in function.flat() if text.startswith(f"{key}-")]
        assert mine == [f"{key}-{round_}" for round_ in range(4)]


async def test_a_batch_is_given_up_with_kinesis_own_description(world: World) -> None:
    stream, dead = await world.stream(), await world.queue()
    function = await world.function("def handler(event, context):\n    note(event)\n    1 / 0\n")
    await function.map(stream, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": dead.source}})
    await stream.put("poison")
    await until(lambda: len(function.events()) == 2)
    (body,) = await dead.receive()
    message = json.loads(body)
    number = function.events()[0]["Records"][0]["kinesis"]["sequenceNumber"]
    info = message["KinesisBatchInfo"]
    first, last = info.pop("approximateArrivalOfFirstRecord"), info.pop("approximateArrivalOfLastRecord")
    assert info == {
        "shardId": "shardId-000000000000", "startSequenceNumber": number, "endSequenceNumber": number,
        "batchSize": 1, "streamArn": stream.source,
    }  # fmt: skip
    assert first == last
    assert first[-5] == "."  # milliseconds
    assert message["requestContext"]["approximateInvokeCount"] == 2


async def test_a_split_is_read_parent_first_and_loses_nothing(world: World) -> None:
    code = """
    def handler(event, context):
        time.sleep(0.05)
        note(event)
    """
    stream, function = await world.stream(), await world.function(code)
    await stream.put(*(f"{number}" for number in range(5)))
    await function.map(stream, BatchSize=1)
    await world.call(
        "kinesis", "split_shard", StreamName=stream.name, ShardToSplit="shardId-000000000000",
        NewStartingHashKey=str(2**127),
    )  # fmt: skip
    for number in range(5, 10):
        await stream.put(str(number))
    await until(lambda: len(function.flat()) == 10)
    assert function.flat() == [str(number) for number in range(10)]
    await world.call("kinesis", "update_shard_count", StreamName=stream.name, TargetShardCount=1,
                     ScalingType="UNIFORM_SCALING")  # fmt: skip
    await stream.put("10")
    await until(lambda: function.flat()[10:] == ["10"])


async def test_a_restart_resumes_after_the_checkpoint(world: World) -> None:
    stream, function = await world.stream(), await world.function()
    mapping = await function.map(stream)
    await stream.put("1", "2")
    await until(lambda: function.flat() == ["1", "2"] and bool(world.checkpoints().get(mapping)))
    await world.sources.stop()
    await stream.put("3")
    await world.restart()
    await until(lambda: function.flat() == ["1", "2", "3"])


async def test_a_tumbling_window_aggregates_and_ends(world: World) -> None:
    code = """
    def handler(event, context):
        note(event)
        state = event["state"]
        for text in texts(event):
            state[text] = state.get(text, 0) + 1
        return {"state": state}
    """
    stream, function = await world.stream(), await world.function(code)
    mapping = await function.map(stream, TumblingWindowInSeconds=2, BatchSize=1)
    await until(lambda: world.sources.running(mapping))
    await until(lambda: time.time() % 2 < 0.5)
    await stream.put("a", "b", "a")
    await until(lambda: any(event["isFinalInvokeForWindow"] for event in function.events()))
    *batches, final = function.events()
    assert [event["state"] for event in batches] == [{}, {"a": 1}, {"a": 1, "b": 1}]
    assert final["state"] == {"a": 2, "b": 1}
    assert final["Records"] == []
    assert (final["shardId"], final["eventSourceARN"]) == ("shardId-000000000000", stream.source)
    assert final["isWindowTerminatedEarly"] is False
    assert final["window"]["start"] < final["window"]["end"]
    await until(lambda: bool(world.checkpoints().get(mapping)))
    await stream.put("c")
    await until(lambda: len(function.events()) == 5)
    assert function.events()[4]["state"] == {}


async def test_an_open_window_begins_anew_after_a_restart(world: World) -> None:
    code = """
    def handler(event, context):
        note(event)
        return {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}
    """
    stream, function = await world.stream(), await world.function(code)
    await function.map(stream, TumblingWindowInSeconds=3, BatchSize=1)
    await until(lambda: time.time() % 3 < 0.3)
    await stream.put("1", "2")
    await until(lambda: len(function.events()) == 2)
    await world.restart()
    await until(lambda: any(event["isFinalInvokeForWindow"] for event in function.events()))
    assert function.events()[-1]["state"] == {"count": 2}
