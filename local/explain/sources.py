"""Asks everyone who knows something about a topic: the stream, the mapping, the publisher, the running instance."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from local.appsync.journal_report import iso
from local.control_client import ControlClient
from local.deployment import Deployment, DeploymentError
from local.errors import NotEmulated
from local.event_sources.checkpoints import Checkpoints
from local.event_sources.dynamodb import DynamoDBStream
from local.event_sources.filters import Filters
from local.event_sources.streams import Read, SourceGone
from local.explain.facts import Facts, MappingState, Question, StreamRecord
from local.settings import Settings

FUNCTION, MAPPING = "PublishFunctionName", "PublishMappingId"
MOST_CHANGES = 100  # of one answer of the publisher
MOST_RECORDS = 2_000  # the newest of the stream
RECORDS_AT_ONCE, BYTES_AT_ONCE = 1_000, 3_000_000
READ_SECONDS = 20.0
MOST_PUBLISHES = 200


def gather(deployment: Deployment, settings: Settings, asked: Question) -> Facts:
    """All facts. Raises DeploymentError and ControlError."""
    control = ControlClient(settings.state)
    mapping = _mapping(deployment)
    passed = Checkpoints(settings.state / "checkpoints.json").shards(mapping.uuid)
    records, oldest = asyncio.run(_records(deployment, mapping, passed))
    publisher, error = None, None
    routed: dict[str, Any] = {}
    try:
        publisher, routed = _publisher(deployment, asked.topic, records)
    except DeploymentError as refused:
        error = str(refused)
    concerned = {event_id for event_id, each in routed.items() if asked.topic in each["topics"]}
    last = [each.event_id for each in records if each.event_id in concerned][-MOST_CHANGES:]
    records = [
        replace(each, item=_item(deployment, mapping.table, each.keys)) if each.event_id in last else each
        for each in records
    ]
    if publisher is None:
        concerned = {each.event_id for each in records if not each.passed}
    event_ids = [*concerned, *(each["eventId"] for each in (publisher or {}).get("changes", []))]
    invocations = control.post("/explain/invocations", {"eventIds": event_ids, "function": mapping.function})
    question = {"topic": asked.topic, "limit": MOST_PUBLISHES, "client": asked.client, "containing": event_ids}
    plane = control.post("/explain/publishes", question)
    return Facts(asked, mapping, records, publisher, error, routed, invocations, plane, oldest)


def _mapping(deployment: Deployment) -> MappingState:
    found = deployment.call("lambda", "get_event_source_mapping", UUID=deployment.output(MAPPING))
    patterns = [each["Pattern"] for each in (found.get("FilterCriteria") or {}).get("Filters", [])]
    return MappingState(
        uuid=found["UUID"],
        state=found["State"],
        reason=found.get("StateTransitionReason"),
        last_result=found.get("LastProcessingResult"),
        patterns=patterns,
        function=found["FunctionArn"],
        stream=found["EventSourceArn"],
    )


async def _records(
    deployment: Deployment, mapping: MappingState, passed: Mapping[str, str]
) -> tuple[list[StreamRecord], str | None]:
    """The newest records of the stream, and when the oldest of them was created."""
    try:
        matches = Filters(mapping.patterns).match
    except NotEmulated as error:
        raise DeploymentError(str(error)) from error
    found: deque[StreamRecord] = deque(maxlen=MOST_RECORDS)
    stream = DynamoDBStream(deployment, mapping.stream)
    try:
        for shard in await stream.shards():
            number = passed.get(shard.id)
            async for read in _read(stream, shard.id, number):
                done = number is not None and int(read.record.sequence_number) <= int(number)
                created = iso(read.record.created) or ""
                found.append(StreamRecord(read.document.members, created, matches(read.document), done))
    except SourceGone:
        return [], None
    records = sorted(found, key=lambda each: each.number)
    return records, records[0].created if records else None


async def _read(stream: DynamoDBStream, shard: str, passed: str | None) -> AsyncIterator[Read]:
    """A shard from its beginning on or, when that takes long, from where the mapping is."""
    deadline = time.monotonic() + READ_SECONDS
    iterator = await stream.iterator(shard, "TRIM_HORIZON")
    late = False
    while iterator is not None:
        page = await stream.records(shard, iterator, RECORDS_AT_ONCE)
        if page is None:
            return
        for read in page.records:
            yield read
        iterator = page.iterator if page.more else None
        if not late and passed is not None and iterator is not None and time.monotonic() > deadline:
            iterator, late = await stream.iterator(shard, "AFTER_SEQUENCE_NUMBER", passed), True


def _publisher(
    deployment: Deployment, topic: str, records: Sequence[StreamRecord]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the publisher knows of the topic, and its routing of the records by event id. Raises DeploymentError."""
    function = deployment.output(FUNCTION)
    answer: dict[str, Any] = {}
    routed: dict[str, Any] = {}
    for part in _parts(records):
        question = {"operation": "changes.explain", "topic": topic, "limit": MOST_CHANGES, "records": part}
        found = deployment.invoke(function, question)
        if not isinstance(found, dict) or "error" in found:
            error = found["error"] if isinstance(found, dict) else {"type": "Unknown", "message": found}
            raise DeploymentError(f"{error['type']}: {error['message']}")
        answer = answer or found
        routed |= {each["eventId"]: each for each in found["records"]}
    return answer, routed


def _parts(records: Iterable[StreamRecord]) -> Iterator[list[Mapping[str, Any]]]:
    """The records in parts that an invocation takes; one part at least."""
    part: list[Mapping[str, Any]] = []
    size = 0
    for record in records:
        length = len(json.dumps(record.event))
        if part and (len(part) == RECORDS_AT_ONCE or size + length > BYTES_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(record.event)
        size += length
    yield part


def _item(deployment: Deployment, table: str, keys: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The item as it is now, in DynamoDB's JSON."""
    answer = deployment.call("dynamodb", "get_item", TableName=table, Key=keys, ConsistentRead=True)
    found: Mapping[str, Any] | None = answer.get("Item")
    return found
