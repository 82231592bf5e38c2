"""The protocol `graphql-transport-ws` without I/O, for IDEs; not a feature of AppSync (docs/not-on-aws.md).

    WAITING --connection_init--> Connect, CONNECTING --connected--> connection_ack, READY
        |--wake after 10 s--> Close 4408      |--rejected--> Close 4403 or 4500
    READY --subscribe--> Begin, an operation is PREPARING
        |       established --> the operation is LIVE --frame--> next ...
        |       answered    --> next, complete (a query or mutation)
        |       failed      --> error
        |--complete---> Cancel

The connection's credentials hold for all its operations. They are checked anew at each, as AppSync does at each start.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from local.appsync.encoding import encode
from local.appsync.errors import RequestError
from local.appsync.realtime.effects import (
    KEEP_ALIVE_SECONDS,
    LIFETIME_OVER,
    LIFETIME_SECONDS,
    TRY_AGAIN_LATER,
    Begin,
    Cancel,
    Close,
    Connect,
    Effect,
    Send,
)
from local.appsync.realtime.messages import RATE_EXCEEDED, ConnectionProblem, Problem
from local.appsync.realtime.operations import MAX_SUBSCRIPTIONS, Operation, Operations, State
from local.appsync.realtime.protocol import too_many
from local.appsync.realtime.transport_ws_messages import (
    BAD_REQUEST,
    FORBIDDEN,
    INIT_TIMEOUT,
    INTERNAL_ERROR,
    SUBSCRIBER_EXISTS,
    TOO_MANY_INITS,
    UNAUTHORIZED,
    ServerFrame,
)

INIT_SECONDS = 10.0

SIGNED_BODY = "{}"  # what a SigV4 caller signs for the connection, and with it for its operations

_ACK = b'{"type":"connection_ack"}'
_PING = b'{"type":"ping"}'
_NEXT = b',"type":"next","payload":'

Headers = Mapping[str, str | list[str]]


class Stage(enum.Enum):
    """Where the connection is."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    READY = "ready"
    CLOSED = "closed"


class TransportWsProtocol:
    """One connection that speaks `graphql-transport-ws`; a Subprotocol.

    `headers` are those of the handshake; what `connection_init` brings goes before them. `admit` tells whether one more
    message is within the API's quota per second.
    """

    def __init__(
        self,
        now: float,
        headers: Headers,
        max_subscriptions: int = MAX_SUBSCRIPTIONS,
        admit: Callable[[], bool] = lambda: True,
    ) -> None:
        self._headers: Headers = {name: value for name, value in headers.items() if name != "cookie"}
        self._operations = Operations(max_subscriptions)
        self._admit = admit
        self._stage = Stage.WAITING
        self._init_until = now + INIT_SECONDS
        self._ping_at = now + KEEP_ALIVE_SECONDS
        self._close_at = now + LIFETIME_SECONDS

    @property
    def wake_at(self) -> float:
        """When `wake` is due."""
        return min(self._init_until if self._stage is Stage.WAITING else self._ping_at, self._close_at)

    def refuse(self, problem: ConnectionProblem, now: float) -> list[Effect]:  # noqa: ARG002 - a Subprotocol
        """The connect was refused. Clients of this protocol try again after 1013, which is for too many connects."""
        return self._close(TRY_AGAIN_LATER if problem["errorCode"] == 429 else FORBIDDEN, problem["message"])

    def receive(self, text: str | None, now: float) -> list[Effect]:
        """A message of the client, None for a binary one. What is not of the protocol ends the connection."""
        if self._stage is Stage.CLOSED:
            return []
        admitted = self._admit()
        try:
            frame = orjson.loads(text) if text is not None else None
        except orjson.JSONDecodeError:
            frame = None
        if not isinstance(frame, dict) or not _is_payload(frame):
            return self._close(BAD_REQUEST, "Invalid message")
        match frame.get("type"):
            case "connection_init":
                return self._init(frame.get("payload"), now)
            case "ping":
                return self._pong(frame)
            case "pong":
                return []
            case "subscribe":
                return self._subscribe(frame, admitted)
            case "complete" if isinstance(frame.get("id"), str):
                return self._complete(frame["id"])
            case _:
                return self._close(BAD_REQUEST, "Invalid message type")

    def established(self, operation: Operation) -> list[Effect]:
        """The operation's subscription is live. The protocol has no acknowledgement, only events."""
        held = self._operations.establish(operation)
        return [Cancel(operation)] if held is None else [Send(frame) for frame in held]

    def failed(self, operation: Operation, problems: Sequence[Problem]) -> list[Effect]:
        """The operation was refused, or cannot go on with the next version of its API."""
        if operation.state is State.ENDED:
            return []
        self._operations.end(operation)
        return [_send({"id": operation.id, "type": "error", "payload": list(problems)})]

    def ended(self, operation: Operation) -> list[Effect]:
        """The engine ended the subscription (invalidation). The connection goes on."""
        if operation.state is State.ENDED:
            return []
        self._operations.end(operation)
        return [_send({"id": operation.id, "type": "complete"})]

    def wake(self, now: float) -> list[Effect]:
        """Time has passed."""
        if self._stage is Stage.WAITING and now >= self._init_until:
            return self._close(INIT_TIMEOUT, "Connection initialisation timeout")
        if now >= self._close_at:
            return self._close(LIFETIME_OVER.code, LIFETIME_OVER.reason)
        if now >= self._ping_at:
            self._ping_at = now + KEEP_ALIVE_SECONDS
            return [Send(_PING)]
        return []

    def lost(self) -> list[Effect]:
        """The socket is gone or about to go: give everything up."""
        self._stage = Stage.CLOSED
        self._close_at = self._ping_at = float("inf")
        return [Cancel(operation) for operation in self._operations.end_all()]

    def _init(self, payload: Mapping[str, Any] | None, now: float) -> list[Effect]:
        if self._stage is not Stage.WAITING:
            return self._close(TOO_MANY_INITS, "Too many initialisation requests")
        self._stage = Stage.CONNECTING
        self._ping_at = now + KEEP_ALIVE_SECONDS
        self._headers = {**self._headers, **_credentials(payload or {})}
        return [Connect(self._headers, self._connected, self._rejected)]

    def _pong(self, ping: Mapping[str, Any]) -> list[Effect]:
        try:
            return [Send(encode({"type": "pong"} | ({"payload": ping["payload"]} if "payload" in ping else {})))]
        except TypeError:  # orjson reads deeper nesting than it writes
            return self._close(BAD_REQUEST, "Invalid message: a payload that is nested too deeply")

    def _connected(self) -> list[Effect]:
        if self._stage is not Stage.CONNECTING:
            return []
        self._stage = Stage.READY
        return [Send(_ACK)]

    def _rejected(self, error: RequestError) -> list[Effect]:
        if self._stage is not Stage.CONNECTING:
            return []
        return self._close(FORBIDDEN if error.status < 500 else INTERNAL_ERROR, f"{error.error_type}: {error.message}")

    def _subscribe(self, frame: Mapping[str, Any], admitted: bool) -> list[Effect]:
        identifier, payload = frame.get("id"), frame.get("payload")
        if not isinstance(identifier, str) or not identifier:
            return self._close(BAD_REQUEST, "Invalid message: subscribe needs an id")
        if not isinstance(payload, dict) or not _is_operation(payload):
            return self._close(BAD_REQUEST, "Invalid message: subscribe needs a payload with a query")
        if self._stage is not Stage.READY:
            return self._close(UNAUTHORIZED, "Unauthorized")
        if self._operations.find(identifier) is not None:
            return self._close(SUBSCRIBER_EXISTS, f"Subscriber for {identifier} already exists")
        if self._operations.full or not admitted:
            problem = RATE_EXCEEDED if not admitted else too_many(self._operations.maximum)
            return [_send({"id": identifier, "type": "error", "payload": [problem]})]
        prefix = b'{"id":' + orjson.dumps(identifier) + _NEXT
        operation = Operation(identifier, SIGNED_BODY, payload, self._headers, prefix=prefix)
        self._operations.add(operation)
        return [Begin(operation, lambda body: self._answered(operation, body))]

    def _answered(self, operation: Operation, body: bytes) -> list[Effect]:
        if operation.state is State.ENDED:
            return []
        self._operations.establish(operation)
        result = b"".join(operation.frame(body))
        return [Send(result), *self.ended(operation)]

    def _complete(self, identifier: str) -> list[Effect]:
        operation = self._operations.find(identifier)
        if operation is None:  # the server's own `complete` was on its way
            return []
        self._operations.end(operation)
        return [Cancel(operation)]

    def _close(self, code: int, reason: str) -> list[Effect]:
        return [*self.lost(), Close(code, reason)]


def _is_payload(frame: Mapping[str, Any]) -> bool:
    return isinstance(frame.get("payload"), dict | None)


def _is_operation(payload: Mapping[str, Any]) -> bool:
    return (
        isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("extensions"), dict | None)
    )


def _credentials(payload: Mapping[str, Any]) -> dict[str, str]:
    """GraphiQL spreads its headers over the payload, others nest them; what is no string is not for us."""
    nested = payload.get("headers")
    members = {**(nested if isinstance(nested, dict) else {}), **payload}
    return {name.lower(): value for name, value in members.items() if isinstance(value, str)}


def _send(frame: ServerFrame) -> Send:
    return Send(orjson.dumps(frame))
