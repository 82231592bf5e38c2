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

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from local.appsync.realtime.effects import (
    KEEP_ALIVE_SECONDS,
    LIFETIME_OVER,
    LIFETIME_SECONDS,
    NORMAL,
    POLICY_VIOLATION,
    Begin,
    Cancel,
    Close,
    Effect,
    Send,
)
from local.appsync.realtime.messages import (
    CONNECTION_TIMEOUT_MS,
    RATE_EXCEEDED,
    ConnectionAck,
    ConnectionProblem,
    Problem,
    ServerFrame,
)
from local.appsync.realtime.operations import MAX_SUBSCRIPTIONS, Operation, Operations, State

REFUSAL_GRACE_SECONDS = 1.0  # gql sends connection_init before it reads, and calls an earlier close a lost connection

_DATA = b',"type":"data","payload":'
_KEEP_ALIVE = b'{"type":"ka"}'
_ACK = orjson.dumps(ConnectionAck(type="connection_ack", payload={"connectionTimeoutMs": CONNECTION_TIMEOUT_MS}))


class RealtimeProtocol:
    """One connection that speaks `graphql-ws`; a Subprotocol.

    `admit` tells whether one more message is within the API's quota per second.
    """

    def __init__(
        self, now: float, max_subscriptions: int = MAX_SUBSCRIPTIONS, admit: Callable[[], bool] = lambda: True
    ) -> None:
        self._operations = Operations(max_subscriptions)
        self._admit = admit
        self._keep_alive_at = now + KEEP_ALIVE_SECONDS
        self._close_at = now + LIFETIME_SECONDS
        self._closing = LIFETIME_OVER
        self._open = True

    @property
    def wake_at(self) -> float:
        """When `wake` is due."""
        return min(self._keep_alive_at, self._close_at)

    def refuse(self, problem: ConnectionProblem, now: float) -> list[Effect]:
        """The connect was refused: say why, ignore everything, close a little later."""
        self._open = False
        self._close_at = now + REFUSAL_GRACE_SECONDS
        self._keep_alive_at = self._close_at
        self._closing = Close(POLICY_VIOLATION, problem["message"])
        return [_send({"payload": {"errors": [problem]}, "type": "connection_error"})]

    def receive(self, text: str | None, now: float) -> list[Effect]:
        """A message of the client, None for a binary one. Nothing that a client sends ends the connection."""
        if not self._open:
            return []
        admitted = self._admit()
        if text is None:
            return [unsupported()]
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
                # Only starts are refused: traces of AWS show it for them, and a client knows nothing else to repeat.
                return self._start(frame) if admitted else [_error(RATE_EXCEEDED)]
            case "stop":
                return self._stop(frame)
            case _:
                return [unsupported()]

    def established(self, operation: Operation) -> list[Effect]:
        """The operation's subscription is live: acknowledge it, then the events that it already had."""
        held = self._operations.establish(operation)
        if held is None:
            return [Cancel(operation)]
        return [_send({"id": operation.id, "type": "start_ack"}), *map(Send, held)]

    def failed(self, operation: Operation, problems: Sequence[Problem]) -> list[Effect]:
        """The operation was refused, or cannot go on with the next version of its API."""
        if operation.state is State.ENDED:
            return []
        self._operations.end(operation)
        if any(problem.get("errorType") == "UnsupportedOperation" for problem in problems):
            return [_error(problems[0])]  # a query or mutation belongs to no subscription: no id (sheet 7.4)
        return [_error(list(problems), operation.id)]

    def ended(self, operation: Operation) -> list[Effect]:
        """The engine ended the subscription (invalidation): AppSync completes it and closes the connection."""
        if operation.state is State.ENDED:
            return []
        self._operations.end(operation)
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
        return [Cancel(operation) for operation in self._operations.end_all()]

    def _start(self, frame: Mapping[str, Any]) -> list[Effect]:
        identifier = frame.get("id")
        if not isinstance(identifier, str):
            return [_error({"errorType": "BadRequestException", "message": "A start message needs an id, a string."})]
        if self._operations.find(identifier) is not None:
            return [_error([duplicate(identifier)], identifier)]
        if self._operations.full:
            return [_error(too_many(self._operations.maximum), identifier)]
        try:
            operation = _operation(identifier, frame.get("payload"))
        except _BadStartError as error:
            return [_error([error.problem], identifier)]
        self._operations.add(operation)
        return [Begin(operation)]

    def _stop(self, frame: Mapping[str, Any]) -> list[Effect]:
        identifier = frame.get("id")
        operation = self._operations.find(identifier)
        if operation is None:
            # The reply is not documented for GraphQL; this is the one of AppSync Events.
            named = identifier if isinstance(identifier, str) else None
            problem: Problem = {"errorType": "UnknownOperationError", "message": f"Unknown operation id {named}"}
            return [_error([problem], named)]
        self._operations.end(operation)
        return [Cancel(operation), _send({"id": operation.id, "type": "complete"})]


def duplicate(identifier: str) -> Problem:
    """The refusal of an id in use."""
    return {"errorType": "DuplicatedOperationError", "message": f"Duplicated operation with id {identifier}"}


def too_many(maximum: int) -> Problem:
    """The refusal of one subscription more than a connection may have."""
    message = f"Max number of {maximum} subscriptions reached"
    return {"errorType": "MaxSubscriptionsReachedError", "message": message}


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
