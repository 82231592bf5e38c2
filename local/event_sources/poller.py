"""Polls a queue for one mapping until stopped: receives batches, invokes the function, deletes what it is done with.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html. What fails is left alone: "after your queue's visibility
timeout runs out, the message will again reappear in the queue", and SQS moves it to the queue's own dead-letter queue
when it was received too often.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Sequence

from local.errors import NotEmulated
from local.event_sources import responses
from local.event_sources.delivery import FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS, Invoker
from local.event_sources.filters import Filters
from local.event_sources.lanes import LARGEST_BATCH_BYTES
from local.event_sources.mappings import QueueMapping
from local.event_sources.records import payload
from local.event_sources.scaling import Scaling
from local.event_sources.sqs import RECEIVE_LIMIT, Message, Queue
from local.event_sources.streams import EventSourcesCloud, SourceGone, call
from local.functions import FunctionsError, Invocation, TooManyRequests

logger = logging.getLogger("headwater.event_sources")

POLL_SECONDS = 5.0
"""How long a queue goes unread when no notification comes: one may be lost."""

BUSY_SECONDS = 0.2
"""How often the limit of batches at a time is looked at while that many run."""


class QueuePoller:
    """One enabled mapping of a queue.

    Raises:
        NotEmulated: its filters are not known.
    """

    def __init__(self, mapping: QueueMapping, cloud: EventSourcesCloud, functions: Invoker) -> None:
        self._mapping = mapping
        self._cloud = cloud
        self._functions = functions
        self._queue = Queue(cloud, mapping.source)
        self._filters = Filters(mapping.patterns, "body")
        self._scaling = Scaling(mapping.maximum_concurrency, time.monotonic)
        self._wake = asyncio.Event()  # the queue may have messages, or a batch is over
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._held: deque[Message] = deque()  # received, but more than a batch holds
        self._reachable = True
        self.started = False

    def notify(self) -> None:
        """New messages may be there."""
        self._wake.set()

    def stop(self) -> None:
        """Let running invocations finish, then `run` returns."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Poll until `stop`.

        Raises:
            NotEmulated: AWS would not take the mapping for this queue and this function.
            ExceptionGroup: of SourceGone (there is no such queue) or errors of boto3 (the cloud does not answer).
        """
        async with asyncio.TaskGroup() as tasks:
            await self._queue.open()
            await self._check()
            self.started = True
            while not self._stopping.is_set():
                self._wake.clear()
                received = time.monotonic()
                batch = await self._gather() if len(self._running) < self._scaling.limit else None
                if batch:
                    task = tasks.create_task(self._process(batch, received))
                    self._running.add(task)
                    task.add_done_callback(self._over)
                elif batch is None:
                    self._scaling.busy()
                    await self._wait(BUSY_SECONDS)
                else:
                    self._scaling.idle()
                    await self._wait(POLL_SECONDS)
            await self._release(self._held)

    def _over(self, task: asyncio.Task[None]) -> None:
        if len(self._running) >= self._scaling.limit:
            self._wake.set()
        self._running.discard(task)

    async def _check(self) -> None:
        """AWS refuses a mapping whose queue would show a message again while the function may still work on it."""
        try:
            function = await call(
                self._cloud.client("lambda").get_function_configuration, FunctionName=self._mapping.function_arn
            )
        except SourceGone:  # without its function, delivering says so
            return
        if function["Timeout"] > self._queue.visibility_seconds:
            raise NotEmulated(
                f"Event source mapping {self._mapping.uuid} of {self._mapping.source}",
                f"AWS does not take a queue whose visibility timeout ({self._queue.visibility_seconds:.0f} s) is less "
                f"than the function's timeout ({function['Timeout']} s)",
            )

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _gather(self) -> list[Message]:
        """The next batch: full by number or bytes, or what came within the batching window. Empty when there is none.

        Filters decide "whether to add it to the current batch"; what they leave out is deleted from the queue.
        """
        batch: list[Message] = []
        size = 0
        deadline = None
        while not self._stopping.is_set():
            self._wake.clear()
            room = self._mapping.batch_size - len(batch)
            messages = list(self._held) or await self._queue.receive(min(room, RECEIVE_LIMIT))
            self._held.clear()
            wanted = [self._filters.match(message.document) for message in messages]
            await self._queue.delete([each for each, is_wanted in zip(messages, wanted, strict=True) if not is_wanted])
            for message in (each for each, is_wanted in zip(messages, wanted, strict=True) if is_wanted):
                size += message.size + 1
                if self._held or (batch and size > LARGEST_BATCH_BYTES):
                    self._held.append(message)
                else:
                    batch.append(message)
            if not batch:
                if messages:
                    continue
                break
            now = time.monotonic()
            deadline = deadline or now + self._mapping.window_seconds
            if len(batch) >= self._mapping.batch_size or self._held or now >= deadline:
                break
            if len(messages) < RECEIVE_LIMIT:
                await self._wait(deadline - now)
        if self._stopping.is_set():
            await self._release(batch)
            return []
        if self._mapping.fifo:
            # A held message must not run beside the one of its group that it came with.
            await self._release(self._held)
            self._held.clear()
        return batch

    async def _release(self, messages: Sequence[Message]) -> None:
        if messages:
            await self._queue.release(list(messages))

    async def _process(self, batch: Sequence[Message], received: float) -> None:
        """Invoke with a batch that was received at this (monotonic) time, and delete what succeeded."""
        invocation = await self._invoke(batch, received + self._queue.visibility_seconds)
        if invocation is None:
            return
        if invocation.function_error:
            self._scaling.failed()
            return
        # "When ReportBatchItemFailures is activated, Lambda doesn't scale down message polling" for what is reported.
        self._scaling.succeeded()
        failed: set[str] | None = set()
        if self._mapping.reports_item_failures:
            failed = responses.failures(invocation.payload, {message.id for message in batch})
        if failed is None:
            return
        await self._queue.delete([message for message in batch if message.id not in failed])
        self._warn_of_lost_order(batch, failed)

    async def _invoke(self, batch: Sequence[Message], visible_again: float) -> Invocation | None:
        """Invoke. None when throttled until others can see the messages: "at which point Lambda drops the message"."""
        event = payload(message.text for message in batch)
        wait = FIRST_BACKOFF_SECONDS
        while True:
            try:
                invocation = await self._functions.invoke(
                    self._mapping.function_arn, event, request_id=str(uuid.uuid4())
                )
            except FunctionsError as error:
                if self._reachable and not isinstance(error, TooManyRequests):
                    logger.warning("%s cannot deliver and tries on: %s", self._mapping.uuid, error)
                self._reachable = isinstance(error, TooManyRequests)
            else:
                self._reachable = True
                return invocation
            self._scaling.failed()
            if time.monotonic() + wait >= visible_again or self._stopping.is_set():
                return None
            try:
                async with asyncio.timeout(wait):
                    await self._stopping.wait()
            except TimeoutError:
                pass
            wait = min(2 * wait, LONGEST_BACKOFF_SECONDS)

    def _warn_of_lost_order(self, batch: Sequence[Message], failed: set[str]) -> None:
        """Lambda deletes what was not reported also behind a failed message of the same group.

        "Your function should stop processing messages after the first failure and return all failed and unprocessed
        messages in batchItemFailures." https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """
        broken: set[str | None] = set()
        for message in batch:
            if message.id in failed:
                broken.add(message.group)
            elif message.group is not None and message.group in broken:
                logger.warning(
                    "%s: the function failed a message of group %s, but not a later one: their order is lost",
                    self._mapping.uuid, message.group,
                )  # fmt: skip
                return
