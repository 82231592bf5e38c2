"""Running a compiled operation: jobs for fields with resolvers, everything else in one synchronous pass."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from graphql import DocumentNode, OperationType, SelectionSetNode, execute_sync

from local.appsync import faulty
from local.appsync.authorization import AUTH_TYPE
from local.appsync.completion import INVALID, Anchor
from local.appsync.context import Info, ResolverContext
from local.appsync.errors import FieldError, Path, field_error, not_emulated, unauthorized
from local.appsync.javascript import HandlerError
from local.appsync.journal import Publish
from local.appsync.limits import Limits
from local.appsync.metrics import Metrics
from local.appsync.operation import OperationPlan
from local.appsync.plan import FieldPlan, selection_set_graphql, selection_set_list
from local.appsync.request import Caller, RequestInfo
from local.appsync.resolvers import Effects
from local.appsync.visibility import visible
from local.errors import NotEmulated
from local.faults import Faults

STARTED_AT_ONCE = 20
"""Resolvers that a request starts in one turn of the event loop; each runs JavaScript for a millisecond or so first."""

logger = logging.getLogger(__name__)

Job = tuple[FieldPlan, Any, Path, dict[str, Any], Anchor]
"""A field with a resolver: its plan, its source, the path of its parent, where its value goes, its anchor."""

Finished = Callable[[FieldPlan, Any, "Execution"], None]


class Execution:
    """One operation under way. After `run`, `data` and `errors` are the response's."""

    def __init__(
        self,
        plan: OperationPlan,
        variables: Mapping[str, Any],
        given: Mapping[str, Any],
        caller: Caller,
        request: RequestInfo,
        *,
        limits: Limits,
        resolver_limit: int,
        environment: Mapping[str, str],
        metrics: Metrics,
        faults: Faults,
    ) -> None:
        self.plan = plan
        self.errors: list[dict[str, Any]] = []
        self.types: dict[int, str] = {}
        self.published: list[Publish] = []
        self.effects = Effects(limits)
        self._response: dict[str, Any] = {"data": None}
        self._variables = variables
        self._given = given
        self.caller = caller
        self.request = request
        self._limits = limits
        self._resolvers_left = resolver_limit
        self._environment = environment
        self._metrics = metrics
        self._faults = faults
        self._jobs: list[Job] = []
        self._time: asyncio.Timeout | None = None

    @property
    def data(self) -> dict[str, Any] | None:
        """The response's `data`."""
        data: dict[str, Any] | None = self._response["data"]
        return data

    async def run(self, finished: Finished) -> None:
        """Runs the operation; `finished` is told of each mutation field as it completes."""
        if self.plan.kind is OperationType.MUTATION:
            await self._serially(finished)
        else:
            await self._query()

    async def _query(self) -> None:
        out: dict[str, Any] = {}
        self._response["data"] = out
        if not self.plan.fill({}, None, out, (self._response, "data"), self):
            self._response["data"] = None
        if self._jobs:
            await self._within_time(self._run_jobs(self._take_jobs()))

    async def _serially(self, finished: Finished) -> None:
        await self._within_time(self._root_fields(finished))

    async def _root_fields(self, finished: Finished) -> None:
        out: dict[str, Any] = {}
        self._response["data"] = out
        anchor = (self._response, "data")
        for field in self.plan.fields:
            out[field.key] = None
            if field.name == "__typename":
                out[field.key] = field.parent.name
                continue
            value = self.special(field, {}, None, out, anchor)
            if value is INVALID:
                self._response["data"] = None
            else:
                out[field.key] = value
            await self._run_jobs(self._take_jobs())
            finished(field, out[field.key], self)

    async def _within_time(self, work: Coroutine[Any, Any, None]) -> None:
        """Ends what still runs at the request's time limit; each field that waited then has an error of its own."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.request_seconds) as self._time:
                await work

    async def root_value(self, field: FieldPlan) -> Any:
        """The raw value of a root field's resolver, for subscriptions: None without one. Raises FieldError."""
        if field.resolver is None:
            return None
        async with asyncio.timeout(self._limits.request_seconds) as self._time:
            return await self._resolve(field, {}, (None, field.key))

    def arguments(self, field: FieldPlan) -> dict[str, Any]:
        """The coerced arguments of a field."""
        return field.arguments(self._variables)

    def refusal(self, field: FieldPlan) -> FieldError | None:
        """Why this caller may not have a field, or None."""
        if field.failure is not None:
            return field.failure
        denied = field.groups is not None and field.groups.isdisjoint(self.caller.groups)
        if denied or (field.asks_caller and not self.caller.may_call(field.parent.name, field.name)):
            return unauthorized(field.parent.name, field.name)
        return None

    def special(self, field: FieldPlan, source: Any, path: Path, out: dict[str, Any], anchor: Anchor) -> Any:
        """A field that is refused, introspective, or has a resolver (then None now and a job for later)."""
        if field.name.startswith("__"):
            return self._introspect(field)
        refusal = self.refusal(field)
        if refusal is None and field.resolver is not None:
            if self._is_late():
                refusal = _timed_out()
            elif self._resolvers_left > 0:
                self._resolvers_left -= 1
                self._jobs.append((field, source, path, out, anchor))
                return None
            else:
                refusal = FieldError("Resolver invocation limit reached.", "ResolverExecutionLimitReached")
        if refusal is not None:
            return self._fail(field, refusal, (path, field.key))
        value = source.get(field.name) if isinstance(source, dict) else None
        return field.complete(value, path, field.key, out, anchor, self)

    def _fail(self, field: FieldPlan, error: FieldError, path: Path) -> Any:
        """Records a field's error; its null does not count as a second one when the field is non-null."""
        if error.data is not None:
            error.data = visible(field, error.data)
        self.errors.append(field_error(error, path, field.locations))
        return INVALID if field.required else None

    def _take_jobs(self) -> list[Job]:
        jobs, self._jobs = self._jobs, []
        return jobs

    async def _run_jobs(self, jobs: list[Job]) -> None:
        if len(jobs) == 1:
            await self._run_job(jobs[0])
        elif jobs:
            # In a flood of aliases each takes its turn, so that the loop serves others in between.
            self.effects.batches.turns = max(self.effects.batches.turns, -(-len(jobs) // STARTED_AT_ONCE))
            await asyncio.gather(*(self._run_job(job, place // STARTED_AT_ONCE) for place, job in enumerate(jobs)))

    async def _run_job(self, job: Job, turn: int = 0) -> None:
        field, source, parent, out, anchor = job
        path = (parent, field.key)
        try:
            value = await self._resolve(field, source, path, turn)
        except FieldError as error:
            result = self._fail(field, error, path)
        else:
            result = field.complete(value, parent, field.key, out, anchor, self)
        if result is not INVALID:
            out[field.key] = result
        elif anchor is not None:
            container, key = anchor
            container[key] = None
        # Completion is synchronous, so these are this field's own children.
        children = self._take_jobs()
        if children:
            await self._run_jobs(children)

    async def _resolve(self, field: FieldPlan, source: Any, path: Path, turn: int = 0) -> Any:
        """What a field's resolver returns, begun in a later turn of the loop. Raises FieldError, whatever is wrong."""
        self._metrics.resolver_invocations += 1
        context = ResolverContext(
            arguments=self.arguments(field),
            identity=self.caller.identity,
            source=source if path is not None and path[0] is not None else None,
            request=self.request,
            info=Info(
                field.name,
                field.parent.name,
                self._given,
                lambda: selection_set_list(self.plan.compiler, field),
                lambda: selection_set_graphql(field),
            ),
            env=self._environment,
            auth_type=AUTH_TYPE[self.caller.mode],
            deadline=self._time.when() if self._time is not None else None,
        )

        def append_error(error: HandlerError) -> None:
            appended = FieldError(error.message, error.type, visible(field, error.data), error.error_info)
            self.errors.append(field_error(appended, path, field.locations))

        try:
            for _ in range(turn):
                await asyncio.sleep(0)
            if self._faults.active:
                await faulty.resolver(self._faults, self.plan, field, self._given)
            return await field.resolver.resolve(context, self.effects, append_error)
        except FieldError:
            raise
        except NotEmulated as refused:
            raise not_emulated(refused) from None
        except Exception as error:  # a data source's own bug must not take the other fields with it
            logger.exception("the resolver of %s.%s failed", field.parent.name, field.name)
            raise FieldError(f"{type(error).__name__}: {error}", "InternalFailure") from error
        except asyncio.CancelledError:
            # The time limit cancels every field that waits; each reports for itself and the rest is kept.
            if self._is_late():
                raise _timed_out() from None
            raise

    def _is_late(self) -> bool:
        return self._time is not None and self._time.expired()

    def _introspect(self, field: FieldPlan) -> Any:
        """`__schema` and `__type`, by graphql-core over the one field."""
        if field.constant is not None:
            return field.constant
        node = self.plan.node
        alone = type(node)(
            loc=node.loc,
            operation=OperationType.QUERY,
            name=node.name,
            variable_definitions=node.variable_definitions,
            directives=(),
            selection_set=SelectionSetNode(selections=tuple(field.nodes)),
        )
        document = DocumentNode(definitions=(alone, *self.plan.document.fragments.values()))
        result = execute_sync(self.plan.compiler.schema, document, variable_values=dict(self._given))
        data = (result.data or {}).get(field.key)
        if not node.variable_definitions:
            field.constant = data
        return data


def _timed_out() -> FieldError:
    return FieldError("Execution timed out.", "ExecutionTimeout")
