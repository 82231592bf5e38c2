"""One subscription on a connection, and the inbox into which those of a feed deliver."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from enum import Enum, auto
from typing import Protocol
from urllib.parse import urlsplit

from gql import GraphQLRequest
from gql.transport.exceptions import TransportError, TransportQueryError
from graphql import ExecutionResult

from headwater.connection import Connection
from headwater.errors import GraphQLFailure, HeadwaterError, Unreachable, failure
from headwater.transport import STARTED, ServerRefused

# Amplify waits as long for `connection_ack` and for `start_ack`.
START_SECONDS = 15.0

# How many results wait for a feed that is slower than its topic. What comes beyond is let go: the log has it.
MAX_WAITING = 1000


class Notice(Enum):
    """What is delivered besides results and errors."""

    OVERFLOW = auto()
    """Results had to be let go here."""
    UNHEARD = auto()
    """The server was not heard for too long."""
    HEARD = auto()
    """It is heard again."""
    RENEW = auto()
    """Another subscription has to follow this one."""


Arrival = ExecutionResult | HeadwaterError | Notice


class Receiver(Protocol):
    """Where a subscription delivers: never waits, never fails."""

    def deliver(self, sender: Subscription, arrival: Arrival) -> None: ...


class Inbox:
    """What has arrived for a feed, from one subscription or two. Bounded: of too much only the fact is kept."""

    def __init__(self) -> None:
        self._arrived: deque[tuple[Subscription, Arrival]] = deque()
        self._news = asyncio.Event()
        self._overflowed = False
        self._woken = False

    def deliver(self, sender: Subscription, arrival: Arrival) -> None:
        """Keep what has arrived."""
        if isinstance(arrival, ExecutionResult):
            if self._overflowed:
                return
            if len(self._arrived) >= MAX_WAITING:
                self._overflowed = True
                arrival = Notice.OVERFLOW
        self._arrived.append((sender, arrival))
        self._news.set()

    def wake(self) -> None:
        """Have whoever waits look up."""
        self._woken = True
        self._news.set()

    async def take(self) -> tuple[Subscription, Arrival] | None:
        """The next that has arrived; None to look up. Giving up the wait loses nothing."""
        while not self._arrived and not self._woken:
            self._news.clear()
            await self._news.wait()
        self._woken = False
        if not self._arrived:
            return None
        sender, arrival = self._arrived.popleft()
        if arrival is Notice.OVERFLOW:
            self._overflowed = False
        return sender, arrival


class Subscription:
    """A subscription, begun. After the acknowledgement its results and at last its error go to the receiver.

    Attributes:
        ended: why it has ended, as soon as that is known: the receiver may still have results to take before it.
    """

    def __init__(self, connection: Connection, request: GraphQLRequest, receiver: Receiver) -> None:
        self.connection = connection
        self.ended: HeadwaterError | None = None
        self._request = request
        self._receiver = receiver
        self._acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection.subscriptions.add(self)
        # A task of its own reads gql's generator, so that nothing else's cancellation ends the subscription.
        self._reading = asyncio.create_task(self._read())

    async def started(self) -> None:
        """Wait for `start_ack`, which AppSync sends before any data.

        Raises:
            GraphQLFailure: the server refused.
            Unreachable: the connection is gone, or there was no answer within START_SECONDS.
        """
        try:
            # Not wait_for: before Python 3.12 it swallows a cancellation that comes with the acknowledgement.
            async with asyncio.timeout(START_SECONDS):
                await asyncio.shield(self._acknowledged)
        except TimeoutError:
            await self.connection.transport.fail("a subscription was not acknowledged")
            raise Unreachable(f"the server did not acknowledge the subscription in {START_SECONDS:.0f} s") from None

    async def close(self) -> None:
        """End it; the server is told so while the connection stands."""
        self._reading.cancel()
        # Not suppress(CancelledError): who closes may be cancelled meanwhile, too.
        await asyncio.gather(self._reading, return_exceptions=True)
        if not self._acknowledged.done():
            self._acknowledged.cancel()

    def heard(self, heard: bool) -> None:
        """Whether the server is there, when that has changed."""
        self._receiver.deliver(self, Notice.HEARD if heard else Notice.UNHEARD)

    def renew(self) -> None:
        """Another has to follow."""
        self._receiver.deliver(self, Notice.RENEW)

    async def _read(self) -> None:
        transport = self.connection.transport
        try:
            async with aclosing(transport.subscribe(self._request)) as results:
                async for result in results:
                    if result is STARTED:
                        self.connection.shown(transport.grant)
                        self._acknowledged.set_result(None)
                    elif not self._acknowledged.done():
                        raise Unreachable("the server sent data before it acknowledged the subscription")
                    else:
                        self._receiver.deliver(self, result)
            self._end(Unreachable("the server has ended the subscription"))
        except TransportError as error:
            self.connection.lost = self.connection.lost or not isinstance(error, TransportQueryError)
            self._end(typed(error, transport.url))
        except HeadwaterError as error:
            self._end(error)
        finally:
            self.connection.subscriptions.discard(self)

    def _end(self, error: HeadwaterError) -> None:
        self.ended = error
        if not self._acknowledged.done():
            self._acknowledged.set_exception(error)
            self._acknowledged.exception()  # looked at: whoever began may have given up
        else:
            self._receiver.deliver(self, error)


def typed(error: Exception, url: str) -> HeadwaterError:
    """gql's exception as one of this client's. The URL's query is left out: it carries the credentials."""
    match error:
        case TransportQueryError(errors=[{"errors": errors}, *_]):
            return failure(errors)
        case TransportQueryError(errors=errors):
            return GraphQLFailure(errors or [{"message": str(error)}])
        case ServerRefused(errors=errors) if errors:
            return failure(errors)
    reason = str(error.__cause__ or error) or type(error).__name__
    return Unreachable(f"{urlsplit(url)._replace(query='').geturl()}: {reason}")
