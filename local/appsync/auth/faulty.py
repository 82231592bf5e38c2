"""The fault expired-token, apart from the way that is taken when none is set (local/faults.py)."""

from __future__ import annotations

from local.appsync.auth import tokens
from local.faults import Faults


def token(faults: Faults, token: tokens.Token, *, at: str) -> None:
    """A token is about to be verified. Raises AuthenticationError, as for one that has expired."""
    users = tuple(tokens.strings([token.claims.get(name) for name in ("sub", "cognito:username", "username")]))
    strike = faults.strike("expired-token", at=at, user=users)
    if strike is not None:
        strike.did(f"refused the token of {users[0] if users else 'nobody'} at the {at}")
        raise tokens.expired()
