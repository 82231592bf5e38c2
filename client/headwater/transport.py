"""gql's AppSync transport, mended where AppSync says more than gql listens to.

- `start_ack` is what makes a subscription live; gql drops it. Here it comes out of `subscribe` first, as `STARTED`.
- A refused connection (`connection_error`) keeps its `errorType`; gql flattens it into text.
- `connectionTimeoutMs` of the acknowledgement sets how long a silent connection counts as alive.

gql signs the URL of the handshake in its constructor: a transport serves one connection, the next needs a new one.
"""

from __future__ import annotations

import json
from typing import Any, Final

from gql.transport.appsync_auth import AppSyncAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportProtocolError, TransportServerError
from graphql import ExecutionResult

STARTED: Final = ExecutionResult(data=None, extensions={"type": "start_ack"})

# AppSync's own figure (connectionTimeoutMs), in force until the server has named one.
KEEP_ALIVE_SECONDS = 300.0


class ServerRefused(TransportServerError):
    """The server refused the connection, or reported an error that belongs to no subscription."""

    def __init__(self, errors: Any) -> None:
        super().__init__(f"the server refused: {errors!r}")
        self.errors = errors


class AcknowledgedTransport(AppSyncWebsocketsTransport):
    """One WebSocket connection to AppSync, whose subscriptions begin with `STARTED`."""

    def __init__(self, url: str, auth: AppSyncAuthentication, connect_args: dict[str, Any]) -> None:
        super().__init__(
            url, auth=auth, keep_alive_timeout=KEEP_ALIVE_SECONDS, close_timeout=2, connect_args=connect_args
        )

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
