"""AppSync in memory: takes publish mutations, pushes them to whoever subscribed, and loses what AppSync loses.

`Connection` stands for the client's WebSocket transport (`headwater.transport.AcknowledgedTransport`), so that all of
the client that lies above it runs as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from gql import GraphQLRequest
from gql.transport.exceptions import TransportClosed, TransportConnectionFailed, TransportQueryError
from graphql import ExecutionResult

from headwater import connection
from headwater.credentials import Caller, Grant
from headwater.transport import STARTED, ServerRefused
from tests.simulation.kernel import Kernel
from tests.simulation.weather import Weather

KEEP_ALIVE_SECONDS = 300.0
"""A connection that was silent for so long counts as dead; AppSync's `connectionTimeoutMs`."""

BROKEN = ExecutionResult(data={"onMessages": None}, errors=[])


class AppSync:
    """The service: who is subscribed to what.

    Attributes:
        connections: that were made and have not ended.
        blocked: callers who cannot open WebSockets.
        ends_at_expiry: whether a connection ends with the token that it was opened with: AppSync does not say.
        head: tells a room's newest number.
        look: called when something has happened after which a client might say `live` without right.
        published: called with a room and the newest number that is pushed there.
    """

    def __init__(self, kernel: Kernel, weather: Weather, head: Callable[[str], int]) -> None:
        self.kernel = kernel
        self.weather = weather
        self.head = head
        self.look: Callable[[float], None] = lambda _: None
        self.published: Callable[[str, int], None] = lambda _room_id, _seq: None
        self.refused: set[str] = set()
        self.connections: list[Connection] = []
        self.blocked: set[Caller] = set()
        self.ends_at_expiry = False
        self._live: list[_Live] = []

    def refuses(self, envelope: dict[str, Any]) -> bool:
        """Whether a change of an envelope has a text that is not taken."""
        return any(item["message"] and item["message"]["text"] in self.refused for item in envelope["items"])

    def publish(self, envelope: dict[str, Any]) -> None:
        """A publish mutation took effect: the envelope goes to all whose subscription is live."""
        self.published(envelope["roomId"], envelope["lastSeq"])
        for live in self._live:
            if live.room_id == envelope["roomId"]:
                live.push(envelope)

    def begin(self, live: _Live) -> None:
        """A subscription is live from now on."""
        if live.wanted:
            self._live.append(live)

    def end(self, live: _Live) -> None:
        """A subscription is over, as far as the server knows."""
        live.wanted = False
        if live in self._live:
            self._live.remove(live)


class _Live:
    """One subscription as the server has it."""

    def __init__(self, connection: Connection, room_id: str) -> None:
        self.room_id = room_id
        self.wanted = True
        self.head: int | None = None  # the room's newest number when it was acknowledged
        self.arrived: asyncio.Queue[ExecutionResult | Exception] = asyncio.Queue()
        self._connection = connection
        self._last = 0.0

    def push(self, envelope: dict[str, Any]) -> None:
        kernel, strikes = self._connection.kernel, self._connection.weather.strikes
        if strikes("push dropped"):
            kernel.trace(self._connection.name, f"dropped {envelope['firstSeq']}-{envelope['lastSeq']}")
            return
        result = BROKEN if strikes("push broken") else ExecutionResult(data={"onMessages": envelope})
        for _ in range(2 if strikes("push doubled") else 1):
            moment = kernel.now + 0.002 + kernel.random.expovariate(200.0)
            if strikes("push late"):
                moment += kernel.random.random() * 3.0
            else:
                moment = self._last = max(moment, self._last)
            kernel.later(moment - kernel.now, self._arrive, result)

    def acknowledge(self, head: int) -> None:
        if not self._connection.silent and self.wanted:
            self.head = head
            self.arrived.put_nowait(STARTED)

    def _arrive(self, result: ExecutionResult) -> None:
        if not self._connection.silent and self.wanted:
            self.arrived.put_nowait(result)


class Connection:
    """A client's WebSocket, with gql's interface. It may end, or fall silent, at any time.

    Attributes:
        silent_since: when it fell silent.
        subscriptions: those that the client has begun and not ended.
    """

    def __init__(self, service: AppSync, name: str, url: str, caller: Caller, grant: Grant) -> None:
        self.kernel = service.kernel
        self.weather = service.weather
        self.name = name
        self.url = url
        self.caller = caller
        self.grant = grant
        self.silent_since: float | None = None
        self.subscriptions: list[_Live] = []
        self._service = service
        self._closed: Exception | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing comes through."""
        return self.silent_since is not None

    async def connect(self) -> None:
        """The handshake."""
        kernel = self.kernel
        await asyncio.sleep(0.01 * kernel.random.random())
        self._verify(self.grant)
        if self.weather.storm and self.caller in self._service.blocked:
            raise TransportConnectionFailed("the proxy knows no WebSockets")
        if self.weather.strikes("refused"):
            kernel.trace(self.name, "connection refused")
            if kernel.random.random() < 0.3:
                raise ServerRefused([{"errorType": "UnauthorizedException", "message": "expired", "errorCode": 401}])
            raise TransportConnectionFailed("refused")
        self._service.connections.append(self)
        if self.weather.strikes("hang up"):
            kernel.later(kernel.random.random() * 60.0, self._end, TransportConnectionFailed("hung up"))
        if self.weather.strikes("half-open"):
            kernel.later(kernel.random.random() * 60.0, self._fall_silent)
        if self._service.ends_at_expiry and self.grant.expires_at is not None:
            left = self.grant.expires_at - kernel.wall_ms() / 1000
            kernel.later(left, self._end, TransportConnectionFailed("the token has expired"))

    async def ping(self) -> None:
        """A ping, until it is answered."""
        await asyncio.sleep(0.002 + self.kernel.random.expovariate(200.0))
        if self._closed:
            raise self._closed
        if self.silent:
            await self.kernel.loop.create_future()

    async def fail(self, reason: str) -> None:
        """The client gives it up."""
        self._end(TransportConnectionFailed(reason))

    async def close(self) -> None:
        """Hang up."""
        self._end(TransportClosed("closed by its user"))

    async def subscribe(self, request: GraphQLRequest) -> AsyncGenerator[ExecutionResult, None]:
        """Subscribe; what the server sends, from its acknowledgement on."""
        if self._closed:
            raise self._closed
        kernel, strikes, service = self.kernel, self.weather.strikes, self._service
        self.grant = await self.caller.grant()
        try:
            self._verify(self.grant)
        except ServerRefused as error:
            raise TransportQueryError("refused", query_id=1, errors=[{"errors": error.errors}]) from None
        assert request.variable_values is not None
        live = _Live(self, request.variable_values["roomId"])
        self.subscriptions.append(live)
        try:
            if not strikes("no ack"):
                delay = 0.005 * kernel.random.random()
                deaf = kernel.random.random() * 3.0 if strikes("deaf start") else 0.0
                kernel.later(delay + deaf, service.begin, live)
                kernel.later(delay, lambda: live.acknowledge(service.head(live.room_id)))
            while True:
                result = await live.arrived.get()
                if isinstance(result, Exception):
                    raise result
                yield result
        finally:
            self.subscriptions.remove(live)
            service.end(live)
            service.look(0.0)

    def _verify(self, grant: Grant) -> None:
        if grant.expires_at is not None and grant.expires_at * 1000 < self.kernel.wall_ms():
            raise ServerRefused([{"errorType": "UnauthorizedException", "message": "expired", "errorCode": 401}])

    def _fall_silent(self) -> None:
        if not self._closed:
            self.kernel.trace(self.name, "connection is half-open")
            self.silent_since = self.kernel.now
            self._service.look(connection.WINDOW_SECONDS)
            self.kernel.later(KEEP_ALIVE_SECONDS, self._end, TransportConnectionFailed("no keep-alive"))

    def _end(self, why: Exception) -> None:
        if self._closed is None:
            self.kernel.trace(self.name, f"connection ends: {why}")
            self._closed = why
            if self in self._service.connections:
                self._service.connections.remove(self)
            for live in self.subscriptions:
                live.arrived.put_nowait(why)
            self._service.look(0.0)
