"""A topic's subscription, and the one that follows it when what its connection was opened with expires.

The successor is begun beside the other. Both stand until the topic has caught up once more, some time after the second
was acknowledged: AppSync acknowledges before pushes arrive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gql import GraphQLRequest

from headwater.backoff import full_jitter
from headwater.errors import HeadwaterError, is_transient
from headwater.realtime import Realtime
from headwater.subscription import Receiver, Subscription

# How long both stand at least: as long as it takes to the first look at the log.
OVERLAP_SECONDS = 2.0


class Subscriptions:
    """Both of them. They deliver to one receiver.

    Args:
        followed: called when a successor has been acknowledged.
    """

    def __init__(
        self, realtime: Realtime, request: GraphQLRequest, receiver: Receiver, followed: Callable[[], None]
    ) -> None:
        self._realtime = realtime
        self._request = request
        self._receiver = receiver
        self._followed = followed
        self._current: Subscription | None = None
        self._successor: Subscription | None = None
        self._succeeding: asyncio.Task[None] | None = None
        self._overlap_ends_at = 0.0  # the loop's time

    @property
    def heard(self) -> bool:
        """Whether one is acknowledged, and its server was heard within the window."""
        return any(
            each is not None and each.ended is None and each.connection.heard
            for each in (self._current, self._successor)
        )

    @property
    def lost(self) -> HeadwaterError | None:
        """Why there is none any more, if there was one."""
        if self._current is None or (self._successor is not None and self._successor.ended is None):
            return None
        return self._current.ended

    async def begin(self) -> None:
        """Subscribe; raises what `Realtime.subscribe` raises."""
        self._current = await self._realtime.subscribe(self._request, self._receiver)

    def renew(self, sender: Subscription) -> None:
        """Begin a successor, if it is the current one that asks."""
        if sender is self._current and self._succeeding is None:
            self._succeeding = asyncio.create_task(self._succeed())

    def ended(self, sender: Subscription) -> None:
        """One has ended: go on with the other.

        Raises:
            HeadwaterError: why the last one has ended.
        """
        if self.lost is not None:
            raise self.lost
        if sender is self._successor:
            self._successor = None
            self._succeeding = asyncio.create_task(self._succeed())
        elif sender is self._current:
            self._current, self._successor, self._succeeding = self._successor, None, None

    async def caught_up(self) -> None:
        """Nothing is known to be missing: let the successor take the other's place, if it is time."""
        if self._successor is None or asyncio.get_running_loop().time() < self._overlap_ends_at:
            return
        old, self._current, self._successor, self._succeeding = self._current, self._successor, None, None
        if old is not None:
            await old.close()

    async def close(self) -> None:
        """End both."""
        if self._succeeding is not None:
            self._succeeding.cancel()
            await asyncio.gather(self._succeeding, return_exceptions=True)
        both, self._current, self._successor, self._succeeding = (self._current, self._successor), None, None, None
        for each in both:
            if each is not None:
                await each.close()

    async def _succeed(self) -> None:
        attempt = 0
        while self._successor is None:
            try:
                self._successor = await self._realtime.subscribe(self._request, self._receiver)
            except HeadwaterError as error:
                if not is_transient(error):
                    return  # what there is lasts for as long as the server lets it
                await self._realtime.network.wait(full_jitter(attempt))
                attempt += 1
        self._overlap_ends_at = asyncio.get_running_loop().time() + OVERLAP_SECONDS
        self._followed()
