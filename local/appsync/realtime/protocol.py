"""AppSync's real-time protocol without I/O: frames and moments in, frames and requests to the connection out.

    connected --refuse--> refused --after 1 s--> closed
        |--receive start--> Begin, an operation is PREPARING
        |       established --> start_ack, the operation is LIVE --data--> ...
        |       failed      --> error, ENDED
        |--receive stop---> Cancel, complete, ENDED
        |--wake(now)------> ka every 60 s; Close after 24 h

Every method returns what the connection has to do, in order. An operation that ended while it was being prepared stays
ENDED: what arrives late for it is dropped and its subscription cancelled.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from local.appsync.realtime.messages import (
    CONNECTION_TIMEOUT_MS,
    ConnectionAck,
    ConnectionProblem,
    Problem,
    ServerFrame,
)

KEEP_ALIVE_SECONDS = 60.0
LIFETIME_SECONDS = 24 * 3600.0
MAX_SUBSCRIPTIONS = 200
REFUSAL_GRACE_SECONDS = 1.0  # gql sends connection_init before it reads, and calls an earlier close a lost connection

NORMAL, GOING_AWAY, POLICY_VIOLATION, SERVICE_RESTART = 1000, 1001, 1008, 1012

_DATA = b',"type":"data","payload":'
_END = b"}"
_KEEP_ALIVE = b'{"type":"ka"}'
_ACK = orjson.dumps(ConnectionAck(type="connection_ack", payload={"connectionTimeoutMs": CONNECTION_TIMEOUT_MS}))


class State(enum.Enum):
    """Where an operation is."""

    PREPARING = "preparing"
    LIVE = "live"
    ENDED = "ended"


@dataclass(eq=False, slots=True)
class Operation:
    """A `start`. `held` are events that came between the subscription and its `start_ack`."""

    id: str
    data: str
    query: Mapping[str, Any]
    authorization: Mapping[str, str]
    state: State = State.PREPARING
    held: list[bytes] = field(default_factory=list)
    prefix: bytes = b""  # of its data frames


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text frame."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Begin:
    """Authorize and subscribe; then call `established` or `failed`."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up a subscription, or its preparation."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket with a close frame."""

    code: int
    reason: str


Effect = Send | Begin | Cancel | Close


class RealtimeProtocol:
    """One connection. `now` and `wake_at` are in seconds of any monotonic clock."""

    def __init__(self, now: float, max_subscriptions: int = MAX_SUBSCRIPTIONS) -> None:
        self._max_subscriptions = max_subscriptions
        self._operations: dict[str, Operation] = {}
        self._keep_alive_at = now + KEEP_ALIVE_SECONDS
        self._close_at = now + LIFETIME_SECONDS
        self._closing = Close(GOING_AWAY, "Connection lifetime of 24 hours reached")
        self._open = True

    @property
    def wake_at(self) -> float:
        """When `wake` is due."""
        return min(self._keep_alive_at, self._close_at)

    @property
    def operations(self) -> Sequence[Operation]:
        """Those that are being prepared or live."""
        return tuple(self._operations.values())

    def refuse(self, problem: ConnectionProblem, now: float) -> list[Effect]:
        """The connect was refused: say why, ignore everything, close a little later."""
        self._open = False
        self._close_at = now + REFUSAL_GRACE_SECONDS
        self._keep_alive_at = self._close_at
        self._closing = Close(POLICY_VIOLATION, problem["message"])
        return [_send({"payload": {"errors": [problem]}, "type": "connection_error"})]

    def receive(self, text: str, now: float) -> list[Effect]:
        """A text message of the client. Nothing that a client sends ends the connection."""
        if not self._open:
            return []
        try:
            frame = orjson.loads(text)
        except orjson.JSONDecodeError:
            return [_error({"errorType": "BadRequestException", "message": "The message is not valid JSON."})]
        if not isinstance(frame, dict):
            return [unsupported()]
        match frame.get("type"):
            case "connection_init":
                self._keep_alive_at = now + KEEP_ALIVE_SECONDS
                return [Send(_ACK), Send(_KEEP_ALIVE)]
            case "start":
                return self._start(frame)
            case "stop":
                return self._stop(frame)
            case _:
                return [unsupported()]

    def established(self, operation: Operation) -> list[Effect]:
        """The operation's subscription is live: acknowledge it, then the events that it already had."""
        if operation.state is not State.PREPARING:
            return [Cancel(operation)]
        operation.state = State.LIVE
        held, operation.held = operation.held, []
        frames = [Send(b"".join((operation.prefix, payload, _END))) for payload in held]
        return [_send({"id": operation.id, "type": "start_ack"}), *frames]

    def failed(self, operation: Operation, problems: Sequence[Problem]) -> list[Effect]:
        """The operation was refused, or cannot go on with the next version of its API."""
        if operation.state is State.ENDED:
            return []
        self._end(operation)
        if any(problem.get("errorType") == "UnsupportedOperation" for problem in problems):
            return [_error(problems[0])]  # a query or mutation belongs to no subscription: no id (sheet 7.4)
        return [_error(list(problems), operation.id)]

    def data(self, operation: Operation, payload: bytes) -> Sequence[bytes]:
        """An event: the parts of its frame, which are not joined here because `payload` is shared by many sockets."""
        if operation.state is State.LIVE:
            return operation.prefix, payload, _END
        if operation.state is State.PREPARING:
            operation.held.append(payload)
        return ()

    def ended(self, operation: Operation) -> list[Effect]:
        """The engine ended the subscription (invalidation): AppSync completes it and closes the connection."""
        if operation.state is State.ENDED:
            return []
        self._end(operation)
        return [
            _send({"id": operation.id, "type": "complete"}),
            Close(NORMAL, "Subscription complete."),
        ]

    def wake(self, now: float) -> list[Effect]:
        """Time has passed."""
        if now >= self._close_at:
            self._close_at = float("inf")
            self._keep_alive_at = float("inf")
            return [*self.lost(), self._closing]
        if now >= self._keep_alive_at:
            self._keep_alive_at = now + KEEP_ALIVE_SECONDS
            return [Send(_KEEP_ALIVE)]
        return []

    def lost(self) -> list[Effect]:
        """The socket is gone or about to go: give everything up."""
        self._open = False
        operations = self.operations
        for operation in operations:
            self._end(operation)
        return [Cancel(operation) for operation in operations]

    def _start(self, frame: Mapping[str, Any]) -> list[Effect]:
        identifier = frame.get("id")
        if not isinstance(identifier, str):
            return [_error({"errorType": "BadRequestException", "message": "A start message needs an id, a string."})]
        if identifier in self._operations:
            return [_error([duplicate(identifier)], identifier)]
        if len(self._operations) >= self._max_subscriptions:
            problem: Problem = {
                "errorType": "MaxSubscriptionsReachedError",
                "message": f"Max number of {self._max_subscriptions} subscriptions reached",
            }
            return [_error(problem, identifier)]
        try:
            operation = _operation(identifier, frame.get("payload"))
        except _BadStartError as error:
            return [_error([error.problem], identifier)]
        self._operations[identifier] = operation
        return [Begin(operation)]

    def _stop(self, frame: Mapping[str, Any]) -> list[Effect]:
        identifier = frame.get("id")
        operation = self._operations.get(identifier) if isinstance(identifier, str) else None
        if operation is None:
            # The reply is not documented for GraphQL; this is the one of AppSync Events.
            problem: Problem = {"errorType": "UnknownOperationError", "message": f"Unknown operation id {identifier}"}
            return [_error([problem], identifier if isinstance(identifier, str) else None)]
        self._end(operation)
        return [Cancel(operation), _send({"id": operation.id, "type": "complete"})]

    def _end(self, operation: Operation) -> None:
        operation.state = State.ENDED
        operation.held.clear()
        self._operations.pop(operation.id, None)


def duplicate(identifier: str) -> Problem:
    """The refusal of an id in use."""
    return {"errorType": "DuplicatedOperationError", "message": f"Duplicated operation with id {identifier}"}


def unsupported() -> Send:
    """The answer to a frame that is not part of the protocol; the connection lives on."""
    problem: Problem = {
        "errorType": "UnsupportedOperation",
        "message": "unknown not supported through the realtime channel",
    }
    return _error([problem])


class _BadStartError(Exception):
    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.problem: Problem = {"errorType": error_type, "message": message}


def _operation(identifier: str, payload: Any) -> Operation:
    members = payload if isinstance(payload, dict) else {}
    data = members.get("data")
    extensions = members.get("extensions")
    authorization = extensions.get("authorization") if isinstance(extensions, dict) else None
    if not isinstance(authorization, dict) or not all(isinstance(value, str) for value in authorization.values()):
        raise _BadStartError("UnauthorizedException", "Valid authorization header not provided.")
    try:
        query = orjson.loads(data) if isinstance(data, str) else None
    except orjson.JSONDecodeError:
        query = None
    if not isinstance(query, dict):
        raise _BadStartError("MalformedHttpRequestException", "Unable to parse GraphQL query.")
    assert isinstance(data, str)
    headers = {name.lower(): value for name, value in authorization.items()}
    prefix = b'{"id":' + orjson.dumps(identifier) + _DATA
    return Operation(identifier, data, query, headers, prefix=prefix)


def _send(frame: ServerFrame) -> Send:
    return Send(orjson.dumps(frame))


def _error(errors: list[Problem] | Problem, identifier: str | None = None) -> Send:
    if identifier is None:
        listed = errors if isinstance(errors, list) else [errors]
        return _send({"type": "error", "payload": {"errors": listed}})
    return _send({"id": identifier, "type": "error", "payload": {"errors": errors}})
