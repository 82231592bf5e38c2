"""What a caller presents to prove who it is, and the answer when that is not enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.appsync.errors import RequestError
from local.appsync.request import OperationRequest


@dataclass(frozen=True)
class Credentials:
    """A request as authentication sees it: an HTTP request, or the header object of a real-time connect or start.

    `headers` has lower-case names. `paths` are the canonical URIs that a signature may have been made for (the first
    one is shown in error texts); `query` is the raw query string, `body` exactly the signed bytes.
    """

    headers: Mapping[str, str | list[str]]
    method: str = "POST"
    paths: tuple[str, ...] = ("/graphql",)
    query: str = ""
    body: bytes = b""
    source_ip: tuple[str, ...] = ("127.0.0.1",)
    secure: bool = False
    operation: OperationRequest | None = None
    request_id: str = ""

    def header(self, name: str) -> str | None:
        """A header's value; repeated ones are joined with a comma as in RFC 9110, 5.3."""
        value = self.headers.get(name)
        return ",".join(value) if isinstance(value, list) else value


class AuthenticationError(RequestError):
    """The request is refused before any field runs.

    `error_type` becomes `errorType` and `x-amzn-errortype`; `status` is HTTP's, and `errorCode` of a connect. `reason`
    is for the log alone.
    """

    def __init__(self, error_type: str, message: str, status: int = 401, reason: str = "") -> None:
        super().__init__(message)
        self.error_type = error_type
        self.status = status
        self.reason = reason or message


def unauthorized(
    message: str = "You are not authorized to make this call.", *, reason: str = ""
) -> AuthenticationError:
    """AppSync's general refusal, 401 `UnauthorizedException`."""
    return AuthenticationError("UnauthorizedException", message, reason=reason)
