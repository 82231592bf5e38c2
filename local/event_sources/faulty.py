"""The faults of batches, apart from the way that is taken when none is set (local/faults.py).

Lambda promises "at least once", and order "at the shard level", with ParallelizationFactor at that of the item's key:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html,
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from local.event_sources.records import Record
from local.faults import Faults
from local.functions import FunctionsError, Invocation

if TYPE_CHECKING:
    from local.event_sources.delivery import Invoker


def reordered(faults: Faults, function_arn: str, records: Sequence[Record]) -> Sequence[Record]:
    """A batch's records as they are delivered: each key's in their order, the keys' in any."""
    strike = faults.strike("reorder-keys", function=function_arn)
    if strike is None:
        return records
    by_key: dict[str, deque[Record]] = {}
    for record in records:
        by_key.setdefault(record.key, deque()).append(record)
    keys = [record.key for record in records]
    count = len(by_key)
    strike.random.shuffle(keys)
    changed = [by_key[key].popleft() for key in keys]
    if changed == list(records):
        strike.missed()
    else:
        strike.did(f"reordered {len(changed)} records of {count} keys for {function_arn}")
    return changed


class FaultyInvoker:
    """Runs functions by `functions`; a batch that the fault strikes is delivered twice."""

    def __init__(self, functions: Invoker, faults: Faults) -> None:
        self._functions = functions
        self._faults = faults

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:
        """Raises what `functions` raises; what counts of two deliveries is the one of `request_id`."""
        if self._faults.active and (strike := self._faults.strike("duplicate-batch", function=function_arn)):
            strike.did(f"delivered a batch to {function_arn} twice, once {strike.options['when']}")
            once_more = self._once_more(function_arn, event)
            if strike.options["when"] == "beside":
                counted = self._functions.invoke(function_arn, event, request_id=request_id)
                return (await asyncio.gather(counted, once_more))[0]
            await once_more
        return await self._functions.invoke(function_arn, event, request_id=request_id)

    async def _once_more(self, function_arn: str, event: bytes) -> None:
        with contextlib.suppress(FunctionsError):
            await self._functions.invoke(function_arn, event, request_id=str(uuid4()))
