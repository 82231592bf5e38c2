"""The work behind a feed: one topic followed over connections that come and go, so that nothing is missed or doubled.

Subscribe, wait for the acknowledgement, read the newest number N, read the items as they are (they hold at least all
up to N), fill from the log after N, and then take what is pushed: no instant lies between two steps in which a change
could be missed. A jump in the numbers is read from the log at once. The log of a quiet topic is looked at 2 and 10
seconds after it went live and then once a minute, because a lost push that nothing follows shows in no number.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from collections.abc import Sequence as Items
from contextlib import suppress
from typing import Any, Generic, Literal, Protocol, TypeVar

from gql import GraphQLRequest
from graphql import ExecutionResult

from headwater.backoff import MOST_SECONDS, full_jitter
from headwater.changes import Change
from headwater.errors import HeadwaterError, MissingChanges, UnexpectedAnswer, is_transient
from headwater.log import Log
from headwater.realtime import Realtime
from headwater.sequence import Sequence
from headwater.states import State
from headwater.subscription import Arrival, Inbox, Notice, Subscription
from headwater.topics import Topic
from headwater.wire import Model

T = TypeVar("T", bound=Model)
A = TypeVar("A")

Transport = Literal["websocket", "polling"]

# When the log is looked at although nothing seems to be missing: AppSync may lose pushes without a word, most of all
# right after `start_ack`, and where nothing follows, no jump in the numbers shows it. Seconds after going live, then of
# silence.
FIRST_LOOKS_SECONDS = (2.0, 10.0)
SILENCE_SECONDS = 60.0

# How often the log is asked again for an entry that must be there (with full jitter: about 3 s in all).
MOST_FRUITLESS_READS = 5

# Where no WebSocket gets through: how often the log is read, and after how long a WebSocket is tried again.
POLL_SECONDS = 3.0
POLLING_SECONDS = 30.0


class Listener(Protocol[T]):
    """What is told of a topic, in this order: where it begins, then changes, or that it begins anew."""

    async def cursor(self) -> int | None:
        """After which number to begin; None for the newest."""

    async def begun(self, items: Items[tuple[str, T]] | None, shown: int, position: int) -> None:
        """The items as they are at number `shown` or later; what follows are the changes after `position`."""

    def changed(self, changes: Items[Change[T]]) -> None:
        """The next changes."""

    def restarted(self, items: Items[tuple[str, T]], position: int) -> None:
        """The log no longer reaches back: the items as they are instead; what follows are the changes after that."""

    def said(self) -> None:
        """The state may be another."""


class Following(Generic[T]):
    """Follows one topic for a listener, while `run` runs."""

    def __init__(
        self, log: Log[T], realtime: Realtime, topic: Topic[T], listener: Listener[T], *, snapshot: bool, keep: int
    ) -> None:
        self.transport: Transport = "websocket"
        self.ready = asyncio.Event()  # set when it has caught up for the first time
        self._log = log
        self._realtime = realtime
        self._topic = topic
        self._listener = listener
        self._snapshot = snapshot
        self._keep = keep
        self._request = GraphQLRequest(topic.kind.subscription, variable_values=dict(topic.subscribing))
        self._stage: State = "connecting"
        self._sequence: Sequence[T] | None = None
        self._inbox = Inbox()
        self._hurt = asyncio.Event()  # a subscription has ended
        self._subscription: Subscription | None = None
        self._successor: Subscription | None = None  # acknowledged, and to take the other's place
        self._succession: asyncio.Task[None] | None = None
        self._swap_at = 0.0  # the loop's time from which on the successor may do so
        self._behind = False  # something may be missing that no number tells of
        self._looking = False  # nothing is known to be missing, and the log is asked all the same
        self._looks: deque[float] = deque()  # the loop's times of the looks at the log that follow going live
        self._look_at = 0.0  # the loop's time of the next look
        self._failures = 0  # in a row: a connection that held for MOST_SECONDS ends the row
        self._failed_at = float("-inf")
        self._fruitless = 0  # reads in a row that did not close a hole
        self._live_at: float | None = None  # the loop's time when it last went live

    @property
    def state(self) -> State:
        """What can be said now; never `live` when the server was not heard within the window."""
        if self._stage in ("catching-up", "live") and not self._heard:
            return "stale"
        return self._stage

    async def run(self, *, patient: bool) -> None:
        """Follow until cancelled.

        Args:
            patient: also wait when there is no way to the server at the first attempt, instead of raising.

        Raises:
            HeadwaterError: what does not heal by waiting.
        """
        try:
            while True:
                try:
                    await self._go_live()
                    while True:
                        await self._step()
                except HeadwaterError as error:
                    await self._drop()
                    if not is_transient(error):
                        raise
                    if self._realtime.blocked and await self._poll():
                        continue
                    self._say("offline")
                    if not await self._may_go_on(patient):
                        raise
                    await self._pause()
        finally:
            await self._drop()
            self._say("offline")

    def deliver(self, sender: Subscription, arrival: Arrival) -> None:
        """Take what a subscription brings."""
        self._inbox.deliver(sender, arrival)
        if isinstance(arrival, HeadwaterError):
            self._hurt.set()
        if isinstance(arrival, Notice):
            if arrival is Notice.UNHEARD and not self._heard:
                # Whatever the reason (a dead connection, a stopped process): first look at the log, then say `live`.
                self._behind = True
                if self._stage == "live":
                    self._stage = "catching-up"
            self._listener.said()

    @property
    def position(self) -> int:
        """The number of the last change that the listener was told of; 0 before the beginning."""
        return 0 if self._sequence is None else self._sequence.position

    @property
    def _heard(self) -> bool:
        return any(
            each is not None and each.ended is None and each.connection.heard
            for each in (self._subscription, self._successor)
        )

    def _say(self, stage: State) -> None:
        self._stage = stage
        self._listener.said()

    async def _go_live(self) -> None:
        if self._stage != "stale":  # as while the log is polled
            self._say("connecting")
        self._subscription = await self._realtime.subscribe(self._request, self)
        self.transport = "websocket"
        # The cursor is older than the subscription: ask the log what lies between.
        self._behind = True
        self._say("catching-up")
        self._begin_looks()
        await self._begin()

    async def _begin(self) -> None:
        """Find out where to begin, if that is not known yet."""
        if self._sequence is not None:
            return
        position = await self._listener.cursor()
        shown = position or 0
        items = None
        if position is None or self._snapshot:
            shown = await self._ask(self._log.head())
        if self._snapshot:
            items = await self._ask(self._log.snapshot(self._keep))
        if position is None:
            position = shown
        await self._listener.begun(items, shown, position)
        self._sequence = Sequence(position)

    async def _step(self) -> None:
        """One step towards the next change: close a hole, or wait for a push."""
        assert self._sequence is not None
        missing = self._behind or self._sequence.fetch_after is not None
        if missing and self._stage != "catching-up":
            self._say("catching-up")
        if (missing or self._looking) and self._heard:
            try:
                await self._fill(self._sequence)
            except HeadwaterError as error:
                self._behind = True
                if not is_transient(error) or self._live_at is None or not self._heard:
                    raise
                await self._pause()
            return
        if not missing and self._stage != "live":
            self._live_at = asyncio.get_running_loop().time()
            self._say("live")
            self.ready.set()
        await self._receive(self._sequence)

    async def _receive(self, sequence: Sequence[T]) -> None:
        try:
            async with asyncio.timeout_at(self._look_at):
                sender, arrival = await self._inbox.take()
        except TimeoutError:
            if self._looks:
                self._looks.popleft()
            self._looking = True
            self._plan_look()
            return
        if isinstance(arrival, ExecutionResult):
            self._take(arrival, sequence)
        elif isinstance(arrival, HeadwaterError):
            self._ended(sender)
        elif arrival is Notice.OVERFLOW:
            self._behind = True
        elif arrival is Notice.RENEW and sender is self._subscription and self._succession is None:
            self._succession = asyncio.create_task(self._succeed())

    def _take(self, result: ExecutionResult, sequence: Sequence[T]) -> None:
        self._plan_look()
        envelope = (result.data or {}).get(self._topic.kind.subscription_field)
        if envelope is None:
            # An envelope that the server could not deliver whole: which numbers it had only the log can tell.
            self._behind = True
            return
        try:
            self._told(sequence.push(self._topic.envelope(envelope)))
        except UnexpectedAnswer:
            self._behind = True

    async def _fill(self, sequence: Sequence[T]) -> None:
        after = sequence.position
        self._behind = self._looking = False  # and anew by what comes while the log is read
        page = await self._ask(self._log.page(after))
        if page.resync_required:
            items = await self._ask(self._log.snapshot(self._keep))
            self._sequence = Sequence(page.head_seq)
            self._behind = True
            self._listener.restarted(items, page.head_seq)
            return
        self._told(sequence.fill(page))
        if sequence.position > after or sequence.fetch_after is None:
            self._fruitless = 0
            await self._take_over(sequence)
            return
        if self._fruitless == MOST_FRUITLESS_READS:
            raise MissingChanges(after)
        await asyncio.sleep(full_jitter(self._fruitless))
        self._fruitless += 1

    def _told(self, changes: list[Change[T]]) -> None:
        if changes:
            self._listener.changed(changes)

    async def _poll(self) -> bool:
        """Read the log now and then, for a while: only HTTP gets through. False when that does not either."""
        loop = asyncio.get_running_loop()
        until = loop.time() + POLLING_SECONDS
        try:
            while loop.time() < until:
                await self._begin()
                assert self._sequence is not None
                self._behind = True
                while self._behind or self._sequence.fetch_after is not None:
                    await self._fill(self._sequence)
                self.transport = "polling"
                if self._stage != "stale":
                    self._say("stale")
                self.ready.set()
                await asyncio.sleep(POLL_SECONDS)
        except HeadwaterError as error:
            if not is_transient(error):
                raise
            return False
        return True

    async def _succeed(self) -> None:
        """Subscribe once more, beside the subscription whose credentials expire."""
        attempt = 0
        while True:
            try:
                self._successor = await self._realtime.subscribe(self._request, self)
            except HeadwaterError as error:
                if not is_transient(error):
                    return  # what there is lasts for as long as the server lets it
                await self._realtime.network.wait(full_jitter(attempt))
                attempt += 1
            else:
                break
        # AppSync acknowledges before pushes arrive: both subscriptions stand until the first look after that.
        self._begin_looks()
        self._swap_at = self._looks[0]
        self._looking = True
        self._inbox.deliver(self._successor, Notice.BEGUN)

    async def _take_over(self, sequence: Sequence[T]) -> None:
        """Let the successor take its place, once it has caught up."""
        caught_up = not self._behind and sequence.fetch_after is None
        if self._successor is None or not caught_up or asyncio.get_running_loop().time() < self._swap_at:
            return
        old, self._subscription, self._successor = self._subscription, self._successor, None
        self._succession = None
        if old is not None:
            await old.close()

    def _ended(self, sender: Subscription) -> None:
        """A subscription has ended: go on with the other one, if there is one."""
        if sender is self._successor:
            self._successor = None
            self._succession = asyncio.create_task(self._succeed())
        if sender is self._subscription:
            self._raise_if_lost()
            if self._succession is not None:
                self._succession.cancel()
            self._subscription, self._successor = self._successor, None
            self._succession = None
            self._behind = True

    def _raise_if_lost(self) -> None:
        if self._subscription is None or self._subscription.ended is None:
            return
        if self._successor is None or self._successor.ended is not None:
            raise self._subscription.ended

    async def _ask(self, reading: Coroutine[Any, Any, A]) -> A:
        """Read from the log. When the connection ends meanwhile, the way to the log may be gone too: give up."""
        answer = asyncio.create_task(reading)
        try:
            while not answer.done():
                self._hurt.clear()
                self._raise_if_lost()
                hurt = asyncio.create_task(self._hurt.wait())
                try:
                    await asyncio.wait({answer, hurt}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    hurt.cancel()
            return answer.result()
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)

    async def _may_go_on(self, patient: bool) -> bool:
        """Whether to try again: at the beginning only if the API can be reached at all."""
        if patient or self.ready.is_set():
            return True
        with suppress(HeadwaterError):
            await self._log.head()
            return True
        return False

    async def _pause(self) -> None:
        """Wait before the next attempt, but not longer than for the return of the network."""
        now = asyncio.get_running_loop().time()
        if self._live_at is not None and self._failed_at < self._live_at < now - MOST_SECONDS:
            self._failures = 0
        self._failed_at = now
        self._failures += 1
        if await self._realtime.network.wait(full_jitter(self._failures - 1)):
            self._failures = 0

    def _begin_looks(self) -> None:
        now = asyncio.get_running_loop().time()
        self._looks = deque(now + seconds for seconds in FIRST_LOOKS_SECONDS)
        self._plan_look()

    def _plan_look(self) -> None:
        """What follows going live is looked for whatever is pushed; after that, a push says that pushes arrive."""
        self._look_at = self._looks[0] if self._looks else asyncio.get_running_loop().time() + SILENCE_SECONDS

    async def _drop(self) -> None:
        if self._succession is not None:
            self._succession.cancel()
            await asyncio.gather(self._succession, return_exceptions=True)
        ended, self._subscription, self._successor = (self._subscription, self._successor), None, None
        self._succession = None
        for subscription in ended:
            if subscription is not None:
                await subscription.close()
