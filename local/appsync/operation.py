"""A compiled operation: its variables, its root fields, and how it is compiled for a caller's mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
)

from local.appsync.authorization import Authorization
from local.appsync.completion import Completer, Fill
from local.appsync.definition import AuthMode
from local.appsync.document import Document
from local.appsync.errors import FieldError, OperationError, operation_error, unauthorized
from local.appsync.inputs import VariableCoercion
from local.appsync.metrics import Metrics
from local.appsync.plan import Compiler, FieldPlan, condition_variables
from local.appsync.resolvers import Resolver
from local.appsync.schema import Schema

# Conditions multiply plans: ten boolean variables make 1,024. A document over this many starts anew.
PLANS_PER_DOCUMENT = 64


@dataclass(eq=False)
class OperationPlan:
    """One operation for one mode and one outcome of its conditions."""

    document: Document
    node: OperationDefinitionNode
    compiler: Compiler
    fields: list[FieldPlan]
    fill: Fill

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation


class Operations:
    """Compiles operations of one API and keeps the plans with their documents."""

    def __init__(
        self,
        schema: Schema,
        resolvers: Mapping[str, Resolver],
        authorization: Authorization,
        metrics: Metrics,
        *,
        depth_limit: int,
    ) -> None:
        self._schema = schema
        self._resolvers = resolvers
        self._authorization = authorization
        self._metrics = metrics
        self._depth_limit = depth_limit
        self._completer = Completer(schema.graphql)
        self._payload_completer = Completer(schema.graphql, payload=True)

    def prepare(
        self, document: Document, node: OperationDefinitionNode, mode: AuthMode, given: Mapping[str, Any]
    ) -> tuple[OperationPlan, dict[str, Any]]:
        """The plan of an operation and its coerced variables. Raises OperationError."""
        key = ("variables", id(node))
        prepared = document.plans.get(key)
        if prepared is None:
            coercion = VariableCoercion(self._schema.graphql, node)
            names = condition_variables([node, *document.fragments.values()])
            own = {definition.variable.name.value for definition in node.variable_definitions or ()}
            prepared = document.plans[key] = (coercion, tuple(name for name in names if name in own))
        coercion, condition_names = prepared
        variables = coercion.coerce(given)
        conditions = tuple(bool(variables.get(name)) for name in condition_names)
        plan_key = (id(node), mode, conditions)
        plan = document.plans.get(plan_key)
        if plan is None:
            if len(document.plans) >= PLANS_PER_DOCUMENT:
                document.plans.clear()
            plan = self._compile(document, node, mode, dict(zip(condition_names, conditions, strict=True)))
            document.plans[plan_key] = plan
        return plan, variables

    def payload_fill(self, plan: OperationPlan) -> tuple[str, Fill]:
        """A subscription's selection over published payloads: its signature and its completion."""
        compiler = Compiler(
            self._schema.graphql, plan.document.fragments, plan.compiler.conditions, lambda _field, _depth: None
        )
        fields = compiler.fields(plan.fields[0].parent.name, [plan.node.selection_set], 1)
        return self._signature(fields), self._payload_completer.fill(fields)

    def _compile(
        self, document: Document, node: OperationDefinitionNode, mode: AuthMode, conditions: Mapping[str, bool]
    ) -> OperationPlan:
        def bind(field: FieldPlan, depth: int) -> None:
            self._bind(field, depth, mode, root)

        compiler = Compiler(self._schema.graphql, document.fragments, conditions, bind)
        root = self._schema.graphql.get_root_type(node.operation)
        if root is None:
            raise OperationError([operation_error(f"Schema is not configured for {node.operation.value}s.")])
        self._metrics.plans_compiled += 1
        fields = compiler.fields(root.name, [node.selection_set], 1)
        return OperationPlan(document, node, compiler, fields, self._completer.fill(fields))

    def _bind(self, field: FieldPlan, depth: int, mode: AuthMode, root: GraphQLObjectType | None) -> None:
        parent = field.parent.name
        rule = self._authorization.rule(parent, field.name)
        if self._depth_limit and depth > self._depth_limit:
            field.failure = FieldError("Query depth limit reached.", "QueryDepthLimitReached")
        elif mode not in rule:
            field.failure = unauthorized(parent, field.name)
        else:
            field.groups = rule[mode]
            # A Lambda authorizer denies any field, an IAM policy only speaks of root fields.
            field.asks_caller = field.parent is root or mode is AuthMode.AWS_LAMBDA
            field.resolver = self._resolvers.get(f"{parent}.{field.name}")

    def _signature(self, fields: list[FieldPlan]) -> str:
        """A text that is equal for equal selections, however the documents write them."""
        parts = []
        for field in fields:
            below = ""
            if field.selection is not None:
                names = [each.name for each in self._concrete_types(field)]
                below = ";".join(f"{name}{{{self._signature(field.selection.fields(name))}}}" for name in names)
            parts.append(f"{field.key}:{field.name}{below}")
        return ",".join(parts)

    def _concrete_types(self, field: FieldPlan) -> Sequence[GraphQLObjectType]:
        named = get_named_type(field.definition.type)
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.graphql.get_possible_types(named)
        return [named] if isinstance(named, GraphQLObjectType) else []
