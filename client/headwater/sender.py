"""When each queued mutation is sent: in order per item, side by side otherwise, and again after what passes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from headwater.backoff import full_jitter
from headwater.errors import (
    HeadwaterError,
    OutboxExpired,
    OutboxUnusable,
    TooManyRequests,
    Unreachable,
    is_transient,
)
from headwater.mutations import Mutation
from headwater.outbox_file import Entry
from headwater.outbox_writer import Writer

# Sends a mutation once, and answers its data.
Send = Callable[[Mutation], Awaitable[dict[str, Any]]]
# Waits so many seconds, or less when the network has returned, and then says True.
Wait = Callable[[float], Awaitable[bool]]

# A clock that went back by more makes the age of an attempt unknown.
CLOCK_TOLERANCE_MS: Final = 5 * 60 * 1000

# After so long without an answer the network is watched: if it goes and returns, the request's connection may be dead
# without a word, and the request is made anew.
SLOW_SECONDS: Final = 3.0

_log = logging.getLogger("headwater")


class Ended(Protocol):
    """Is told how an entry has ended: with its answer, or with an error. The file knows already."""

    def __call__(self, entry: Entry, data: dict[str, Any], error: HeadwaterError | None) -> None: ...


@dataclass(slots=True)
class _Lane:
    """The entries of one `ordering`. Its first may be under way; the others wait for that."""

    entries: deque[Entry] = field(default_factory=deque)
    busy: bool = False
    failures: int = 0
    not_before: float = 0.0  # on the loop's clock


class Sender:
    """Sends what is lined up.

    Args:
        repeat_ms: for how long after its first attempt an entry may be sent again.
        parallel: how many entries are under way at once.
        now_ms: the time of day, in milliseconds since 1970.
    """

    def __init__(
        self,
        send: Send,
        wait: Wait,
        writer: Writer,
        ended: Ended,
        *,
        repeat_ms: float,
        parallel: int,
        now_ms: Callable[[], int],
    ) -> None:
        self._send = send
        self._wait = wait
        self._writer = writer
        self._ended = ended
        self._repeat_ms = repeat_ms
        self._parallel = parallel
        self._now_ms = now_ms
        self._lanes: dict[tuple[str | None, str], _Lane] = {}
        self._news = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._unreached = 0  # attempts in a row that did not reach the server
        self._network: asyncio.Task[None] | None = None  # while all wait for it
        self._not_before = 0.0  # what the server has asked this caller to wait for
        self._running = asyncio.create_task(self._run())

    def line_up(self, entry: Entry) -> None:
        """Send an entry when its turn comes."""
        self._lanes.setdefault(_lane_of(entry), _Lane()).entries.append(entry)
        self._news.set()

    def wake(self) -> None:
        """The network may be back: try at once what waits for another attempt."""
        network, self._network = self._network, None
        if network is not None:
            network.cancel()
        for lane in self._lanes.values():
            lane.not_before = 0.0
        self._news.set()

    async def close(self) -> None:
        """Stop. What is under way is given up; it will be sent again."""
        running = [task for task in (self._running, self._network, *self._under_way) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            pause = self._start_due()
            # Not wait_for: in Python 3.11 it drops a cancellation that comes together with the news.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()

    def _start_due(self) -> float | None:
        """Start what can be sent now; in how many seconds there is more, None for whenever news comes."""
        if self._network is not None:
            return None
        now = asyncio.get_running_loop().time()
        # One asks for all whether the server can be reached again.
        parallel = 1 if self._unreached else self._parallel
        soonest: float | None = None
        for lane in self._lanes.values():
            if len(self._under_way) >= parallel:
                return None
            if lane.busy:
                continue
            wait = max(lane.not_before, self._not_before) - now
            if wait > 0:
                soonest = wait if soonest is None else min(soonest, wait)
                continue
            lane.busy = True
            task = asyncio.create_task(self._attempt(lane))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            task.add_done_callback(lambda _: self._news.set())
        return soonest

    async def _attempt(self, lane: _Lane) -> None:
        entry = lane.entries[0]
        try:
            data, failure = await self._outcome(lane, entry)
            if failure is None:
                await self._writer.remove(entry)
            else:
                await self._writer.failed(entry, failure)
        except HeadwaterError as error:
            self._postpone(lane, entry, error)
        except Exception:  # noqa: BLE001 - a defect must not end the queue: it is logged, and the entry tried again
            _log.exception("the mutation %s could not be sent", entry.mutation.id)
            self._postpone(lane, entry, None)
        else:
            lane.failures = self._unreached = 0
            lane.entries.popleft()
            self._ended(entry, data, failure)
        finally:
            lane.busy = False
            if not lane.entries:
                self._lanes.pop(_lane_of(entry), None)

    async def _outcome(self, lane: _Lane, entry: Entry) -> tuple[dict[str, Any], HeadwaterError | None]:
        """How an entry ends. Raises what lets it be tried again."""
        now = self._now_ms()
        if entry.sent_at is None:
            await self._writer.sent(entry, now)
            lane.entries[0] = replace(entry, sent_at=now)
        elif not -CLOCK_TOLERANCE_MS <= now - entry.sent_at <= self._repeat_ms:
            return {}, OutboxExpired(entry.mutation.id)
        try:
            return await self._answer(entry.mutation), None
        except HeadwaterError as error:
            if is_transient(error):
                raise
            return {}, error

    async def _answer(self, mutation: Mutation) -> dict[str, Any]:
        sending = asyncio.ensure_future(self._send(mutation))
        tasks: list[asyncio.Future[Any]] = [sending]
        try:
            await asyncio.wait({sending}, timeout=SLOW_SECONDS)
            while not sending.done():
                watching = asyncio.ensure_future(self._wait(SLOW_SECONDS))
                tasks[1:] = [watching]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if not sending.done() and watching.result():
                    raise Unreachable("the network went and returned while the server was to answer")
            return await sending
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _postpone(self, lane: _Lane, entry: Entry, error: HeadwaterError | None) -> None:
        if isinstance(error, Unreachable):
            # Whether it is the network or this entry alone, another finds out: it goes behind the others.
            self._lanes[_lane_of(entry)] = self._lanes.pop(_lane_of(entry))
            if self._network is None:
                self._network = asyncio.create_task(self._wait_for_network(full_jitter(self._unreached)))
            self._unreached += 1
            return
        self._unreached = 0
        now = asyncio.get_running_loop().time()
        delay = full_jitter(lane.failures)
        lane.failures += 1
        lane.not_before = now + delay
        if isinstance(error, TooManyRequests):
            self._not_before = max(self._not_before, now + delay + _retry_after_seconds(error))
        elif isinstance(error, OutboxUnusable):
            _log.warning("%s", error)
            self._not_before = now + delay  # the disk's trouble is everybody's

    async def _wait_for_network(self, seconds: float) -> None:
        try:
            returned = await self._wait(seconds)
        finally:
            if self._network is asyncio.current_task():
                self._network = None
                self._news.set()
        if returned:
            self._unreached = 1  # the backoff begins anew, and still one asks for all
            self.wake()


def _lane_of(entry: Entry) -> tuple[str | None, str]:
    ordering = entry.mutation.ordering
    return (None, entry.mutation.id) if ordering is None else (ordering, "")


def _retry_after_seconds(error: TooManyRequests) -> float:
    least = error.info.get("retryAfterMs") if isinstance(error.info, dict) else None
    return least / 1000 if isinstance(least, int) else 0.0
