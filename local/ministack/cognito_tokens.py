"""Tokens of user pools: how long they live, since when their user is signed in, and tokens without a password."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Iterator
from typing import Any

from ministack.services import cognito

lifetime: contextvars.ContextVar[int | None] = contextvars.ContextVar("headwater_token_lifetime", default=None)
"""Seconds that id and access tokens live, in place of the app client's setting."""

signed_in_at: contextvars.ContextVar[int | None] = contextvars.ContextVar("headwater_signed_in_at", default=None)
"""`auth_time` of the tokens that are made."""


class UnknownUser(Exception):
    """There is no such pool, app client or user."""


def mint(pool_id: str, client_id: str, username: str, seconds: int | None) -> dict[str, Any]:
    """What signing in would give a user, without a password: `idToken`, `accessToken`, `refreshToken`.

    `seconds` is how long the first two live, negative for tokens that have expired. The trigger before token
    generation runs, so this blocks. Raises UnknownUser, and TriggerError.
    """
    cognito.set_request_region(cognito._pool_region(pool_id))
    pool = cognito._user_pools.get(pool_id)
    if pool is None or client_id not in pool["_clients"]:
        raise UnknownUser(f"there is no user pool {pool_id} with an app client {client_id}")
    user = cognito._resolve_user(pool, username)[0]
    if user is None:
        raise UnknownUser(f"there is no user {username} in {pool_id}")
    with _set(lifetime, seconds):
        result = cognito._build_auth_result(pool_id, client_id, user)
    return {
        "idToken": result["IdToken"],
        "accessToken": result["AccessToken"],
        "refreshToken": result["RefreshToken"],
    }


@contextlib.contextmanager
def _set(variable: contextvars.ContextVar[int | None], value: int | None) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def signed_in() -> contextlib.AbstractContextManager[None]:
    """While the tokens of one sign-in are made: they have one `auth_time`, however long a trigger takes."""
    at = signed_in_at.get()
    return _set(signed_in_at, int(time.time()) if at is None else at)


def refreshed(claims: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
    """While tokens are refreshed: their `auth_time` is that of the sign-in, which the refresh token has."""
    return _set(signed_in_at, claims.get("auth_time"))
