"""What Lambda documents of DynamoDB streams, asked of a deployed stack."""

from __future__ import annotations

import json
import re
from uuid import uuid4

from tests.event_sources.target import Event, Target


def keys(event: Event) -> list[str]:
    """The items of an event."""
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in event.records]


def about(events: list[Event], *items: str) -> list[Event]:
    """The events with any of these items."""
    return [event for event in events if set(keys(event)) & set(items)]


def test_records_have_the_documented_members_and_come_in_order(target: Target) -> None:
    item = str(uuid4())
    target.put("Items", **{item: "one"})
    target.put("Items", **{item: "two"})
    target.client("dynamodb").delete_item(TableName=target.outputs["Items"], Key={"pk": {"S": item}})
    events = target.wait("OnItems", lambda events: sum(keys(event).count(item) for event in events) == 3)
    records = [record for event in events for record in event.records if record["dynamodb"]["Keys"]["pk"]["S"] == item]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    changes = [record["dynamodb"] for record in records]
    assert "OldImage" not in changes[0]
    assert changes[1]["OldImage"]["text"] == {"S": "one"}
    assert changes[1]["NewImage"]["text"] == {"S": "two"}
    assert "NewImage" not in changes[2]
    for record, change in zip(records, changes, strict=True):
        assert record["eventSource"] == "aws:dynamodb"
        assert record["eventVersion"] == "1.1"
        assert record["awsRegion"] == target.region
        assert record["eventSourceARN"] == target.outputs["ItemsStream"]
        assert isinstance(record["eventID"], str)
        assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert change["SequenceNumber"].isdigit()
        assert isinstance(change["SizeBytes"], int)
        assert "userIdentity" not in record  # which only removals by time to live have
    numbers = [int(change["SequenceNumber"]) for change in changes]
    assert numbers == sorted(numbers)
    assert all(1 <= len(event.records) <= 10 for event in events)


def test_a_reported_record_and_those_after_it_come_again(target: Target) -> None:
    good, bad, after = (str(uuid4()) for _ in range(3))
    target.put("Items", **{good: "fine", bad: json.dumps({"id": bad, "do": "report"}), after: "fine"})
    events = target.wait("OnItems", lambda events: sum(keys(event).count(bad) for event in events) == 2)
    seen = [keys(event) for event in about(events, bad)]
    second = seen[1]
    assert second[0] == bad  # "Lambda retries all records starting from that checkpoint"
    if good in seen[0]:
        assert good not in second
    target.wait("OnItems", lambda events: any(after in keys(event) for event in events))


def test_an_item_identifier_that_is_empty_fails_the_whole_batch(target: Target) -> None:
    item = str(uuid4())
    answer = {"batchItemFailures": [{"itemIdentifier": ""}]}
    target.put("Items", **{item: json.dumps({"id": item, "do": "answer", "answer": answer, "times": 1})})
    events = target.wait("OnItems", lambda events: sum(keys(event).count(item) for event in events) == 2)
    first, second = about(events, item)
    assert keys(first) == keys(second)[: len(keys(first))]


def test_a_null_answer_is_a_success(target: Target) -> None:
    item, marker = str(uuid4()), str(uuid4())
    target.put("Items", **{item: json.dumps({"id": item, "do": "answer", "answer": None, "times": 9})})
    target.put("Items", **{marker: "afterwards"})
    events = target.wait("OnItems", lambda events: any(marker in keys(event) for event in events))
    assert len(about(events, item)) == 1


def test_only_what_a_filter_matches_is_delivered(target: Target) -> None:
    wanted, other, changed = (str(uuid4()) for _ in range(3))
    target.put("Items", **{other: "other", wanted: "wanted", changed: "changed"})
    target.client("dynamodb").delete_item(TableName=target.outputs["Items"], Key={"pk": {"S": changed}})
    events = target.wait("OnSomeItems", lambda events: bool(about(events, changed)))
    assert about(events, wanted)
    assert not about(events, other)
    names = [record["eventName"] for event in about(events, changed) for record in event.records]
    assert "REMOVE" in names


def test_bisection_isolates_a_poison_record_and_a_bucket_gets_it_whole(target: Target) -> None:
    poison = str(uuid4())
    before, after = [str(uuid4()) for _ in range(3)], [str(uuid4()) for _ in range(3)]
    texts = dict.fromkeys(before, "fine") | {poison: json.dumps({"id": poison, "do": "raise", "times": 99})}
    target.put("Poison", **texts, **dict.fromkeys(after, "fine"))
    events = target.wait(
        "OnPoison", lambda events: any(after[-1] in keys(event) and poison not in keys(event) for event in events)
    )
    alone = [event for event in events if keys(event) == [poison]]
    assert len(alone) in {1, 2}  # one retry, unless the quota was used before the split
    mapping = target.outputs["OnPoisonMapping"]
    s3, bucket = target.client("s3"), target.outputs["Bucket"]

    def discarded() -> list[tuple[str, str]]:
        objects = s3.list_objects_v2(Bucket=bucket, Prefix=f"aws/lambda/{mapping}/").get("Contents", [])
        bodies = [(each["Key"], s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()) for each in objects]
        return [(key, body.decode()) for key, body in bodies if poison in body.decode()]

    ((name, body),) = target.until(discarded, lambda found: len(found) == 1)
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    day = r"\d{4}/\d{2}/\d{2}/\d{4}-\d{2}-\d{2}T\d{2}\.\d{2}\.\d{2}"
    assert re.fullmatch(rf"aws/lambda/{mapping}/shardId-[0-9a-f-]+/{day}-{uuid}", name)
    message = json.loads(body)
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["requestContext"]["functionArn"].startswith(target.outputs["OnPoison"])
    assert message["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
    }  # fmt: skip
    info = message["DDBStreamBatchInfo"]
    (record,) = json.loads(message["payload"])["Records"]
    assert record["dynamodb"]["Keys"]["pk"]["S"] == poison
    assert record["dynamodb"]["SequenceNumber"] == info["startSequenceNumber"] == info["endSequenceNumber"]
    assert (info["batchSize"], info["streamArn"]) == (1, target.outputs["PoisonStream"])
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", info["approximateArrivalOfFirstRecord"])


def test_without_retries_a_batch_is_discarded_at_once_and_a_topic_gets_its_description(target: Target) -> None:
    poison = str(uuid4())
    target.put("Poison", **{poison: json.dumps({"id": poison, "do": "raise", "times": 99})})
    (event,) = target.wait("OnPoisonAlone", lambda events: bool(about(events, poison)))[-1:]
    number = event.records[0]["dynamodb"]["SequenceNumber"]
    message = json.loads(target.receive("Notified", lambda body: number in body))
    assert message["DDBStreamBatchInfo"]["startSequenceNumber"] == number
    assert message["requestContext"]["approximateInvokeCount"] == 1
    assert "payload" not in message
    assert len(about(target.events("OnPoisonAlone"), poison)) == 1
