"""What is published is well formed: the publish mutations' input types, against the local AppSync's own coercion."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from graphql import OperationDefinitionNode, is_scalar_type, parse
from hypothesis import given
from hypothesis import strategies as st

from domain import publish_inputs
from domain.publish_documents import ENUMS, INPUT_TYPES, INPUTS
from domain.publish_inputs import InvalidItem
from local.appsync.errors import OperationError
from local.appsync.inputs import VariableCoercion
from tests.backend.domain.schema import schema

MESSAGE: dict[str, Any] = {
    "id": "01J", "roomId": "lobby", "author": "ann", "text": "hi", "sentAt": "2026-11-21T04:51:22.123Z", "version": 1,
    "originalTime": None,
}  # fmt: skip


def check(item: object) -> None:
    publish_inputs.checker("publishMessages", "items", "message")(item, "message")


def test_what_the_schema_takes_passes() -> None:
    check(MESSAGE)
    check(None)


@pytest.mark.parametrize(
    ("member", "value", "says"),
    [
        ("text", None, "message.text must not be null"),
        ("text", {"S": "x"}, "message.text must be a text, not a dict"),
        ("text", "\ud800", "message.text has half of a surrogate pair at position 0"),
        ("version", "1", "message.version must be a whole number, not a str"),
        ("version", True, "message.version must be a whole number, not a bool"),
        ("version", 2**31, "message.version must fit into 32 bits"),
        ("sentAt", "2026-11-21T04:51:22.123", "message.sentAt must be a time with an offset"),
        ("sentAt", "2026-13-21T04:51:22Z", "message.sentAt must be a time that exists"),
        ("junk", 1, "message.junk is no member of MessageInput"),
    ],
)
def test_what_it_does_not_take_is_named(member: str, value: object, says: str) -> None:
    with pytest.raises(InvalidItem, match=says):
        check(MESSAGE | {member: value})


def test_a_member_that_is_missing_is_null() -> None:
    without = copy.copy(MESSAGE)
    del without["text"]
    with pytest.raises(InvalidItem, match=r"message\.text must not be null"):
        check(without)


def test_lists_are_checked_item_by_item() -> None:
    change = {"seq": 1, "eventId": "e", "kind": "MERGE", "at": MESSAGE["sentAt"], "key": "k"}
    items = publish_inputs.checker("publishMessages", "items")
    with pytest.raises(InvalidItem, match=r"items must be a list, not a dict"):
        items(change, "items")
    with pytest.raises(InvalidItem, match=r"items\[1\].*"):
        items([change | {"kind": "INSERT"} | _required_change(), change | _required_change()], "items")


def _required_change() -> dict[str, Any]:
    """What a change needs besides, whatever the schema adds."""
    values = {"Boolean!": False, "Int!": 1, "String!": "x", "ID!": "x"}
    known = {"seq", "eventId", "kind", "at", "key"}
    return {name: values[type_] for name, type_ in INPUT_TYPES["MessageChangeInput"].items()
            if type_.endswith("!") and name not in known}  # fmt: skip


def test_every_scalar_of_the_inputs_has_a_check() -> None:
    used = {type_.strip("[]!") for members in INPUT_TYPES.values() for type_ in members.values()}
    scalars = {name for name in used if is_scalar_type(schema().type_map[name])}
    assert scalars <= publish_inputs.SCALARS.keys()
    assert used - scalars <= INPUT_TYPES.keys() | ENUMS.keys()
    assert set(INPUTS.values()) <= INPUT_TYPES.keys()


@given(
    st.dictionaries(
        st.sampled_from([*MESSAGE, "junk"]),
        st.one_of(st.none(), st.text(), st.booleans(), st.integers(), st.floats(), st.lists(st.text(), max_size=1),
                  st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")),
    )
)  # fmt: skip
def test_whatever_passes_is_taken_by_appsync(changes: dict[str, Any]) -> None:
    item = MESSAGE | changes
    try:
        check(item)
    except InvalidItem:
        return
    (operation,) = parse("mutation ($message: MessageInput!) { x }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    try:
        VariableCoercion(schema(), operation).coerce({"message": item})
    except OperationError as error:
        pytest.fail(f"{item}: {error}")
