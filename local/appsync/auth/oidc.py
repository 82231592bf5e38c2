"""OPENID_CONNECT authorization: tokens of any OpenID provider, found by its discovery document.

HMAC algorithms, which AWS lists too, need a secret that neither discovery nor the template gives: they are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.appsync.auth import tokens
from local.appsync.auth.credentials import unauthorized
from local.appsync.auth.expressions import Expression
from local.appsync.auth.fetching import Fetch, FetchError
from local.appsync.auth.key_sets import KeySet
from local.appsync.definition import AuthMode
from local.appsync.request import Caller

ALGORITHMS = tokens.RSA | tokens.ELLIPTIC_CURVE


class OpenIdProvider:
    """One `OpenIDConnectConfig` of an API."""

    def __init__(self, settings: Mapping[str, Any], fetch: Fetch) -> None:
        self.issuer = str(settings.get("Issuer"))
        self._fetch = fetch
        self._keys = KeySet(self._key_set)
        self._clients = Expression(settings, "ClientId")
        # Milliseconds after the claim; 0, as absent, sets no limit.
        self._lifetimes = {
            "iat": float(settings.get("IatTTL") or 0),
            "auth_time": float(settings.get("AuthTTL") or 0),
        }

    async def authenticate(
        self,
        token: tokens.Token,
        source_ip: Sequence[str],  # noqa: ARG002 - not part of an OIDC identity
        now: float,
    ) -> Caller:
        """The caller with a token whose `iss` is this provider. `now` is in epoch seconds.

        Raises:
            AuthenticationError: the token is not valid, too old, or for a client that is not accepted.
        """
        await tokens.verify(token, self._keys, ALGORITHMS, now)
        claims = token.claims
        if not self._clients.matches([*tokens.strings(claims.get("aud")), *tokens.strings(claims.get("azp"))]):
            raise tokens.refused("neither aud nor azp matches ClientId")
        for claim, milliseconds in self._lifetimes.items():
            if milliseconds > 0 and now >= tokens.seconds(token, claim) + milliseconds / 1000:
                raise unauthorized("Token has expired.")
        identity = {"sub": claims.get("sub"), "issuer": self.issuer, "claims": claims}
        return Caller(AuthMode.OPENID_CONNECT, identity)

    async def _key_set(self) -> Mapping[str, Any]:
        """OpenID Connect Discovery 1.0, section 4: the issuer in the document must be exactly the one it is for."""
        url = self.issuer.removesuffix("/") + "/.well-known/openid-configuration"
        document = await self._fetch(url)
        if document.get("issuer") != self.issuer:
            raise FetchError(url, f"its issuer is {document.get('issuer')!r}, the API's is {self.issuer!r}")
        keys_url = document.get("jwks_uri")
        if not isinstance(keys_url, str):
            raise FetchError(url, "it has no jwks_uri")
        return await self._fetch(keys_url)
