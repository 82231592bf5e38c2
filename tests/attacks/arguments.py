"""Every id that a client may send, found in the schema, and operations that send what one wants for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from local.appsync.schema import build_schema

# What stands for a value that an attack is not about.
_SAMPLES: Mapping[str, Any] = {
    "ID": "any", "String": "any", "Int": 1, "Float": 1.0, "Boolean": True, "AWSDateTime": "2026-01-01T00:00:00.000Z",
    "AWSJSON": "{}", "AWSTimestamp": 1, "AWSEmail": "any@example.com", "AWSURL": "https://example.com",
}  # fmt: skip

Choose = Callable[[str], Any]
"""The value for the argument at a path (`input.roomId`); None where any will do."""


@dataclass(frozen=True)
class Operation:
    """A root field, as `Mutation.sendMessage`, in its schema."""

    coordinate: str
    field: GraphQLField

    @property
    def root(self) -> str:
        """`Query`, `Mutation` or `Subscription`."""
        return self.coordinate.partition(".")[0]

    @property
    def name(self) -> str:
        """The field's name."""
        return self.coordinate.partition(".")[2]

    def paths(self, type_name: str) -> list[str]:
        """Where its arguments take values of a scalar type: `id`, `input.roomId`, `input.messages.text`."""
        return list(_paths(self.field.args, "", type_name, ()))

    def request(self, choose: Choose) -> tuple[str, dict[str, Any]]:
        """Query and variables with all required arguments, and those for which `choose` has a value."""
        given = {
            name: _value(each, name, choose) for name, each in self.field.args.items() if _wanted(each, name, choose)
        }
        declared = ", ".join(f"${name}: {self.field.args[name].type}" for name in given)
        passed = ", ".join(f"{name}: ${name}" for name in given)
        selection = _selection(get_named_type(self.field.type))
        arguments = f"({passed})" if passed else ""
        declaration = f"({declared})" if declared else ""
        query = f"{self.root.lower()} Attack{declaration} {{ {self.name}{arguments}{selection} }}"
        return query, given


def operations(schema: GraphQLSchema) -> dict[str, Operation]:
    """All root fields of a schema, by coordinate."""
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    return {
        f"{root.name}.{name}": Operation(f"{root.name}.{name}", field)
        for root in roots if root for name, field in root.fields.items()
    }  # fmt: skip


def read(text: str) -> GraphQLSchema:
    """A schema from its text, with AppSync's scalars and directives."""
    return build_schema(text).graphql


_Taker = GraphQLArgument | GraphQLInputField


def _paths(takers: Mapping[str, _Taker], prefix: str, type_name: str, above: tuple[str, ...]) -> Iterator[str]:
    for name, taker in takers.items():
        named = get_named_type(taker.type)
        if isinstance(named, GraphQLInputObjectType):
            if named.name not in above:
                yield from _paths(named.fields, f"{prefix}{name}.", type_name, (*above, named.name))
        elif named.name == type_name:
            yield f"{prefix}{name}"


def _wanted(taker: _Taker, path: str, choose: Choose) -> bool:
    required = is_required_argument(taker) if isinstance(taker, GraphQLArgument) else is_required_input_field(taker)
    named = get_named_type(taker.type)
    if required or not isinstance(named, GraphQLInputObjectType):
        return required or choose(path) is not None
    above, _, name = path.rpartition(".")
    return any(choose(each) is not None for each in _paths({name: taker}, f"{above}." if above else "", "ID", ()))


def _value(taker: _Taker, path: str, choose: Choose) -> Any:
    kind: Any = taker.type.of_type if isinstance(taker.type, GraphQLNonNull) else taker.type
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        below = {
            name: _value(each, f"{path}.{name}", choose)
            for name, each in named.fields.items() if _wanted(each, f"{path}.{name}", choose)
        }  # fmt: skip
        return [below] if isinstance(kind, GraphQLList) else below
    chosen = choose(path)
    if chosen is None:
        chosen = next(iter(named.values)) if isinstance(named, GraphQLEnumType) else _SAMPLES[named.name]
    return [chosen] if isinstance(kind, GraphQLList) and not isinstance(chosen, list) else chosen


def _selection(named: GraphQLNamedType) -> str:
    if not isinstance(named, GraphQLObjectType):
        return ""
    leaves = [name for name, field in named.fields.items() if not is_composite_type(get_named_type(field.type))]
    return " { __typename " + " ".join(leaves) + " }"


def answered(answer: Any) -> str:
    """An answer without what differs from request to request, as text that can be compared."""
    return json.dumps({"data": answer["data"], "errors": [
        {name: error.get(name) for name in ("path", "errorType", "message", "errorInfo")}
        for error in answer.get("errors", ())
    ]}, sort_keys=True)  # fmt: skip
