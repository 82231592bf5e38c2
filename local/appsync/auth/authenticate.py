"""Which of an API's modes a request uses, by the shape of its credentials, and who is calling (sheet 2.1).

No mode is tried after another: the first shape that fits decides, and the mode stays for the whole request. AWS states
no precedence; the order here is SigV4, API key, JWT of a configured issuer, Lambda token.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from local import refusals
from local.appsync.auth import api_key, faulty, iam, sigv4, tokens
from local.appsync.auth.cognito import UserPool
from local.appsync.auth.credentials import AuthenticationError, Credentials, unauthorized
from local.appsync.auth.fetching import Fetch, at_local_cloud, fetch_json
from local.appsync.auth.lambda_authorizer import LambdaAuthorizer
from local.appsync.auth.oidc import OpenIdProvider
from local.appsync.auth.principals import Principals
from local.appsync.datasources import Invocation, Invoke
from local.appsync.definition import ApiDefinition, AuthMode
from local.appsync.request import Caller
from local.faults import Faults
from local.functions import FunctionsError

_refusals = logging.getLogger(refusals.NAME)


class TokenIssuer(Protocol):
    """A user pool or an OpenID provider."""

    issuer: str

    async def authenticate(self, token: tokens.Token, source_ip: Sequence[str], now: float) -> Caller:
        """The caller with a token of this issuer. Raises AuthenticationError."""
        ...


async def no_functions(function_arn: str, event: bytes) -> Invocation:  # noqa: ARG001 - an Invoke
    """An Invoke where there are no functions to call."""
    raise FunctionsError(f"{function_arn}: there are no functions here")


class Authenticator:
    """Authenticates requests to one API.

    `clock` gives epoch seconds. `invoke` calls the Lambda authorizer; `aws_endpoint` is the URL of the local cloud,
    which has the keys of user pools.

    Raises NotEmulated for a regular expression in the API's settings that Python does not have.
    """

    def __init__(
        self,
        api: ApiDefinition,
        principals: Principals,
        clock: Callable[[], float] = time.time,
        *,
        invoke: Invoke = no_functions,
        aws_endpoint: str = "",
        fetch: Fetch = fetch_json,
        faults: Faults | None = None,
    ) -> None:
        self._faults = faults or Faults()
        self._api = api
        self._principals = principals
        self._clock = clock
        self._modes = {provider.mode for provider in api.providers}
        self._default = api.providers[0].mode
        self._issuers: dict[str, TokenIssuer] = {}
        fetch = at_local_cloud(aws_endpoint, fetch)
        self._authorizer: LambdaAuthorizer | None = None
        for provider in api.providers:
            issuer: TokenIssuer
            if provider.mode is AuthMode.AWS_LAMBDA:
                self._authorizer = LambdaAuthorizer(api, provider, invoke, clock)
                continue
            if provider.mode is AuthMode.AMAZON_COGNITO_USER_POOLS:
                issuer = UserPool(provider.settings, api.region, fetch)
            elif provider.mode is AuthMode.OPENID_CONNECT:
                issuer = OpenIdProvider(provider.settings, fetch)
            else:
                continue
            self._issuers[issuer.issuer] = issuer

    async def authenticate(self, credentials: Credentials) -> Caller:
        """The caller of a request. A refusal is logged (`local/refusals.py`).

        Raises:
            AuthenticationError: the request is refused; type, text and status are AWS's.
            NotEmulated: a policy, or an authorizer's answer, has what the local AppSync does not know.
            PolicyError: a policy of the IAM principal is malformed.
        """
        try:
            return await self._authenticate(credentials)
        except AuthenticationError as error:
            about = {
                "errorType": error.error_type,
                "status": error.status,
                "reason": refusals.told(error.reason),
                "of": "connect" if credentials.operation is None else "operation",
                "sourceIp": credentials.source_ip[-1],
                "requestId": credentials.request_id,
            }
            _refusals.info("refused", extra={"about": about})
            raise

    async def _authenticate(self, credentials: Credentials) -> Caller:
        authorization = credentials.header("authorization")
        signed = authorization is not None and sigv4.is_signature(authorization)
        if signed and AuthMode.AWS_IAM in self._modes:
            return await iam.authenticate(credentials, self._api, self._principals, self._clock())
        key = credentials.header("x-api-key")
        if key is not None and AuthMode.API_KEY in self._modes:
            return api_key.authenticate(key, self._api.api_keys, self._clock())
        if not authorization:
            raise self._no_credentials()
        token = tokens.parse(authorization)
        issuer = self._issuers.get(token.issuer or "") if token is not None else None
        if token is not None and issuer is not None:
            if self._faults.active:
                faulty.token(self._faults, token, at="connect" if credentials.operation is None else "operation")
            return await issuer.authenticate(token, credentials.source_ip, self._clock())
        if self._authorizer is not None:
            return await self._authorizer.authenticate(credentials, authorization)
        raise self._unusable(token, signed)

    def _no_credentials(self) -> AuthenticationError:
        if self._default is AuthMode.API_KEY:
            return unauthorized()
        return unauthorized("Valid authorization header not provided.")

    def _unusable(self, token: tokens.Token | None, signed: bool) -> AuthenticationError:
        """The refusal of an `Authorization` that belongs to none of the modes."""
        if self._modes == {AuthMode.API_KEY}:
            return unauthorized()
        if (self._issuers and token is None) or signed:
            return unauthorized("Unable to parse JWT token.")
        if self._issuers and token is not None:
            return tokens.refused(f"its issuer {token.issuer!r} is none of {sorted(self._issuers)}")
        return unauthorized("Valid authorization header not provided.")
