"""A real local cloud with functions and event sources, one for all tests of a module."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import textwrap
import time
import uuid
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import pytest
import pytest_asyncio

from local.cloud import Cloud
from local.event_sources import EventSources
from local.functions import Functions

FROM_THE_OLDEST = MappingProxyType({"StartingPosition": "TRIM_HORIZON"})

# Notes the event in a file of the test's own, then does what the test wants.
NOTE = """
import base64, json, os, pathlib, time
def note(event):
    line = json.dumps(event) + "\\n"
    fd = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, line.encode())
    os.close(fd)
def numbers(event):
    return [int(record["dynamodb"]["Keys"]["pk"]["S"]) for record in event["Records"]]
def report(records):
    return {"batchItemFailures": [{"itemIdentifier": identifier(r)} for r in records]}
def identifier(record):
    if "dynamodb" in record:
        return record["dynamodb"]["SequenceNumber"]
    return record["messageId"] if "messageId" in record else record["kinesis"]["sequenceNumber"]
def texts(event):
    return [base64.b64decode(r["kinesis"]["data"]).decode() if "kinesis" in r else r["body"] for r in event["Records"]]
def handler(event, context):
    note(event)
"""

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class World:
    """A cloud whose functions note their events."""

    def __init__(self, root: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.root = root
        self.cloud = Cloud(port=port, mqtt_port=0, state=root / "state")
        self.functions = Functions(cloud=self.cloud, state=root / "state")
        self.sources = EventSources(self.cloud, self.functions, root / "state")

    async def start(self) -> None:
        """Start everything."""
        await self.cloud.start()
        await self.functions.start()
        await self.sources.start()

    async def stop(self) -> None:
        """Stop everything."""
        await self.sources.stop()
        await self.functions.stop()
        await self.cloud.stop()

    async def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """One call of boto3."""
        return await asyncio.to_thread(getattr(self.cloud.client(service), operation), **arguments)

    def checkpoints(self) -> dict[str, dict[str, str]]:
        """Sequence numbers by mapping and shard."""
        stored = json.loads((self.root / "state" / "checkpoints.json").read_text())
        return {mapping: entry["shards"] for mapping, entry in stored.items()}

    async def table(self) -> Table:
        """A new table with a stream."""
        name = f"table-{uuid.uuid4()}"
        described = await self.call(
            "dynamodb", "create_table", TableName=name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )  # fmt: skip
        return Table(self, name, described["TableDescription"]["LatestStreamArn"])

    async def stream(self, *, shards: int = 1) -> DataStream:
        """A new Kinesis data stream."""
        name = f"stream-{uuid.uuid4()}"
        await self.call("kinesis", "create_stream", StreamName=name, ShardCount=shards)
        described = await self.call("kinesis", "describe_stream", StreamName=name)
        return DataStream(self, name, described["StreamDescription"]["StreamARN"])

    async def queue(self, *, fifo: bool = False, receives: int | None = None, **attributes: str) -> Queue:
        """A new queue; with `receives`, its messages go to its dead-letter queue after so many."""
        name = f"queue-{uuid.uuid4()}{'.fifo' if fifo else ''}"
        dead = None
        if fifo:
            attributes |= {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        if receives is not None:
            dead = await self.queue(fifo=fifo)
            attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": dead.source, "maxReceiveCount": receives})
        made = await self.call("sqs", "create_queue", QueueName=name, Attributes=attributes)
        return Queue(self, made["QueueUrl"], f"arn:aws:sqs:us-east-1:000000000000:{name}", dead)

    async def saved(self) -> None:
        """Wait until MiniStack has saved what it was told so far."""
        directory = self.root / "state"
        began = time.time()
        await until(lambda: any(file.stat().st_mtime > began for file in directory.rglob("sqs.json")))

    async def crash(self) -> None:
        """End MiniStack and the pollers without a word."""
        for runner in self.sources._runners.values():
            runner._task.cancel()
        assert self.sources._task is not None
        self.sources._task.cancel()
        assert self.cloud._process is not None
        self.cloud._process.kill()
        await self.cloud._process.wait()
        await self.functions.stop()
        await self.cloud.stop()

    async def start_again(self) -> None:
        """What a new process would do."""
        self.cloud = Cloud(port=self.cloud.port, mqtt_port=0, state=self.root / "state")
        self.functions = Functions(cloud=self.cloud, state=self.root / "state")
        self.sources = EventSources(self.cloud, self.functions, self.root / "state")
        await self.start()

    async def restart(self) -> None:
        """Stop the event sources and start them again."""
        await self.sources.stop()
        self.sources = EventSources(self.cloud, self.functions, self.root / "state")
        await self.sources.start()

    async def function(self, code: str = "", *, name: str = "", **settings: Any) -> Function:
        """A new function; `code` comes after NOTE and may define `handler` anew."""
        name = name or f"function-{uuid.uuid4()}"
        notes = self.root / f"{name}.jsonl"
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", NOTE + textwrap.dedent(code))
        unique = f"{name}-{uuid.uuid4()}"[-64:]
        role = await self.call("iam", "create_role", RoleName=unique, AssumeRolePolicyDocument=json.dumps(TRUST))
        await self.call(
            "lambda", "create_function", FunctionName=name, Runtime="python3.11", Handler="index.handler",
            Role=role["Role"]["Arn"], Code={"ZipFile": package.getvalue()},
            Environment={"Variables": {"NOTES": str(notes)}}, **{"Timeout": 10, **settings},
        )  # fmt: skip
        return Function(self, name, notes, role["Role"]["Arn"])


class Source(Protocol):
    """What a mapping can read: `source` is its ARN, `position` where a mapping starts unless a test says otherwise."""

    source: str
    position: Mapping[str, str]


class Table:
    """A table of a test."""

    position: Mapping[str, str] = FROM_THE_OLDEST

    def __init__(self, world: World, name: str, stream: str) -> None:
        self.world = world
        self.name = name
        self.source = self.stream = stream

    async def put(self, *numbers: int, **attributes: str) -> None:
        """Put items, one after the other."""
        values = {name: {"S": value} for name, value in attributes.items()}
        for number in numbers:
            item = {"pk": {"S": str(number)}, **values}
            await self.world.call("dynamodb", "put_item", TableName=self.name, Item=item)

    async def delete(self, number: int) -> None:
        """Delete an item."""
        await self.world.call("dynamodb", "delete_item", TableName=self.name, Key={"pk": {"S": str(number)}})


class DataStream:
    """A Kinesis data stream of a test."""

    position: Mapping[str, str] = FROM_THE_OLDEST

    def __init__(self, world: World, name: str, source: str) -> None:
        self.world = world
        self.name = name
        self.source = source

    async def put(self, *texts: str, key: str = "k") -> None:
        """Put records, one after the other."""
        for text in texts:
            await self.world.call("kinesis", "put_record", StreamName=self.name, PartitionKey=key, Data=text.encode())


class Queue:
    """A queue of a test, and its dead-letter queue."""

    position: Mapping[str, str] = MappingProxyType({})

    def __init__(self, world: World, url: str, source: str, dead: Queue | None) -> None:
        self.world = world
        self.url = url
        self.source = source
        self.dead = dead

    async def put(self, *texts: str, group: str | None = None, **arguments: Any) -> None:
        """Send messages, one after the other."""
        more = arguments if group is None else {"MessageGroupId": group, **arguments}
        for text in texts:
            await self.world.call("sqs", "send_message", QueueUrl=self.url, MessageBody=text, **more)

    async def visible(self) -> int:
        """How many messages can be received."""
        answer = await self.world.call("sqs", "get_queue_attributes", QueueUrl=self.url, AttributeNames=["All"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    async def left(self) -> int:
        """How many messages it has, also those in flight and delayed."""
        answer = await self.world.call("sqs", "get_queue_attributes", QueueUrl=self.url, AttributeNames=["All"])
        return sum(int(value) for name, value in answer["Attributes"].items() if name.startswith("ApproximateNumber"))

    async def receive(self) -> list[str]:
        """The bodies of up to ten of its messages."""
        answer = await self.world.call(
            "sqs", "receive_message", QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=10
        )
        return [message["Body"] for message in answer.get("Messages", [])]

    async def empty(self) -> None:
        """Wait until it has no message any more."""
        deadline = time.monotonic() + 15
        while await self.left():
            assert time.monotonic() < deadline, "the queue still has messages"
            await asyncio.sleep(0.05)


class Function:
    """A function of a test and what it noted."""

    def __init__(self, world: World, name: str, notes: Path, role: str) -> None:
        self.world = world
        self.name = name
        self.notes = notes
        self.role = role

    async def map(self, source: Source, **settings: Any) -> str:
        """Map a source to it; returns the mapping's UUID."""
        created = await self.world.call(
            "lambda", "create_event_source_mapping", FunctionName=self.name, EventSourceArn=source.source,
            **{**source.position, **settings},
        )  # fmt: skip
        return str(created["UUID"])

    def events(self) -> list[dict[str, Any]]:
        """All events so far."""
        # A worker may be in the middle of a line.
        whole, _, _ = self.notes.read_text().rpartition("\n") if self.notes.exists() else ("", "", "")
        return [json.loads(line) for line in whole.splitlines()]

    def batches(self) -> list[list[int]]:
        """The events so far, as the numbers of their records' items."""
        return [[int(record["dynamodb"]["Keys"]["pk"]["S"]) for record in event["Records"]] for event in self.events()]

    def texts(self) -> list[list[str]]:
        """The events so far, as the texts of their records' data or bodies."""
        return [
            [base64.b64decode(one["kinesis"]["data"]).decode() if "kinesis" in one else one["body"] for one in records]
            for records in (event["Records"] for event in self.events())
        ]

    def flat(self) -> list[str]:
        """The texts of all records so far."""
        return [text for batch in self.texts() for text in batch]

    def numbers(self) -> list[int]:
        """The numbers of all records so far."""
        return [number for batch in self.batches() for number in batch]


async def until(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    """Wait for a condition that something else makes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.01)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Everything running."""
    world = World(tmp_path_factory.mktemp("world"))
    await world.start()
    yield world
    await world.stop()
