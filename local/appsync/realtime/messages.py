"""The frames of AppSync's real-time protocol `graphql-ws`, one TypedDict each; the docstring tells the direction.

Source: AppSync Developer Guide, "Building a real-time WebSocket client", and sheet section 7 for the error frames.
Key order is the order on the wire. `Frame` builders are in `protocol.py`.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

SUBPROTOCOL = "graphql-ws"
CONNECTION_TIMEOUT_MS = 300_000


class ConnectionInit(TypedDict):
    """Client to server. Optional; its payload is ignored."""

    type: Literal["connection_init"]
    payload: NotRequired[Any]


class ConnectionAckPayload(TypedDict):
    """A client that sees no `ka` for this long reconnects."""

    connectionTimeoutMs: int


class ConnectionAck(TypedDict):
    """Server to client, the answer to `connection_init`."""

    type: Literal["connection_ack"]
    payload: ConnectionAckPayload


class ConnectionProblem(TypedDict):
    """Why a connect was refused; clients give up for good on the codes 400, 401 and 403."""

    errorType: NotRequired[str]
    message: str
    errorCode: int


class ConnectionErrorPayload(TypedDict):
    """Always one entry."""

    errors: list[ConnectionProblem]


class ConnectionError(TypedDict):  # noqa: A001 - the frame's name
    """Server to client, instead of everything else; the server closes the socket after it."""

    payload: ConnectionErrorPayload
    type: Literal["connection_error"]


class KeepAlive(TypedDict):
    """Server to client, after `connection_ack` and every 60 s. Not answered."""

    type: Literal["ka"]


class StartExtensions(TypedDict):
    """`authorization` is the header object of the mode; members beyond it are the headers that resolvers see."""

    authorization: dict[str, str]


class StartPayload(TypedDict):
    """`data` is JSON text, `{"query", "variables", "operationName"}`, and exactly what a SigV4 caller signs."""

    data: str
    extensions: StartExtensions


class Start(TypedDict):
    """Client to server: begin a subscription under an id of the client's choice."""

    id: str
    type: Literal["start"]
    payload: StartPayload


class StartAck(TypedDict):
    """Server to client: the subscription is live; every event from now on is sent."""

    id: str
    type: Literal["start_ack"]


class Data(TypedDict):
    """Server to client: one event, `{"data": {...}}` and perhaps `errors`."""

    id: str
    type: Literal["data"]
    payload: dict[str, Any]


class Stop(TypedDict):
    """Client to server: end a subscription."""

    id: str
    type: Literal["stop"]


class Complete(TypedDict):
    """Server to client: the subscription has ended, by `stop` or by invalidation; nothing more follows for the id."""

    id: str
    type: Literal["complete"]


class Problem(TypedDict):
    """An error of a subscription. Validation errors have no `errorType`."""

    errorType: NotRequired[str]
    message: str


RATE_EXCEEDED: Problem = {"errorType": "LimitExceededError", "message": "Rate limit exceeded"}


class ErrorPayload(TypedDict):
    """`errors` is one object instead of a list for `MaxSubscriptionsReachedError`, as traces of AWS show."""

    errors: list[Problem] | Problem


class Error(TypedDict):
    """Server to client: a start was refused, or (without `id`) a frame belongs to no subscription."""

    id: NotRequired[str]
    type: Literal["error"]
    payload: ErrorPayload


ClientFrame = ConnectionInit | Start | Stop
ServerFrame = ConnectionAck | ConnectionError | KeepAlive | StartAck | Data | Complete | Error
