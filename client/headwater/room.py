"""A live room: the changes of one topic, each exactly once and in order, over a connection that may come and go."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from gql import GraphQLRequest

from headwater.backoff import MOST_SECONDS, full_jitter
from headwater.changes import CHANGE_FIELDS, Change, envelope_from_wire, page_from_wire
from headwater.errors import HeadwaterError, MissingChanges, is_transient
from headwater.realtime import Realtime, Subscription
from headwater.sequence import Sequence

SUBSCRIPTION = f"""
subscription OnMessages($roomId: ID!) {{
  onMessages(roomId: $roomId) {{ roomId topic firstSeq lastSeq items {{ {CHANGE_FIELDS} }} }}
}}"""

CHANGES = f"""
query MessageChanges($roomId: ID!, $after: Int!, $limit: Int) {{
  messageChanges(roomId: $roomId, after: $after, limit: $limit) {{
    items {{ {CHANGE_FIELDS} }} lastSeq headSeq resyncRequired
  }}
}}"""

# The head is in every page, so the cheapest read of it is a page of one.
HEAD = """
query Head($roomId: ID!) { messageChanges(roomId: $roomId, after: 0, limit: 1) { headSeq } }"""

PAGE_LIMIT = 100

# When the log is looked at although nothing seems to be missing: AppSync may lose pushes without a word, most of all
# right after `start_ack`, and where nothing follows, no jump in the numbers shows it. Seconds after going live, then of
# silence.
FIRST_LOOKS_SECONDS = (2.0, 10.0)
SILENCE_SECONDS = 60.0

# How often the log is asked again for an entry that must be there (with full jitter: about 3 s in all).
MOST_FRUITLESS_READS = 5

Query = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class Room:
    """The changes of a room, as an async iterator and an async context manager.

    The cursor comes first, then the subscription, then the log up to its head, then what is pushed: no instant lies
    between them in which a change could be missed. A jump in the numbers is read from the log at once; a dropped
    connection is made anew, with full jitter, and resumed from the last change that was handed out. A quiet room looks
    at the log twice after it went live and then once a minute, because a lost push that nothing follows shows in no
    number.

    `async with` makes the room live before its body runs, and ends it after. A bare `async for` makes it live at its
    first step; the room then ends with its client.
    """

    def __init__(self, query: Query, realtime: Realtime, room_id: str, after: int | None) -> None:
        self.id = room_id
        self._query = query
        self._realtime = realtime
        self._sequence: Sequence | None = None if after is None else Sequence(after)
        self._position = after
        self._subscription: Subscription | None = None
        self._ready: deque[Change] = deque()
        self._behind = False  # the log may hold changes that no push has announced
        self._failures = 0  # in a row: a connection that held for MOST_SECONDS ends the row
        self._fruitless = 0  # reads in a row that did not close a hole
        self._live_at: float | None = None  # the loop's time when it last went live
        self._looks: deque[float] = deque()  # the loop's times of the looks at the log that follow going live
        self._look_at = 0.0  # the loop's time of the next look
        self.closed = False

    @property
    def position(self) -> int | None:
        """The number of the last change handed out: the cursor to resume after, in this room or another. None before
        the start."""
        return self._position

    async def start(self) -> None:
        """Go live: returns when the subscription is acknowledged and the log has been asked for what came before.

        Raises:
            ResyncRequired: the log no longer reaches back to `after`.
            GraphQLFailure: the room may not be listened to, or the server refused.
            Unreachable: there is no connection. Once the room has been live, it waits and tries again instead.
        """
        if self._sequence is None:
            self._position = await self._head()
            self._sequence = Sequence(self._position)
        if self._subscription is None:
            self._subscription = await self._realtime.subscribe(_subscription_request(self.id))
            # The cursor is older than the subscription: ask the log what lies between.
            self._behind = True
            now = asyncio.get_running_loop().time()
            self._looks = deque(now + seconds for seconds in FIRST_LOOKS_SECONDS)
            self._plan_look()
        if self._behind:
            await self._fill(self._sequence)
        self._live_at = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """End the subscription. Changes that were taken from the wire and not yet handed out are dropped."""
        self.closed = True
        self._ready.clear()
        await self._drop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        while not self._ready:
            if self.closed:
                raise StopAsyncIteration
            await self._step()
        change = self._ready.popleft()
        self._position = change.seq
        return change

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _step(self) -> None:
        """One step towards the next change: go live, close a hole, or wait for a push."""
        try:
            if self._subscription is None or self._sequence is None:
                await self.start()
            elif self._behind or self._sequence.fetch_after is not None:
                await self._fill(self._sequence)
            else:
                await self._receive(self._subscription, self._sequence)
        except HeadwaterError as error:
            if self.closed:
                raise StopAsyncIteration from None
            await self._drop()
            if self._live_at is None or not is_transient(error):
                raise
            if asyncio.get_running_loop().time() - self._live_at > MOST_SECONDS:
                self._failures = 0
            self._failures += 1
            await asyncio.sleep(full_jitter(self._failures - 1))

    async def _receive(self, subscription: Subscription, sequence: Sequence) -> None:
        try:
            async with asyncio.timeout_at(self._look_at):
                result = await subscription.receive()
        except TimeoutError:
            if self._looks:
                self._looks.popleft()
            self._behind = True
            self._plan_look()
            return
        self._plan_look()
        envelope = (result.data or {}).get("onMessages")
        if envelope is None:
            # An envelope that the server could not deliver whole: which numbers it had only the log can tell.
            self._behind = True
            return
        self._ready += sequence.push(envelope_from_wire(envelope))

    async def _fill(self, sequence: Sequence) -> None:
        after = sequence.position
        answer = await self._query(CHANGES, {"roomId": self.id, "after": after, "limit": PAGE_LIMIT})
        self._ready += sequence.fill(page_from_wire(answer["messageChanges"]))
        self._behind = False
        if sequence.position > after or sequence.fetch_after is None:
            self._fruitless = 0
            return
        if self._fruitless == MOST_FRUITLESS_READS:
            raise MissingChanges(after)
        await asyncio.sleep(full_jitter(self._fruitless))
        self._fruitless += 1

    def _plan_look(self) -> None:
        """What follows going live is looked for whatever is pushed; after that, a push says that pushes arrive."""
        self._look_at = self._looks[0] if self._looks else asyncio.get_running_loop().time() + SILENCE_SECONDS

    async def _head(self) -> int:
        answer = await self._query(HEAD, {"roomId": self.id})
        return int(answer["messageChanges"]["headSeq"])

    async def _drop(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()


def _subscription_request(room_id: str) -> GraphQLRequest:
    return GraphQLRequest(SUBSCRIPTION, variable_values={"roomId": room_id})
