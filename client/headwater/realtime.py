"""The WebSocket of a client: one connection for all its subscriptions, made anew when it is needed and gone."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any, Final
from urllib.parse import urlsplit

from gql import GraphQLRequest
from gql.transport.exceptions import TransportError, TransportQueryError
from graphql import ExecutionResult

from headwater.credentials import Credential
from headwater.endpoint import Endpoint
from headwater.errors import GraphQLFailure, HeadwaterError, Unreachable, failure
from headwater.transport import STARTED, AcknowledgedTransport, ServerRefused

# Amplify waits as long for `connection_ack` and for `start_ack`.
START_SECONDS = 15.0

# How many results wait for a reader that is slower than the room. What comes beyond is let go: the log has it.
MAX_WAITING = 1000

OVERFLOW: Final = ExecutionResult(data=None, errors=None)


class Realtime:
    """The connection behind a client's subscriptions. Credentials are made anew for every handshake and every start."""

    def __init__(self, endpoint: Endpoint, credential: Credential, tls: SSLContext | None = None) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._connect_args = _connect_args(endpoint.realtime_url, tls)
        self._transport: AcknowledgedTransport | None = None
        self._connecting = asyncio.Lock()

    async def subscribe(self, request: GraphQLRequest) -> Subscription:
        """Start a subscription and wait until the server has acknowledged it.

        Raises:
            GraphQLFailure: the server refused the connection or the subscription; Unauthorized where it says so.
            Unreachable: no connection, or no answer within START_SECONDS.
        """
        subscription = Subscription(self, await self._connected(), request)
        try:
            await subscription.started()
        except BaseException:
            await subscription.close()
            raise
        return subscription

    async def _connected(self) -> AcknowledgedTransport:
        async with self._connecting:
            if self._transport is None:
                url = self._endpoint.realtime_url
                transport = AcknowledgedTransport(url, self._credential(self._endpoint), self._connect_args)
                try:
                    await transport.connect()
                except (TransportError, TimeoutError) as error:
                    await transport.close()
                    raise _typed(error, url) from error
                self._transport = transport
            return self._transport

    async def forget(self, transport: AcknowledgedTransport) -> None:
        """Let go of a connection that has failed; the next subscription makes another."""
        if self._transport is transport:
            self._transport = None
        await transport.close()

    async def close(self) -> None:
        """Close the connection. Subscriptions are closed by their owners, before."""
        if self._transport is not None:
            await self.forget(self._transport)


class Subscription:
    """One subscription on the shared connection. What the server sends waits here until it is asked for.

    Where results had to be let go, `OVERFLOW` stands in their place: a result without data, as the server itself sends
    when it could not deliver an event whole.
    """

    def __init__(self, realtime: Realtime, transport: AcknowledgedTransport, request: GraphQLRequest) -> None:
        self._realtime = realtime
        self._transport = transport
        self._request = request
        self._closed = False
        self._overflowed = False
        self._arrived: asyncio.Queue[ExecutionResult | HeadwaterError] = asyncio.Queue()
        # A task of its own reads gql's generator: a reader that gives up waiting must not end the subscription.
        self._reading = asyncio.create_task(self._read())

    async def started(self) -> None:
        """Wait for `start_ack`, which AppSync sends before any data."""
        try:
            first = await asyncio.wait_for(self.receive(), START_SECONDS)
        except TimeoutError:
            await self._realtime.forget(self._transport)
            raise Unreachable(f"the server did not acknowledge the subscription in {START_SECONDS:.0f} s") from None
        if first is not STARTED:
            await self._realtime.forget(self._transport)
            raise Unreachable("the server sent data before it acknowledged the subscription")

    async def receive(self) -> ExecutionResult:
        """The next result. Giving up the wait loses nothing.

        Raises:
            GraphQLFailure: the server ended the subscription with an error.
            Unreachable: the connection is gone, or the server has ended the subscription without a reason.
        """
        result = await self._arrived.get()
        if result is OVERFLOW:
            self._overflowed = False
        if isinstance(result, HeadwaterError):
            if isinstance(result, Unreachable) and not self._closed:
                await self._realtime.forget(self._transport)
            raise result
        return result

    async def close(self) -> None:
        """End the subscription; the server is told so while the connection stands."""
        self._closed = True
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        self._arrived.put_nowait(Unreachable("the subscription is closed"))  # whoever still waits

    def _keep(self, result: ExecutionResult) -> None:
        if self._overflowed:
            return
        if self._arrived.qsize() < MAX_WAITING:
            self._arrived.put_nowait(result)
        else:
            self._overflowed = True
            self._arrived.put_nowait(OVERFLOW)

    async def _read(self) -> None:
        try:
            async with aclosing(self._transport.subscribe(self._request)) as results:
                async for result in results:
                    self._keep(result)
            self._arrived.put_nowait(Unreachable("the server has ended the subscription"))
        except TransportError as error:
            self._arrived.put_nowait(_typed(error, self._transport.url))


def _typed(error: Exception, url: str) -> HeadwaterError:
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


def _connect_args(url: str, tls: SSLContext | None) -> dict[str, Any]:
    """Chat is small frames, which compression only makes slower; a proxy is not for this machine itself."""
    arguments: dict[str, Any] = {"compression": None}
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
