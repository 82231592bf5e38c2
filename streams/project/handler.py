"""Table stream -> the index of products, and domain events on EventBridge.

A thin adapter of `domain.shop.projection` and `domain.shop.order_placed`. Invoked with `{"operation": ...}` it answers
what `domain.shop.reprojection` describes.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.clock import SYSTEM
from domain.event_bus import EventBus, events
from domain.logs import function_logger
from domain.settings import settings
from domain.shop import order_placed, projection, reprojection
from domain.shop.dictionary import Dictionary
from domain.shop.projection import Projection
from domain.table import Table, dynamodb

# Left of the invocation for reporting what failed.
_MARGIN_SECONDS = 5.0
# Groups of products that are looked after side by side: as many as the client has connections.
_THREADS = 16

logger = function_logger()
metrics = Metrics(namespace="Headwater")


@cache
def projection_here() -> Projection:
    """What keeps the index of this deployment, with its connections and its memory."""
    client = dynamodb()
    main, search = Table(settings().main_table, client), Table(settings().search_table, client)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="project")
    return Projection(main, search, Dictionary(search, SYSTEM), threads.map, SYSTEM, count)


@cache
def bus_here() -> EventBus:
    """The bus of this deployment."""
    return EventBus(settings().event_bus, events(), SYSTEM)


def count(name: str, number: int) -> None:
    """Add to a metric of this invocation, as embedded metric format in the log."""
    if number:
        metrics.add_metric(name, MetricUnit.Count, number)


def run(records: list[Mapping[str, Any]], deadline: float) -> list[int]:
    """Do what there is to do about a batch. Returns the places of those that failed for now, in order."""
    failed = projection_here().run(records, deadline)
    failed += order_placed.announce(records, bus_here, deadline, count)
    done = records[: min(failed)] if failed else records
    if done:
        metrics.add_metric("IndexLag", MetricUnit.Milliseconds, projection.lag_ms(done, SYSTEM.now_ms()))
    return sorted(failed)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Project a batch of the main table's stream.

    Answers with the lowest record that failed: Lambda then delivers it again, and all after it.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
    try:
        if "operation" in event:
            return reprojection.answer(event, projection_here(), deadline)
        records = event["Records"]
        failed = run(records, deadline)
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()
    if not failed:
        return {"batchItemFailures": []}
    return {"batchItemFailures": [{"itemIdentifier": records[failed[0]]["dynamodb"]["SequenceNumber"]}]}
