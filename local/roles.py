"""What AppSync may do here: data sources call as their own roles, and the Lambda authorizer needs its permission."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from local import permissions_used
from local.appsync.datasources import DataSourceError, Invocation, Invoke
from local.cloud import Cloud
from local.functions import FunctionsError
from local.role_sessions import Credentials, NotTrusted

SERVICE = "appsync.amazonaws.com"
SESSION_NAME = "APPSYNC_ASSUME_ROLE"
"""Under which AppSync assumes the roles of data sources; it is in the messages of denials."""

INVOKE = "lambda:InvokeFunction"
ANSWER_SECONDS = 2.0
"""How long an answer counts, in case the notification of a changed policy was lost."""

Clock = Callable[[], float]


class NotPermitted(FunctionsError):
    """The function's resource-based policy does not let AppSync invoke it."""

    code = "AccessDeniedException"
    status = 403


class Roles:
    """Credentials, clients and permissions of the roles that an API's data sources name. `api_arn` is its source ARN.

    `clock` gives seconds that only grow.
    """

    def __init__(self, cloud: Cloud, clock: Clock = time.monotonic) -> None:
        self._cloud = cloud
        self._clock = clock
        self._clients: dict[tuple[str, str, str], tuple[Credentials, Any]] = {}
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, ...], tuple[float, str | None]] = {}

    async def credentials(self, role_arn: str, api_arn: str) -> Credentials:
        """Temporary credentials of a role. Raises DataSourceError when AppSync may not assume it."""
        return await asyncio.to_thread(self._credentials, role_arn, api_arn)

    def _credentials(self, role_arn: str, api_arn: str) -> Credentials:
        try:
            return self._cloud.sessions.get(role_arn, SESSION_NAME, SERVICE, api_arn)
        except NotTrusted:
            raise _cannot_assume(role_arn) from None

    def client(self, service: str, role_arn: str, api_arn: str) -> Any:
        """The thread-safe boto3 client of a service for a role; blocks while it is made. Raises DataSourceError."""
        keys = self._credentials(role_arn, api_arn)
        with self._lock:
            known = self._clients.get((service, role_arn, api_arn))
            if known is None or known[0] is not keys:
                known = self._clients[service, role_arn, api_arn] = (keys, self._cloud.client_of(service, keys))
        return known[1]

    async def denial(self, role_arn: str, api_arn: str, action: str, resource: str) -> str | None:
        """Why a role may not do something, in AWS's words; None when it may. Raises DataSourceError."""

        def ask() -> str | None:
            keys = self._credentials(role_arn, api_arn)
            return self._cloud.denial(action, resource, accessKeyId=keys.access_key_id)

        denied = await self._answer((action, resource, role_arn, api_arn), ask)
        if denied is None:
            permissions_used.record(role_arn, action, resource)
        return denied

    def authorizing(self, invoke: Invoke, api_arn: str) -> Invoke:
        """`invoke` for an API's Lambda authorizer: raises NotPermitted without an `AWS::Lambda::Permission`."""

        def ask(function_arn: str) -> str | None:
            return self._cloud.denial(INVOKE, function_arn, service=SERVICE, sourceArn=api_arn)

        async def permitted(function_arn: str, event: bytes) -> Invocation:
            denied = await self._answer((INVOKE, function_arn, SERVICE, api_arn), lambda: ask(function_arn))
            if denied is not None:
                raise NotPermitted(denied)
            return await invoke(function_arn, event)

        return permitted

    def forget(self) -> None:
        """Assume roles and ask for permissions anew: policies have changed."""
        self._cloud.sessions.forget()
        self._answers.clear()

    async def _answer(self, key: tuple[str, ...], ask: Callable[[], str | None]) -> str | None:
        known = self._answers.get(key)
        if known is None or self._clock() >= known[0]:
            known = self._answers[key] = (self._clock() + ANSWER_SECONDS, await asyncio.to_thread(ask))
        return known[1]


def _cannot_assume(role_arn: str) -> DataSourceError:
    """The words are AppSync's (serverless-graphql #351); no source has the type."""
    return DataSourceError(f"Unable to assume role {role_arn}", "UnauthorizedException")
