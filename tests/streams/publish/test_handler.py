"""The publisher as Lambda calls it, with records as DynamoDB Streams delivers them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from domain import topics
from domain.bucket import s3
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.queue import sqs
from domain.table import Table
from tests.conftest import CREDENTIALS
from tests.deployed import Context, deployed
from tests.scripted_appsync import REGION, SECRET_ACCESS_KEY, Answer, ScriptedAppSync, scripted_appsync

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def appsync() -> Iterator[ScriptedAppSync]:
    with scripted_appsync() as server:
        yield server


@pytest.fixture
def failures(aws_endpoint: str) -> str:
    """A bucket for what cannot be published."""
    name = f"failures-{uuid.uuid4()}"
    client = s3(endpoint_url=aws_endpoint, **CREDENTIALS)
    client.create_bucket(Bucket=name)
    client.close()
    return name


@pytest.fixture
def parked_queue(aws_endpoint: str) -> str:
    """The URL of a queue for operators."""
    client = sqs(endpoint_url=aws_endpoint, **CREDENTIALS)
    url = client.create_queue(QueueName=f"parked-{uuid.uuid4()}")["QueueUrl"]
    client.close()
    return url


@pytest.fixture
def publish(
    appsync: ScriptedAppSync,
    change_log_table: Table,
    failures: str,
    parked_queue: str,
    aws_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    environment = {
        "FAILURES": failures,
        "PARKED_QUEUE_URL": parked_queue,
        "CHANGE_LOG": change_log_table.name,
        "RETENTION_HOURS": "24",
        "GRAPHQL_URL": appsync.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }
    with deployed("streams/publish", aws_endpoint, monkeypatch, environment) as module:
        yield module
        module.here().publisher.close()


def record(number: int, room: str = "lobby", kind: str = "INSERT") -> dict[str, Any]:
    """A record as Lambda gave it to a function on 2026-11-21, with other names."""
    keys = {"pk": {"S": f"MESSAGES#{room}#2026112104#0"}, "sk": {"S": f"1795236682123#{number:04d}"}}
    image = {**keys, "text": {"S": f"text {number}"}, "author": {"S": "ann"}, "version": {"N": "1"}}
    images = {"INSERT": {"NewImage": image}, "REMOVE": {"OldImage": image}}[kind]
    return {
        "eventID": f"{number:032x}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795236682.0,
            "Keys": keys,
            **images,
            "SequenceNumber": f"{100 + number}",
            "SizeBytes": 200,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/MainTable/stream/2026-11-21T04:51:22.123",
    }


def call(module: ModuleType, records: list[dict[str, Any]], seconds: float = 20) -> list[str]:
    answer = module.handler({"Records": records}, Context("publish", seconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def published(appsync: ScriptedAppSync, room: str = "lobby") -> list[tuple[int, str]]:
    return [
        (item["seq"], item["key"])
        for envelope in appsync.inputs
        if envelope["roomId"] == room
        for item in envelope["items"]
    ]


THROTTLED: Answer = (429, {"errors": [{"errorType": "TooManyRequestsException", "message": "Rate exceeded"}]})


def operate(module: ModuleType, operation: str, **arguments: Any) -> dict[str, Any]:
    """An operation, as the answer that Lambda would send."""
    answer = module.handler({"operation": operation, **arguments}, Context("publish", 20))
    found: dict[str, Any] = json.loads(json.dumps(answer))
    return found


def test_a_batch_is_one_publish_per_topic(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    assert call(publish, [record(1), record(2, "other"), record(3), record(4, kind="REMOVE")]) == []
    lobby, other = sorted(appsync.inputs, key=lambda each: str(each["topic"]))
    assert (lobby["topic"], lobby["firstSeq"], lobby["lastSeq"]) == ("room:lobby", 1, 3)
    assert (other["topic"], other["firstSeq"], other["lastSeq"]) == ("room:other", 1, 1)
    assert lobby["items"][2]["message"] is None
    assert lobby["items"][0]["message"] == {
        "id": "0001", "roomId": "lobby", "author": "ann", "text": "text 1", "sentAt": "2026-11-21T04:51:22.123Z",
        "version": 1, "originalTime": None,
    }  # fmt: skip


def test_what_was_pushed_is_in_the_log(publish: ModuleType, change_log_table: Table) -> None:
    call(publish, [record(1), record(2)])
    page = ChangeLog(change_log_table, 3600, SYSTEM).read(topics.room("lobby"), 0, 10, time.monotonic() + 5)
    assert [(entry.seq, json.loads(entry.text)["key"]) for entry in page.items] == [(1, "0001"), (2, "0002")]


def test_a_redelivered_batch_goes_out_with_its_old_numbers(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    for _ in range(2):
        call(publish, [record(1), record(2)])
    call(publish, [record(2), record(3)])
    assert published(appsync) == [(1, "0001"), (2, "0002"), (1, "0001"), (2, "0002"), (2, "0002"), (3, "0003")]


def down(room: str) -> Callable[[dict[str, Any]], Answer | None]:
    """AppSync throttles one room."""
    return lambda given: THROTTLED if given["roomId"] == room else None


def test_the_lowest_failed_record_is_reported_and_other_topics_go_out(
    publish: ModuleType, appsync: ScriptedAppSync
) -> None:
    appsync.rule = down("lobby")
    batch = [record(1, "fine", "REMOVE"), record(2), record(3), record(4, "fine")]
    assert call(publish, batch, seconds=10.5) == ["102"]
    assert published(appsync, "fine") == [(1, "0001"), (2, "0004")]


def test_a_failed_publish_is_in_the_log_and_goes_out_later(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    appsync.script = [THROTTLED] * 1000
    assert call(publish, [record(1)], seconds=10.5) == ["101"]
    appsync.script = []
    assert call(publish, [record(1), record(2)]) == []
    assert published(appsync)[-2:] == [(1, "0001"), (2, "0002")]
    assert set(published(appsync)[:-2]) == {(1, "0001")}


def test_the_rest_of_a_topic_waits_for_its_first_envelope(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    appsync.script = [THROTTLED] * 1000
    large = [record(number) for number in range(1, 101)]
    for each in large:
        each["dynamodb"]["NewImage"]["text"] = {"S": "x" * 4000}
    assert call(publish, large, seconds=10.5) == ["101"]
    assert {given["firstSeq"] for given in appsync.inputs} == {1}


def test_a_removed_right_is_waited_for(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    appsync.script = [(401, {"errors": [{"errorType": "UnauthorizedException", "message": "No"}]})] * 3
    assert call(publish, [record(1)]) == []
    assert published(appsync)[-1] == (1, "0001")


def test_what_appsync_refuses_is_parked_and_replayed(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    refused = (200, {"data": None, "errors": [{"message": "Variable 'text' has an invalid value."}]})
    appsync.rule = lambda given: refused if any(each["key"] == "0002" for each in given["items"]) else None
    assert call(publish, [record(1), record(2), record(3)]) == []
    (parked,) = operate(publish, "parked.list")["items"]
    assert parked["key"]["sk"].endswith("#0002")
    blocked = operate(publish, "parked.replay")
    assert [each["transient"] for each in blocked["blocked"]] == [False]
    appsync.rule = lambda _: None
    assert operate(publish, "parked.replay", ids=[parked["id"]])["lifted"] == [parked["id"]]
    assert operate(publish, "parked.list")["items"] == []
    assert published(appsync)[-1] == (2, "0002")


def test_a_poison_record_can_be_shown_and_discarded(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    poison = record(1)
    poison["dynamodb"]["NewImage"]["version"] = {"S": "one"}
    behind = record(2) | {"eventID": "behind"}
    behind["dynamodb"]["Keys"] = poison["dynamodb"]["Keys"]
    assert call(publish, [poison, behind]) == []
    (parked,) = operate(publish, "parked.list")["items"]
    shown = operate(publish, "parked.show", id=parked["id"])["items"]
    assert [each["record"] for each in shown] == [poison, behind]
    answer = operate(publish, "parked.discard", id=parked["id"], eventId=poison["eventID"])
    assert (answer["discarded"], answer["replayed"], answer["lifted"]) == (1, 1, [parked["id"]])
    assert published(appsync) == [(1, "0001")]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"operation": "parked.fix"}, "InvalidInput"),
        ({"operation": "parked.show", "id": "x"}, "InvalidInput"),
        ({"operation": "parked.list", "limit": 0}, "InvalidInput"),
        ({"operation": "parked.show", "id": "0" * 30}, "NotParked"),
        ({"operation": "parked.discard", "id": "0" * 30, "eventId": "e"}, "NotParked"),
        ({"operation": "parked.replay", "ids": ["x"]}, "InvalidInput"),
        ({"operation": "changes.explain"}, "InvalidInput"),
    ],
)
def test_a_wrong_request_is_told_why(publish: ModuleType, request_: dict[str, Any], error: str) -> None:
    answer = publish.handler(request_, Context("publish", 20))
    assert answer["error"]["type"] == error
    assert answer["error"]["message"]


def test_explain_tells_what_the_publisher_knows(publish: ModuleType) -> None:
    poison = record(3)
    poison["dynamodb"]["NewImage"]["text"] = {"M": {}}
    unknown = record(4)
    unknown["dynamodb"]["Keys"]["pk"] = {"S": "ROOM#lobby"}
    batch = [record(1), record(2), poison]
    call(publish, batch)
    late = record(5)
    late["dynamodb"]["NewImage"]["version"] = {"S": "one"}
    answer = operate(publish, "changes.explain", topic="room:lobby", limit=1, records=[*batch, unknown, late])
    assert (answer["mutation"], answer["headSeq"]) == ("publishMessages", 2)
    assert [(each["seq"], each["key"], each["truncated"]) for each in answer["changes"]] == [(2, "0002", False)]
    assert answer["headAt"] == answer["changes"][0]["at"]
    assert [each["key"]["sk"] for each in answer["parked"]] == [poison["dynamodb"]["Keys"]["sk"]["S"]]
    assert [each["outcome"] for each in answer["records"]] == ["ROUTED", "ROUTED", "PARKED", "NO_TOPIC", "POISON"]
    assert answer["records"][0]["topics"] == ["room:lobby"]
    nothing = operate(publish, "changes.explain", topic="planet:mars")
    assert (nothing["mutation"], nothing["headSeq"], nothing["changes"]) == (None, 0, [])


def test_the_log_holds_the_metrics(publish: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    poison = record(3)
    poison["dynamodb"]["NewImage"]["text"] = {"M": {}}
    call(publish, [record(1), record(2), poison])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [(each["Published"], each["Parked"], each["service"]) for each in found] == [([2.0], [1.0], "publish")]


def test_a_throttled_api_is_reported_before_the_function_ends(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    appsync.script = [(429, {"errors": []})] * 1000
    started = time.monotonic()
    assert call(publish, [record(1), record(2)], seconds=11) == ["101"]
    assert time.monotonic() - started < 6


def test_a_broken_log_is_reported(
    publish: ModuleType, appsync: ScriptedAppSync, change_log_table: Table, dynamodb_client: DynamoDBClient
) -> None:
    dynamodb_client.delete_table(TableName=change_log_table.name)
    assert call(publish, [record(1)], seconds=7) == ["101"]
    assert appsync.inputs == []


def test_records_of_no_topic_cost_nothing(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    other = record(1)
    other["dynamodb"]["Keys"]["pk"] = {"S": "ROOM#lobby"}
    assert call(publish, [other]) == []
    assert appsync.inputs == []
