"""AMAZON_COGNITO_USER_POOLS authorization: id and access tokens of a user pool, and `ctx.identity` of sheet 2.3.

The issuer in a local pool's tokens is the one on AWS; its keys come from the local cloud (`fetching.at_local_cloud`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.appsync.auth import tokens
from local.appsync.auth.expressions import Expression
from local.appsync.auth.fetching import Fetch
from local.appsync.auth.key_sets import KeySet
from local.appsync.definition import AuthMode
from local.appsync.request import Caller

ALGORITHMS = frozenset({"RS256"})

# Where each kind of token names its app client and its user.
_CLIENT_CLAIM = {"id": "aud", "access": "client_id"}
_USER_CLAIM = {"id": "cognito:username", "access": "username"}


class UserPool:
    """One `UserPoolConfig` of an API; `region` is the API's."""

    def __init__(self, settings: Mapping[str, Any], region: str, fetch: Fetch) -> None:
        region = settings.get("AwsRegion") or region
        self.issuer = f"https://cognito-idp.{region}.amazonaws.com/{settings.get('UserPoolId')}"
        self._keys = KeySet(lambda: fetch(f"{self.issuer}/.well-known/jwks.json"))
        self._clients = Expression(settings, "AppIdClientRegex")
        # Additional providers have no default action.
        self._strategy = settings.get("DefaultAction") or "ALLOW"

    async def authenticate(self, token: tokens.Token, source_ip: Sequence[str], now: float) -> Caller:
        """The user of a token whose `iss` is this pool. `now` is in epoch seconds.

        Raises:
            AuthenticationError: the token is not valid, of another kind, or for an app client that is not accepted.
        """
        await tokens.verify(token, self._keys, ALGORITHMS, now)
        claims = token.claims
        use = claims.get("token_use")
        if use not in _CLIENT_CLAIM:
            raise tokens.refused(f"token_use is {use!r}, not id or access")
        if not self._clients.matches(tokens.strings(claims.get(_CLIENT_CLAIM[use]))):
            raise tokens.refused(f"its {_CLIENT_CLAIM[use]} does not match AppIdClientRegex")
        groups = tokens.strings(claims.get("cognito:groups"))
        identity = {
            "sub": claims.get("sub"),
            "issuer": self.issuer,
            "username": claims.get(_USER_CLAIM[use]),
            "claims": claims,
            "sourceIp": list(source_ip),
            "defaultAuthStrategy": self._strategy,
            "groups": groups or None,
        }
        return Caller(AuthMode.AMAZON_COGNITO_USER_POOLS, identity, frozenset(groups))
