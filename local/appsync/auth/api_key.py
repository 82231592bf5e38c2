"""API_KEY authorization: a key of the API that has not expired."""

from __future__ import annotations

from collections.abc import Iterable

from local.appsync.auth.credentials import unauthorized
from local.appsync.definition import ApiKey, AuthMode
from local.appsync.request import Caller

CALLER = Caller(AuthMode.API_KEY)


def authenticate(key: str | None, keys: Iterable[ApiKey], now: float) -> Caller:
    """The caller behind `x-api-key`. A missing, unknown and expired key get the same answer, as on AWS.

    Raises:
        AuthenticationError: it is none of `keys`, or expired at `now` (epoch seconds).
    """
    for candidate in keys:
        if candidate.id == key and now < candidate.expires_at:
            return CALLER
    raise unauthorized()
