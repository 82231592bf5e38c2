"""Blocking calls away from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

WORKERS = 32
_aws = ThreadPoolExecutor(WORKERS, thread_name_prefix="data-source")
# Of their own: endpoints that hang must not keep DynamoDB waiting.
_http = ThreadPoolExecutor(WORKERS, thread_name_prefix="http-data-source")


async def in_thread(call: Callable[[], T]) -> T:
    """Runs a boto3 call in one of the data sources' threads."""
    return await asyncio.get_running_loop().run_in_executor(_aws, call)


async def in_http_thread(call: Callable[[], T]) -> T:
    """Runs a request of an HTTP data source in one of the threads that are kept for them."""
    return await asyncio.get_running_loop().run_in_executor(_http, call)
