"""Delivering a batch until it is done with: retries, bisection, partial failures, age, the on-failure destination.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html; Kinesis' pages say the same.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from local.event_sources import faulty, responses
from local.event_sources.destinations import Discarded
from local.event_sources.mappings import StreamMapping
from local.event_sources.records import Record, payload
from local.event_sources.windows import Window
from local.faults import Faults
from local.functions import FunctionsError, Invocation, TooManyRequests

logger = logging.getLogger("headwater.event_sources")

FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 5.0
"""AWS does not document its own waits between retries."""

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
AGE_EXCEEDED = "RecordAgeExceeded"


class Invoker(Protocol):
    """What delivering needs of `local.functions.Functions`."""

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation: ...


class Destination(Protocol):
    """What takes what is given up: `FailureDestination`."""

    async def send(self, discarded: Discarded) -> None: ...


class _Attempt(NamedTuple):
    """What one try came to: the records from the first failed one on. `reached`: the function ran."""

    failed: Sequence[Record]
    succeeded: bool
    reached: bool
    request_id: str
    function_error: str | None = None


@dataclass
class _Batch:
    records: Sequence[Record]
    failures: int = 0  # of exactly these records; what MaximumRetryAttempts counts
    tries: int = 0  # of any kind, for the wait before the next
    last: _Attempt | None = None


class Delivery:
    """Delivers batches of one lane, one at a time. `done` is called with records as soon as they are done with.

    `stopping` ends it between two attempts; what was not done with is delivered again after the next start.
    `retention_seconds`: "Lambda retries until the records expire".
    """

    def __init__(
        self,
        mapping: StreamMapping,
        shard: str,
        *,
        functions: Invoker,
        destination: Destination | None,
        done: Callable[[Sequence[Record]], None],
        stopping: asyncio.Event,
        retention_seconds: float = float("inf"),
        faults: Faults | None = None,
    ) -> None:
        self._mapping = mapping
        self._shard = shard
        self._functions = functions
        self._destination = destination
        self._done = done
        self._stopping = stopping
        self._faults = faults or Faults()
        self._reachable = True
        self._oldest_seconds = min(
            retention_seconds, float("inf") if mapping.maximum_age_seconds is None else mapping.maximum_age_seconds
        )

    async def deliver(self, records: Sequence[Record], window: Window | None = None) -> None:
        """Deliver a batch, in order, until it succeeded or was discarded, or until stopped."""
        if self._faults.active:
            records = faulty.reordered(self._faults, self._mapping.function_arn, records)
        stack = [_Batch(records)]
        while stack and not self._stopping.is_set():
            batch = stack.pop()
            first_fresh = self._expired(batch.records)
            if first_fresh:
                expired, batch.records = batch.records[:first_fresh], batch.records[first_fresh:]
                await self._discard(expired, AGE_EXCEEDED, batch, _event(expired, window))
                if not batch.records:
                    continue
            attempt = await self._attempt(batch.records, window)
            batch.last = attempt if attempt.reached else batch.last
            self._done(batch.records[: len(batch.records) - len(attempt.failed)])
            if window is not None and window.overflows:
                await self._conclude(window, early=True)
            if attempt.failed:
                await self._plan(batch, attempt, stack, window)

    async def conclude(self, window: Window) -> bool:
        """A window's last invocation, which gets its state and no records. False when stopped before it was over."""
        return await self._conclude(window, early=False)

    async def _conclude(self, window: Window, *, early: bool) -> bool:
        batch = _Batch(window.records)
        while not self._stopping.is_set():
            attempt = await self._attempt([], window, final=not early, early=early)
            batch.last = attempt if attempt.reached else batch.last
            batch.tries += 1
            batch.failures += attempt.reached and not attempt.succeeded
            condition = None if attempt.succeeded else self._final_condition(batch)
            if condition:
                event = payload([], window.members(final=not early, early=early))
                await self._discard(window.records, condition, batch, event)
            if attempt.succeeded or condition:
                window.state = {}
                return True
            await self._wait(batch.tries)
        return False

    def _final_condition(self, batch: _Batch) -> str | None:
        """Why a window's last invocation is given up, if it is: windows "fully support the existing retry policies"."""
        maximum = self._mapping.maximum_retries
        if maximum is not None and batch.failures > maximum:
            return RETRIES_EXHAUSTED
        return AGE_EXCEEDED if self._expired(batch.records) == len(batch.records) else None

    async def _attempt(
        self, records: Sequence[Record], window: Window | None, *, final: bool = False, early: bool = False
    ) -> _Attempt:
        """Invoke once."""
        request_id = str(uuid.uuid4())
        members = None if window is None else window.members(final=final, early=early)
        event = payload((record.text for record in records), members)
        try:
            invocation = await self._functions.invoke(self._mapping.function_arn, event, request_id=request_id)
        except FunctionsError as error:
            if not isinstance(error, TooManyRequests) and self._reachable:
                logger.warning("%s cannot deliver and tries on: %s", self._mapping.uuid, error)
            self._reachable = isinstance(error, TooManyRequests)
            return _Attempt(records, succeeded=False, reached=False, request_id=request_id)
        self._reachable = True
        failed = self._failed(records, invocation, window)
        remaining = records if failed is None else failed
        return _Attempt(
            remaining, failed is not None, reached=True, request_id=request_id, function_error=invocation.function_error
        )

    def _failed(
        self, records: Sequence[Record], invocation: Invocation, window: Window | None
    ) -> Sequence[Record] | None:
        """The records from the lowest failed one on; None when the invocation failed as a whole."""
        if invocation.function_error:
            return None
        failed: Sequence[Record] = []
        if self._mapping.reports_item_failures and records:
            positions = {record.sequence_number: index for index, record in enumerate(records)}
            reported = responses.failures(invocation.payload, positions)
            if reported is None:
                return None
            # "Lambda uses the record with the lowest sequence number as the checkpoint."
            failed = records[min((positions[one] for one in reported), default=len(records)) :]
        if window is not None and len(failed) < max(len(records), 1):
            try:
                # What a partial success aggregated counts; a batch without any progress is given again as it was.
                window.state = responses.state(invocation.payload)
            except responses.NoState as error:
                logger.warning("%s: %s", self._mapping.uuid, error)
                return None
        return failed

    async def _plan(self, batch: _Batch, attempt: _Attempt, stack: list[_Batch], window: Window | None) -> None:
        """Put what is to be tried next on the stack and wait, or discard it."""
        maximum = self._mapping.maximum_retries
        failed = attempt.failed
        progressed = len(failed) < len(batch.records)
        if progressed or not attempt.reached:
            # A throttled batch was never tried; after a partial success the rest is a new batch.
            next_batch = _Batch(
                failed, 0 if progressed else batch.failures, 0 if progressed else batch.tries + 1, batch.last
            )
            stack.append(next_batch)
        elif self._mapping.bisects and len(failed) > 1:
            # Splitting "doesn't consume the retry quota", nor does it make the others wait longer and longer.
            middle = len(failed) // 2
            stack.append(_Batch(failed[middle:], batch.failures, 0, batch.last))
            next_batch = _Batch(failed[:middle], batch.failures, 0, batch.last)
            stack.append(next_batch)
        elif maximum is not None and batch.failures >= maximum:
            batch.failures += 1
            await self._discard(failed, RETRIES_EXHAUSTED, batch, _event(failed, window))
            return
        else:
            next_batch = _Batch(failed, batch.failures + 1, batch.tries + 1, batch.last)
            stack.append(next_batch)
        await self._wait(next_batch.tries)

    async def _wait(self, tries: int) -> None:
        longest = min(FIRST_BACKOFF_SECONDS * 2 ** min(tries, 16), LONGEST_BACKOFF_SECONDS)
        try:
            async with asyncio.timeout(random.uniform(longest / 2, longest)):  # noqa: S311  jitter
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _expired(self, records: Sequence[Record]) -> int:
        """How many of the first records are older than the mapping or the stream keeps them."""
        oldest = time.time() - self._oldest_seconds
        return next((index for index, record in enumerate(records) if record.created >= oldest), len(records))

    async def _discard(self, records: Sequence[Record], condition: str, batch: _Batch, event: bytes) -> None:
        """Give records up. `batch` says how often they were tried, `event` is what the function got or would have."""
        mapping, last = self._mapping, batch.last
        logger.warning("%s discards %d records of %s (%s)", mapping.uuid, len(records), mapping.source, condition)
        if self._destination is not None:
            await self._destination.send(
                Discarded(
                    mapping, self._shard, records, condition,
                    event=event,
                    invocations=batch.failures,
                    request_id=last.request_id if last else str(uuid.uuid4()),
                    reached=last is not None,
                    function_error=last.function_error if last else None,
                )
            )  # fmt: skip
        self._done(records)


def _event(records: Sequence[Record], window: Window | None) -> bytes:
    return payload((record.text for record in records), None if window is None else window.members())
