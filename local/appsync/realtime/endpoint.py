"""`[/{apiId}]/graphql[/realtime]` upgraded to WebSocket: connects are authenticated, then served by a connection."""

from __future__ import annotations

import asyncio
import logging
from uuid import uuid4

from local.appsync import failures
from local.appsync.apis import Api, Apis
from local.appsync.auth.credentials import Credentials
from local.appsync.http import source_addresses
from local.appsync.http_messages import Request, Response, Upgrade, plain_response
from local.appsync.realtime import handshake
from local.appsync.realtime.connection import Origin, RealtimeConnection
from local.appsync.realtime.messages import ConnectionProblem
from local.appsync.realtime.outbox import Flusher
from local.appsync.realtime.protocol import GOING_AWAY

CARRIED_AT_ONCE = 32  # subscription resolvers that run side by side while an API is swapped

log = logging.getLogger(__name__)


class RealtimeEndpoint:
    """Owns every real-time connection."""

    def __init__(self, apis: Apis) -> None:
        self.apis = apis
        self.flusher = Flusher()
        self.connections: set[RealtimeConnection] = set()
        self.tasks: set[asyncio.Task[None]] = set()  # starts that are being prepared
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
        source_ip = source_addresses(request)
        api: Api | None = None
        refused: ConnectionProblem | None = None
        try:
            headers = handshake.connect_headers(request, offer)
            host = headers.get("host")
            api = self.apis.find(api_id, host if isinstance(host, str) else None)
            if api is None:
                raise failures.unknown_api(api_id or "at /graphql")
            connect_paths = tuple(f"{path}/connect" for path in _signed_paths(api_id))
            credentials = Credentials(
                headers, paths=connect_paths, body=b"{}", source_ip=source_ip, secure=request.secure,
                request_id=str(uuid4()),
            )  # fmt: skip
            await api.authenticator.authenticate(credentials)
        except handshake.RefusedError as error:
            refused = error.problem
        except Exception as error:  # noqa: BLE001 - the edge: a refused connect is a frame, whatever happened
            refused = _problem(error)
        origin = Origin(api.definition.id if api else "", _signed_paths(api_id), source_ip, request.secure)
        connection = RealtimeConnection(self, origin, refused)
        response_headers = [("sec-websocket-accept", accept)]
        if offer.chosen is not None:
            response_headers.append(("sec-websocket-protocol", offer.chosen))
        return Upgrade(response_headers, connection)

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


def _signed_paths(api_id: str | None) -> tuple[str, ...]:
    """The paths that a caller may have signed: AWS's own, and the one that it sees here."""
    return ("/graphql",) if api_id is None else ("/graphql", f"/{api_id}/graphql")


def _problem(error: Exception) -> ConnectionProblem:
    failure = failures.refusal(error)
    if failure.status == 500:
        log.error("a connect failed", exc_info=error)
    # Clients give up for good on 400, 401 and 403 only; the rest of the refusals are as final.
    code = failure.status if failure.status in {400, 401, 403, 500} else 400
    return {"errorType": failure.error_type, "message": failure.message, "errorCode": code}
