"""The function behind the presence queue, as its event source mapping calls it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest

from domain.table import Put, Table
from tests.conftest import CREDENTIALS
from tests.deployed import Context, deployed


@pytest.fixture
def queue_url(aws_endpoint: str) -> str:
    sqs = boto3.client("sqs", endpoint_url=aws_endpoint, **CREDENTIALS)  # type: ignore[call-overload]
    url: str = sqs.create_queue(QueueName=f"presence-{uuid.uuid4()}")["QueueUrl"]
    return url


@pytest.fixture
def function(
    main_table: Table, queue_url: str, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    environment = {
        "MAIN_TABLE": main_table.name,
        "HEARTBEAT_SECONDS": "30",
        "PRESENCE_QUEUE_URL": queue_url,
    }
    with deployed("streams/expire_presence", aws_endpoint, monkeypatch, environment) as module:
        yield module


def question(presence_id: str, turn: int = 0) -> str:
    text = {"roomId": "lobby", "owner": presence_id, "id": presence_id, "chain": "C", "turn": turn, "begunMs": 0}
    return json.dumps(text)


def present(table: Table, presence_id: str, silent_ms: int) -> None:
    """A presence whose last heartbeat was some time ago, and whose chain is at its beginning."""
    beat = time.time_ns() // 1_000_000 - silent_ms
    table.write([Put({"pk": "PRESENCE#lobby", "sk": presence_id, "name": presence_id})])
    heartbeat = {"beat": beat, "chain": "C", "turn": 0, "absent": False, "shown": beat, "wakeAt": beat}
    table.write([Put({"pk": f"HEARTBEAT#{presence_id}", "sk": f"lobby#{presence_id}"} | heartbeat)])


def ask(module: ModuleType, *bodies: str) -> list[str]:
    """Deliver messages as a batch; those that failed."""
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    answer: dict[str, Any] = module.handler({"Records": records}, Context("expire_presence"))
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def shown(table: Table) -> dict[str, bool]:
    return {str(item["sk"]): item.get("absent", False) for item in table.query("PRESENCE#lobby", now=0)}


def test_a_batch_is_dealt_with_one_by_one(
    function: ModuleType, main_table: Table, queue_url: str, aws_endpoint: str
) -> None:
    for presence_id, silent_ms in (("here", 0), ("late", 40_000), ("gone", 60_000)):
        present(main_table, presence_id, silent_ms)
    bodies = ["no JSON", "{}", "[]", *map(question, ("here", "late", "gone", "unknown"))]
    assert ask(function, *bodies) == []
    assert shown(main_table) == {"here": False, "late": True}
    sqs = boto3.client("sqs", endpoint_url=aws_endpoint, **CREDENTIALS)  # type: ignore[call-overload]
    delayed = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert delayed["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "2"


def test_only_what_failed_comes_again_and_then_goes_on(
    function: ModuleType, main_table: Table, queue_url: str, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    present(main_table, "here", 0)
    present(main_table, "gone", 60_000)
    queue = function.chains_here().queue
    with monkeypatch.context() as broken:
        broken.setattr(queue, "_url", f"{queue_url}-unknown")
        assert ask(function, question("here"), question("gone")) == ["0"]
    assert shown(main_table) == {"here": False}
    assert ask(function, question("here")) == []
    sqs = boto3.client("sqs", endpoint_url=aws_endpoint, **CREDENTIALS)  # type: ignore[call-overload]
    delayed = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert delayed["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"
