"""Sessions of web applications: the refresh token in a cookie that no script can read.

A page holds id and access tokens in memory, and nothing when it is loaded anew. What gets it new ones, the refresh
token, stays in the cookie: sent to this API only, by pages of the same site only, over TLS only. The origin of a
request is checked besides, because a site may have pages that are not ours.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from domain.pool import TokenExchange, Tokens

# The prefix makes browsers refuse the cookie unless it is Secure, for the whole host and for no other.
# https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
COOKIE = "__Host-session"

COOKIE_SECONDS = 30 * 24 * 3600
"""As long as the app client's refresh tokens are valid (`RefreshTokenValidity` in stacks/data.yaml)."""

MAX_TOKEN = 3800
"""Browsers keep 4,096 bytes of a cookie with its name and attributes. Cognito's refresh tokens have under 2,000."""


class SessionError(Exception):
    """A request that is refused. `status` is HTTP's; `ends` says that the cookie is of no use any more."""

    def __init__(self, status: int, message: str, *, ends: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.ends = ends


def require_origin(headers: Mapping[str, str], origins: Collection[str]) -> None:
    """Let only pages of our own through. Browsers say the origin of every request that is no plain GET.

    Raises:
        SessionError: 403, the request is of another origin or does not say.
    """
    if headers.get("origin") not in origins:
        raise SessionError(403, "This origin may not use sessions.")


def begin(exchange: TokenExchange, body: str | None) -> tuple[dict[str, Any], str]:
    """Take a refresh token into a cookie: new tokens, and what to keep in the cookie.

    Raises:
        SessionError: 400 for another body than `{"refreshToken": "..."}`, 401 when Cognito does not take the token.
        TryAgain: Cognito did not answer.
    """
    try:
        given = json.loads(body or "")
    except (ValueError, RecursionError):  # the latter for brackets in brackets, many thousands deep
        given = None
    token = given.get("refreshToken") if isinstance(given, dict) else None
    if not isinstance(token, str) or not _is_token(token):
        raise SessionError(400, 'The body must be {"refreshToken": "..."}.')
    tokens = _exchanged(exchange, token)
    return _answer(tokens), tokens.refresh_token or token


def refresh(exchange: TokenExchange, cookies: Iterable[str]) -> tuple[dict[str, Any], str | None]:
    """New tokens for those of a session, and what to keep in the cookie from now on; None for what it has.

    Raises:
        SessionError: 401, there is no session, or Cognito ended it.
        TryAgain: Cognito did not answer.
    """
    token = token_of(cookies)
    if token is None:
        raise SessionError(401, "There is no session.")
    tokens = _exchanged(exchange, token)
    return _answer(tokens), tokens.refresh_token


def end(exchange: TokenExchange, cookies: Iterable[str]) -> None:
    """Revoke a session's refresh token, and the tokens that were made of it. Nothing happens without a session.

    Raises:
        TryAgain: Cognito did not answer.
    """
    token = token_of(cookies)
    if token is not None:
        exchange.revoke(token)


def token_of(cookies: Iterable[str]) -> str | None:
    """The refresh token in the request's cookies, each as `name=value`. None when there is none, or more than one."""
    found = [value for name, _, value in (each.strip().partition("=") for each in cookies) if name == COOKIE]
    return found[0] if len(found) == 1 and _is_token(found[0]) else None


def _is_token(text: str) -> bool:
    """Whether a text may be a token: what may stand in a cookie (RFC 6265), in reasonable length."""
    return 0 < len(text) <= MAX_TOKEN and all("!" <= each <= "~" and each not in '",;\\' for each in text)


def _exchanged(exchange: TokenExchange, token: str) -> Tokens:
    tokens = exchange.refresh(token)
    if tokens is None:
        raise SessionError(401, "The session is over: sign in again.", ends=True)
    return tokens


def _answer(tokens: Tokens) -> dict[str, Any]:
    return {
        "idToken": tokens.id_token,
        "accessToken": tokens.access_token,
        "expiresIn": tokens.expires_in_seconds,
    }
