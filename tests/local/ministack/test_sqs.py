"""SQS queues that event source mappings poll: announced when there is something to receive."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.ministack.queue_watch import QueueWatch, is_receivable
from tests.local.ministack.contract import contract, own_server
from tests.local.ministack.servers import Server, running, wait_until, zipped
from tests.local.ministack.test_kinesis import notifications

SOURCE = '{"source": "arn:aws:sqs:us-east-1:000000000000:%s"}'


def map_queue(server: Server, name: str, **attributes: str) -> tuple[Any, str]:
    """A queue that a mapping polls: the boto3 client and the URL."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }  # fmt: skip
    role = server.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    functions, sqs = server.client("lambda"), server.client("sqs")
    functions.create_function(
        FunctionName=name, Runtime="python3.11", Handler="handler.handler", Role=role,
        Code={"ZipFile": zipped("def handler(event, context): pass")},
    )  # fmt: skip
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:{name}", Enabled=is_polled(server)
    )
    return sqs, url


def is_polled(server: Server) -> bool:
    """Stock MiniStack would take the messages itself."""
    return server.mended


def heard(announced: Callable[[], list[str]], name: str, times: int, seconds: float = 3) -> None:
    """Wait until a queue was announced so often."""
    wait_until(lambda: announced().count(SOURCE % name) >= times, f"{times} notifications of {name}", seconds)


@own_server
def test_a_message_is_announced_when_it_can_be_received(tmp_path: Path, *, is_mended: bool) -> None:
    with (
        notifications() as (environment, announced),
        running(tmp_path, mended=is_mended, environment=environment) as server,
    ):
        sqs, url = map_queue(server, "announced")
        sqs.send_message(QueueUrl=url, MessageBody="now")
        heard(announced, "announced", 1)
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=1)
        before = announced().count(SOURCE % "announced")
        heard(announced, "announced", before + 1)  # visible again
        sqs.purge_queue(QueueUrl=url)
        before = announced().count(SOURCE % "announced")
        sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)
        started = time.monotonic()
        heard(announced, "announced", before + 1)
        assert time.monotonic() - started > 0.5
        if server.mended:  # a queue that nobody polls is not announced
            other = sqs.create_queue(QueueName="other")["QueueUrl"]
            sqs.send_message(QueueUrl=other, MessageBody="nobody")
            sqs.send_message(QueueUrl=url, MessageBody="last")
            heard(announced, "announced", before + 2)
            assert SOURCE % "other" not in announced()


NOW = 1000.0


def message(visible_at: float, *, group: str | None = None, receives: int = 0) -> dict[str, Any]:
    """A message as MiniStack keeps it."""
    return {"visible_at": visible_at, "group_id": group, "receive_count": receives}


@pytest.mark.parametrize(
    ("fifo", "messages", "expected"),
    [
        (False, [], False),
        (False, [message(NOW)], True),
        (False, [message(NOW + 1, receives=1)], False),
        (False, [message(NOW + 1, receives=1), message(NOW)], True),
        (True, [message(NOW + 1, group="a", receives=1), message(NOW, group="a")], False),
        (True, [message(NOW + 1, group="a", receives=1), message(NOW, group="b")], True),
        (True, [message(NOW + 1, group="a")], False),
    ],
)  # fmt: skip
def test_what_can_be_received(fifo: bool, messages: list[dict[str, Any]], expected: bool) -> None:
    assert is_receivable({"is_fifo": fifo, "messages": messages}, NOW) is expected


async def test_a_queue_that_did_not_change_is_looked_at_once() -> None:
    looks: list[str] = []
    queue = {"is_fifo": False, "messages": [message(0)]}
    watch = QueueWatch(lambda: [("q", queue)], looks.append)
    for _ in range(3):
        watch.look_soon()
        await asyncio.sleep(0)
    assert looks == ["q"]
    watch.look_soon(anew=True)
    await asyncio.sleep(0)
    queue["messages"] = [message(0), message(0)]
    watch.look_soon()
    watch.look_soon()
    await asyncio.sleep(0)
    assert looks == ["q"] * 3


@contract
def test_what_the_api_is_told_of_a_mapping_is_kept(server: Server) -> None:
    name = f"mapped-{server.mended}"
    map_queue(server, name)
    server.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    functions = server.client("lambda")
    made = functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}", Enabled=False,
        StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1000, TumblingWindowInSeconds=30,
    )  # fmt: skip
    kept = functions.get_event_source_mapping(UUID=made["UUID"])
    assert (kept["TumblingWindowInSeconds"], kept["StartingPositionTimestamp"].timestamp()) == (30, 1000)
    assert kept["BatchSize"] == 100
    functions.update_event_source_mapping(UUID=made["UUID"], TumblingWindowInSeconds=60)
    assert functions.get_event_source_mapping(UUID=made["UUID"])["TumblingWindowInSeconds"] == 60
