"""AWS_LAMBDA authorization: a function decides (sheet 2.4).

It is asked at a request, at a real-time connect and again at each start. Whatever goes wrong, the caller is refused
with the same words; the log has the reason.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from local.appsync.auth.credentials import AuthenticationError, Credentials, unauthorized
from local.appsync.auth.expressions import Expression
from local.appsync.auth.policies import field_arn
from local.appsync.datasources import Invoke
from local.appsync.definition import ApiDefinition, AuthMode, AuthProvider
from local.appsync.request import Caller
from local.errors import NotEmulated
from local.functions import FunctionsError

TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER_BYTES = 5 * 1024 * 1024
LARGEST_CACHED_BYTES = 1024 * 1024  # exclusive
CACHED_ANSWERS = 1_000

# As logs of AWS show it (amplify-category-api #2090), with an empty queryString and no variables.
CONNECT_OPERATION = "Deepdish:Connect"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decision:
    """What the function answered. `denied` are fields as `Type.field` or by their ARN."""

    authorized: bool
    resolver_context: dict[str, Any]
    denied: frozenset[str]


class _UnusableError(Exception):
    """The function gave no answer that AppSync would take."""


class LambdaAuthorizer:
    """The `LambdaAuthorizerConfig` of an API. `clock` gives seconds; answers are kept by token."""

    def __init__(self, api: ApiDefinition, provider: AuthProvider, invoke: Invoke, clock: Callable[[], float]) -> None:
        self._api = api
        self._function_arn = str(provider.settings.get("AuthorizerUri", ""))
        self._ttl = float(provider.settings.get("AuthorizerResultTtlInSeconds") or 0)
        self._tokens = Expression(provider.settings, "IdentityValidationExpression")
        self._invoke = invoke
        self._clock = clock
        self._known: dict[str, tuple[float, Decision]] = {}

    async def authenticate(self, credentials: Credentials, token: str) -> Caller:
        """The caller with a token, which is the whole `Authorization` value.

        Raises:
            AuthenticationError: the function refuses it, or failed to answer.
            NotEmulated: the function's `resolverContext` is more than AWS documents.
        """
        if not self._tokens.matches([token]):
            raise unauthorized()
        expires_at, decision = self._known.get(token, (float("-inf"), None))
        if decision is None or self._clock() >= expires_at:
            try:
                decision = await self._ask(credentials, token)
            except _UnusableError as error:
                log.warning("the authorizer %s failed: %s", self._function_arn, error)
                raise unauthorized() from None
        if not decision.authorized:
            raise unauthorized()
        return self._caller(decision)

    def _caller(self, decision: Decision) -> Caller:
        def may_call(type_name: str, field_name: str) -> bool:
            names = {f"{type_name}.{field_name}", field_arn(self._api.arn, type_name, field_name)}
            return decision.denied.isdisjoint(names)

        return Caller(AuthMode.AWS_LAMBDA, {"resolverContext": decision.resolver_context}, may_call=may_call)

    async def _ask(self, credentials: Credentials, token: str) -> Decision:
        try:
            event = orjson.dumps(self._event(credentials, token))
            async with asyncio.timeout(TIMEOUT_SECONDS):
                invocation = await self._invoke(self._function_arn, event)
        except orjson.JSONEncodeError as error:
            raise _UnusableError(f"the request cannot be put into an event: {error}") from None
        except TimeoutError:
            raise _UnusableError(f"no answer within {TIMEOUT_SECONDS:.0f} s") from None
        except FunctionsError as error:
            if error.code == "AccessDeniedException":
                log.warning("the authorizer %s was not invoked: %s", self._function_arn, error)
                raise _not_permitted() from None
            raise _UnusableError(f"{error.code}: {error}") from None
        payload = invocation.payload
        if invocation.function_error is not None:
            raise _UnusableError(payload[:2000].decode(errors="replace"))
        if len(payload) > LARGEST_ANSWER_BYTES:
            raise _UnusableError(f"its answer has {len(payload)} bytes, more than 5 MB")
        decision, ttl = _read(payload)
        self._remember(token, decision, self._ttl if ttl is None else ttl, len(payload))
        return decision

    def _remember(self, token: str, decision: Decision, ttl: float, size: int) -> None:
        self._known.pop(token, None)
        if ttl > 0 and size < LARGEST_CACHED_BYTES:
            if len(self._known) >= CACHED_ANSWERS:
                del self._known[next(iter(self._known))]
            self._known[token] = (self._clock() + ttl, decision)

    def _event(self, credentials: Credentials, token: str) -> dict[str, Any]:
        operation = credentials.operation
        context: dict[str, Any] = {
            "apiId": self._api.id,
            "accountId": self._api.account_id,
            "requestId": credentials.request_id,
            "queryString": operation.query if operation else "",
            "operationName": operation.operation_name if operation else CONNECT_OPERATION,
            "variables": operation.variables if operation else {},
        }
        if context["operationName"] is None:
            del context["operationName"]  # AppSync leaves it off
        headers = {name: credentials.header(name) for name in credentials.headers if name != "cookie"}
        return {"authorizationToken": token, "requestContext": context, "requestHeaders": headers}


def _not_permitted() -> AuthenticationError:
    """The answer when no `AWS::Lambda::Permission` lets AppSync invoke the function, without a message on AWS too.

    Recorded in aws-cdk 19258 (its cause in 19239); the status goes with the type.
    """
    return AuthenticationError("BadRequestException", "", 400)


def _read(payload: bytes) -> tuple[Decision, float | None]:
    """The decision in an answer, and its `ttlOverride` in seconds.

    Raises:
        _UnusableError: a member is missing or of another type than documented.
        NotEmulated: `resolverContext` is nested.
    """
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
        raise _UnusableError("its answer has no isAuthorized that is true or false")
    context = answer.get("resolverContext")
    if context is None:
        context = {}
    if not isinstance(context, dict):
        raise _UnusableError("resolverContext is not an object")
    if any(isinstance(value, dict | list) for value in context.values()):
        raise NotEmulated("a nested resolverContext", "AWS documents key-value pairs only, and not what it does else")
    denied = answer.get("deniedFields")
    if denied is None:
        denied = []
    if not isinstance(denied, list) or not all(isinstance(field, str) for field in denied):
        raise _UnusableError("deniedFields is not a list of strings")
    ttl = answer.get("ttlOverride")
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int | float)):
        raise _UnusableError("ttlOverride is not a number")
    return Decision(answer["isAuthorized"], context, frozenset(denied)), ttl
