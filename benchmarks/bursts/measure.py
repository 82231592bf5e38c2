"""One burst, published in two ways on a running instance, to the same kind of subscribers.

- `through_the_publisher`: the publisher's function gets the burst's stream records, as from its mapping; the time runs
  from that invocation. Or, `from_the_first_write`, the changes are written to the main table, and all else follows.
- `one_by_one`: the baseline, what a backend without batches does with changes that it has written: one publish mutation
  each, by eight threads with connections that stay open. Nothing is logged; the time runs from the first mutation.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials

from benchmarks.bursts.prices import Usage
from domain import chunks, message, times, topics, ulid
from domain.envelopes import Envelope
from domain.events import Event
from domain.message import Message, Partition
from domain.publishing import Publisher
from domain.table import from_attributes, to_attributes
from tests.stack.instance import PROJECT, Instance

PARALLEL = 8
_WRITES_AT_ONCE = 25  # BatchWriteItem's limit
_PUBLISHER_GB = 0.5
_PATIENCE_SECONDS = 120.0
_TEXT = "The quick brown fox jumps over the lazy dog. " * 3


@dataclass(frozen=True)
class Measured:
    """A burst that has arrived everywhere. `seconds` is the time to the last delivery."""

    seconds: float
    usage: Usage


def through_the_publisher(
    instance: Instance, room: str, changes: int, subscribers: int, *, from_the_first_write: bool = False
) -> Measured:
    """Give the publisher changes, and wait until each subscriber has all of them.

    Args:
        instance: idle.
        room: one that nobody has used.
        changes: how many.
        subscribers: how many.
        from_the_first_write: to write the changes, by eight threads, rather than to invoke the publisher with them.
    """
    tables = instance.resources("AWS::DynamoDB::Table")
    client = instance.client("dynamodb")
    burst = _writes(client, tables["MainTable"], room, changes)
    if not from_the_first_write:
        burst = _invocation(instance, room, changes)
    seconds, sizes = _delivered(instance, room, changes, subscribers, burst)
    log = _log(client, tables["ChangeLog"], f"room:{room}")
    transactions = len({item["at"]["N"] for item in log})
    head_kilobytes = 1
    usage = Usage(
        requests=len(sizes),
        pushes=sizes,
        subscribers=subscribers,
        # In transactions each unit counts twice; with every chunk's transaction the head is written once.
        write_units=2 * (sum(-(-_size(item) // 1024) for item in log) + transactions * head_kilobytes),
        # Of each batch the count of what is parked, and the head when the container does not know the topic.
        read_units=2 * transactions,
        invocations=transactions,
        gb_seconds=_PUBLISHER_GB * seconds,  # more than it can be: the publisher had not all of the time
    )
    return Measured(seconds, usage)


def one_by_one(instance: Instance, room: str, changes: int, subscribers: int) -> Measured:
    """Publish the changes one by one with eight connections, and wait until each subscriber has all of them."""
    outputs = instance.outputs
    publisher = Publisher(outputs["graphql"], outputs["region"], Credentials("test", "test"))
    envelopes = [
        Envelope(topics.room(room), (chunks.draft(event, "message").numbered(seq, times_now()),))
        for seq, event in enumerate(_events(room, changes), 1)
    ]
    warm = Envelope(topics.room("nobody"), envelopes[0].entries)
    with ThreadPoolExecutor(PARALLEL) as threads:

        def publish(envelope: Envelope) -> None:
            publisher.publish(envelope, time.monotonic() + _PATIENCE_SECONDS)

        list(threads.map(publish, [warm] * 4 * PARALLEL))
        seconds, sizes = _delivered(
            instance, room, changes, subscribers, lambda: list(threads.map(publish, envelopes)).clear()
        )
    publisher.close()
    return Measured(seconds, Usage(requests=len(sizes), pushes=sizes, subscribers=subscribers))


def times_now() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def _items(room: str, changes: int) -> Iterator[dict[str, Any]]:
    """Messages of one room as the resolver stores them."""
    now_ms = times_now()
    partition = Partition(room, times.hour(now_ms), 0)
    for number, message_id in enumerate(ulid.ascending(changes, now_ms)):
        content: Message = {
            "id": message_id, "roomId": room, "author": "ada", "text": f"{number} {_TEXT}",
            "sentAt": times.to_iso(now_ms), "version": 1, "originalTime": None,
        }  # fmt: skip
        yield message.to_item(content, partition, now_ms, now_ms // 1000 + 3600, None)


def _events(room: str, changes: int) -> Iterator[Event]:
    """The same messages as the publisher tells of them."""
    for item in _items(room, changes):
        plain = from_attributes(to_attributes(item))
        shown = json.dumps(message.from_item(plain["pk"], plain["sk"], plain), ensure_ascii=False)
        yield Event(f"{plain['id']:0>32}", "INSERT", plain["id"], shown)


def _delivered(
    instance: Instance, room: str, changes: int, subscribers: int, burst: Callable[[], None]
) -> tuple[float, list[int]]:
    """Seconds from the burst's begin to the last delivery, and the sizes of the frames that a subscriber got."""
    with _listening(instance, room, subscribers, changes) as next_line:
        assert next_line()["event"] == "live"
        began = time.monotonic_ns()
        burst()
        done = next_line()
    return (done["monotonicNs"] - began) / 1e9, done["sizes"]


def _writes(client: Any, table: str, room: str, changes: int) -> Callable[[], None]:
    """Writes the messages of a room to the main table."""
    requests = [{"PutRequest": {"Item": to_attributes(item)}} for item in _items(room, changes)]
    batches = [requests[start : start + _WRITES_AT_ONCE] for start in range(0, changes, _WRITES_AT_ONCE)]

    def write(batch: list[Any]) -> None:
        while batch:
            batch = client.batch_write_item(RequestItems={table: batch})["UnprocessedItems"].get(table, [])

    def write_all() -> None:
        with ThreadPoolExecutor(PARALLEL) as threads:
            list(threads.map(write, batches))

    return write_all


def _invocation(instance: Instance, room: str, changes: int) -> Callable[[], None]:
    """Invokes the publisher with the stream's records of such messages."""
    lambda_ = instance.client("lambda")
    function = instance.resources("AWS::Lambda::Function")["PublishFunction"]
    payload = json.dumps({"Records": [_record(item) for item in map(to_attributes, _items(room, changes))]}).encode()

    def invoke() -> None:
        answer = lambda_.invoke(FunctionName=function, Payload=payload)
        if json.load(answer["Payload"]) != {"batchItemFailures": []}:
            raise RuntimeError(f"the publisher failed: {answer}")

    return invoke


def _record(image: dict[str, Any]) -> dict[str, Any]:
    """An insertion as Lambda delivers it from the main table's stream."""
    keys = {"pk": image["pk"], "sk": image["sk"]}
    place = uuid.uuid4().int
    return {
        "eventID": f"{place:032x}", "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": float(times_now() // 1000), "Keys": keys, "NewImage": image,
            "SequenceNumber": str(place), "SizeBytes": _size(image), "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }  # fmt: skip


@contextmanager
def _listening(instance: Instance, room: str, subscribers: int, changes: int) -> Iterator[Callable[[], dict[str, Any]]]:
    arguments = [str(instance.state), room, str(subscribers), str(changes)]
    command = [sys.executable, "-m", "benchmarks.bursts.listen", *arguments]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = process.stdout

        def next_line() -> dict[str, Any]:
            line = lines.readline()
            if not line:
                raise RuntimeError(f"the subscribers ended with status {process.wait()}")
            found: dict[str, Any] = json.loads(line)
            return found

        try:
            yield next_line
        finally:
            process.kill()


def _log(client: Any, table: str, topic: str) -> list[dict[str, Any]]:
    """The chunks of a topic that has only had this burst."""
    found = []
    for block in range(100):
        values = {":pk": {"S": f"CHUNK#{block}#{topic}"}}
        pages = client.get_paginator("query").paginate(
            TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values, ConsistentRead=True
        )
        items = [item for page in pages for item in page["Items"]]
        if not items:
            break
        found += items
    return found


def _size(item: dict[str, Any]) -> int:
    """The bytes that DynamoDB counts of an item of texts and numbers, rounded up: a number takes half its digits."""
    return sum(len(name) + len(next(iter(value.values())).encode()) for name, value in item.items())
