"""JSON Web Tokens (RFC 7519): told apart from other credentials, and verified against a provider's keys.

Only the header's `kid` chooses a key, among those that the provider publishes; `jku`, `x5u` and `jwk` are never read.
Algorithms are those the provider's mode allows, none of them symmetric, so that neither `none` nor a public key used
as an HMAC secret gets anywhere.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import orjson

from local.appsync.auth.credentials import AuthenticationError, unauthorized
from local.appsync.auth.key_sets import KeySet

LARGEST_TOKEN_BYTES = 20_480  # CloudFront, in front of AppSync, takes no more of all headers together

RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
ELLIPTIC_CURVE = frozenset({"ES256", "ES384", "ES512"})

_SHAPE = re.compile(r"(?:Bearer )?([\w-]+)\.([\w-]+)\.[\w-]*", re.ASCII | re.IGNORECASE)
_signatures = jwt.PyJWS(sorted(RSA | ELLIPTIC_CURVE), {"enforce_minimum_key_length": True})


@dataclass(frozen=True)
class Token:
    """A token that nobody has verified yet. `text` is without `Bearer`."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def issuer(self) -> str | None:
        """The claim `iss`."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else None


def parse(authorization: str) -> Token | None:
    """The token in an `Authorization` value, raw or after `Bearer`; None when it is not a JWT."""
    if len(authorization) > LARGEST_TOKEN_BYTES:
        return None
    match = _SHAPE.fullmatch(authorization)
    if match is None:
        return None
    header, claims = _object(match[1]), _object(match[2])
    if header is None or claims is None:
        return None
    return Token(authorization[match.start(1) :], header, claims)


async def verify(token: Token, keys: KeySet, algorithms: Collection[str], now: float) -> None:
    """Check a token's signature, `exp` and `nbf`. `now` is in epoch seconds; no clock skew is granted.

    Raises:
        AuthenticationError: the token is not valid.
    """
    algorithm, key_id = token.header.get("alg"), token.header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise refused(f"the algorithm {algorithm!r} is not accepted")
    if not isinstance(key_id, str):
        raise refused("it names no key (kid)")
    key = await keys.key(key_id, algorithm)
    if key is None:
        raise refused(f"its issuer has no key {key_id!r} for {algorithm}")
    try:
        _signatures.decode(token.text, key, algorithms=[algorithm])
    except jwt.PyJWTError as error:
        raise refused(str(error)) from None
    if now >= seconds(token, "exp"):
        raise expired()
    if "nbf" in token.claims and now < seconds(token, "nbf"):
        raise refused("it is not valid yet")


def seconds(token: Token, claim: str) -> float:
    """A NumericDate, in epoch seconds. Raises AuthenticationError when the token has none under this name."""
    value = token.claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(f"{claim} is {value!r}, no time")
    return value


def expired() -> AuthenticationError:
    """The answer to a token whose time is over."""
    return unauthorized("Token has expired.")


def refused(reason: str) -> AuthenticationError:
    """The answer to a token that is not valid. AWS does not say why; the log does."""
    return unauthorized("Valid authorization header not provided.", reason=reason)


def strings(claim: Any) -> list[str]:
    """A claim that is one string or a list of them (`aud`, `cognito:groups`)."""
    return [each for each in (claim if isinstance(claim, list) else [claim]) if isinstance(each, str)]


def _object(segment: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    return value if isinstance(value, dict) else None
