"""SDL to a schema: AppSync's scalars and directives are injected, its rules checked, each error with its line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import (
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSyntaxError,
    ListValueNode,
    Node,
    ScalarTypeDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    build_ast_schema,
    get_nullable_type,
    parse,
    validate_schema,
)
from graphql.validation.validate import validate_sdl

from local.appsync.scalars import AWS

INJECTED = "\n".join(
    [
        *(f"scalar {name}" for name in AWS),
        "directive @aws_api_key on OBJECT | FIELD_DEFINITION",
        "directive @aws_iam on OBJECT | FIELD_DEFINITION",
        "directive @aws_oidc on OBJECT | FIELD_DEFINITION",
        "directive @aws_lambda on OBJECT | FIELD_DEFINITION",
        "directive @aws_cognito_user_pools(cognito_groups: [String!]) on OBJECT | FIELD_DEFINITION",
        "directive @aws_auth(cognito_groups: [String!]!) on FIELD_DEFINITION",
        "directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION",
    ]
)


class SchemaError(Exception):
    """A schema that AppSync would refuse. `line` and `column` start at 1; both are 0 where there is no place."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"schema:{line}:{column}: {message}" if line else f"schema: {message}")
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Schema:
    """A checked schema. `subscriptions_of` names the subscription fields that a mutation field triggers."""

    graphql: GraphQLSchema
    subscriptions_of: dict[str, tuple[str, ...]]

    def field(self, type_name: str, field_name: str) -> GraphQLField | None:
        """A field by its coordinate, or None."""
        found = self.graphql.type_map.get(type_name)
        return found.fields.get(field_name) if isinstance(found, GraphQLObjectType) else None


def build_schema(sdl: str) -> Schema:
    """Builds the schema of an API. Raises SchemaError for the first thing that is wrong."""
    try:
        document = parse(sdl)
    except GraphQLSyntaxError as error:
        raise _located(error) from error
    for definition in document.definitions:
        _check_name(definition)
    whole = DocumentNode(definitions=(*parse(INJECTED).definitions, *document.definitions))
    _raise_first(validate_sdl(whole))
    schema = build_ast_schema(whole, assume_valid_sdl=True)
    _raise_first(validate_schema(schema))
    for name, scalar in AWS.items():
        _adopt(schema.type_map[name], scalar.graphql_type())
    return Schema(schema, _triggers(schema))


def directives(node: Node | None, name: str) -> list[DirectiveNode]:
    """The directives of that name on a definition."""
    return [directive for directive in getattr(node, "directives", None) or () if directive.name.value == name]


def string_list(directive: DirectiveNode, argument: str) -> tuple[str, ...] | None:
    """A `[String!]` argument of a directive, None when it is absent. A single string counts as a list of one."""
    for given in directive.arguments or ():
        if given.name.value == argument:
            values = given.value.values if isinstance(given.value, ListValueNode) else (given.value,)
            return tuple(value.value for value in values if isinstance(value, StringValueNode))
    return None


def schema_error(message: str, node: Node | None) -> SchemaError:
    """An error at a node of the SDL."""
    if node is None or node.loc is None:
        return SchemaError(message)
    return SchemaError(message, node.loc.start_token.line, node.loc.start_token.column)


def _adopt(declared: GraphQLNamedType, scalar: GraphQLScalarType) -> None:
    """Gives a scalar that the SDL only names its conversions."""
    declared.serialize = scalar.serialize  # type: ignore[attr-defined]
    declared.parse_value = scalar.parse_value  # type: ignore[attr-defined]
    declared.parse_literal = scalar.parse_literal  # type: ignore[attr-defined]


def _located(error: GraphQLError) -> SchemaError:
    place = error.locations[0] if error.locations else None
    return SchemaError(error.message, place.line if place else 0, place.column if place else 0)


def _raise_first(errors: Iterable[GraphQLError]) -> None:
    for error in errors:
        raise _located(error)


def _check_name(definition: DefinitionNode) -> None:
    if isinstance(definition, ScalarTypeDefinitionNode):
        raise schema_error(
            f"Custom scalar '{definition.name.value}' is not allowed: AppSync has only its own.", definition
        )
    if isinstance(definition, TypeDefinitionNode) and definition.name.value.startswith("AWS"):
        raise schema_error(f"Type name '{definition.name.value}' must not start with 'AWS'.", definition)


def _triggers(schema: GraphQLSchema) -> dict[str, tuple[str, ...]]:
    """Which subscription fields each mutation field triggers, with the rules of `@aws_subscribe` checked."""
    triggers: dict[str, list[str]] = {}
    for named in schema.type_map.values():
        if isinstance(named, GraphQLObjectType):
            for field_name, field in named.fields.items():
                for directive in directives(field.ast_node, "aws_subscribe"):
                    if named is not schema.subscription_type:
                        raise schema_error(
                            f"@aws_subscribe on '{named.name}.{field_name}': only subscription fields may have it.",
                            directive,
                        )
                    for mutation in string_list(directive, "mutations") or ():
                        _check_trigger(schema, field_name, field.type, mutation, directive)
                        triggers.setdefault(mutation, []).append(field_name)
    return {mutation: tuple(dict.fromkeys(names)) for mutation, names in triggers.items()}


def _check_trigger(
    schema: GraphQLSchema, name: str, output: GraphQLOutputType, mutation: str, directive: DirectiveNode
) -> None:
    source = schema.mutation_type.fields.get(mutation) if schema.mutation_type else None
    if source is None:
        raise schema_error(f"Subscription '{name}': there is no mutation '{mutation}'.", directive)
    if get_nullable_type(source.type) is not get_nullable_type(output) and str(get_nullable_type(source.type)) != str(
        get_nullable_type(output)
    ):
        raise schema_error(
            f"Subscription '{name}' returns '{output}', but mutation '{mutation}' returns '{source.type}'.", directive
        )
