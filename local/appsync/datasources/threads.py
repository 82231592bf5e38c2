"""boto3 calls away from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

WORKERS = 32
_executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="data-source")


async def in_thread(call: Callable[[], T]) -> T:
    """Runs a blocking call in one of the data sources' threads."""
    return await asyncio.get_running_loop().run_in_executor(_executor, call)
