"""gql's AppSync transport, mended where AppSync says more than gql listens to.

- `start_ack` is what makes a subscription live; gql drops it. Here it comes out of `subscribe` first, as `STARTED`.
- A refused connection (`connection_error`) keeps its `errorType`; gql flattens it into text.
- `connectionTimeoutMs` of the acknowledgement sets how long a connection without `ka` counts as alive.
- The caller is asked for credentials at each subscription; gql signs all of them with those of the handshake.
- A close that comes with a `ka` ends; gql's waits for ever (before Python 3.12).

gql signs the URL of the handshake in its constructor: a transport serves one connection, the next needs a new one.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from gql import GraphQLRequest
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportProtocolError, TransportServerError
from graphql import ExecutionResult

from headwater.credentials import Caller, Grant

STARTED: Final = ExecutionResult(data=None, extensions={"type": "start_ack"})

# AppSync's own figure (connectionTimeoutMs), in force until the server has named one.
KEEP_ALIVE_SECONDS = 300.0


class ServerRefused(TransportServerError):
    """The server refused the connection, or reported an error that belongs to no subscription."""

    def __init__(self, errors: Any) -> None:
        super().__init__(f"the server refused: {errors!r}")
        self.errors = errors


class AcknowledgedTransport(AppSyncWebsocketsTransport):
    """One WebSocket connection to AppSync, whose subscriptions begin with `STARTED`.

    Attributes:
        grant: what the caller has shown last: in the handshake, or when it last subscribed.
    """

    def __init__(self, url: str, caller: Caller, grant: Grant, connect_args: dict[str, Any]) -> None:
        super().__init__(
            url,
            auth=grant.authentication,
            keep_alive_timeout=KEEP_ALIVE_SECONDS,
            close_timeout=2,
            connect_args=connect_args,
        )
        self.grant = grant
        self._caller = caller

    async def ping(self) -> None:
        """Send a WebSocket ping, and return when it is answered.

        Raises:
            TransportConnectionFailed: the connection is gone.
        """
        socket = self.adapter.websocket
        if socket is None:
            raise TransportConnectionFailed("the connection is closed")
        try:
            await (await socket.ping())
        except Exception as error:
            raise TransportConnectionFailed(f"no answer to a ping: {type(error).__name__}") from error

    async def fail(self, reason: str) -> None:
        """Give the connection up: its subscriptions end with TransportConnectionFailed, and the server is not asked."""
        await self._fail(TransportConnectionFailed(reason), clean_close=False)

    async def _check_ws_liveness(self) -> None:
        # As gql's, but not with wait_for, which before Python 3.12 swallows a cancellation that comes with the message.
        try:
            while True:
                async with asyncio.timeout(self.keep_alive_timeout):
                    await self._next_keep_alive_message.wait()
                self._next_keep_alive_message.clear()
        except TimeoutError:
            if self.close_task is None:
                await self.fail(f"the server has sent no `ka` for {self.keep_alive_timeout:.0f} s")

    async def _send_query(self, request: GraphQLRequest) -> int:
        grant = self.grant = await self._caller.grant()
        # gql makes the frame before it first waits, so that no other subscription comes between.
        self.auth = grant.authentication
        return await super()._send_query(request)

    def _parse_answer(self, answer: str) -> tuple[str, int | None, ExecutionResult | None]:
        # The cheap test first: nearly every frame is data.
        if '"type":"data"' not in answer:
            frame = _frame(answer)
            match frame.get("type"):
                case "start_ack" if str(frame.get("id")).isdecimal():
                    return "start_ack", int(frame["id"]), STARTED
                case "connection_error":
                    raise ServerRefused((frame.get("payload") or {}).get("errors"))
                case "error" if "id" not in frame:
                    raise ServerRefused((frame.get("payload") or {}).get("errors"))
                case "connection_ack":
                    timeout_ms = (frame.get("payload") or {}).get("connectionTimeoutMs")
                    if isinstance(timeout_ms, int) and timeout_ms > 0:
                        self.keep_alive_timeout = timeout_ms / 1000
        return super()._parse_answer(answer)


def _frame(answer: str) -> dict[str, Any]:
    try:
        frame = json.loads(answer)
    except ValueError as error:
        raise TransportProtocolError(f"the server sent what is no JSON: {answer[:200]!r}") from error
    if not isinstance(frame, dict):
        # gql would end its reading with an AttributeError, and every subscription would wait for ever.
        raise TransportProtocolError(f"the server sent what is no object: {answer[:200]!r}")
    return frame
