"""Mutations as they are queued: plain data that may outlive the program, with the `clientMutationId` in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import uuid4

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLError,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    TypeNode,
    VariableNode,
    parse,
)
from pydantic import BaseModel

from headwater.errors import NotQueueable
from headwater.generated import input_types

ID = "clientMutationId"


@dataclass(frozen=True, slots=True)
class Optimistic:
    """What a mutation is expected to do to an item of a topic.

    Args:
        topic: where the item is shown, such as `room:lobby`.
        key: the item's key; for a new item, which the server will name, any that is not in use.
        item: the item in the API's shape, as a generated type or as plain JSON data; None when it is to go.
        answer_key: where the key of the item is in the mutation's answer. An answer without it ends the entry at once,
            and the item is shown again when its change comes.
    """

    topic: str
    key: str
    item: BaseModel | Mapping[str, Any] | None
    answer_key: tuple[str | int, ...] = ("id",)

    def wire(self) -> dict[str, Any] | None:
        """The item as JSON data."""
        if isinstance(self.item, BaseModel):
            return self.item.model_dump(mode="json", by_alias=True)
        return None if self.item is None else dict(self.item)

    def key_in(self, answer: Any) -> str | None:
        """The item's key as the server has it, from the mutation's `data`."""
        if self.item is None:
            return self.key
        found = _at(answer, self.answer_key)
        return found if isinstance(found, str) else None

    def item_in(self, answer: Any) -> dict[str, Any] | None:
        """What the key is of, from the mutation's `data`: the item, as far as the mutation selects it."""
        found = _at(answer, self.answer_key[:-1])
        return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mutation with its id in its variables.

    Attributes:
        id: the `clientMutationId`.
        ordering: mutations of the same value are sent one after the other; None for no order.
    """

    id: str
    document: str
    variables: Mapping[str, Any]
    ordering: str | None = None
    optimistic: Sequence[Optimistic] = field(default_factory=tuple)


def queueable(
    document: str,
    variables: Mapping[str, Any] | None = None,
    *,
    ordering: str | None = None,
    optimistic: Optimistic | Sequence[Optimistic] | None = None,
) -> Mutation:
    """A mutation to queue. It gets a `clientMutationId` unless its variables hold one.

    Raises:
        NotQueueable: not a mutation of one field, one whose field takes no `clientMutationId` from a variable, or
            variables that are no JSON. A type of input that this client was not generated for must hold its id already.
    """
    variable, member = _place(document)
    try:
        filled = plain(variables or {})
    except ValueError as error:
        raise NotQueueable(str(error)) from error
    if member is None:
        id_ = filled.get(variable) or str(uuid4())
        filled[variable] = id_
    else:
        held = filled.get(variable)
        if not isinstance(held, dict):
            raise NotQueueable(f"${variable} is {held!r}: the input of a mutation is an object")
        id_ = held.get(ID)
        if not id_ and not member:
            raise NotQueueable(f"whether ${variable} takes a {ID} is not known: set it, if it does")
        id_ = id_ or str(uuid4())
        held[ID] = id_
    if not isinstance(id_, str):
        raise NotQueueable(f"the {ID} is {id_!r}: it is a text")
    shown = [optimistic] if isinstance(optimistic, Optimistic) else list(optimistic or ())
    return Mutation(id_, document, filled, ordering, shown)


@lru_cache(maxsize=256)
def _place(document: str) -> tuple[str, bool | None]:
    """The variable that takes the id, and for one of an input type whether the type is known to take it."""
    operation = _operation(document)
    fields = operation.selection_set.selections
    if len(fields) != 1 or not isinstance(fields[0], FieldNode):
        raise NotQueueable("only a mutation of exactly one field can be queued: several may be applied in part")
    types = {each.variable.name.value: _named(each.type) for each in operation.variable_definitions or ()}
    for argument in fields[0].arguments or ():
        place = _place_in(argument, types)
        if place is not None:
            return place
    raise NotQueueable(
        f"{fields[0].name.value} is given no {ID} by a variable: without it the server cannot know a repeat"
    )


def _place_in(argument: ArgumentNode, types: Mapping[str, str]) -> tuple[str, bool | None] | None:
    value = argument.value
    if isinstance(value, VariableNode):
        name = value.name.value
        if argument.name.value == ID:
            return name, None
        known = getattr(input_types, types.get(name, ""), None)
        if argument.name.value == "input" and (known is None or "client_mutation_id" in known.model_fields):
            return name, known is not None
    if isinstance(value, ObjectValueNode):
        for member in value.fields:
            if member.name.value == ID and isinstance(member.value, VariableNode):
                return member.value.name.value, None
    return None


def _operation(document: str) -> OperationDefinitionNode:
    try:
        definitions = parse(document).definitions
    except GraphQLError as error:
        raise NotQueueable(f"no GraphQL document: {error}") from error
    operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.MUTATION:
        raise NotQueueable("only a document of one mutation can be queued")
    return operations[0]


def _named(type_: TypeNode) -> str:
    if isinstance(type_, NonNullTypeNode):
        type_ = type_.type
    return type_.name.value if isinstance(type_, NamedTypeNode) else ""


def plain(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Variables as JSON has them, in a copy of their own: what is sent after a restart is what was queued.

    Raises:
        ValueError: something in them is neither JSON nor a generated type.
    """
    try:
        text = json.dumps(dict(variables), default=_json, allow_nan=False, ensure_ascii=False)
        copy: dict[str, Any] = json.loads(text.encode())  # a lone surrogate cannot be sent
    except (TypeError, ValueError) as error:
        raise ValueError(f"the variables are no JSON: {error}") from error
    return copy


def _at(answer: Any, path: Sequence[str | int]) -> Any:
    found = next(iter(answer.values()), None) if isinstance(answer, Mapping) else None
    for step in path:
        try:
            found = found[step]  # type: ignore[index]  # a wrong kind raises, as a missing member does
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _json(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    raise TypeError(f"{type(value).__name__} is no JSON")
