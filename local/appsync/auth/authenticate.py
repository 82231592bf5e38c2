"""Which of an API's modes a request uses, by the shape of its credentials, and who is calling (sheet 2.1).

No mode is tried after another: the first shape that fits decides, and the mode stays for the whole request. AWS states
no precedence; the order here is SigV4, API key, JWT, Lambda token.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from local.appsync.auth import api_key, iam, sigv4
from local.appsync.auth.credentials import AuthenticationError, Credentials, unauthorized
from local.appsync.auth.principals import Principals
from local.appsync.definition import ApiDefinition, AuthMode
from local.appsync.request import Caller
from local.errors import NotEmulated

JWT_MODES = (AuthMode.AMAZON_COGNITO_USER_POOLS, AuthMode.OPENID_CONNECT)
_JWT = re.compile(r"(?:Bearer )?[\w-]+\.[\w-]+\.[\w-]*", re.IGNORECASE)


class Authenticator:
    """Authenticates requests to one API. `clock` gives epoch seconds."""

    def __init__(self, api: ApiDefinition, principals: Principals, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._principals = principals
        self._clock = clock
        self._modes = {provider.mode for provider in api.providers}
        self._default = api.providers[0].mode

    async def authenticate(self, credentials: Credentials) -> Caller:
        """The caller of a request.

        Raises:
            AuthenticationError: the request is refused; type, text and status are AWS's.
            NotEmulated: its credentials belong to a mode that the local AppSync does not have.
            PolicyError: a policy of the IAM principal is malformed.
        """
        mode = self._mode(credentials)
        if mode is AuthMode.API_KEY:
            return api_key.authenticate(credentials.header("x-api-key"), self._api.api_keys, self._clock())
        if mode is AuthMode.AWS_IAM:
            return await iam.authenticate(credentials, self._api, self._principals, self._clock())
        raise NotEmulated(f"the authorization mode {mode.value}", "only API_KEY and AWS_IAM are verified locally")

    def _mode(self, credentials: Credentials) -> AuthMode:
        authorization = credentials.header("authorization")
        signed = authorization is not None and sigv4.is_signature(authorization)
        if signed and AuthMode.AWS_IAM in self._modes:
            return AuthMode.AWS_IAM
        if credentials.header("x-api-key") is not None and AuthMode.API_KEY in self._modes:
            return AuthMode.API_KEY
        if not authorization:
            raise self._no_credentials()
        jwt_mode = next((mode for mode in JWT_MODES if mode in self._modes), None)
        if jwt_mode and (_JWT.fullmatch(authorization) or AuthMode.AWS_LAMBDA not in self._modes):
            if not _JWT.fullmatch(authorization):
                raise unauthorized("Unable to parse JWT token.")
            return jwt_mode
        if AuthMode.AWS_LAMBDA in self._modes:
            return AuthMode.AWS_LAMBDA
        if self._modes == {AuthMode.API_KEY}:
            raise unauthorized()
        raise unauthorized("Unable to parse JWT token." if signed else "Valid authorization header not provided.")

    def _no_credentials(self) -> AuthenticationError:
        if self._default is AuthMode.API_KEY:
            return unauthorized()
        return unauthorized("Valid authorization header not provided.")
