"""Table stream -> change log -> publish mutations: the heart, and the only caller of AppSync."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import envelopes, routing
from domain.changes import ChangeLog, Event
from domain.clock import SYSTEM
from domain.publishing import Publisher, own_credentials
from domain.settings import settings
from domain.table import Table, dynamodb
from domain.topics import Topic

# Left of the invocation for reporting what failed.
_MARGIN_SECONDS = 5.0

logger = Logger()


@cache
def change_log() -> ChangeLog:
    """The change log of this deployment."""
    here = settings()
    return ChangeLog(Table(here.change_log, dynamodb()), here.retention_seconds, SYSTEM)


@cache
def publisher() -> Publisher:
    """The publisher to this deployment's API, with its open connection."""
    return Publisher(settings().graphql_url, settings().region, own_credentials())


@dataclass
class Batch:
    """The events of a batch by topic, in the stream's order, and which record each came from."""

    events: dict[Topic, dict[str, Event]]
    positions: dict[str, int]


def gather(records: Sequence[Mapping[str, Any]]) -> Batch:
    """Sort a batch's records by the topics that they concern."""
    batch = Batch({}, {})
    for position, record in enumerate(records):
        for change in routing.route(routing.from_stream(record)):
            batch.events.setdefault(change.topic, {})[change.event.event_id] = change.event
            batch.positions.setdefault(change.event.event_id, position)
    return batch


def push(topic: Topic, events: Sequence[Event], deadline: float) -> None:
    """Number a topic's events and publish them in order. A redelivered event goes out again with its old number."""
    entries = change_log().append(topic, events, deadline)
    for envelope in envelopes.pack(topic, entries):
        publisher().publish(envelope, deadline)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publish a batch of the main table's stream.

    Answers with the lowest record that failed: Lambda then delivers it again, and all after it.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
    records = event["Records"]
    batch = gather(records)
    failed: set[int] = set()
    for topic, events in batch.events.items():
        try:
            push(topic, list(events.values()), deadline)
        except Exception:  # the edge: one topic's failure, of whatever kind, must not stop the others
            logger.exception("Could not publish", topic=str(topic), events=list(events))
            failed |= {batch.positions[event_id] for event_id in events}
    if not failed:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": records[min(failed)]["dynamodb"]["SequenceNumber"]}]}
