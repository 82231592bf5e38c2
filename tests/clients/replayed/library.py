"""What the replayed libraries have in common: credentials to send, and what each makes of the server's frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.clients.replayed.wire import Headers, Upgrade


class Undecodable(Exception):
    """The library drops the frame, or raises while it reads it."""


@dataclass(frozen=True)
class ApiKey:
    """The API key of `amplify_outputs.json`."""

    key: str


@dataclass(frozen=True)
class Token:
    """What a token provider gives: of a user pool, an OpenID provider or for a Lambda authorizer."""

    text: str


@dataclass(frozen=True)
class Iam:
    """Long-lived credentials, without a session token."""

    access_key_id: str
    secret_access_key: str
    region: str

    def signed(self, url: str, headers: Mapping[str, str], body: str) -> dict[str, str]:
        """The headers with those that the signature adds, spelled as they are given."""
        request = AWSRequest("POST", url, headers=dict(headers), data=body.encode())
        SigV4Auth(Credentials(self.access_key_id, self.secret_access_key), "appsync", self.region).add_auth(request)
        return dict(request.headers.items())


Credential = ApiKey | Token | Iam


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Heard:
    """A frame as its library understands it.

    `errors` are what it hands to the application: for each error its type where the library reads one, else its
    message. `timeout_ms` is of an acknowledgement.
    """

    kind: str
    id: str | None = None
    data: Any = None
    errors: tuple[str, ...] = ()
    timeout_ms: int | None = None


@dataclass(frozen=True)
class Post:
    """An operation over HTTP."""

    headers: Headers
    body: str


@dataclass
class Known:
    """The ids of a connection's subscriptions, as the library keeps them."""

    pending: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)


class Library(Protocol):
    """One of Amplify's libraries. The time-outs are in seconds."""

    name: str
    ack_seconds: float
    start_seconds: float
    stop_seconds: float | None  # None: it does not wait for `complete`
    close_code: int | None

    def realtime_url(self, url: str) -> str:
        """Where it opens its WebSocket, given the URL of `amplify_outputs.json`."""
        ...

    def upgrade(self, url: str, credential: Credential) -> Upgrade:
        """Its handshake."""
        ...

    def connection_init(self) -> str: ...

    def start(self, identifier: str, document: str, variables: Mapping[str, Any], authorization: dict[str, str]) -> str:
        """Its `start` frame."""
        ...

    def authorization(self, url: str, credential: Credential, data: str) -> dict[str, str]:
        """The header object of a `start` whose `data` is given."""
        ...

    def data(self, document: str, variables: Mapping[str, Any]) -> str:
        """`payload.data` of a `start`, which a signature covers."""
        ...

    def stop(self, identifier: str) -> str: ...

    def hear(self, text: str, known: Known) -> Heard:
        """Read a frame by the library's rules.

        Raises:
            Undecodable: it cannot be read, or does not belong to what the library knows.
        """
        ...

    def post(self, url: str, credential: Credential, document: str, variables: Mapping[str, Any]) -> Post:
        """An operation over HTTP."""
        ...

    def answer(self, status: int, text: str) -> Heard:
        """Read an HTTP answer; kind `answer`."""
        ...

    def configure(self, outputs: Mapping[str, Any]) -> str:
        """Read `amplify_outputs.json`; the URL of the API."""
        ...


def read(text: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        Undecodable: it is none.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Undecodable(f"no JSON: {error}") from error
    members: dict[str, Any] = require(found, dict, "the message")
    return members


def require(value: Any, kind: type[Any], what: str) -> Any:
    """A value of a type; in Python a bool is an int, in JSON it is not.

    Raises:
        Undecodable: it is of another.
    """
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise Undecodable(f"{what} is {value!r}, not {kind.__name__}")
    return value
