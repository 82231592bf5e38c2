"""The rights table, and its agreement with the schema's directives."""

from __future__ import annotations

import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType, get_named_type, print_ast

from domain import rights, topics
from domain.caller import ANONYMOUS, OPERATORS, SELLERS, Caller, CallerKind, Scope
from domain.errors import Unauthorized
from domain.rights import Standing
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


OWNER, MEMBER, INVITED, STRANGER = Standing.OWNER, Standing.MEMBER, Standing.INVITED, Standing.NONE
PRIVATE = f"room:{topics.PRIVATE_ROOM}1"
ANN = Caller(CallerKind.USER, "ann", "ann", frozenset({OPERATORS, SELLERS}))


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("coordinate", sorted(rights.RULES))
def test_only_those_who_belong_to_a_private_room_have_it(coordinate: str, standing: Standing) -> None:
    about_rooms = {each for each in rights.RULES if rights.may(ANN, each, PRIVATE, OWNER)} - NOT_ABOUT_A_ROOM
    if coordinate in about_rooms:
        needed = {"inviteMember": {OWNER}, "expelMember": {OWNER}}
        needed |= {name: {INVITED, MEMBER, OWNER} for name in ("acceptInvitation", "resignMembership")}
        allowed = standing in needed.get(coordinate.partition(".")[2], {MEMBER, OWNER})
        assert rights.may(ANN, coordinate, PRIVATE, standing) == allowed


# Rules that ask who the caller is, and nothing of a room.
OF_NO_ROOM = {each.holds for each in (rights.anyone, rights.operators, rights.own_or_operators, rights.sellers)}
NOT_ABOUT_A_ROOM = {
    each
    for each, rules in rights.RULES.items()
    if CallerKind.USER in rules and rules[CallerKind.USER].holds in OF_NO_ROOM
}
ABOUT_ROOMS = [
    "Query.room", "Query.messages", "Query.messageChanges", "Mutation.sendMessage", "Mutation.sendMessages",
    "Subscription.onMessages",
]  # fmt: skip


@pytest.mark.parametrize("coordinate", ABOUT_ROOMS)
def test_callers_who_are_no_user_have_public_rooms_only(coordinate: str) -> None:
    keys = Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset(Scope))
    for caller in (ANONYMOUS, PROGRAM, keys):
        assert rights.may(caller, coordinate, "room:lobby")
        assert not rights.may(caller, coordinate, PRIVATE)
        assert not rights.may(caller, coordinate)


@pytest.mark.parametrize("topic", [None, "", "room", "lobby", "user:ann", "cart:ann", "room:private:"])
def test_what_is_no_public_room_is_open_to_nobody_without_a_standing(topic: str | None) -> None:
    for coordinate in ABOUT_ROOMS:
        for caller in (ANONYMOUS, PROGRAM, ANN):
            assert not rights.may(caller, coordinate, topic)


@pytest.mark.parametrize("scopes", [(), (Scope.READ,), (Scope.WRITE,), tuple(Scope)])
def test_an_auth_key_has_what_its_scopes_say(scopes: tuple[Scope, ...]) -> None:
    key = Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset(scopes))
    for coordinate in ABOUT_ROOMS:
        assert rights.may(key, coordinate, "room:lobby") == (rights.scope_of(coordinate) in scopes)


def members_below(type_: GraphQLOutputType, seen: set[str]) -> set[str]:
    """The names of all fields that can be selected below a type, alone and with that of their own type."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType) or named.name in seen:
        return set()
    seen.add(named.name)
    own = {each for name in named.fields for each in (name, f"{named.name}.{name}")}
    return own | {name for field in named.fields.values() for name in members_below(field.type, seen)}


def test_no_published_type_has_a_restricted_member() -> None:
    """AppSync gives every subscriber what the publishing mutation selected, whatever the directives say."""
    subscriptions = schema().subscription_type
    assert subscriptions
    for name, field in subscriptions.fields.items():
        assert not members_below(field.type, set()) & rights.RESTRICTED, name


def test_what_is_restricted_exists() -> None:
    types = [each for each in schema().type_map.values() if isinstance(each, GraphQLObjectType)]
    names = {name for each in types for field in each.fields for name in (field, f"{each.name}.{field}")}
    assert names >= rights.RESTRICTED


def test_each_kind_of_topic_is_subscribed_to_and_caught_up_under_the_same_rule() -> None:
    for kind in topics.KINDS.values():
        live, missed = (rights.RULES[f"{root}.{name}"] for root, name in (
            ("Subscription", kind.subscription), ("Query", kind.catch_up),
        ))  # fmt: skip
        assert live == missed
        field = root_fields()[f"Subscription.{kind.subscription}"][1]
        assert field.ast_node
        assert kind.mutation in print_ast(field.ast_node)
