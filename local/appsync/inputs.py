"""Input coercion: variables from JSON and argument literals to what resolvers get, with AppSync's messages (sheet 1.3).

Message sources besides the sheet: aws-appsync-community #273 (unknown field), #406 (null in a nested input names the
variable), JSON text in a public Amplify app ("Unable to parse [] as valid JSON."), graphql-java for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    EnumValueNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    type_from_ast,
)

from local.appsync.errors import Locations, OperationError, location, operation_error
from local.appsync.nesting import MAX_LEVELS, deeper_than
from local.appsync.scalars import SCALARS, ScalarError, java_class

Variables = Mapping[str, Any]


class _InputError(Exception):
    """A variable's value that does not fit; `name` is what the message calls it, None for the unnamed form."""

    def __init__(self, message: str, name: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.name = name


class VariableCoercion:
    """The variables of one operation. Built once; `coerce` runs per request."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._definitions = [_Variable(schema, node) for node in operation.variable_definitions or ()]

    def coerce(self, given: Variables) -> dict[str, Any]:
        """The operation's variables by name; absent optional ones stay absent. Raises OperationError."""
        coerced: dict[str, Any] = {}
        for variable in self._definitions:
            variable.coerce(given, coerced)
        return coerced


class _Variable:
    def __init__(self, schema: GraphQLSchema, node: VariableDefinitionNode) -> None:
        self.name = node.variable.name.value
        found = type_from_ast(schema, node.type)
        self.type: GraphQLInputType = found  # type: ignore[assignment]  # validation refused output types
        self.default = Undefined if node.default_value is None else literal_value(self.type, node.default_value, {})
        start = node.loc.start_token if node.loc else None
        self.locations: Locations = [location(start.line, start.column)] if start else []

    def coerce(self, given: Variables, coerced: dict[str, Any]) -> None:
        if self.name not in given:
            if self.default is not Undefined:
                coerced[self.name] = self.default
            elif isinstance(self.type, GraphQLNonNull):
                raise self._null(self.type)
            return
        value = given[self.name]
        if isinstance(value, dict | list) and deeper_than(value, MAX_LEVELS):
            message = f"Variable '{self.name}' has an invalid value. It is nested too deeply."
            raise OperationError([operation_error(message, self.locations)])
        try:
            coerced[self.name] = coerce_value(self.type, value, self.name, self.name)
        except _InputError as error:
            if error.name is None:
                raise OperationError([operation_error(error.message)]) from None
            raise OperationError([operation_error(error.message, self.locations)]) from None

    def _null(self, expected: GraphQLInputType) -> OperationError:
        return OperationError([operation_error(_null_message(self.name, expected), self.locations)])


def _null_message(name: str, expected: GraphQLInputType) -> str:
    return f"Variable '{name}' has coerced Null value for NonNull type '{expected}'"


def _invalid(name: str, reason: str) -> _InputError:
    return _InputError(f"Variable '{name}' has an invalid value. {reason}", name)


def coerce_value(expected: GraphQLInputType, value: Any, variable: str, name: str) -> Any:
    """A JSON value to an input type. `variable` is the outer name (nulls name it), `name` the innermost field's."""
    if isinstance(expected, GraphQLNonNull):
        if value is None:
            raise _InputError(_null_message(variable, expected), variable)
        return coerce_value(expected.of_type, value, variable, name)
    if value is None:
        return None
    if isinstance(expected, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return [coerce_value(expected.of_type, item, variable, name) for item in items]
    if isinstance(expected, GraphQLInputObjectType):
        return _coerce_object(expected, value, variable, name)
    if isinstance(expected, GraphQLEnumType):
        if isinstance(value, str) and value in expected.values:
            return value
        raise _invalid(name, f"Invalid input for Enum '{expected.name}'. No value found for name '{value}'")
    try:
        return SCALARS[expected.name].parse(value)
    except ScalarError as error:
        raise _invalid(name, str(error)) from None


def _coerce_object(expected: GraphQLInputObjectType, value: Any, variable: str, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid(
            name,
            f"Expected type 'Map' but was '{java_class(value)}'. "
            "Variables for input objects must be an instance of type 'Map'.",
        )
    if any(key not in expected.fields for key in value):
        # With its trailing blank, as observed.
        raise _InputError(
            f"The variables input contains a field that is not defined for input object type '{expected.name}' ", None
        )
    result: dict[str, Any] = {}
    for key, field in expected.fields.items():
        if key in value:
            result[key] = coerce_value(field.type, value[key], variable, key)
        elif (default := _default(field)) is not Undefined:
            result[key] = default
        elif isinstance(field.type, GraphQLNonNull):
            raise _InputError(_null_message(variable, field.type), variable)
    return result


def _default(declared: GraphQLArgument | GraphQLInputField) -> Any:
    """A default of the SDL, from its literal: graphql-core read it before the AWS scalars had conversions."""
    node = declared.ast_node.default_value if declared.ast_node else None
    return declared.default_value if node is None else literal_value(declared.type, node, {})


def literal_value(expected: GraphQLInputType, node: ValueNode, variables: Variables) -> Any:
    """The value of a literal that passed validation; Undefined when it is a variable that was not given."""
    if isinstance(expected, GraphQLNonNull):
        return literal_value(expected.of_type, node, variables)
    if isinstance(node, VariableNode):
        return variables.get(node.name.value, Undefined)
    if isinstance(node, NullValueNode):
        return None
    if isinstance(expected, GraphQLList):
        if not isinstance(node, ListValueNode):
            return [literal_value(expected.of_type, node, variables)]
        items = [literal_value(expected.of_type, item, variables) for item in node.values]
        return [None if item is Undefined else item for item in items]
    if isinstance(expected, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        given = {field.name.value: field.value for field in node.fields}
        return _collect(expected.fields, given, variables)
    if isinstance(node, EnumValueNode):
        return node.value
    return SCALARS[expected.name].literal(node)


def _collect(
    declared: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
    given: Mapping[str, ValueNode],
    variables: Variables,
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, field in declared.items():
        node = given.get(name)
        value = Undefined if node is None else literal_value(field.type, node, variables)
        if value is Undefined:
            value = _default(field)
        if value is not Undefined:
            result[name] = value
    return result


def compile_arguments(
    declared: Mapping[str, GraphQLArgument], nodes: Sequence[ArgumentNode]
) -> Callable[[Variables], dict[str, Any]]:
    """What turns the request's variables into a field's arguments; constant arguments are worked out here."""
    given = {node.name.value: node.value for node in nodes}
    if not any(_has_variable(node) for node in given.values()):
        constant = _collect(declared, given, {})
        return lambda _variables: dict(constant)
    return lambda variables: _collect(declared, given, variables)


def _has_variable(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_has_variable(item) for item in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_has_variable(field.value) for field in node.fields)
    return isinstance(node, VariableNode)
