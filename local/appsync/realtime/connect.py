"""What a connection keeps of its handshake, and how its connect is authenticated and refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from local.appsync import failures
from local.appsync.apis import Api
from local.appsync.auth.credentials import Credentials
from local.appsync.errors import RequestError
from local.appsync.realtime.messages import ConnectionProblem

SIGNED_BODY = b"{}"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """Where a connection comes from: its API, and how its operations are signed and seen.

    A SigV4 caller has signed one of `connect_paths` for the connect and one of `paths` for an operation (sheet 7.2).
    """

    api_id: str
    connect_paths: tuple[str, ...]
    paths: tuple[str, ...]
    source_ip: tuple[str, ...]
    secure: bool


async def authenticate(api: Api, origin: Origin, headers: Mapping[str, str | list[str]]) -> None:
    """Check the credentials of a connect.

    Raises what `Authenticator.authenticate` raises.
    """
    credentials = Credentials(
        headers, paths=origin.connect_paths, body=SIGNED_BODY, source_ip=origin.source_ip, secure=origin.secure,
        request_id=str(uuid4()),
    )  # fmt: skip
    await api.authenticator.authenticate(credentials)


def refusal(error: Exception) -> RequestError:
    """Why a connect failed; what nobody expected goes to the log."""
    failure = failures.refusal(error)
    if failure.status == 500:
        log.error("a connect failed", exc_info=error)
    return failure


def connection_problem(failure: RequestError) -> ConnectionProblem:
    """A refusal as the member of `connection_error`."""
    # Clients give up for good on 400, 401 and 403 only; the rest of the refusals are as final.
    code = failure.status if failure.status in {400, 401, 403, 500} else 400
    return {"errorType": failure.error_type, "message": failure.message, "errorCode": code}
