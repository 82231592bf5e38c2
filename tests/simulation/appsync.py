"""AppSync in memory: takes publish mutations, pushes them to whoever subscribed, and loses what AppSync loses.

`Connection` stands for the client's WebSocket transport (`headwater.transport.AcknowledgedTransport`), so that
`headwater.realtime` and `headwater.room` run on it as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from gql import GraphQLRequest
from gql.transport.exceptions import TransportClosed, TransportConnectionFailed
from graphql import ExecutionResult

from headwater.transport import STARTED, ServerRefused
from tests.simulation.kernel import Kernel
from tests.simulation.weather import Weather

KEEP_ALIVE_SECONDS = 300.0
"""A connection that was silent for so long counts as dead; AppSync's `connectionTimeoutMs`."""

BROKEN = ExecutionResult(data={"onMessages": None}, errors=[])


class AppSync:
    """The service: who is subscribed to what."""

    def __init__(self, kernel: Kernel, weather: Weather) -> None:
        self.kernel = kernel
        self.weather = weather
        self.refused: set[str] = set()
        self._live: list[_Live] = []

    def refuses(self, envelope: dict[str, Any]) -> bool:
        """Whether a change of an envelope has a text that is not taken."""
        return any(item["message"] and item["message"]["text"] in self.refused for item in envelope["items"])

    def publish(self, envelope: dict[str, Any]) -> None:
        """A publish mutation took effect: the envelope goes to all whose subscription is live."""
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

    def _arrive(self, result: ExecutionResult) -> None:
        if not self._connection.silent and self.wanted:
            self.arrived.put_nowait(result)


class Connection:
    """A client's WebSocket, with gql's interface. It may end, or fall silent, at any time."""

    def __init__(self, service: AppSync, name: str, url: str) -> None:
        self.kernel = service.kernel
        self.weather = service.weather
        self.name = name
        self.url = url
        self.silent = False
        self._service = service
        self._closed: Exception | None = None
        self._subscriptions: list[_Live] = []

    async def connect(self) -> None:
        """The handshake."""
        kernel = self.kernel
        await asyncio.sleep(0.01 * kernel.random.random())
        if self.weather.strikes("refused"):
            kernel.trace(self.name, "connection refused")
            if kernel.random.random() < 0.3:
                raise ServerRefused([{"errorType": "UnauthorizedException", "message": "expired", "errorCode": 401}])
            raise TransportConnectionFailed("refused")
        if self.weather.strikes("hang up"):
            kernel.later(kernel.random.random() * 60.0, self._fail, "hung up")
        if self.weather.strikes("half-open"):
            kernel.later(kernel.random.random() * 60.0, self._fall_silent)

    async def close(self) -> None:
        """Hang up."""
        self._end(TransportClosed("closed by its user"))

    async def subscribe(self, request: GraphQLRequest) -> AsyncGenerator[ExecutionResult, None]:
        """Subscribe; what the server sends, from its acknowledgement on."""
        if self._closed:
            raise self._closed
        kernel, strikes = self.kernel, self.weather.strikes
        assert request.variable_values is not None
        live = _Live(self, request.variable_values["roomId"])
        self._subscriptions.append(live)
        try:
            if not strikes("no ack"):
                delay = 0.005 * kernel.random.random()
                deaf = kernel.random.random() * 3.0 if strikes("deaf start") else 0.0
                kernel.later(delay + deaf, self._service.begin, live)
                kernel.later(delay, live._arrive, STARTED)
            while True:
                result = await live.arrived.get()
                if isinstance(result, Exception):
                    raise result
                yield result
        finally:
            self._subscriptions.remove(live)
            self._service.end(live)

    def _fall_silent(self) -> None:
        if not self._closed:
            self.kernel.trace(self.name, "connection is half-open")
            self.silent = True
            self.kernel.later(KEEP_ALIVE_SECONDS, self._fail, "no keep-alive")

    def _fail(self, why: str) -> None:
        if not self._closed:
            self.kernel.trace(self.name, f"connection failed: {why}")
            self._end(TransportConnectionFailed(why))

    def _end(self, why: Exception) -> None:
        if self._closed is None:
            self._closed = why
            for live in self._subscriptions:
                live.arrived.put_nowait(why)
