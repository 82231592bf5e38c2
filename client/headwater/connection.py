"""One WebSocket with its subscriptions: is the server there, how many fit, and when does another have to follow it?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gql.transport.exceptions import TransportError

from headwater import clock
from headwater.credentials import Caller, Grant, renewal
from headwater.errors import HeadwaterError
from headwater.network import Network
from headwater.transport import AcknowledgedTransport

if TYPE_CHECKING:
    from headwater.subscription import Subscription

# A ping is sent so often.
PING_SECONDS = 2.0
# A server that has not answered a ping younger than this may be gone: its subscriptions are stale.
WINDOW_SECONDS = 5.0
# So many pings without an answer end the connection.
MOST_UNANSWERED = 5
# A connection without a subscription is kept for so long.
IDLE_SECONDS = 10.0
# How often a fresh token is asked for, while the caller still has the old one.
RENEWAL_SECONDS = 5.0

# AppSync's quota; an API of older days allows 100 and says so when it is reached.
MOST_SUBSCRIPTIONS = 200
# AppSync ends a connection after 24 hours.
LIFETIME_SECONDS = 23.5 * 3600


class Connection:
    """A connection that has been acknowledged. It watches itself until it is closed.

    Attributes:
        limit: how many subscriptions it takes.
        retiring: it takes no more, because what its caller has shown expires soon. Its subscriptions have been told.
        lost: it is known to have failed; it closes itself.
    """

    def __init__(self, transport: AcknowledgedTransport, caller: Caller, network: Network, began: float) -> None:
        self.transport = transport
        self.subscriptions: set[Subscription] = set()
        self.limit = MOST_SUBSCRIPTIONS
        self.retiring = False
        self.lost = False
        self.closed = False
        self._caller = caller
        self._network = network
        self._heard_at = began
        self._was_heard = True
        self._unanswered = 0
        self._used_at = clock.now()
        self._ends_at = clock.wall() + LIFETIME_SECONDS
        self._expires_at = self._renews_at = float("inf")
        self.shown(transport.grant)
        self._pings: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._watching = asyncio.create_task(self._watch())

    @property
    def heard(self) -> bool:
        """Whether the server has answered a ping that was sent within the window."""
        return clock.now() - self._heard_at <= WINDOW_SECONDS

    @property
    def has_room(self) -> bool:
        """Whether it takes another subscription."""
        return not (self.closed or self.lost or self.retiring) and len(self.subscriptions) < self.limit

    def shown(self, grant: Grant) -> None:
        """The handshake or a subscription was made with this: before it expires, another connection has to follow."""
        expires_at = float("inf") if grant.expires_at is None else grant.expires_at
        if expires_at < self._expires_at:
            self._expires_at, self._renews_at = expires_at, renewal(expires_at, clock.wall())

    async def close(self) -> None:
        """Hang up. Its subscriptions end as unreachable."""
        if self.closed:
            return
        self.closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        tasks = [task for task in (self._watching, *self._pings) if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.transport.close()

    async def _watch(self) -> None:
        while not self.lost:
            self._send_ping()
            self._tell()
            # A server that is not heard is soon given up; if the network went away and is back, at once.
            if self.heard:
                await asyncio.sleep(PING_SECONDS)
            elif await self._network.wait(PING_SECONDS) and not self.heard:
                await self.transport.fail("the network went away and has returned")
            if self._unanswered > MOST_UNANSWERED:
                await self.transport.fail(f"the server has answered none of {self._unanswered} pings")
            if self.subscriptions:
                self._used_at = clock.now()
            if not self.subscriptions and (self.retiring or clock.now() - self._used_at > IDLE_SECONDS):
                break
            if not self.retiring and clock.wall() > min(self._renews_at, self._ends_at):
                await self._retire()
        await self.close()

    def _send_ping(self) -> None:
        ping = asyncio.create_task(self._ping(clock.now()))
        self._pings.add(ping)
        ping.add_done_callback(self._pings.discard)

    async def _ping(self, sent_at: float) -> None:
        self._unanswered += 1
        try:
            await self.transport.ping()
        except TransportError:
            self.lost = True
            return
        self._unanswered = 0
        self._heard_at = max(self._heard_at, sent_at)
        self._tell()
        if self._alarm is not None:
            self._alarm.cancel()
        left = self._heard_at + WINDOW_SECONDS - clock.now()
        self._alarm = asyncio.get_running_loop().call_later(max(0.0, left) + 0.001, self._tell)

    def _tell(self) -> None:
        """Tell the subscriptions when the server is heard no more, and when it is heard again."""
        if self.heard != self._was_heard:
            self._was_heard = not self._was_heard
            for subscription in list(self.subscriptions):
                subscription.heard(self._was_heard)

    async def _retire(self) -> None:
        """Have the subscriptions go over to another connection, if the caller has something new to show there."""
        try:
            fresh = await self._caller.grant()
        except HeadwaterError:
            fresh = self.transport.grant
        newer = fresh.expires_at is None or fresh.expires_at > self._expires_at
        if newer or clock.wall() > self._ends_at:
            self.retiring = True
            for subscription in list(self.subscriptions):
                subscription.renew()
        else:
            self._renews_at = clock.wall() + RENEWAL_SECONDS
