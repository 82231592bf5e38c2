"""The workers of one function version: kept warm, one per concurrent invocation, replaced when anything changes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from local.faults import Faults
from local.functions import invocation, killing
from local.functions.configuration import FunctionConfiguration
from local.functions.errors import TooManyRequests
from local.functions.invocation import Invocation
from local.functions.logs import InvocationLog, LogFile, end_lines, start_line, timestamp
from local.functions.worker import Answer, Worker, WorkerEnded

INIT_SECONDS = 10.0
"""Lambda's limit of the init phase; beyond it initialisation goes on within the function's own time-out."""

CREDENTIALS_MARGIN_SECONDS = 120.0


class Concurrency:
    """The concurrent invocations of a function, all its versions together.

    Reserved concurrency throttles at once, as in Lambda. The laptop's own cap makes invocations wait, up to the
    function's time-out, because it is no limit of the function on AWS.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, configuration: FunctionConfiguration) -> None:
        """Take a place.

        Raises:
            TooManyRequests: none is free, or none became free in time.
        """
        reserved = configuration.reserved_concurrency
        if reserved is not None and self._running >= reserved:
            raise TooManyRequests("Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded")
        if self._running < self._cap:
            self._running += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(configuration.timeout_seconds):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self.leave()  # it was given in the same turn: hand it on
            else:
                self._waiting.remove(place)
            if isinstance(error, TimeoutError):
                raise TooManyRequests("Rate Exceeded.", "ConcurrentInvocationLimitExceeded") from error
            raise

    def leave(self) -> None:
        """Give the place to who waits longest."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._running -= 1


class Pool:
    """`launch(configuration, generation, log file)` starts a worker."""

    def __init__(
        self,
        configuration: FunctionConfiguration,
        *,
        launch: Callable[[FunctionConfiguration, int], Awaitable[Worker]],
        concurrency: Concurrency,
        log: LogFile,
        idle_seconds: float,
        faults: Faults,
    ) -> None:
        self.configuration = configuration
        self._launch = launch
        self._concurrency = concurrency
        self._log = log
        self._idle_seconds = idle_seconds
        self._faults = faults
        self.generation = 0
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._reaper: asyncio.TimerHandle | None = None

    @property
    def workers(self) -> int:
        """How many processes there are."""
        return len(self._idle) + len(self._busy)

    def replace(self, configuration: FunctionConfiguration | None = None) -> None:
        """Code or configuration changed: idle workers end now, busy ones after their invocation."""
        if configuration is not None:
            self.configuration = configuration
        self.generation += 1
        for worker in self._idle:
            worker.close()
        self._idle.clear()

    async def invoke(
        self, event: bytes, *, request_id: str, arn: str, client_context: str | None, trace_id: str
    ) -> Invocation:
        """Run the function once. Raises TooManyRequests and CannotStart."""
        await self._concurrency.enter(self.configuration)
        try:
            return await self._run(
                event, {"requestId": request_id, "arn": arn, "clientContext": client_context, "traceId": trace_id}
            )
        finally:
            self._concurrency.leave()

    async def _run(self, event: bytes, header: dict[str, Any]) -> Invocation:
        configuration = self.configuration
        request_id: str = header["requestId"]
        log = InvocationLog(self._log)
        worker = self._warm()
        init_ms = None
        began = time.monotonic()
        if worker is None:
            worker = await self._launch(configuration, self.generation)
        self._busy.add(worker)
        try:
            log.write(start_line(request_id, configuration.version))
            if not worker.idle_since:
                limit = INIT_SECONDS + configuration.timeout_seconds
                failure, status = await self._within(
                    limit, worker, worker.initialised(log), log, configuration, request_id
                )
                if failure is not None:
                    worker.doomed = True
                    return self._finish(log, header, configuration, began, failure, None, status or "error")
                init_ms = (time.monotonic() - began) * 1000
            began = time.monotonic()
            header["deadlineMs"] = int((time.time() + configuration.timeout_seconds) * 1000)
            answer, status = await self._within(
                configuration.timeout_seconds, worker, self._call(worker, header, event, log), log, configuration,
                request_id,
            )  # fmt: skip
            return self._finish(log, header, configuration, began, answer, init_ms, status)
        except asyncio.CancelledError:
            worker.kill()
            raise
        finally:
            self._busy.discard(worker)
            self._keep(worker)

    def _call(self, worker: Worker, header: dict[str, Any], event: bytes, log: InvocationLog) -> Awaitable[Answer]:
        if self._faults.active:
            return killing.call(self._faults, self.configuration.name, worker, header, event, log)
        return worker.call(header, event, log)

    async def _within(
        self,
        limit_seconds: float,
        worker: Worker,
        work: Awaitable[Answer | None],
        log: InvocationLog,
        configuration: FunctionConfiguration,
        request_id: str,
    ) -> tuple[Any, str | None]:
        """Wait for `work` of `worker`, which is killed at the limit. Returns the answer and the platform's status."""
        late = False

        def kill() -> None:
            nonlocal late
            late = True
            worker.kill()

        timer = asyncio.get_running_loop().call_later(limit_seconds, kill)
        try:
            return await work, None
        except WorkerEnded as end:
            if late:
                seconds = configuration.timeout_seconds
                log.write(f"{timestamp()} {request_id} Task timed out after {seconds:.2f} seconds\n\n".encode())
                return Answer(invocation.timed_out(request_id, seconds), True, 0), "timeout"
            reason = invocation.exit_reason(end.status)
            log.write(f"RequestId: {request_id} Error: {reason}\nRuntime.ExitError\n".encode())
            return Answer(invocation.exited(request_id, end.status), True, 0), "error"
        finally:
            timer.cancel()

    def _finish(
        self,
        log: InvocationLog,
        header: dict[str, Any],
        configuration: FunctionConfiguration,
        began: float,
        answer: Answer,
        init_ms: float | None,
        status: str | None,
    ) -> Invocation:
        payload, failed = answer.payload, answer.failed
        if len(payload) > invocation.LARGEST_RESPONSE_BYTES:
            payload, failed = invocation.response_too_large(), True
        duration_ms = (time.monotonic() - began) * 1000
        log.write(end_lines(header["requestId"], duration_ms, configuration.memory_mb, answer.peak_mb, init_ms, status))
        return Invocation(payload, "Unhandled" if failed else None, log.tail)

    def _warm(self) -> Worker | None:
        while self._idle:
            worker = self._idle.pop()  # the most recent: the others get old enough to be reaped
            if worker.usable and worker.expires_at - CREDENTIALS_MARGIN_SECONDS > time.time():
                return worker
            worker.close()
        return None

    def _keep(self, worker: Worker) -> None:
        worker.rest()
        if worker.generation != self.generation or not worker.usable:
            worker.close()
            return
        self._idle.append(worker)
        if self._reaper is None:
            self._reaper = asyncio.get_running_loop().call_later(self._idle_seconds, self._reap)

    def _reap(self) -> None:
        self._reaper = None
        now = time.monotonic()
        for worker in [worker for worker in self._idle if now - worker.idle_since >= self._idle_seconds]:
            self._idle.remove(worker)
            worker.close()
        if self._idle:
            wait = self._idle[0].idle_since + self._idle_seconds - now
            self._reaper = asyncio.get_running_loop().call_later(max(wait, 0.01), self._reap)

    async def stop(self, grace_seconds: float) -> None:
        """Let busy workers finish within the grace, then kill them."""
        self.replace()
        if self._reaper is not None:
            self._reaper.cancel()
        busy = list(self._busy)
        if busy:
            await asyncio.wait([asyncio.ensure_future(worker.wait()) for worker in busy], timeout=grace_seconds)
            for worker in busy:
                worker.kill()
