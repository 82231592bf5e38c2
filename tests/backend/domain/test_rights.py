"""The rights table, and its agreement with the schema's directives."""

from __future__ import annotations

import pytest
from graphql import GraphQLField, GraphQLObjectType

from domain import rights
from domain.caller import ANONYMOUS, Caller, CallerKind
from domain.errors import Unauthorized
from tests.backend.domain.schema import schema

PROGRAM = Caller(CallerKind.IAM, "arn:aws:iam::1:user/importer", "importer")
DIRECTIVES = {
    "aws_api_key": CallerKind.API_KEY,
    "aws_iam": CallerKind.IAM,
    "aws_cognito_user_pools": CallerKind.USER,
    "aws_lambda": CallerKind.LAMBDA,
}


def root_fields() -> dict[str, tuple[GraphQLObjectType, GraphQLField]]:
    roots = [schema().query_type, schema().mutation_type, schema().subscription_type]
    return {f"{root.name}.{name}": (root, field) for root in roots if root for name, field in root.fields.items()}


def kinds(defined: GraphQLObjectType | GraphQLField) -> set[CallerKind]:
    directives = (defined.ast_node and defined.ast_node.directives) or ()
    return {DIRECTIVES[each.name.value] for each in directives if each.name.value in DIRECTIVES}


def test_the_table_has_every_root_field_and_no_other() -> None:
    assert rights.RULES.keys() == root_fields().keys()


@pytest.mark.parametrize("coordinate", root_fields())
def test_the_schema_lets_nobody_in_whom_the_table_keeps_out(coordinate: str) -> None:
    """What JavaScript answers alone is guarded by the directives only. A field's own replace those of its type."""
    root, field = root_fields()[coordinate]
    let_in = kinds(field) or kinds(root)
    assert let_in
    assert rights.RULES[coordinate].keys() == let_in


def test_only_programs_may_publish() -> None:
    assert rights.may(PROGRAM, "Mutation.publishMessages", "room:lobby")
    assert not rights.may(ANONYMOUS, "Mutation.publishMessages", "room:lobby")


def test_what_the_table_does_not_name_is_closed() -> None:
    with pytest.raises(Unauthorized, match="Not Authorized to access secrets on type Query"):
        rights.require(PROGRAM, "Query.secrets")
