"""Every identity with every field: AppSync's directives let in exactly those to whom the table gives anything."""

from __future__ import annotations

import pytest
from graphql import GraphQLField, GraphQLObjectType, value_from_ast_untyped

from domain import rights, topics
from domain.auth_keys import denied_fields
from domain.caller import ANONYMOUS, GROUPS, OPERATORS, SELLERS, Caller, CallerKind, Scope
from domain.rights import Standing
from tests.backend.domain.schema import schema

MODES = {
    "aws_api_key": CallerKind.API_KEY, "aws_iam": CallerKind.IAM, "aws_cognito_user_pools": CallerKind.USER,
    "aws_lambda": CallerKind.LAMBDA,
}  # fmt: skip
IDENTITIES = {
    "api key": ANONYMOUS,
    "program": Caller(CallerKind.IAM, "arn:aws:iam::1:user/importer", "importer"),
    "user": Caller(CallerKind.USER, "ann", "ann"),
    "seller": Caller(CallerKind.USER, "ann", "ann", frozenset({SELLERS})),
    "operator": Caller(CallerKind.USER, "ann", "ann", frozenset({OPERATORS})),
    "both": Caller(CallerKind.USER, "ann", "ann", frozenset(GROUPS)),
    "someone of another group": Caller(CallerKind.USER, "ann", "ann", frozenset({"admins"})),
    "key that reads": Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset({Scope.READ})),
    "key that writes": Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset({Scope.WRITE})),
    "key for both": Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset(Scope)),
    "key for nothing": Caller(CallerKind.LAMBDA, "k", "k"),
    "program whose name is a group's": Caller(CallerKind.IAM, "arn:aws:iam::1:user/operators", OPERATORS),
}
# Whatever a field may be about, from the caller's point of view.
TOPICS = [None, "room:lobby", f"room:{topics.PRIVATE_ROOM}1", "user:ann", "user:bob", "client:0123456789abcdef"]
TOPICS += ["cart:ann", "cart:bob", "cart:client:0123456789abcdef", "order:ann", "order:bob"]


def fields() -> dict[str, tuple[GraphQLObjectType, GraphQLField]]:
    roots = [schema().query_type, schema().mutation_type, schema().subscription_type]
    return {f"{root.name}.{name}": (root, field) for root in roots if root for name, field in root.fields.items()}


def is_let_in(caller: Caller, coordinate: str) -> bool:
    """Whether AppSync lets a caller call a field. A field's directives replace those of its type."""
    root, field = fields()[coordinate]
    for defined in (field, root):
        directives = (defined.ast_node and defined.ast_node.directives) or ()
        modes = [each for each in directives if each.name.value in MODES]
        if not modes:
            continue
        for each in modes:
            if MODES[each.name.value] is caller.kind:
                groups = {name for given in each.arguments or () for name in value_from_ast_untyped(given.value)}
                return (not groups or bool(groups & caller.groups)) and (
                    caller.kind is not CallerKind.LAMBDA or coordinate not in denied_fields(caller)
                )
        return False
    raise AssertionError(f"{coordinate} is left to the default mode")


def has_anything(caller: Caller, coordinate: str) -> bool:
    """Whether the table gives a caller a field for any topic, whatever the caller is to it."""
    return any(rights.may(caller, coordinate, topic, standing) for topic in TOPICS for standing in Standing)


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("coordinate", fields())
def test_the_directives_let_in_those_who_have_a_right(coordinate: str, identity: str) -> None:
    caller = IDENTITIES[identity]
    assert is_let_in(caller, coordinate) == has_anything(caller, coordinate)
