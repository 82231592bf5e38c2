"""The WebSockets of a client: as many connections as its subscriptions need, made when they are needed."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from gql import GraphQLRequest
from gql.transport.exceptions import TransportError

from headwater import clock
from headwater.connection import Connection
from headwater.credentials import Caller, Grant
from headwater.endpoint import Endpoint
from headwater.errors import GraphQLFailure, Unauthorized
from headwater.network import Network
from headwater.subscription import Receiver, Subscription, typed
from headwater.transport import AcknowledgedTransport, ServerRefused

# So many handshakes that fail in a row, while the API can be reached, mean that something lets no WebSocket through.
MOST_FAILED_HANDSHAKES = 3

# gql gives up the way to the server, and its acknowledgement, after 10 s each.
CONNECT_SECONDS = 20.0

_FULL = frozenset({"MaxSubscriptionsReachedError", "MaxSubscriptionsReachedException"})


class Realtime:
    """The connections behind a client's subscriptions. Whoever waits for one to open shares its success or failure."""

    def __init__(self, endpoint: Endpoint, caller: Caller, network: Network, tls: SSLContext | None = None) -> None:
        self.network = network
        self.connections: list[Connection] = []
        self._url = endpoint.realtime_url
        self._caller = caller
        self._connect_args = _connect_args(endpoint.realtime_url, tls)
        self._opening: asyncio.Task[Connection] | None = None
        self._failed_handshakes = 0
        self._shown: Grant | None = None

    @property
    def blocked(self) -> bool:
        """Whether handshakes fail, and not because of the caller."""
        return self._failed_handshakes >= MOST_FAILED_HANDSHAKES

    async def subscribe(self, request: GraphQLRequest, receiver: Receiver) -> Subscription:
        """Begin a subscription, and wait until the server has acknowledged it.

        Raises:
            GraphQLFailure: the server refused the connection or the subscription; Unauthorized where it says so.
            Unreachable: no connection, or no answer in time.
        """
        renewed = False
        while True:
            connection = None
            try:
                connection = await self._connection()
                return await self._begin(connection, request, receiver)
            except Unauthorized as error:
                refused = self._shown if connection is None else connection.transport.grant
                if renewed or not await self._caller.has_other(refused):
                    raise error from None
                renewed = True
            except GraphQLFailure as error:
                # An API of older days takes fewer; one that takes none at all is not asked for ever.
                if error.type not in _FULL or connection is None or not connection.subscriptions:
                    raise
                connection.limit = len(connection.subscriptions)

    async def close(self) -> None:
        """Close all connections. Subscriptions are closed by their owners, before."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await asyncio.gather(*(connection.close() for connection in self.connections))
        self.connections.clear()

    async def _begin(self, connection: Connection, request: GraphQLRequest, receiver: Receiver) -> Subscription:
        subscription = Subscription(connection, request, receiver)
        try:
            await subscription.started()
        except BaseException:
            await subscription.close()
            raise
        return subscription

    async def _connection(self) -> Connection:
        while True:
            self.connections = [each for each in self.connections if not each.closed]
            found = next((each for each in self.connections if each.has_room), None)
            if found is not None:
                return found
            if self._opening is None:
                self._opening = asyncio.create_task(self._open())
                self._opening.add_done_callback(self._opened)
            # Of those who wait, none's giving up ends the attempt.
            await asyncio.shield(self._opening)

    async def _open(self) -> Connection:
        while True:
            began = clock.now()
            grant = self._shown = await self._caller.grant()
            transport = AcknowledgedTransport(self._url, self._caller, grant, self._connect_args)
            if await self._connect(transport):
                return Connection(transport, self._caller, self.network, began)

    async def _connect(self, transport: AcknowledgedTransport) -> bool:
        """Shake hands; False when the network went away and came back meanwhile, so that the attempt may hang."""
        connecting = asyncio.create_task(transport.connect())
        returning = asyncio.create_task(self.network.wait(CONNECT_SECONDS))
        try:
            await asyncio.wait({connecting, returning}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done() and returning.result():
                await _cancelled(connecting)
                await transport.close()
                return False
            await connecting
        except (TransportError, TimeoutError) as error:
            await transport.close()
            if isinstance(error, ServerRefused):
                self._failed_handshakes = 0
            elif await self.network.reached():
                self._failed_handshakes += 1
            else:
                self._failed_handshakes = 0  # there is no way at all, which says nothing of WebSockets
            raise typed(error, self._url) from error
        except BaseException:
            await _cancelled(connecting)
            await transport.close()
            raise
        finally:
            await _cancelled(returning)
        self._failed_handshakes = 0
        return True

    def _opened(self, opening: asyncio.Task[Connection]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self.connections.append(opening.result())


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _connect_args(url: str, tls: SSLContext | None) -> dict[str, Any]:
    """What `websockets.connect` takes besides the URL.

    Chat is small frames, which compression only makes slower; a proxy is not for this machine itself; the connection's
    own pings also tell how old their answers are.
    """
    arguments: dict[str, Any] = {"compression": None, "ping_interval": None, "close_timeout": 1}
    if tls is not None and urlsplit(url).scheme == "wss":
        arguments["ssl"] = tls
    if _is_loopback(urlsplit(url).hostname or ""):
        arguments["proxy"] = None
    return arguments


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
