"""Table stream -> change log -> publish mutations: the heart, and the only caller of AppSync.

A thin adapter of `domain.publication`. Invoked with `{"operation": ...}` it answers what `domain.redrive` describes.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.bucket import Bucket, s3
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.explanation import explain
from domain.leftovers import Leftovers
from domain.logs import function_logger
from domain.parking import Parking
from domain.publication import Publication
from domain.publishing import Publisher, own_credentials
from domain.queue import Queue, sqs
from domain.redrive import Redrive, answer
from domain.replaying import Replaying
from domain.settings import settings
from domain.table import Table, dynamodb

# Left of the invocation for reporting what failed.
_MARGIN_SECONDS = 5.0
# Topics of a batch that are pushed side by side. Each needs a connection to the table, then one to AppSync.
_THREADS = 16

logger = function_logger()
metrics = Metrics(namespace="Headwater")


@dataclass(frozen=True)
class Publish:
    """What this container keeps between invocations: connections, and its memory of the log."""

    log: ChangeLog
    publisher: Publisher
    parking: Parking
    publication: Publication
    bucket: Bucket
    queue: Queue


@cache
def here() -> Publish:
    """The publisher of this deployment."""
    now = settings()
    table = Table(now.change_log, dynamodb())
    log = ChangeLog(table, now.retention_seconds, SYSTEM)
    publisher = Publisher(now.graphql_url, now.region, own_credentials())
    bucket, queue = Bucket(now.failures, s3()), Queue(now.parked_queue_url, sqs())
    parking = Parking(table, bucket, queue, SYSTEM)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="publish")
    publication = Publication(log, publisher, parking, threads.map, SYSTEM, count, ends=publisher)
    return Publish(log, publisher, parking, publication, bucket, queue)


def count(name: str, number: int) -> None:
    """Add to a metric of this invocation, as embedded metric format in the log."""
    if number:
        metrics.add_metric(name, MetricUnit.Count, number)


def operation(event: Mapping[str, Any], deadline: float, function_arn: str) -> dict[str, Any]:
    """Answer one of the operations on what is parked."""
    this = here()
    leftovers = Leftovers(this.publication, this.parking, this.bucket, SYSTEM, function_arn)
    replaying = Replaying(this.log, this.publication, this.parking, SYSTEM)
    redrive = Redrive(replaying, leftovers, this.parking, this.queue, SYSTEM)
    return answer(event, redrive, lambda: explain(event, this.log, this.publication, this.parking, deadline), deadline)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publish a batch of the main table's stream.

    Answers with the lowest record that failed: Lambda then delivers it again, and all after it.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
    try:
        if "operation" in event:
            return operation(event, deadline, context.invoked_function_arn)
        records = event["Records"]
        failed = here().publication.run(records, deadline)
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()
    if not failed:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": records[failed[0]]["dynamodb"]["SequenceNumber"]}]}
