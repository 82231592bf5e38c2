"""The work behind a feed: one topic followed over connections that come and go, so that nothing is missed or doubled.

Subscribe, wait for the acknowledgement, read the newest number N, read the items as they are (they hold at least all
up to N), fill from the log after N, and then take what is pushed: no instant lies between two steps in which a change
could be missed. A jump in the numbers is read from the log at once. The log of a quiet topic is looked at 2 and 10
seconds after it went live and then once a minute, because a lost push that nothing follows shows in no number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Generic, Literal, TypeVar

from gql import GraphQLRequest
from graphql import ExecutionResult

from headwater.backoff import MOST_SECONDS, full_jitter
from headwater.changes import Change
from headwater.errors import HeadwaterError, MissingChanges, UnexpectedAnswer, is_transient
from headwater.listener import Listener
from headwater.log import Log
from headwater.looks import Looks
from headwater.realtime import Realtime
from headwater.sequence import Sequence
from headwater.states import State
from headwater.subscription import Arrival, Inbox, Notice, Subscription
from headwater.subscriptions import Subscriptions
from headwater.topics import Topic
from headwater.wire import Model

T = TypeVar("T", bound=Model)
A = TypeVar("A")

Transport = Literal["websocket", "polling"]

# How often the log is asked again for an entry that must be there (with full jitter: about 3 s in all).
MOST_FRUITLESS_READS = 5

# Where no WebSocket gets through: how often the log is read, and after how long a WebSocket is tried again.
POLL_SECONDS = 3.0
POLLING_SECONDS = 30.0


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
        self._stage: State = "connecting"
        self._sequence: Sequence[T] | None = None
        request = GraphQLRequest(topic.kind.subscription, variable_values=dict(topic.subscribing))
        self._subscriptions = Subscriptions(realtime, request, self, self._followed)
        self._inbox = Inbox()
        self._hurt = asyncio.Event()  # a subscription has ended
        self._behind = False  # something may be missing that no number tells of
        self._looking = False  # nothing is known to be missing, and the log is asked all the same
        self._looks = Looks()
        self._failures = 0  # in a row: a connection that held for MOST_SECONDS ends the row
        self._failed_at = float("-inf")
        self._fruitless = 0  # reads in a row that did not close a hole
        self._live_at: float | None = None  # the loop's time when it last went live

    @property
    def state(self) -> State:
        """What can be said now; never `live` when the server was not heard within the window."""
        if self._stage in ("catching-up", "live") and not self._subscriptions.heard:
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
                    await self._subscriptions.close()
                    if not is_transient(error):
                        raise
                    if self._realtime.blocked and await self._poll():
                        continue
                    self._say("offline")
                    if not await self._may_go_on(patient):
                        raise
                    await self._pause()
        finally:
            await self._subscriptions.close()
            self._say("offline")

    def deliver(self, sender: Subscription, arrival: Arrival) -> None:
        """Take what a subscription brings."""
        self._inbox.deliver(sender, arrival)
        if isinstance(arrival, HeadwaterError):
            self._hurt.set()
        if isinstance(arrival, Notice):
            if arrival is Notice.UNHEARD and not self._subscriptions.heard:
                # Whatever the reason (a dead connection, a stopped process): first look at the log, then say `live`.
                self._behind = True
                if self._stage == "live":
                    self._stage = "catching-up"
            self._listener.said()

    @property
    def position(self) -> int:
        """The number of the last change that the listener was told of; 0 before the beginning."""
        return 0 if self._sequence is None else self._sequence.position

    def _say(self, stage: State) -> None:
        self._stage = stage
        self._listener.said()

    async def _go_live(self) -> None:
        if self._stage != "stale":  # as while the log is polled
            self._say("connecting")
        await self._subscriptions.begin()
        self.transport = "websocket"
        # The cursor is older than the subscription: ask the log what lies between.
        self._behind = True
        self._say("catching-up")
        self._looks.begin()
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
        if (missing or self._looking) and self._subscriptions.heard:
            try:
                await self._fill(self._sequence)
            except HeadwaterError as error:
                self._behind = True
                if not is_transient(error) or self._live_at is None or not self._subscriptions.heard:
                    raise
                await self._pause()
            return
        if not missing and self._stage != "live":
            # Whoever waits for what has come takes it before it is called live.
            await asyncio.sleep(0)
            if self._behind:
                return
            self._live_at = asyncio.get_running_loop().time()
            self._say("live")
            self.ready.set()
        await self._receive(self._sequence)

    async def _receive(self, sequence: Sequence[T]) -> None:
        try:
            async with asyncio.timeout_at(self._looks.at):
                taken = await self._inbox.take()
        except TimeoutError:
            self._looking = True
            self._looks.looked()
            return
        if taken is None:
            return
        sender, arrival = taken
        if isinstance(arrival, ExecutionResult):
            self._take(arrival, sequence)
        elif isinstance(arrival, HeadwaterError):
            self._subscriptions.ended(sender)
            self._behind = True
        elif arrival is Notice.OVERFLOW:
            self._behind = True
        elif arrival is Notice.RENEW:
            self._subscriptions.renew(sender)

    def _take(self, result: ExecutionResult, sequence: Sequence[T]) -> None:
        wire = (result.data or {}).get(self._topic.kind.subscription_field)
        try:
            envelope = None if wire is None else self._topic.envelope(wire)
        except UnexpectedAnswer:
            envelope = None
        if envelope is None:
            # An envelope that the server could not deliver whole: which numbers it had only the log can tell.
            self._behind = True
            return
        if envelope.last_seq > sequence.head:
            self._looks.pushed()  # an old one that is repeated would show no jump
        self._told(sequence.push(envelope))

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
            if not self._behind and sequence.fetch_after is None:
                await self._subscriptions.caught_up()
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

    def _followed(self) -> None:
        """A second subscription stands beside the first: look at the log, now and as after any beginning."""
        self._looks.begin()
        self._looking = True
        self._inbox.wake()

    async def _ask(self, reading: Coroutine[Any, Any, A]) -> A:
        """Read from the log. When the connection ends meanwhile, the way to the log may be gone too: give up."""
        answer = asyncio.create_task(reading)
        try:
            while not answer.done():
                self._hurt.clear()
                if (lost := self._subscriptions.lost) is not None:
                    raise lost
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
