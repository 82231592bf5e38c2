"""A schedule of one minute -> carts that nobody has changed for so long are removed, which is pushed like any change.

A thin adapter of `domain.shop.cart_expiry`.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.settings import settings
from domain.shop import cart_expiry
from domain.table import Table, dynamodb

# Left of the invocation for what has begun.
_MARGIN_SECONDS = 10.0
_THREADS = 8

logger = function_logger()
metrics = Metrics(namespace="Headwater")


@cache
def table_here() -> Table:
    """The main table of this deployment."""
    return Table(settings().main_table, dynamodb())


@cache
def threads_here() -> ThreadPoolExecutor:
    """The threads of this container."""
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="expire-carts")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Remove what is due; answers how much that was.

    Raises:
        TableError: something is left; the next run goes on.
    """
    del event
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
    run = cart_expiry.expire(table_here(), SYSTEM, deadline, threads=threads_here().map)
    if run.removed:
        metrics.add_metric("ExpiredCarts", MetricUnit.Count, run.removed)
        metrics.add_metric("CartExpiryLateness", MetricUnit.Milliseconds, run.latest_ms)
        metrics.flush_metrics()
    return {"removed": run.removed, "latestMs": run.latest_ms}
