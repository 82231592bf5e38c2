"""A real-time connection, frame by frame."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.contract.api import Api
from tests.contract.signing import Signer

SECONDS = 10.0
QUIET_SECONDS = 0.3

Frame = dict[str, Any]


class Socket:
    """One connection. `key` is the API key that starts use when they name no other credentials."""

    def __init__(self, api: Api, connection: ClientConnection) -> None:
        self.api = api
        self.connection = connection
        self._ids = 0

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self.connection.subprotocol

    def send(self, frame: Mapping[str, Any] | str) -> None:
        """Send a frame, or any text."""
        self.connection.send(frame if isinstance(frame, str) else json.dumps(frame))

    def text(self) -> str:
        """The next frame that is not a keep-alive, as its text."""
        deadline = time.monotonic() + SECONDS
        while True:
            message = self.connection.recv(max(0.0, deadline - time.monotonic()))
            assert isinstance(message, str)
            if json.loads(message) != {"type": "ka"}:
                return message

    def frame(self) -> Frame:
        """The next frame that is not a keep-alive."""
        found: Frame = json.loads(self.text())
        return found

    def initialize(self) -> list[Frame]:
        """`connection_init` and the first two frames after it."""
        self.send({"type": "connection_init"})
        return [json.loads(self.connection.recv(SECONDS)) for _ in range(2)]

    def start(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the wire's word
        headers: Mapping[str, str] | None = None,
        signer: Signer | None = None,
    ) -> str:
        """Send a `start`; returns its id. The answer is yet to be read."""
        self._ids += 1
        identifier = str(self._ids) if id is None else id
        data = json.dumps({"query": query, "variables": dict(variables or {})})
        if signer is not None:
            authorization: Mapping[str, str] = signer.start(self.api.url, data)
        else:
            key = {"host": self.api.host, "x-api-key": self.api.key}
            authorization = key if headers is None else headers
        self.send({
            "id": identifier,
            "type": "start",
            "payload": {"data": data, "extensions": {"authorization": dict(authorization)}},
        })  # fmt: skip
        return identifier

    def subscribe(self, query: str, variables: Mapping[str, Any] | None = None, **options: Any) -> str:
        """Start a subscription that must be acknowledged; returns its id."""
        identifier = self.start(query, variables, **options)
        assert self.frame() == {"id": identifier, "type": "start_ack"}
        return identifier

    def refused(self, query: str, variables: Mapping[str, Any] | None = None, **options: Any) -> list[dict[str, Any]]:
        """Start a subscription that must be refused; returns its errors."""
        identifier = self.start(query, variables, **options)
        frame = self.frame()
        assert frame["type"] == "error", frame
        assert frame["id"] == identifier
        errors: list[dict[str, Any]] = frame["payload"]["errors"]
        return errors

    def event(self, identifier: str | None = None) -> dict[str, Any]:
        """The payload of the next frame, which must be a data frame."""
        frame = self.frame()
        assert frame["type"] == "data", frame
        assert identifier is None or frame["id"] == identifier
        payload: dict[str, Any] = frame["payload"]
        return payload

    def stop(self, identifier: str) -> None:
        """Stop a subscription, and see it completed. What was on its way before may still come."""
        self.send({"id": identifier, "type": "stop"})
        while (frame := self.frame())["type"] == "data":
            pass
        assert frame == {"id": identifier, "type": "complete"}

    def silent(self) -> bool:
        """Whether nothing but keep-alives comes for a moment."""
        deadline = time.monotonic() + QUIET_SECONDS
        while True:
            try:
                message = self.connection.recv(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return True
            if json.loads(message) != {"type": "ka"}:
                return False

    def closed(self) -> bool:
        """Wait for the server to close the connection."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                self.connection.recv(max(0.0, deadline - time.monotonic()))
            except ConnectionClosed:
                return True
            except TimeoutError:
                return False
        return False


def key_header(api: Api) -> dict[str, str]:
    """The header object of a connect with the API key."""
    return {"host": api.host, "x-api-key": api.key}


def encoded(header: Mapping[str, str]) -> str:
    """A header object for the query string: standard base64."""
    return base64.b64encode(json.dumps(header).encode()).decode()


def as_subprotocol(header: Mapping[str, str]) -> str:
    """A header object as a subprotocol: base64url without padding."""
    return "header-" + base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")


@contextmanager
def dial(
    api: Api,
    *,
    query: str = "",
    subprotocols: Sequence[str] = ("graphql-ws",),
    headers: Mapping[str, str] | None = None,
) -> Iterator[Socket]:
    """Open a connection with exactly these carriers of credentials."""
    with connect(
        f"{api.realtime_url}?{query}" if query else api.realtime_url,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        additional_headers=dict(headers or {}),
        open_timeout=SECONDS,
        close_timeout=2,
        max_size=None,
        compression=None,
        proxy=None,
    ) as connection:
        yield Socket(api, connection)


@contextmanager
def session(api: Api, header: Mapping[str, str] | None = None) -> Iterator[Socket]:
    """A connection that was acknowledged, by default with the API key in the subprotocol."""
    carried = as_subprotocol(key_header(api) if header is None else header)
    with dial(api, subprotocols=("graphql-ws", carried)) as socket:
        ack, _ = socket.initialize()
        assert ack["type"] == "connection_ack", ack
        yield socket
