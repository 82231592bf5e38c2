"""Schemas: what AppSync injects, and what it refuses, with the line."""

from __future__ import annotations

import pytest
from graphql import GraphQLScalarType

from local.appsync.schema import SchemaError, build_schema

QUERY = "type Query { a: String }\n"


def refused(sdl: str) -> SchemaError:
    with pytest.raises(SchemaError) as raised:
        build_schema(sdl)
    return raised.value


@pytest.mark.parametrize(
    "name",
    ["Date", "Time", "DateTime", "Timestamp", "Email", "JSON", "Phone", "URL", "IPAddress"],
)
def test_the_aws_scalars_exist_without_being_declared(name: str) -> None:
    schema = build_schema(f"type Query {{ a: AWS{name} }}")
    assert isinstance(schema.graphql.type_map[f"AWS{name}"], GraphQLScalarType)


def test_the_aws_directives_exist_without_being_declared() -> None:
    build_schema(
        """
        type Query @aws_api_key @aws_iam { a: String @aws_oidc @aws_lambda b: B @aws_auth(cognito_groups: ["g"]) }
        type B @aws_cognito_user_pools(cognito_groups: ["g"]) { c: String @aws_cognito_user_pools @deprecated }
        """
    )


def test_a_syntax_error_names_its_line() -> None:
    error = refused("type Query {\n  a: \n}")
    assert (error.line, error.column) == (3, 1)
    assert str(error).startswith("schema:3:1: Syntax Error")


def test_an_unknown_type_names_its_line() -> None:
    error = refused("type Query {\n  a: Missing\n}")
    assert error.line == 2
    assert "Missing" in error.message


def test_an_interface_that_is_not_fulfilled_names_its_line() -> None:
    assert refused("interface I { x: ID! }\ntype Query implements I {\n a: ID }").line > 0


def test_a_custom_scalar_is_refused() -> None:
    error = refused(QUERY + "scalar Money")
    assert error.line == 2
    assert "Custom scalar 'Money'" in error.message


def test_a_type_name_that_starts_with_aws_is_refused() -> None:
    assert "must not start with 'AWS'" in refused(QUERY + "type AWSThing { a: ID }").message


def test_a_schema_without_query_type_is_refused() -> None:
    assert "Query root type must be provided" in refused("type Mutation { a: ID }").message


def test_subscriptions_are_known_by_their_mutations() -> None:
    schema = build_schema(
        QUERY
        + """
        type Mutation { add(id: ID): String remove: String }
        type Subscription {
          onAdd: String @aws_subscribe(mutations: ["add"])
          onAny: String @aws_subscribe(mutations: ["add", "remove"])
        }
        """
    )
    assert schema.subscriptions_of == {"add": ("onAdd", "onAny"), "remove": ("onAny",)}


def test_a_subscription_to_an_unknown_mutation_names_its_line() -> None:
    error = refused(QUERY + 'type Subscription {\n  onAdd: String @aws_subscribe(mutations: ["add"])\n}')
    assert error.line == 3
    assert "there is no mutation 'add'" in error.message


def test_a_subscription_must_return_what_its_mutation_returns() -> None:
    error = refused(
        QUERY + 'type Mutation { add: Int }\ntype Subscription { on: String @aws_subscribe(mutations: ["add"]) }'
    )
    assert "returns 'String', but mutation 'add' returns 'Int'" in error.message


def test_a_subscription_may_be_nullable_where_its_mutation_is_not() -> None:
    build_schema(
        QUERY + 'type Mutation { a: [Int!]! } type Subscription { on: [Int!] @aws_subscribe(mutations: ["a"]) }'
    )


def test_aws_subscribe_belongs_to_subscription_fields() -> None:
    assert "only subscription fields" in refused('type Query { a: ID @aws_subscribe(mutations: ["a"]) }').message


def test_a_renamed_root_type_works() -> None:
    schema = build_schema("schema { query: Root } type Root { a: ID }")
    assert schema.field("Root", "a") is not None


def test_a_field_of_no_object_type_is_none() -> None:
    schema = build_schema(QUERY)
    assert schema.field("Query", "b") is None
    assert schema.field("String", "a") is None
