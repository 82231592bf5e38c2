"""The data plane's network edge: listens, accepts connections, ends slow ones, and stops gracefully."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable

from local.appsync.apis import Apis
from local.appsync.http import PATH, GraphqlEndpoint
from local.appsync.http1 import Handler, HttpConnection
from local.appsync.http_messages import Request, Response, Upgrade
from local.appsync.rates import Rates
from local.appsync.realtime.endpoint import RealtimeEndpoint

SWEEP_SECONDS = 1.0
STOP_SECONDS = 1.0


class Server:
    """Serves the APIs of a registry.

    `other` answers what is not GraphQL (None: not its business either). Without `rates`, nothing is throttled.
    """

    def __init__(
        self,
        apis: Apis,
        *,
        other: Callable[[Request], Response | None] | None = None,
        rates: Rates | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        rates = rates or Rates()
        self._listeners: list[asyncio.Server] = []
        self.connections: set[HttpConnection] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self.realtime = RealtimeEndpoint(apis, rates)
        self._handler: Handler = _Routes(GraphqlEndpoint(apis, rates), self.realtime, other)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Start listening and return the port, which the system chooses for 0. May be called for several ports.

        Raises:
            OSError: the port is taken or the address is not ours.
        """
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            lambda: HttpConnection(
                self._handler, self.connections, secure=tls is not None, clock=lambda: self._clock()
            ),
            host, port, ssl=tls, backlog=2048,
        )  # fmt: skip
        self._listeners.append(listener)
        if self._sweeper is None:
            self._sweeper = loop.create_task(self._sweep())
        return int(listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, finish the requests that have arrived and close every connection, in about a second."""
        for listener in self._listeners:
            listener.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
            self._sweeper = None
        running = [task for connection in list(self.connections) if (task := connection.drain()) is not None]
        await asyncio.gather(
            self.realtime.stop(STOP_SECONDS), asyncio.wait(running, timeout=STOP_SECONDS) if running else _nothing()
        )
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for connection in list(self.connections):
            connection.abort()
        self._listeners.clear()

    async def _sweep(self) -> None:
        """Time limits are checked for all connections at once: a timer per request would cost more than it is worth."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()

    def sweep(self) -> None:
        """End the connections that exceed a time limit."""
        now = self._clock()
        for connection in list(self.connections):
            connection.expire(now)


class _Routes:
    """What answers a request: the path decides between GraphQL and the rest, the upgrade between HTTP and real-time."""

    def __init__(
        self,
        graphql: GraphqlEndpoint,
        realtime: RealtimeEndpoint,
        other: Callable[[Request], Response | None] | None,
    ) -> None:
        self._graphql = graphql
        self._realtime = realtime
        self._other = other

    async def respond(self, request: Request) -> Response:
        if self._other is not None and PATH.fullmatch(request.path) is None:
            response = self._other(request)
            if response is not None:
                return response
        return await self._graphql.respond(request)

    async def upgrade(self, request: Request) -> Upgrade | Response:
        path = PATH.fullmatch(request.path)
        if path is None or str(request.header("upgrade")).lower() != "websocket":
            return await self.respond(request)
        return await self._realtime.upgrade(request, path["api"])


async def _nothing() -> None:
    pass
