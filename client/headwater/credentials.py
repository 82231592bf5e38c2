"""Who the caller is: providers that are asked for each handshake, each subscription and each request.

    api_key("da2-...")        an AppSync API key
    iam()                     whoever botocore finds, each request signed anew
    jwt(get_token)            a signed-in user: a token of a user pool or an OpenID provider
    authorizer(get_token)     a token for the API's Lambda authorizer

`get_token` is the application's: an async function that answers the token to use now. It is called each time, so it
keeps the token that it has and answers a fresh one when that has little time left (`LEAD_SECONDS`).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from botocore.credentials import Credentials
from botocore.session import Session, get_session
from gql.transport.appsync_auth import (
    AppSyncApiKeyAuthentication,
    AppSyncAuthentication,
    AppSyncIAMAuthentication,
    AppSyncJWTAuthentication,
)

from headwater.endpoint import Endpoint
from headwater.errors import HeadwaterError, NoCredentials

# How long before a token expires its connection is taken over by one with a fresh token; of a token with a short life
# it is a quarter of that.
LEAD_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What the caller shows now, in the form in which gql signs requests and frames.

    `expires_at` is a Unix time, None where it does not expire; `token` tells one token from the next.
    """

    authentication: AppSyncAuthentication
    expires_at: float | None = None
    token: str | None = None


Credential = Callable[[Endpoint], Awaitable[Grant]]
Tokens = Callable[[], Awaitable[str]]


def api_key(key: str) -> Credential:
    """The caller that an AppSync API key stands for."""

    async def grant(endpoint: Endpoint) -> Grant:
        return Grant(AppSyncApiKeyAuthentication(endpoint.host, key), token=key)

    return grant


def jwt(get_token: Tokens | str) -> Credential:
    """A signed-in user, by the tokens that `get_token` answers, or by one token while it lasts.

    A connection's successor is opened before the token's `exp`, and a request that is `Unauthorized` is made once more
    if `get_token` has another token by then.
    """

    async def grant(endpoint: Endpoint) -> Grant:
        token = get_token if isinstance(get_token, str) else await get_token()
        return Grant(AppSyncJWTAuthentication(endpoint.host, token), expiry(token), token)

    return grant


def authorizer(get_token: Tokens | str) -> Credential:
    """A caller whom the API's Lambda authorizer knows by a token of its own kind, which may also be a JWT."""
    return jwt(get_token)


def iam(
    *, session: Session | None = None, credentials: Credentials | None = None, region: str | None = None
) -> Credential:
    """An IAM caller: by default whoever botocore finds (environment, profile, role), each request signed anew.

    The region is the argument, else the endpoint's, else the one in AppSync's host name or in the AWS configuration.
    """
    found: list[tuple[Session, Credentials]] = []

    def sign_for(endpoint: Endpoint) -> AppSyncAuthentication:
        # Looking for credentials, and renewing them, may call a metadata service: not on the event loop.
        if not found:
            where = session or get_session()
            known = credentials or where.get_credentials()
            if known is None:
                raise NoCredentials("botocore finds no credentials: set them up as for the AWS CLI, or pass some")
            found.append((where, known))
        where, known = found[0]
        known.get_frozen_credentials()
        return AppSyncIAMAuthentication(
            endpoint.host, region_name=region or endpoint.region, credentials=known, session=where
        )

    async def grant(endpoint: Endpoint) -> Grant:
        return Grant(await asyncio.to_thread(sign_for, endpoint))

    return grant


class Caller:
    """A credential at the endpoint that it is for."""

    def __init__(self, credential: Credential, endpoint: Endpoint) -> None:
        self._credential = credential
        self._endpoint = endpoint

    async def grant(self) -> Grant:
        """What to show now.

        Raises:
            NoCredentials: the application's function, or botocore, has failed.
        """
        try:
            return await self._credential(self._endpoint)
        except HeadwaterError:
            raise
        except Exception as error:  # the application's code, which may fail in any way
            raise NoCredentials(f"{type(error).__name__}: {error}") from error

    async def has_other(self, refused: Grant | None) -> bool:
        """Whether the caller has something else to show than what the server has refused."""
        return refused is None or (await self.grant()).token != refused.token


def expiry(token: str) -> float | None:
    """When a token expires, by its `exp`: nobody here verifies it. None when it does not say."""
    parts = token.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None


def renewal(expires_at: float, now: float) -> float:
    """When to look for a successor of a token that expires then and is used first now."""
    return expires_at - min(LEAD_SECONDS, max(0.0, expires_at - now) / 4)
