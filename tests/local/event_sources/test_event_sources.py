"""Event source mappings of DynamoDB streams, as a function sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.event_sources import EventSources
from local.event_sources.dynamodb import DynamoDBStream
from tests.local.event_sources.conftest import World, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONLY_THREE_FAILS = """
def handler(event, context):
    note(event)
    if 3 in numbers(event):
        raise ValueError("three")
"""


async def test_a_function_gets_records_as_from_lambda(world: World) -> None:
    table, function = await world.table(), await world.function()
    mapping = await function.map(table)
    await table.put(1, text="first")
    await table.put(1, text="second")
    await table.delete(1)
    await until(lambda: len(function.numbers()) == 3)
    records = [record for event in function.events() for record in event["Records"]]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    modified = records[1]
    change = modified.pop("dynamodb")
    assert isinstance(modified.pop("eventID"), str)
    assert modified == {
        "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
        "eventSourceARN": table.stream,
    }  # fmt: skip
    assert change["OldImage"] == {"pk": {"S": "1"}, "text": {"S": "first"}}
    assert change["NewImage"] == {"pk": {"S": "1"}, "text": {"S": "second"}}
    assert (change["Keys"], change["StreamViewType"]) == ({"pk": {"S": "1"}}, "NEW_AND_OLD_IMAGES")
    assert isinstance(change["ApproximateCreationDateTime"], int | float)
    assert change["SequenceNumber"].isdigit()
    assert "SizeBytes" in change
    assert mapping not in world.sources.not_emulated


async def test_binary_values_stay_base64(world: World) -> None:
    table, function = await world.table(), await world.function()
    await function.map(table)
    await world.call("dynamodb", "put_item", TableName=table.name, Item={"pk": {"S": "1"}, "b": {"B": b"\x00\xff"}})
    await until(lambda: function.numbers() == [1])
    assert function.events()[0]["Records"][0]["dynamodb"]["NewImage"]["b"] == {"B": "AP8="}


async def test_trim_horizon_starts_with_the_oldest_and_latest_with_the_next(world: World) -> None:
    table, oldest, latest = await world.table(), await world.function(), await world.function()
    await table.put(1, 2)
    await oldest.map(table, StartingPosition="TRIM_HORIZON")
    mapping = await latest.map(table, StartingPosition="LATEST")
    await until(lambda: world.sources.running(mapping))
    await table.put(3)
    await until(lambda: oldest.numbers() == [1, 2, 3] and latest.numbers() == [3])


async def test_batches_have_the_mappings_size_at_most(world: World) -> None:
    table, function = await world.table(), await world.function()
    await table.put(*range(7))
    await function.map(table, BatchSize=3)
    await until(lambda: len(function.numbers()) == 7)
    assert function.batches() == [[0, 1, 2], [3, 4, 5], [6]]


async def test_a_disabled_mapping_delivers_nothing_and_resumes_when_enabled(world: World) -> None:
    table, function, other = await world.table(), await world.function(), await world.function()
    mapping = await function.map(table)
    await other.map(table)
    await table.put(1)
    await until(lambda: function.numbers() == [1])
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, Enabled=False)
    await until(lambda: not world.sources.running(mapping), seconds=1)
    await table.put(2, 3)
    await until(lambda: other.numbers() == [1, 2, 3])
    assert function.numbers() == [1]
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, Enabled=True)
    await until(lambda: function.numbers() == [1, 2, 3])


async def test_a_deleted_mapping_delivers_nothing_and_is_forgotten(world: World) -> None:
    table, function, other = await world.table(), await world.function(), await world.function()
    mapping = await function.map(table)
    await other.map(table)
    await table.put(1)
    await until(lambda: function.numbers() == [1])
    await world.call("lambda", "delete_event_source_mapping", UUID=mapping)
    await until(lambda: mapping not in world.checkpoints())
    await table.put(2)
    await until(lambda: other.numbers() == [1, 2])
    assert function.numbers() == [1]


async def test_only_what_the_filters_match_is_delivered(world: World) -> None:
    table, function = await world.table(), await world.function()
    patterns = [{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": [{"prefix": "chat"}]}}}}]
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}
    await function.map(table, FilterCriteria=criteria)
    await table.put(1, kind="shop")
    await table.put(2, kind="chat.message")
    await table.put(2, kind="chat.edited")
    await table.put(3, kind="chat.message")
    await until(lambda: function.numbers() == [2, 3])


async def test_a_partial_failure_is_retried_from_its_record_on(world: World) -> None:
    code = """
    def handler(event, context):
        first = not pathlib.Path(os.environ["NOTES"]).exists()
        note(event)
        return report(event["Records"][2:4]) if first else None
    """
    table, function = await world.table(), await world.function(code)
    await table.put(0, 1, 2, 3)
    await function.map(table, FunctionResponseTypes=["ReportBatchItemFailures"])
    await until(lambda: len(function.batches()) == 2)
    assert function.batches() == [[0, 1, 2, 3], [2, 3]]


async def test_a_poison_record_goes_to_the_queue_and_the_rest_goes_on(world: World) -> None:
    table, function = await world.table(), await world.function(ONLY_THREE_FAILS)
    queue = (await world.call("sqs", "create_queue", QueueName="discarded"))["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:discarded"
    await table.put(1, 2, 3, 4)
    mapping = await function.map(
        table, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )  # fmt: skip
    await table.put(5)
    await until(lambda: 5 in function.numbers())
    answer = await world.call("sqs", "receive_message", QueueUrl=queue, WaitTimeSeconds=5)
    message: dict[str, Any] = json.loads(answer["Messages"][0]["Body"])
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["requestContext"]["functionArn"].endswith(function.name)
    assert message["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"
    }  # fmt: skip
    info = message["DDBStreamBatchInfo"]
    assert (info["batchSize"], info["streamArn"]) == (1, table.stream)
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert mapping not in json.dumps(message)
    assert "payload" not in message


async def test_a_bucket_takes_discarded_records_whole(world: World) -> None:
    table, function = await world.table(), await world.function(ONLY_THREE_FAILS)
    await world.call("s3", "create_bucket", Bucket="discarded-records")
    await table.put(3)
    mapping = await function.map(
        table, MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::discarded-records"}},
    )  # fmt: skip
    await until(lambda: bool(world.checkpoints().get(mapping)))
    listed = await world.call("s3", "list_objects_v2", Bucket="discarded-records")
    key = listed["Contents"][0]["Key"]
    assert key.startswith(f"aws/lambda/{mapping}/shardId-")
    stored = await world.call("s3", "get_object", Bucket="discarded-records", Key=key)
    message = json.loads(stored["Body"].read())
    assert json.loads(message["payload"])["Records"][0]["dynamodb"]["Keys"] == {"pk": {"S": "3"}}


async def test_one_mappings_trouble_is_not_anothers(world: World) -> None:
    table, busy, broken, fine = (
        await world.table(), await world.function("def handler(event, context): note(event); time.sleep(9)"),
        await world.function("1 / 0"), await world.function(),
    )  # fmt: skip
    for function in (busy, broken, fine):
        await function.map(table)
    await table.put(1)
    await until(lambda: busy.numbers() == [1])
    await table.put(2)
    await until(lambda: fine.numbers() == [1, 2], seconds=3)
    assert busy.numbers() == [1]
    for function in (busy, broken):
        await world.call("lambda", "delete_function", FunctionName=function.name)


async def test_parallel_batches_keep_the_order_of_each_item(world: World) -> None:
    code = """
    def handler(event, context):
        time.sleep(0.02)
        note(event)
    """
    table, function = await world.table(), await world.function(code)
    for round_ in range(5):
        await table.put(*range(8), text=str(round_))
    await function.map(table, BatchSize=1, ParallelizationFactor=4)
    await until(lambda: len(function.numbers()) == 40)
    changes = [event["Records"][0]["dynamodb"]["NewImage"] for event in function.events()]
    for item in range(8):
        assert [one["text"]["S"] for one in changes if one["pk"]["S"] == str(item)] == ["0", "1", "2", "3", "4"]


async def test_a_restart_resumes_after_the_checkpoint(world: World) -> None:
    table, function = await world.table(), await world.function()
    await function.map(table)
    await table.put(1, 2)
    await until(lambda: function.numbers() == [1, 2])
    await world.sources.stop()
    await table.put(3)
    world.sources = EventSources(world.cloud, world.functions, world.root / "state")
    await world.sources.start()
    await until(lambda: function.numbers() == [1, 2, 3])


async def test_a_checkpoint_that_the_stream_lost_skips_nothing(world: World) -> None:
    table, function = await world.table(), await world.function()
    mapping = await function.map(table)
    await table.put(1)
    await until(lambda: function.numbers() == [1])
    await world.sources.stop()
    await table.put(2, 3)
    file = world.root / "state" / "checkpoints.json"
    checkpoints = json.loads(file.read_text())
    checkpoints[mapping]["shards"] = dict.fromkeys(checkpoints[mapping]["shards"], "0" * 30)
    file.write_text(json.dumps(checkpoints))
    world.sources = EventSources(world.cloud, world.functions, world.root / "state")
    await world.sources.start()
    await until(lambda: function.numbers() == [1, 1, 2, 3])


async def test_what_is_not_polled_is_named_and_stops_nobody(world: World) -> None:
    table, function, fine = await world.table(), await world.function(), await world.function()
    mapping = await function.map(table, TumblingWindowInSeconds=30, ParallelizationFactor=2)
    await fine.map(table)
    await table.put(1)
    await until(lambda: fine.numbers() == [1])
    assert "TumblingWindowInSeconds and ParallelizationFactor" in str(world.sources.not_emulated[mapping])
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, ParallelizationFactor=1)
    await until(lambda: mapping not in world.sources.not_emulated and function.numbers() == [1])


async def test_a_short_page_before_a_large_record_is_not_taken_for_the_end(world: World) -> None:
    # GetRecords ends a page before a record that would make it more than 1 MB.
    table, large = await world.table(), "x" * 390_000
    await table.put(1, text="small")
    await table.put(9, text=large)
    await table.put(9, text=large.upper())  # both images
    await table.put(3, text="small")
    stream = DynamoDBStream(world.cloud, table.stream)
    (shard,) = await stream.shards()
    iterator, more, found, sizes = await stream.iterator(shard.id, "TRIM_HORIZON"), True, 0, []
    while more and iterator is not None:
        page = await stream.records(shard.id, iterator, 1000)
        assert page is not None
        iterator, more, found = page.iterator, page.more, found + len(page.records)
        sizes.append(sum(read.record.size for read in page.records))
    assert found == 4
    assert 0 < sizes[0] < 512 * 1024  # or there was no short page
