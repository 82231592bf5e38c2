"""The publisher as Lambda calls it, with records as DynamoDB Streams delivers them."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from domain import topics
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.settings import settings
from domain.table import Table
from tests.conftest import ROOT
from tests.scripted_appsync import REGION, SECRET_ACCESS_KEY, ScriptedAppSync, scripted_appsync

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Context:
    """What the handler and Powertools' logger read of Lambda's context object."""

    function_name = "publish"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:publish"
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._end - time.monotonic()) * 1000))


@pytest.fixture
def appsync() -> Iterator[ScriptedAppSync]:
    with scripted_appsync() as server:
        yield server


@pytest.fixture
def publish(
    appsync: ScriptedAppSync, change_log_table: Table, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    environment = {
        "CHANGE_LOG": change_log_table.name,
        "RETENTION_HOURS": "24",
        "GRAPHQL_URL": appsync.url,
        "POWERTOOLS_SERVICE_NAME": "publish",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    spec = importlib.util.spec_from_file_location("publish_handler", ROOT / "streams/publish/handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    module.publisher().close()
    settings.cache_clear()


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
    answer = module.handler({"Records": records}, Context(seconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def published(appsync: ScriptedAppSync, room: str = "lobby") -> list[tuple[int, str]]:
    return [
        (item["seq"], item["key"])
        for envelope in appsync.inputs
        if envelope["roomId"] == room
        for item in envelope["items"]
    ]


REFUSED = (200, {"data": None, "errors": [{"errorType": "Unauthorized", "message": "No"}]})


def test_a_batch_is_one_publish_per_topic(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    assert call(publish, [record(1), record(2, "other"), record(3), record(4, kind="REMOVE")]) == []
    assert [(each["topic"], each["firstSeq"], each["lastSeq"]) for each in appsync.inputs] == [
        ("room:lobby", 1, 3),
        ("room:other", 1, 1),
    ]
    assert appsync.inputs[0]["items"][2]["message"] is None
    assert appsync.inputs[0]["items"][0]["message"] == {
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


def test_the_lowest_failed_record_is_reported_and_other_topics_go_out(
    publish: ModuleType, appsync: ScriptedAppSync
) -> None:
    appsync.script = [REFUSED]
    assert call(publish, [record(1, "fine", "REMOVE"), record(2), record(3), record(4, "fine")]) == ["101"]
    appsync.script = [(200, {"data": {"publishMessages": {"topic": "x"}}}), REFUSED]
    assert call(publish, [record(5, "fine"), record(6), record(7), record(8, "fine")]) == ["106"]
    assert published(appsync, "fine")[-2:] == [(3, "0005"), (4, "0008")]


def test_a_failed_publish_is_in_the_log_and_goes_out_later(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    appsync.script = [REFUSED]
    assert call(publish, [record(1)]) == ["101"]
    assert call(publish, [record(1), record(2)]) == []
    assert published(appsync) == [(1, "0001"), (1, "0001"), (2, "0002")]


def test_the_rest_of_a_topic_waits_for_its_first_envelope(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    appsync.script = [REFUSED]
    large = [record(number) for number in range(1, 101)]
    for each in large:
        each["dynamodb"]["NewImage"]["text"] = {"S": "x" * 4000}
    assert call(publish, large) == ["101"]
    assert len(appsync.inputs) == 1


def test_a_throttled_api_is_reported_before_the_function_ends(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    appsync.script = [(429, {"errors": []})] * 1000
    started = time.monotonic()
    assert call(publish, [record(1), record(2)], seconds=6) == ["101"]
    assert time.monotonic() - started < 4


def test_a_broken_log_is_reported(
    publish: ModuleType, appsync: ScriptedAppSync, change_log_table: Table, dynamodb_client: DynamoDBClient
) -> None:
    dynamodb_client.delete_table(TableName=change_log_table.name)
    assert call(publish, [record(1)]) == ["101"]
    assert appsync.inputs == []


def test_records_of_no_topic_cost_nothing(publish: ModuleType, appsync: ScriptedAppSync) -> None:
    other = record(1)
    other["dynamodb"]["Keys"]["pk"] = {"S": "ROOM#lobby"}
    assert call(publish, [other]) == []
    assert appsync.inputs == []
