"""The frames of the graphql-ws library's protocol `graphql-transport-ws`, one TypedDict each, and its close codes.

Source: PROTOCOL.md of enisdenjo/graphql-ws. Not a feature of AppSync: GraphiQL, Altair and other IDEs speak it.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from local.appsync.realtime.messages import Problem

SUBPROTOCOL = "graphql-transport-ws"

BAD_REQUEST = 4400
UNAUTHORIZED = 4401  # subscribed before the acknowledgement
FORBIDDEN = 4403  # the credentials are refused
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY_INITS = 4429
INTERNAL_ERROR = 4500


class ConnectionInit(TypedDict):
    """Client to server, first and once. The payload's string members, or those of its `headers`, are credentials."""

    type: Literal["connection_init"]
    payload: NotRequired[dict[str, Any] | None]


class ConnectionAck(TypedDict):
    """Server to client: the credentials are good."""

    type: Literal["connection_ack"]


class Ping(TypedDict):
    """Both ways at any time; answered with `pong`."""

    type: Literal["ping"]
    payload: NotRequired[dict[str, Any] | None]


class Pong(TypedDict):
    """Both ways; with the payload of the `ping`, or unasked."""

    type: Literal["pong"]
    payload: NotRequired[dict[str, Any] | None]


class SubscribePayload(TypedDict):
    """A query, mutation or subscription."""

    query: str
    variables: NotRequired[dict[str, Any] | None]
    operationName: NotRequired[str | None]
    extensions: NotRequired[dict[str, Any] | None]


class Subscribe(TypedDict):
    """Client to server: begin an operation under an id of the client's choice."""

    id: str
    type: Literal["subscribe"]
    payload: SubscribePayload


class Next(TypedDict):
    """Server to client: an event, or the response to a query or mutation."""

    id: str
    type: Literal["next"]
    payload: dict[str, Any]


class Error(TypedDict):
    """Server to client: the operation did not begin or cannot go on; no `complete` follows."""

    id: str
    type: Literal["error"]
    payload: list[Problem]


class Complete(TypedDict):
    """Both ways: the operation has ended. A client's is not answered."""

    id: str
    type: Literal["complete"]


ClientFrame = ConnectionInit | Ping | Pong | Subscribe | Complete
ServerFrame = ConnectionAck | Ping | Pong | Next | Error | Complete
