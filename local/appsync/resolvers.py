"""Resolvers: UNIT and PIPELINE with APPSYNC_JS, direct Lambda, batches (sheet 3.1, 3.2, 4.1)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from local.appsync.batching import Batches
from local.appsync.context import ResolverContext
from local.appsync.datasources import BatchDataSource, DataSource, DataSourceError
from local.appsync.definition import ApiDefinition, FunctionDefinition, ResolverDefinition
from local.appsync.errors import FieldError, unauthorized
from local.appsync.javascript import Code, HandlerError, Invalidation, JavaScript, Outcome
from local.appsync.limits import FUNCTIONS_PER_PIPELINE, Limits
from local.errors import NotEmulated

if TYPE_CHECKING:
    from local.appsync.caching import ResolverCache

logger = logging.getLogger("local.appsync.console")


class ResolverDefinitionError(Exception):
    """A resolver that AppSync would not have accepted; the message starts with its coordinate."""


@dataclass
class Effects:
    """What the handlers of one request leave behind besides values and errors."""

    limits: Limits
    batches: Batches = field(default_factory=Batches)
    headers: dict[str, str] = field(default_factory=dict)
    subscription_filter: dict[str, Any] | None = None
    invalidation_filter: dict[str, Any] | None = None
    invalidations: list[Invalidation] = field(default_factory=list)
    invalidation_calls: int = 0
    cache: ResolverCache | None = None  # which handlers may evict from: mutations only
    cache_entries_deleted: int = 0

    def collect(self, outcome: Outcome) -> None:
        """Takes over what one handler did."""
        self.headers.update(outcome.response_headers)
        if outcome.subscription_filter is not None:
            self.subscription_filter = outcome.subscription_filter
        if outcome.invalidation_filter is not None:
            self.invalidation_filter = outcome.invalidation_filter
        if self.cache is not None:
            self.cache_entries_deleted += sum(map(self.cache.evict, outcome.cache_evictions))
        if outcome.invalidations:
            self.invalidation_calls += len(outcome.invalidations)
            if self.invalidation_calls > self.limits.invalidations_per_request:
                raise FieldError(
                    f"invalidateSubscriptions was called more than {self.limits.invalidations_per_request} times.",
                    "BadRequestException",
                )
            self.invalidations.extend(outcome.invalidations)


AppendError = Callable[[HandlerError], None]


class Resolver(Protocol):
    """Produces a field's value from its context. Raises FieldError, NotEmulated."""

    async def resolve(self, context: ResolverContext, effects: Effects, append_error: AppendError) -> Any: ...


@dataclass(frozen=True)
class Refused:
    """A resolver that this data plane cannot run; asking for its field says why."""

    reason: NotEmulated

    async def resolve(self, *_context: object) -> Any:
        """Always raises NotEmulated."""
        raise self.reason


SkipTo = Literal["END", "NEXT"]


class Step(Protocol):
    """One data source with what stands before and after it: a UNIT resolver or a function of a pipeline."""

    async def run(self, context: ResolverContext, effects: Effects, append_error: AppendError) -> tuple[Any, SkipTo]:
        """The value and, for pipelines, where an early return goes."""
        ...


@dataclass(frozen=True)
class Unit:
    """A step as a UNIT resolver."""

    step: Step

    async def resolve(self, context: ResolverContext, effects: Effects, append_error: AppendError) -> Any:
        """The step's value."""
        value, _ = await self.step.run(context, effects, append_error)
        return value


@dataclass(frozen=True)
class Handlers:
    """A step with APPSYNC_JS. With a batch size its `BatchInvoke` requests are collected over sibling fields."""

    source: DataSource
    code: Code
    batch_source: BatchDataSource | None
    max_batch_size: int

    async def run(self, context: ResolverContext, effects: Effects, append_error: AppendError) -> tuple[Any, SkipTo]:
        """Request handler, data source, response handler. Raises FieldError."""
        request = handle(self.code, "request", context, effects, append_error)
        if request.early_return:
            return request.value, request.early_return.skip_to
        try:
            context.result = await self._call(request.value, context, effects)
        except DataSourceError as error:
            if error.request_rejected:
                raise FieldError(error.message, error.type) from None
            context.error = error.to_json()
            context.result = error.data
        response = handle(self.code, "response", context, effects, append_error)
        return response.value, response.early_return.skip_to if response.early_return else "NEXT"

    async def _call(self, request: Any, context: ResolverContext, effects: Effects) -> Any:
        batch = self.batch_source
        if batch is not None and isinstance(request, dict) and request.get("operation") == "BatchInvoke":
            return await effects.batches.call(self, self.max_batch_size, batch.call_batch, request, context)
        return await self.source.call(request, context)


@dataclass(frozen=True)
class DirectLambda:
    """A step without code: the context is the Lambda's event and its answer the value."""

    source: BatchDataSource
    max_batch_size: int

    async def run(self, context: ResolverContext, effects: Effects, _append_error: AppendError) -> tuple[Any, SkipTo]:
        """Invokes the function, for several sibling fields at once with a batch size. Raises FieldError."""
        try:
            if self.max_batch_size > 0:
                return await effects.batches.call(self, self.max_batch_size, self._batch, None, context), "NEXT"
            return await self.source.call_direct(context), "NEXT"
        except DataSourceError as error:
            if error.type == "UnauthorizedException":
                # Masked, so that a function cannot tell callers why (DG, direct Lambda resolvers).
                raise FieldError("You are not authorized to make this call.", error.type) from None
            raise FieldError(error.message, error.type, error.data) from None

    async def _batch(self, _requests: list[Any], contexts: list[ResolverContext]) -> list[Any]:
        return await self.source.call_direct_batch(contexts)


@dataclass(frozen=True)
class Pipeline:
    """A PIPELINE resolver: its request handler, up to ten functions, its response handler."""

    code: Code
    steps: tuple[Step, ...]

    async def resolve(self, context: ResolverContext, effects: Effects, append_error: AppendError) -> Any:
        """Runs the steps; `ctx.prev.result` is what the step before returned."""
        before = handle(self.code, "request", context, effects, append_error)
        context.has_prev = True
        context.prev = before.value
        if not before.early_return:
            for step in self.steps:
                context.result = context.error = None
                context.prev, skip_to = await step.run(context, effects, append_error)
                if skip_to == "END":
                    break
        # A function's data source error is only its own response handler's (sheet 4.1).
        context.error = None
        context.result = context.prev
        if not self.code.has_response:
            return context.prev
        return handle(self.code, "response", context, effects, append_error).value


def handle(
    code: Code,
    handler: Literal["request", "response"],
    context: ResolverContext,
    effects: Effects,
    append_error: AppendError,
) -> Outcome:
    """Runs a handler and takes over what it did. Raises FieldError for `util.error` and exceptions."""
    members = context.to_javascript(selection_sets=code.reads_selection_sets)
    outcome = code.run(handler, members, auth_type=context.auth_type)
    if outcome.stash is not None:
        context.stash = outcome.stash
    if outcome.arguments is not None:
        context.arguments = outcome.arguments
    for line in outcome.logs:
        logger.info("%s.%s: %s", context.info.parent_type_name, context.info.field_name, line)
    for error in outcome.appended_errors:
        append_error(error)
    effects.collect(outcome)
    if outcome.unauthorized:
        raise unauthorized(context.info.parent_type_name, context.info.field_name)
    if outcome.error:
        raise FieldError(outcome.error.message, outcome.error.type, outcome.error.data, outcome.error.error_info)
    return outcome


def bind_resolvers(
    api: ApiDefinition, data_sources: Mapping[str, DataSource], javascript: JavaScript
) -> dict[str, Resolver]:
    """The resolvers of an API by coordinate. Raises ResolverDefinitionError, CodeError."""
    return {
        coordinate: _bind(definition, api, data_sources, javascript) for coordinate, definition in api.resolvers.items()
    }


def _bind(
    definition: ResolverDefinition, api: ApiDefinition, sources: Mapping[str, DataSource], javascript: JavaScript
) -> Resolver:
    name = definition.coordinate
    try:
        if definition.kind == "UNIT":
            return Unit(_step(name, definition, definition.data_source, sources, javascript))
        if definition.kind != "PIPELINE":
            raise ResolverDefinitionError(f"{name}: unknown kind '{definition.kind}'")
        _refuse_templates(name, definition)
        if definition.code is None:
            raise NotEmulated(f"the pipeline resolver {name} without code", "pipelines need APPSYNC_JS code")
        if len(definition.functions) > FUNCTIONS_PER_PIPELINE:
            raise ResolverDefinitionError(f"{name}: {len(definition.functions)} functions, the limit is 10")
        steps = []
        for function_id in definition.functions:
            function = api.functions.get(function_id)
            if function is None:
                raise ResolverDefinitionError(f"{name}: there is no function '{function_id}'")
            steps.append(_step(function.name, function, function.data_source, sources, javascript))
        return Pipeline(_compile(name, definition.code, javascript), tuple(steps))
    except NotEmulated as reason:
        return Refused(reason)


def _step(
    name: str,
    definition: ResolverDefinition | FunctionDefinition,
    source_name: str | None,
    sources: Mapping[str, DataSource],
    javascript: JavaScript,
) -> Step:
    _refuse_templates(name, definition)
    source = sources.get(source_name) if source_name else None
    if source is None:
        raise ResolverDefinitionError(f"{name}: there is no data source '{source_name}'")
    batch_source = source if isinstance(source, BatchDataSource) else None
    if definition.code is None:
        if batch_source is None:
            raise ResolverDefinitionError(f"{name}: only a Lambda data source works without code")
        return DirectLambda(batch_source, definition.max_batch_size)
    code = _compile(name, definition.code, javascript)
    for handler, present in (("request", code.has_request), ("response", code.has_response)):
        if not present:
            raise ResolverDefinitionError(f"{name}: its code exports no function '{handler}'")
    return Handlers(source, code, batch_source if definition.max_batch_size > 0 else None, definition.max_batch_size)


def _compile(name: str, text: str, javascript: JavaScript) -> Code:
    return javascript.compile(text, f"{name}.js")


def _refuse_templates(name: str, definition: ResolverDefinition | FunctionDefinition) -> None:
    if definition.request_template is not None or definition.response_template is not None:
        raise NotEmulated(f"the mapping template of {name}", "only APPSYNC_JS code and direct Lambda are run, not VTL")
