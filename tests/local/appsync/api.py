"""An engine for tests: an API from SDL and a Python function per field, which stands where a Lambda would."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from local.appsync.context import ResolverContext
from local.appsync.datasources import DataSource, DataSourceError
from local.appsync.datasources.none import NoneDataSource
from local.appsync.definition import (
    ApiDefinition,
    AuthMode,
    AuthProvider,
    FunctionDefinition,
    ResolverDefinition,
)
from local.appsync.engine import Engine, Result, Subscription
from local.appsync.javascript import JavaScript
from local.appsync.limits import Limits
from local.appsync.request import Caller, OperationRequest, RequestInfo
from local.faults import Faults

Answer = Callable[[ResolverContext], Any]

API_KEY = (AuthProvider(AuthMode.API_KEY),)
API_KEY_CALLER = Caller(AuthMode.API_KEY)


class Function:
    """A data source as Lambda is one: direct, with a request, and in batches; `calls` are the sizes of its calls."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.calls: list[int] = []
        self.requests: list[Any] = []

    async def call(self, request: Any, context: ResolverContext) -> Any:
        self.requests.append(request)
        return await self.call_direct(context)

    async def call_batch(self, requests: Sequence[Any], contexts: Sequence[ResolverContext]) -> list[Any]:
        self.requests.extend(requests)
        return await self.call_direct_batch(contexts)

    async def call_direct(self, context: ResolverContext) -> Any:
        self.calls.append(1)
        return await self._one(context)

    async def call_direct_batch(self, contexts: Sequence[ResolverContext]) -> list[Any]:
        self.calls.append(len(contexts))
        results: list[Any] = []
        for context in contexts:
            try:
                results.append(await self._one(context))
            except DataSourceError as error:
                results.append(error)
        return results

    async def _one(self, context: ResolverContext) -> Any:
        value = self.answer(context)
        return await value if inspect.isawaitable(value) else value


class Api:
    """An engine with short forms of its calls."""

    def __init__(
        self,
        sdl: str,
        fields: Mapping[str, Answer] | None = None,
        *,
        code: Mapping[str, str] | None = None,
        resolvers: Sequence[ResolverDefinition] = (),
        functions: Sequence[FunctionDefinition] = (),
        sources: Mapping[str, DataSource] | None = None,
        providers: tuple[AuthProvider, ...] = API_KEY,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        faults: Faults | None = None,
        **settings: Any,
    ) -> None:
        """`fields`: direct functions by coordinate; `code`: APPSYNC_JS on a NONE source by coordinate."""
        self.functions = {coordinate: Function(answer) for coordinate, answer in (fields or {}).items()}
        defined = {each.coordinate: each for each in resolvers}
        for coordinate in self.functions:
            defined.setdefault(coordinate, _unit(coordinate, coordinate, None))
        for coordinate, text in (code or {}).items():
            defined[coordinate] = _unit(coordinate, "none", text)
        definition = ApiDefinition(
            id="api",
            arn="arn:aws:appsync:us-east-1:000000000000:apis/api",
            name="api",
            region="us-east-1",
            account_id="000000000000",
            schema=sdl,
            providers=providers,
            functions={function.id: function for function in functions},
            resolvers=defined,
            **settings,
        )
        self.engine = Engine(
            definition,
            data_sources={"none": NoneDataSource(), **self.functions, **(sources or {})},
            javascript=_javascript(),
            limits=limits,
            clock=clock,
            faults=faults,
        )

    async def run(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        caller: Caller = API_KEY_CALLER,
        headers: Mapping[str, str | list[str]] | None = None,
    ) -> dict[str, Any]:
        """Executes; the decoded response."""
        result = await self.result(query, variables, name=name, caller=caller, headers=headers)
        response: dict[str, Any] = json.loads(result.body)
        return response

    async def result(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        caller: Caller = API_KEY_CALLER,
        headers: Mapping[str, str | list[str]] | None = None,
    ) -> Result:
        """Executes; the Result."""
        request = RequestInfo(headers or {}, "request")
        return await self.engine.execute(OperationRequest(query, variables or {}, name), caller, request)

    async def subscribe(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        caller: Caller = API_KEY_CALLER,
        operation_id: str = "",
    ) -> Subscriber:
        """Subscribes and asserts that it worked."""
        subscriber = Subscriber()
        registered = await self.engine.subscribe(
            OperationRequest(query, variables or {}),
            caller,
            RequestInfo({}, "request"),
            subscriber.bodies.append,
            ended=subscriber.end,
            operation_id=operation_id,
        )
        if isinstance(registered, Result):
            raise AssertionError(registered.errors)
        subscriber.subscription = registered
        return subscriber

    async def refused(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        caller: Caller = API_KEY_CALLER,
        operation_id: str = "",
    ) -> list[dict[str, Any]]:
        """Subscribes and asserts that it was refused; the errors."""
        registered = await self.engine.subscribe(
            OperationRequest(query, variables or {}),
            caller,
            RequestInfo({}, "request"),
            lambda _body: None,
            operation_id=operation_id,
        )
        assert isinstance(registered, Result)
        assert len(self.engine.subscriptions) == 0
        return registered.errors


class Subscriber:
    """What one subscription received."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.ended = 0
        self.subscription: Subscription

    def end(self) -> None:
        self.ended += 1

    @property
    def events(self) -> list[Any]:
        """The decoded payloads."""
        return [json.loads(body) for body in self.bodies]


@cache
def _javascript() -> JavaScript:
    """One realm for all tests of a process: it takes 20 ms to make and keeps nothing between runs."""
    return JavaScript()


def _unit(coordinate: str, source: str, code: str | None) -> ResolverDefinition:
    type_name, field_name = coordinate.split(".")
    return ResolverDefinition(type_name, field_name, data_source=source, code=code)


def js(request: str = "{}", response: str = "ctx.result") -> str:
    """APPSYNC_JS whose handlers return the given expressions; `util` and the rest are imported."""
    return f"""
import {{ util, extensions, runtime }} from '@aws-appsync/utils';
export function request(ctx) {{ return {request}; }}
export function response(ctx) {{ return {response}; }}
"""
