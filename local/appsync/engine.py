"""The GraphQL engine of one API: operations in, encoded responses and live subscriptions out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

import orjson
from graphql import OperationType

from local.appsync.authorization import Authorization
from local.appsync.caching import Clock, ResolverCache, rules
from local.appsync.datasources import DataSource
from local.appsync.definition import ApiDefinition, CachingBehavior
from local.appsync.document import Documents, beside_when_large
from local.appsync.encoding import encode
from local.appsync.errors import (
    FieldError,
    MalformedQueryError,
    MissingOperationNameError,
    OperationError,
    RequestError,
    operation_error,
)
from local.appsync.execution import Execution
from local.appsync.filters import FilterError, Group, argument_filter, enhanced_filter
from local.appsync.javascript import JavaScript
from local.appsync.journal import Journal, Publish, scalars
from local.appsync.limits import Limits
from local.appsync.metrics import Metrics
from local.appsync.operation import OperationPlan, Operations
from local.appsync.operation_caching import OperationCache
from local.appsync.plan import FieldPlan
from local.appsync.request import Caller, OperationRequest, RequestInfo
from local.appsync.resolvers import ResolverDefinitionError, bind_resolvers
from local.appsync.result import Result
from local.appsync.schema import SchemaError, build_schema
from local.appsync.subscriptions import Selection, Subscription, Subscriptions
from local.appsync.visibility import is_plain, payload
from local.faults import Faults

__all__ = [
    "Engine",
    "MalformedQueryError",
    "MissingOperationNameError",
    "RequestError",
    "ResolverDefinitionError",
    "Result",
    "SchemaError",
    "Subscription",
]


class Engine:
    """One per ApiDefinition; swapped whole when the API is deployed again.

    Raises SchemaError on a bad schema, ResolverDefinitionError on a bad resolver and CodeError on bad resolver code,
    each naming the place.
    """

    def __init__(
        self,
        api: ApiDefinition,
        *,
        data_sources: Mapping[str, DataSource],
        javascript: JavaScript,
        limits: Limits | None = None,
        clock: Clock = time.monotonic,
        faults: Faults | None = None,
    ) -> None:
        """`clock` is what the API cache's entries age by."""
        self.api = api
        self.limits = limits or Limits()
        self._faults = faults or Faults()
        self.metrics = Metrics()
        self.journal = Journal()  # the data plane's own, once the engine is served
        self.schema = build_schema(api.schema)
        for coordinate, definition in api.resolvers.items():
            if self.schema.field(definition.type_name, definition.field_name) is None:
                raise ResolverDefinitionError(f"{coordinate}: the schema has no such field")
        self.subscriptions = Subscriptions(self.limits, self.metrics)
        self._documents = Documents(self.schema, self.limits, self.metrics, introspection=api.introspection)
        resolvers = bind_resolvers(api, data_sources, javascript)
        self._resolver_cache: ResolverCache | None = None
        self._operation_cache: OperationCache | None = None
        configured = rules(api)  # checked also where there is no cache
        if api.cache is not None and api.cache.behavior is CachingBehavior.OPERATION_LEVEL_CACHING:
            self._operation_cache = OperationCache(api.cache.ttl_seconds, self.schema, clock)
        elif api.cache is not None:
            self._resolver_cache = ResolverCache(api.cache, configured, clock)
            roots = (self.schema.graphql.mutation_type, self.schema.graphql.subscription_type)
            resolvers = self._resolver_cache.wrap(resolvers, [root.name for root in roots if root is not None])
        self._operations = Operations(
            self.schema,
            resolvers,
            Authorization(self.schema, api.providers),
            self.metrics,
            depth_limit=api.query_depth_limit,
        )
        self._selections: WeakValueDictionary[str, Selection] = WeakValueDictionary()

    async def execute(self, operation: OperationRequest, caller: Caller, request: RequestInfo) -> Result:
        """Runs a query or mutation; publishes to subscribers after each mutation field.

        Raises RequestError (MalformedQueryError, MissingOperationNameError: 400). All else is a Result, answered 200.
        """
        self.metrics.operations += 1
        try:
            execution = await self._prepare(operation, caller, request)
            if execution.plan.kind is OperationType.SUBSCRIPTION:
                return _failed(
                    [_typed("OperationNotSupported", "Subscriptions are only served by the real-time endpoint.")]
                )
        except OperationError as error:
            return _failed(error.errors)
        cache = self._operation_cache if execution.plan.kind is OperationType.QUERY else None
        if cache is None:
            await execution.run(self._finished)
            answer = _result(execution)
            for entry in execution.published:
                self.journal.settle(entry, answer.body)
            return answer
        key = cache.key(operation, caller, request)
        result = cache.get(key)
        if result is None:
            await execution.run(self._finished)
            result = _result(execution)
            cache.put(key, result)
        return result

    async def subscribe(
        self,
        operation: OperationRequest,
        caller: Caller,
        request: RequestInfo,
        deliver: Callable[[bytes], None],
        *,
        ended: Callable[[], None] | None = None,
        operation_id: str = "",
    ) -> Subscription | Result:
        """Registers a subscription and returns it live, or a Result whose `errors` go into the `error` frame.

        `deliver` is called on the event loop with the encoded `payload` of a data frame (`{"data":...}`), once per
        event; the same bytes object is shared by all subscribers with the same selection. `ended` is called when an
        invalidation ended the subscription (AWS closes the connection then). `operation_id` only words an error.
        """
        self.metrics.operations += 1
        try:
            execution = await self._prepare(operation, caller, request)
            root = _subscription_field(execution.plan, operation_id)
            refusal = execution.refusal(root)
            if refusal is not None:
                raise refusal
            initial = await execution.root_value(root)
            if execution.errors:
                raise OperationError(execution.errors)
            selection = self._selection(execution.plan)
            _check_initial(root, initial, selection)
            groups, invalidation = _filters(execution, root)
        except RequestError as error:
            return _failed(error.errors)
        except OperationError as error:
            return _failed([{"message": each["message"]} | _type_of(each) for each in error.errors])
        except FieldError as error:
            return _failed([_typed(error.type, error.message)])
        subscription = self.subscriptions.add(root.name, selection, groups, invalidation, deliver, ended)
        subscription.arguments = execution.arguments(root)
        return subscription

    async def _prepare(self, operation: OperationRequest, caller: Caller, request: RequestInfo) -> Execution:
        given = operation.variables or {}

        def read() -> tuple[OperationPlan, dict[str, Any]]:
            document = self._documents.load(operation.query)
            node = document.operation(operation.operation_name)
            return self._operations.prepare(document, node, caller.mode, given)

        plan, variables = await beside_when_large(operation.query, read)
        execution = Execution(
            plan,
            variables,
            given,
            caller,
            request,
            limits=self.limits,
            resolver_limit=self.api.resolver_count_limit or self.limits.resolvers_per_request,
            environment=self.api.environment,
            metrics=self.metrics,
            faults=self._faults,
        )
        if plan.kind is OperationType.MUTATION:
            execution.effects.cache = self._resolver_cache
        return execution

    def _finished(self, root: FieldPlan, value: Any, execution: Execution) -> None:
        """Publishes the result of a mutation field and carries out its invalidations."""
        fields = self.schema.subscriptions_of.get(root.name)
        if fields:
            entry = self.journal.publish(self.api.id, root.name, fields, execution.caller, execution.request.request_id)
            execution.published.append(entry)
            if value is None:
                entry.errors = [error for error in execution.errors if (error["path"] or ())[:1] == [root.key]]
                entry.arguments = scalars(execution.arguments(root))
                entry.content = b"null"
            else:
                self._publish(root, value, execution, entry)
            self.journal.delivered(entry)
        for invalidation in execution.effects.invalidations:
            self.subscriptions.invalidate(invalidation.subscription_field, invalidation.payload)
        execution.effects.invalidations.clear()

    def _publish(self, root: FieldPlan, value: Any, execution: Execution, entry: Publish) -> None:
        plain = is_plain(root)
        event = value if plain else payload(root, value, execution.types)
        for name in entry.fields:
            if self.subscriptions.has(name):
                self.subscriptions.publish(name, event, entry)
        if plain:
            entry.key = root.key
        elif entry.content is None:
            entry.content = encode(event)

    def _selection(self, plan: OperationPlan) -> Selection:
        signature, fill = self._operations.payload_fill(plan)
        selection = self._selections.get(signature)
        if selection is None:
            selection = self._selections[signature] = Selection(signature, fill)
        return selection


def _result(execution: Execution) -> Result:
    response: dict[str, Any] = {"data": execution.data}
    if execution.errors:
        response["errors"] = execution.errors
    if execution.effects.cache_entries_deleted:
        response["extensions"] = {"apiCacheEntriesDeleted": execution.effects.cache_entries_deleted}
    return Result(encode(response), execution.data, execution.errors, execution.effects.headers)


def _failed(errors: list[dict[str, Any]]) -> Result:
    return Result(encode({"data": None, "errors": errors}), None, errors)


def _typed(error_type: str | None, message: str) -> dict[str, Any]:
    return {"errorType": error_type, "message": message}


def _type_of(error: dict[str, Any]) -> dict[str, Any]:
    return {"errorType": error["errorType"]} if "errorType" in error else {}


def _subscription_field(plan: OperationPlan, operation_id: str) -> FieldPlan:
    """The one root field of a subscription operation. Raises OperationError."""
    if plan.kind is not OperationType.SUBSCRIPTION:
        message = f"{plan.kind.value} not supported through the realtime channel"
        raise OperationError([{**operation_error(message), "errorType": "UnsupportedOperation"}])
    fields = [each for each in plan.fields if not each.name.startswith("__")]
    if len(fields) != 1:
        # The protocol knows no other words for it (sheet 7.4).
        message = f"Duplicated operation with id {operation_id}"
        raise OperationError([{**operation_error(message), "errorType": "DuplicatedOperationError"}])
    return fields[0]


def _check_initial(root: FieldPlan, initial: Any, selection: Selection) -> None:
    """What the subscription's resolver returned must fit the field; clients never see it. Raises OperationError."""
    if initial is None and not root.required:
        return
    errors = orjson.loads(selection.encode(root.name, initial)).get("errors")
    if errors:
        raise OperationError(errors)


def _filters(execution: Execution, root: FieldPlan) -> tuple[list[Group], list[Group]]:
    """The filter and invalidation filter of a subscription. Raises FieldError."""
    effects = execution.effects
    try:
        groups = (
            argument_filter(execution.arguments(root))
            if effects.subscription_filter is None
            else enhanced_filter(effects.subscription_filter)
        )
        invalidation = [] if effects.invalidation_filter is None else enhanced_filter(effects.invalidation_filter)
    except FilterError as error:
        raise FieldError(str(error), "BadRequestException") from None
    return groups, invalidation
