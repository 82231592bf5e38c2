"""Delivering a batch until it is done with: retries, bisection, partial failures, age, the on-failure destination.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from local.event_sources.destinations import Discarded, FailureDestination
from local.event_sources.mappings import Mapping
from local.event_sources.records import Record, payload
from local.functions import FunctionsError, Invocation, TooManyRequests

logger = logging.getLogger("headwater.event_sources")

FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 5.0
"""AWS does not document its own waits between retries."""


class Invoker(Protocol):
    """What delivering needs of `local.functions.Functions`."""

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation: ...


@dataclass
class _Batch:
    records: Sequence[Record]
    failures: int = 0  # of exactly these records; what MaximumRetryAttempts counts
    tries: int = 0  # of any kind, for the wait before the next


class Delivery:
    """Delivers batches of one lane, one at a time. `done` is called with records as soon as they are done with.

    `stopping` ends it between two attempts; what was not done with is delivered again after the next start.
    """

    def __init__(
        self,
        mapping: Mapping,
        shard: str,
        *,
        functions: Invoker,
        destination: FailureDestination | None,
        done: Callable[[Sequence[Record]], None],
        stopping: asyncio.Event,
    ) -> None:
        self._mapping = mapping
        self._shard = shard
        self._functions = functions
        self._destination = destination
        self._done = done
        self._stopping = stopping

    async def deliver(self, records: Sequence[Record]) -> None:
        """Deliver a batch, in order, until it succeeded or was discarded, or until stopped."""
        stack = [_Batch(records)]
        while stack and not self._stopping.is_set():
            batch = stack.pop()
            fresh = self._without_expired(batch.records)
            if len(fresh) < len(batch.records):
                expired = batch.records[: len(batch.records) - len(fresh)]
                await self._discard(expired, "RecordAgeExceeded", None, batch.failures)
                batch.records = fresh
                if not fresh:
                    continue
            failed, invocation = await self._attempt(batch)
            if failed:
                self._done(batch.records[: len(batch.records) - len(failed)])
                await self._plan(batch, failed, invocation, stack)
            else:
                self._done(batch.records)

    async def _attempt(self, batch: _Batch) -> tuple[Sequence[Record], Invocation | None]:
        """Invoke once. Returns the records from the first failed one on, and no invocation when it was throttled."""
        try:
            invocation = await self._functions.invoke(self._mapping.function_arn, payload(batch.records))
        except TooManyRequests:
            return batch.records, None
        except FunctionsError as error:
            if not batch.tries:
                logger.warning("%s cannot deliver and tries on: %s", self._mapping.uuid, error)
            return batch.records, None
        if invocation.function_error:
            return batch.records, invocation
        if not self._mapping.reports_item_failures:
            return [], invocation
        return _from_first_failure(batch.records, invocation.payload), invocation

    async def _plan(
        self, batch: _Batch, failed: Sequence[Record], invocation: Invocation | None, stack: list[_Batch]
    ) -> None:
        """Put what is to be tried next on the stack and wait, or discard it."""
        maximum = self._mapping.maximum_retries
        progressed = len(failed) < len(batch.records)
        if invocation is None or progressed:
            # A throttled batch was never tried; after a partial success the rest is a new batch.
            next_batch = _Batch(failed, 0 if progressed else batch.failures, 0 if progressed else batch.tries + 1)
            stack.append(next_batch)
        elif self._mapping.bisects and len(failed) > 1:
            # Splitting does not count as a retry.
            middle = len(failed) // 2
            stack.append(_Batch(failed[middle:], batch.failures))
            next_batch = _Batch(failed[:middle], batch.failures, batch.tries + 1)
            stack.append(next_batch)
        elif maximum is not None and batch.failures >= maximum:
            await self._discard(failed, "RetryAttemptsExhausted", invocation, batch.failures + 1)
            return
        else:
            next_batch = _Batch(failed, batch.failures + 1, batch.tries + 1)
            stack.append(next_batch)
        await self._wait(next_batch.tries)

    async def _wait(self, tries: int) -> None:
        longest = min(FIRST_BACKOFF_SECONDS * 2**tries, LONGEST_BACKOFF_SECONDS)
        try:
            async with asyncio.timeout(random.uniform(longest / 2, longest)):  # noqa: S311  jitter
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _without_expired(self, records: Sequence[Record]) -> Sequence[Record]:
        if self._mapping.maximum_age_seconds is None:
            return records
        oldest = time.time() - self._mapping.maximum_age_seconds
        expired = 0
        while expired < len(records) and records[expired].created < oldest:
            expired += 1
        return records[expired:]

    async def _discard(
        self, records: Sequence[Record], condition: str, invocation: Invocation | None, invocations: int
    ) -> None:
        logger.warning(
            "%s discards %d records of %s (%s)", self._mapping.uuid, len(records), self._mapping.table, condition
        )
        if self._destination is not None:
            await self._destination.send(
                Discarded(self._mapping, self._shard, records, condition, invocations, failed=invocation is not None)
            )
        self._done(records)


def _from_first_failure(records: Sequence[Record], answer: bytes) -> Sequence[Record]:
    """The records from the lowest reported failure on: all when the answer is malformed, none when it is empty."""
    try:
        response = json.loads(answer)
    except ValueError:
        return records
    if response is None:
        return []
    if not isinstance(response, dict):
        return records
    failures = response.get("batchItemFailures")
    if failures is None or failures == []:
        return []
    if not isinstance(failures, list):
        return records
    positions = {record.sequence_number: index for index, record in enumerate(records)}
    lowest = len(records)
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in positions:
            return records
        lowest = min(lowest, positions[identifier])
    return records[lowest:]
