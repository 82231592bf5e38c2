"""`[/{apiId}]/graphql[/realtime]` upgraded to WebSocket: connects are authenticated, then served by a connection."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

from local.appsync import failures
from local.appsync.apis import Api, Apis
from local.appsync.http import source_addresses
from local.appsync.http_messages import Request, Response, Upgrade, plain_response
from local.appsync.journal_clients import Client
from local.appsync.rates import Rates
from local.appsync.realtime import connect, handshake
from local.appsync.realtime.connect import Origin
from local.appsync.realtime.connection import RealtimeConnection
from local.appsync.realtime.effects import GOING_AWAY, Subprotocol
from local.appsync.realtime.faulty import SocketFaults
from local.appsync.realtime.messages import RATE_EXCEEDED, ConnectionProblem
from local.appsync.realtime.outbox import Flusher
from local.appsync.realtime.protocol import RealtimeProtocol
from local.appsync.realtime.transport_ws import TransportWsProtocol

CARRIED_AT_ONCE = 32  # subscription resolvers that run side by side while an API is swapped


class RealtimeEndpoint:
    """Owns every real-time connection."""

    def __init__(self, apis: Apis, rates: Rates) -> None:
        self.apis = apis
        self.rates = rates
        self.journal = apis.journal
        self.flusher = Flusher(self.journal.flushed)
        self.faults = apis.faults
        self.faulty = SocketFaults(apis.faults)
        self.connections: set[RealtimeConnection] = set()
        self.tasks: set[asyncio.Task[None]] = set()  # connects and starts that are being prepared
        apis.subscribers = self

    async def upgrade(self, request: Request, api_id: str | None) -> Upgrade | Response:
        """The answer to a WebSocket handshake; only what is no handshake at all is refused over HTTP."""
        try:
            accept = handshake.accept_key(request)
        except handshake.NotWebSocketError as error:
            response = plain_response(error.status, str(error))
            if error.status == 426:
                response.headers = (*response.headers, ("sec-websocket-version", "13"), ("upgrade", "websocket"))
            return response
        offer = handshake.read_offer(request)
        origin, refused = await self._connect(request, offer, api_id)
        client = Client(str(uuid4()), origin.api_id, offer.chosen or "", request.headers, origin.source_ip[-1])
        connection = RealtimeConnection(self, origin, self._protocol(request, offer, origin), refused, client)
        response_headers = [("sec-websocket-accept", accept), ("x-amzn-requestid", client.id)]
        if offer.chosen is not None:
            response_headers.append(("sec-websocket-protocol", offer.chosen))
        return Upgrade(response_headers, connection)

    async def _connect(
        self, request: Request, offer: handshake.Offer, api_id: str | None
    ) -> tuple[Origin, ConnectionProblem | None]:
        """Where the handshake comes from and, unless its credentials come in a message, why they are refused."""
        origin = _origin(request, offer, api_id)
        try:
            headers = request.headers if offer.by_message else handshake.connect_headers(request, offer)
            host = headers.get("host")
            api = self.apis.find(api_id, host if isinstance(host, str) else None)
            if api is None:
                raise failures.unknown_api(api_id or "at /graphql")
            origin = replace(origin, api_id=api.definition.id)
            if not self.rates.of(origin.api_id).connects.take():
                # No code that makes clients give up: they may come again in a second. The number is unverified.
                raise handshake.RefusedError(RATE_EXCEEDED["message"], "LimitExceededError", 429)
            if not offer.by_message:
                await connect.authenticate(api, origin, headers)
        except handshake.RefusedError as error:
            return origin, error.problem
        except Exception as error:  # noqa: BLE001 - the edge: a refused connect is a frame, whatever happened
            return origin, connect.connection_problem(connect.refusal(error))
        return origin, None

    def _protocol(self, request: Request, offer: handshake.Offer, origin: Origin) -> Subprotocol:
        now, admit = asyncio.get_running_loop().time(), self.rates.of(origin.api_id).inbound_messages.take
        if offer.by_message:
            return TransportWsProtocol(now, request.headers, admit=admit)
        return RealtimeProtocol(now, admit=admit)

    async def carry_over(self, old: Api, new: Api) -> None:
        """Register every live subscription of `old` with `new` too."""
        gate = asyncio.Semaphore(CARRIED_AT_ONCE)

        async def carry(connection: RealtimeConnection) -> None:
            async with gate:
                await connection.carry_over(old, new)

        concerned = [item for item in self.connections if item.origin.api_id == old.definition.id]
        await asyncio.gather(*map(carry, concerned))

    def dismiss(self, api: Api) -> None:
        """End the connections of a deleted API."""
        for connection in [item for item in self.connections if item.origin.api_id == api.definition.id]:
            connection.close(GOING_AWAY, "The API was deleted")

    async def stop(self, seconds: float) -> None:
        """Close every connection with a close frame; those that do not answer within `seconds` are cut."""
        for connection in list(self.connections):
            connection.close(GOING_AWAY, "Going away")
        for task in list(self.tasks):
            task.cancel()
        if self.connections:
            await asyncio.wait([connection.closed for connection in self.connections], timeout=seconds)
        for connection in list(self.connections):
            connection.abort()


def _origin(request: Request, offer: handshake.Offer, api_id: str | None) -> Origin:
    # The paths that a caller may have signed: AWS's own, and the one that it sees here.
    paths = ("/graphql",) if api_id is None else ("/graphql", f"/{api_id}/graphql")
    connect_paths = tuple(f"{path}/connect" for path in paths)
    signed_paths = connect_paths if offer.by_message else paths
    return Origin("", connect_paths, signed_paths, source_addresses(request), request.secure)
