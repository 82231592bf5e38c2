"""Validation by graphql-core's rules, reported in the words of graphql-java, which AppSync runs (sheet 1.3).

`Validation error of type <Type>: <description> @ '<path>'`. The path is made of field names, starting with the
fragment's name inside a fragment definition; it is absent where no field surrounds the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from graphql import (
    ArgumentNode,
    ASTValidationRule,
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    ParallelVisitor,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    ValidationRule,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    is_required_input_field,
    specified_rules,
    visit,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import ValidationAbortedError

from local.appsync import merging
from local.appsync.errors import location, operation_error
from local.appsync.scalars import SCALARS, ScalarError

# Not AppSync's; a second root field of a subscription is the real-time protocol's, literals are the rule's below.
REPLACED = {
    "SingleFieldSubscriptionsRule",
    "ValuesOfCorrectTypeRule",
    "DeferStreamDirectiveLabel",
    "DeferStreamDirectiveOnRootField",
    "DeferStreamDirectiveOnValidOperationsRule",
    "StreamDirectiveOnListField",
    "MaxIntrospectionDepthRule",
}

# By rule: the error's type, a pattern over graphql-core's message, the description in graphql-java's words.
WORDING: dict[str, list[tuple[str, str, str]]] = {
    "FieldsOnCorrectTypeRule": [
        ("FieldUndefined", r"Cannot query field '(.*?)' on type '(.*?)'", "Field '{0}' in type '{1}' is undefined"),
    ],
    "KnownArgumentNamesRule": [
        ("UnknownDirective", r"Unknown argument '(.*?)' on directive", "Unknown directive argument {0}"),
        ("UnknownArgument", r"Unknown argument '(.*?)' on field", "Unknown field argument {0}"),
    ],
    "ProvidedRequiredArgumentsRule": [
        ("MissingDirectiveArgument", r"Argument '@\w+\((\w+):\)'", "Missing directive argument {0}"),
        ("MissingFieldArgument", r"Argument '[^@'(]*\((\w+):\)'", "Missing field argument {0}"),
    ],
    "ScalarLeafsRule": [
        (
            "SubSelectionNotAllowed",
            r"Field '(.*?)' must not have a selection since type '(.*?)'",
            "Sub selection not allowed on leaf type {1} of field {0}",
        ),
        (
            "SubSelectionRequired",
            r"Field '(.*?)' of type '(.*?)' must have",
            "Sub selection required for type {1} of field {0}",
        ),
    ],
    "KnownDirectivesRule": [
        ("MisplacedDirective", r"Directive '@(.*?)' may not be used on", "Directive {0} not allowed here"),
        ("UnknownDirective", r"Unknown directive '@(.*?)'", "Unknown directive {0}"),
    ],
    "KnownTypeNamesRule": [("UnknownType", r"Unknown type '(.*?)'", "Unknown type {0}")],
    "KnownFragmentNamesRule": [("UndefinedFragment", r"Unknown fragment '(.*?)'", "Undefined fragment {0}")],
    "NoFragmentCyclesRule": [("FragmentCycle", r"", "Fragment cycles not allowed")],
    "NoUnusedFragmentsRule": [("UnusedFragment", r"Fragment '(.*?)'", "Unused fragment {0}")],
    "NoUndefinedVariablesRule": [("UndefinedVariable", r"Variable '\$(.*?)'", "Undefined variable {0}")],
    "NoUnusedVariablesRule": [("UnusedVariable", r"Variable '\$(.*?)'", "Unused variable {0}")],
    "VariablesInAllowedPositionRule": [
        (
            "VariableTypeMismatch",
            r"of type '(.*?)' used in position expecting type '(.*?)'",
            "Variable type '{0}' doesn't match expected type '{1}'",
        ),
    ],
    "VariablesAreInputTypesRule": [
        (
            "NonInputTypeOnVariable",
            r"Variable '\$(.*?)' cannot be non-input type '(.*?)'",
            "Input variable {0} type {1} is not an input type",
        ),
    ],
    "FragmentsOnCompositeTypesRule": [
        (
            "InlineFragmentTypeConditionInvalid",
            r"Fragment cannot condition",
            "Inline fragment type condition is invalid, must be on Object/Interface/Union",
        ),
        (
            "FragmentTypeConditionInvalid",
            r"",
            "Fragment type condition is invalid, must be on Object/Interface/Union",
        ),
    ],
    "PossibleFragmentSpreadsRule": [
        (
            "InvalidFragmentType",
            r"Fragment '(.*?)' .* of type '(.*?)' can never be of type '(.*?)'",
            "Fragment {0} cannot be spread here as objects of type {1} can never be of type {2}",
        ),
        (
            "InvalidFragmentType",
            r"of type '(.*?)' can never be of type '(.*?)'",
            "Fragment cannot be spread here as objects of type {0} can never be of type {1}",
        ),
    ],
    "OverlappingFieldsCanBeMergedRule": [
        ("FieldsConflict", r"Fields '(.*?)' conflict because (.*)\. Use", "{0}: {1}"),
    ],
    "LoneAnonymousOperationRule": [
        ("LoneAnonymousOperationViolation", r"", "Anonymous operation with other operations."),
    ],
    "UniqueOperationNamesRule": [
        ("DuplicateOperationName", r"operation named '(.*?)'", "There can be only one operation named '{0}'"),
    ],
    "UniqueFragmentNamesRule": [
        ("DuplicateFragmentName", r"fragment named '(.*?)'", "There can be only one fragment named '{0}'"),
    ],
    "UniqueVariableNamesRule": [
        ("DuplicateVariableName", r"variable named '\$(.*?)'", "There can be only one variable named '{0}'"),
    ],
    "UniqueArgumentNamesRule": [
        ("DuplicateArgumentNames", r"argument named '(.*?)'", "There can be only one argument named '{0}'"),
    ],
    "UniqueInputFieldNamesRule": [
        ("DuplicateArgumentNames", r"input field named '(.*?)'", "There can be only one field named '{0}'"),
    ],
    "UniqueDirectivesPerLocationRule": [
        (
            "DuplicateDirectiveName",
            r"directive '@(.*?)'",
            "Non repeatable directives must be uniquely named within a location. The directive '{0}' is not unique.",
        ),
    ],
    "ExecutableDefinitionsRule": [
        ("NonExecutableDefinition", r"The (.*?) definition", "The {0} definition is not executable"),
    ],
    "KnownOperationTypesRule": [
        ("UnknownOperation", r"The (\w+) operation", "The '{0}' operation is not supported by the schema"),
    ],
}


MAX_ERRORS = 100
"""After so many graphql-java looks for no more (`Validator.MAX_VALIDATION_ERRORS`, which applications may change; that
AppSync has not is assumed). A few kilobytes would else have one for each pair of their fields."""

# What graphql-core may spend on telling which fields contradict one another, once it is known that some do.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000


OVERLAPPING = "OverlappingFieldsCanBeMergedRule"
_TOO_MANY_FIELDS = operation_error("Validation aborted: too many fields of one selection set have the same name.")


class _EnoughError(Exception):
    """There are `MAX_ERRORS`."""


def validate(schema: GraphQLSchema, document: DocumentNode, *, introspection: bool = True) -> list[dict[str, Any]]:
    """The error objects of a document, in document order and at most `MAX_ERRORS`; none when it may run."""
    found: list[tuple[str, str, Node | None]] = []
    type_info = TypeInfo(schema)
    rules: list[ASTValidationRule] = []
    conflict, aborted = None, []
    try:
        conflict = merging.conflict(schema, document)
    except merging.TooManyFieldsError:
        aborted = [_TOO_MANY_FIELDS]
    needless = set() if conflict else {OVERLAPPING}
    for rule in (*specified_rules, LiteralsRule, *(() if introspection else (NoIntrospectionRule,))):
        if rule.__name__ not in REPLACED | needless:
            report = _reporter(rule.__name__, found)
            rules.append(rule(ValidationContext(schema, document, type_info, report)))
    try:
        visit(document, TypeInfoVisitor(type_info, ParallelVisitor(rules)))
    except ValidationAbortedError:
        # So many fields contradict one another that to tell all would take long.
        assert conflict
        found.append(("FieldsConflict", f"{conflict.key}: {conflict.reason}", conflict.node))
    except _EnoughError:
        pass
    if not found:
        return aborted
    paths = dict(_paths(document))
    return [_error(kind, description, node, paths) for kind, description, node in found] + aborted


def _reporter(rule: str, found: list[tuple[str, str, Node | None]]) -> Callable[[GraphQLError], None]:
    def report(error: GraphQLError) -> None:
        if len(found) == MAX_ERRORS:
            raise _EnoughError
        # graphql-java points at the usage of a variable, graphql-core names its definition first.
        nodes = error.nodes or []
        node = nodes[-1] if rule == "VariablesInAllowedPositionRule" and nodes else nodes[0] if nodes else None
        for kind, pattern, description in WORDING.get(rule, ()):
            match = re.search(pattern, error.message)
            if match:
                found.append((kind, description.format(*match.groups()), node))
                return
        kind, _, description = error.message.partition(": ")
        found.append((kind, description, node) if rule in OWN_RULES else ("InvalidSyntax", error.message, node))

    return report


def _error(kind: str, description: str, node: Node | None, paths: dict[int, tuple[str, ...]]) -> dict[str, Any]:
    path = paths.get(id(node), ())
    suffix = f" @ '{'/'.join(path)}'" if path else ""
    start = node.loc.start_token if node is not None and node.loc else None
    places = [location(start.line, start.column)] if start else None
    return operation_error(f"Validation error of type {kind}: {description}{suffix}", places)


def _paths(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each node's path of field names, as graphql-java's traversal knows it."""
    if isinstance(node, FieldNode | FragmentDefinitionNode):
        path = (*path, node.name.value)
    yield id(node), path
    for key in node.keys:
        child = getattr(node, key, None)
        if isinstance(child, Node):
            yield from _paths(child, path)
        elif isinstance(child, list | tuple):
            for item in child:
                if isinstance(item, Node):
                    yield from _paths(item, path)


class NoIntrospectionRule(ValidationRule):
    """With introspection switched off `__schema` and `__type` are unknown fields; `__typename` stays."""

    def enter_field(self, node: FieldNode, *_args: Any) -> None:
        """Refuses the two fields."""
        parent = self.context.get_parent_type()
        if node.name.value in ("__schema", "__type") and parent is not None:
            self.report_error(
                GraphQLError(f"FieldUndefined: Field '{node.name.value}' in type '{parent.name}' is undefined", node)
            )


class LiteralsRule(ValidationRule):
    """Argument literals and default values against their types, one error per argument as in graphql-java."""

    def enter_argument(self, node: ArgumentNode, *_args: Any) -> None:
        """Checks the literal of a field's or directive's argument."""
        argument = self.context.get_argument()
        problem = _problem(node.value, argument.type, node.name.value) if argument else None
        if problem:
            name, value, reason = problem
            text = f"WrongType: argument '{name}' with value '{java_value(value)}' {reason}"
            self.report_error(GraphQLError(text, node))

    def enter_variable_definition(self, node: VariableDefinitionNode, *_args: Any) -> None:
        """Checks the default value of a variable."""
        expected = self.context.get_input_type()
        if node.default_value is not None and expected is not None and _problem(node.default_value, expected, ""):
            text = f"BadValueForDefaultArg: Bad default value {java_value(node.default_value)} for type {expected}"
            self.report_error(GraphQLError(text, node))


OWN_RULES = {LiteralsRule.__name__, NoIntrospectionRule.__name__}

Problem = tuple[str, ValueNode, str]


def _problem(node: ValueNode, expected: GraphQLInputType, name: str) -> Problem | None:
    """Where and why a literal does not fit: the dotted argument name, the innermost value, the reason."""
    if isinstance(node, VariableNode):
        return None
    if isinstance(expected, GraphQLNonNull):
        if isinstance(node, NullValueNode):
            return name, node, "must not be null"
        return _problem(node, expected.of_type, name)
    if isinstance(node, NullValueNode):
        return None
    if isinstance(expected, GraphQLList):
        if not isinstance(node, ListValueNode):
            return _problem(node, expected.of_type, name)
        found = (_problem(item, expected.of_type, f"{name}[{index}]") for index, item in enumerate(node.values))
        return next(filter(None, found), None)
    if isinstance(expected, GraphQLInputObjectType):
        return _object_problem(node, expected, name)
    return None if _fits(node, expected) else (name, node, f"is not a valid '{expected.name}'")


def _fits(node: ValueNode, expected: GraphQLEnumType | GraphQLScalarType) -> bool:
    if isinstance(expected, GraphQLEnumType):
        return isinstance(node, EnumValueNode) and node.value in expected.values
    try:
        SCALARS[expected.name].literal(node)
    except ScalarError:
        return False
    return True


def _object_problem(node: ValueNode, expected: GraphQLInputObjectType, name: str) -> Problem | None:
    if not isinstance(node, ObjectValueNode):
        return name, node, "must be an object type"
    given = {field.name.value: field.value for field in node.fields}
    missing = [key for key, field in expected.fields.items() if is_required_input_field(field) and key not in given]
    if missing:
        return name, node, f"is missing required fields '[{', '.join(missing)}]'"
    for key, value in given.items():
        field = expected.fields.get(key)
        if field is None:
            return name, node, f"contains a field not in '{expected.name}': '{key}'"
        problem = _problem(value, field.type, f"{name}.{key}")
        if problem:
            return problem
    return None


def java_value(node: ValueNode) -> str:
    """A literal as graphql-java prints its AST node."""
    if isinstance(node, ObjectValueNode):
        fields = (f"ObjectField{{name='{field.name.value}', value={java_value(field.value)}}}" for field in node.fields)
        return f"ObjectValue{{objectFields=[{', '.join(fields)}]}}"
    if isinstance(node, ListValueNode):
        return f"ArrayValue{{values=[{', '.join(java_value(value) for value in node.values)}]}}"
    if isinstance(node, StringValueNode):
        return f"StringValue{{value='{node.value}'}}"
    if isinstance(node, EnumValueNode):
        return f"EnumValue{{name='{node.value}'}}"
    if isinstance(node, VariableNode):
        return f"VariableReference{{name='{node.name.value}'}}"
    if isinstance(node, BooleanValueNode):
        return f"BooleanValue{{value={'true' if node.value else 'false'}}}"
    if isinstance(node, IntValueNode):
        return f"IntValue{{value={node.value}}}"
    if isinstance(node, FloatValueNode):
        return f"FloatValue{{value={node.value}}}"
    return "NullValue{}"
