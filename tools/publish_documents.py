"""Write `backend/domain/publish_documents.py`: for each publish mutation the document and the types of its input.

AppSync delivers to subscribers only what the publishing mutation selected and was given, so a field that is forgotten
in the document or in the input would be null for all of them. The input's types let the publisher check what it
publishes before AppSync does, when it is still time to give it no number.

    python -m tools.publish_documents            write the file
    python -m tools.publish_documents --check    only say whether it is current
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_required_argument,
    value_from_ast_untyped,
)

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "schema.graphql"
OUTPUT = ROOT / "backend" / "domain" / "publish_documents.py"

_HEADER = '''"""The publish mutations: their documents, each with every field that subscribers may select, and inputs.

Generated from schema.graphql by `python -m tools.publish_documents`; do not edit.
"""

'''


class CyclicType(Exception):
    """A published type contains itself, so no document can select all of it."""


class IncompleteInput(Exception):
    """A publish mutation's input cannot carry what its type shows. `gaps` names each field."""

    def __init__(self, gaps: list[str]) -> None:
        super().__init__("; ".join(gaps))
        self.gaps = gaps


def mutations(schema: GraphQLSchema) -> dict[str, GraphQLField]:
    """The mutations that a subscription listens to, by name."""
    mutation, subscription = schema.mutation_type, schema.subscription_type
    assert mutation is not None
    assert subscription is not None
    listened = {name for field in subscription.fields.values() for name in _listened(field)}
    return {name: mutation.fields[name] for name in sorted(listened)}


def _listened(field: GraphQLField) -> Iterator[str]:
    for directive in (field.ast_node and field.ast_node.directives) or ():
        if directive.name.value == "aws_subscribe":
            for argument in directive.arguments or ():
                yield from value_from_ast_untyped(argument.value)


def gaps(schema: GraphQLSchema) -> Iterator[str]:
    """What the inputs of the publish mutations lack, have too much, or have with another type than is published."""
    for name, field in mutations(schema).items():
        argument = field.args.get("input")
        published = get_named_type(field.type)
        given = get_named_type(argument.type) if argument else None
        if isinstance(published, GraphQLObjectType) and isinstance(given, GraphQLInputObjectType):
            yield from _gaps(published, given, ())
        else:
            yield f"Mutation.{name}: takes no `input` object for the object that it publishes"


def _gaps(published: GraphQLObjectType, given: GraphQLInputObjectType, above: tuple[str, ...]) -> Iterator[str]:
    if published.name in above:
        raise CyclicType(" -> ".join([*above, published.name]))
    for name in given.fields.keys() - published.fields.keys():
        yield f"{given.name}.{name}: {published.name} has no such field"
    for name, field in published.fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue  # nobody can select it in a publish mutation
        if name not in given.fields:
            yield f"{published.name}.{name}: is missing in {given.name}, so it would be null for all subscribers"
            continue
        inner, inner_given = get_named_type(field.type), get_named_type(given.fields[name].type)
        if isinstance(inner, GraphQLObjectType) and isinstance(inner_given, GraphQLInputObjectType):
            yield from _gaps(inner, inner_given, (*above, published.name))
        elif inner.name != inner_given.name:
            yield f"{given.name}.{name}: is {inner_given.name}, but {published.name}.{name} is {inner.name}"
        if _shape(field.type) != _shape(given.fields[name].type):
            yield f"{given.name}.{name}: is {given.fields[name].type}, but {published.name}.{name} is {field.type}"


def _shape(type_: object) -> str:
    """Lists and non-nulls around a type: a null that the input takes would be an error where it is published."""
    if isinstance(type_, GraphQLNonNull):
        return f"{_shape(type_.of_type)}!"
    return f"[{_shape(type_.of_type)}]" if isinstance(type_, GraphQLList) else ""


def _document(name: str, field: GraphQLField) -> str:
    declared = ", ".join(f"${key}: {argument.type}" for key, argument in field.args.items())
    passed = ", ".join(f"{key}: ${key}" for key in field.args)
    return f"mutation {name[0].upper()}{name[1:]}({declared}) {{ {name}({passed}){_selection(field, ())} }}"


def _selection(field: GraphQLField, above: tuple[str, ...]) -> str:
    returned = get_named_type(field.type)
    if not isinstance(returned, GraphQLObjectType):
        return ""
    if returned.name in above:
        raise CyclicType(" -> ".join([*above, returned.name]))
    selected = [
        f"{name}{_selection(each, (*above, returned.name))}"
        for name, each in returned.fields.items()
        if not any(is_required_argument(argument) for argument in each.args.values())
    ]
    return f" {{ {' '.join(selected)} }}"


def _literal(text: str, width: int = 100) -> Iterator[str]:
    """Lines of adjacent string literals, broken at spaces."""
    line = ""
    for word in text.split(" "):
        if line and len(line) + len(word) > width:
            yield f'        "{line}"\n'
            line = ""
        line += f"{word} "
    yield f'        "{line.rstrip()}"\n'


def load(schema_text: str) -> GraphQLSchema:
    """A schema's text; AppSync declares its scalars and directives itself."""
    scalars = "".join(f"scalar {name}\n" for name in sorted(set(re.findall(r"\bAWS[A-Z]\w*", schema_text))))
    return build_schema(scalars + schema_text, assume_valid_sdl=True)


def module(schema_text: str) -> str:
    """The generated module for a schema.

    Raises:
        CyclicType: a published type contains itself.
        IncompleteInput: an input does not carry what is published.
    """
    schema = load(schema_text)
    published = mutations(schema)
    if found := list(gaps(schema)):
        raise IncompleteInput(found)
    text = [_HEADER, "DOCUMENTS = {\n"]
    text += [
        f'    "{name}": (\n{"".join(_literal(_document(name, field)))}    ),\n' for name, field in published.items()
    ]
    text += ["}\n\n# The type of each mutation's input.\nINPUTS = {\n"]
    text += [f'    "{name}": "{get_named_type(field.args["input"].type)}",\n' for name, field in published.items()]
    text += ["}\n\n# Every input type that they need: its members and their types.\nINPUT_TYPES = {\n"]
    enums: dict[str, GraphQLEnumType] = {}
    for type_ in _input_types(published, enums):
        text += [f'    "{type_.name}": {{\n', *_members(type_), "    },\n"]
    text += ["}\n\nENUMS = {\n"]
    for enum in enums.values():
        text += [f'    "{enum.name}": (\n', *(f'        "{value}",\n' for value in enum.values), "    ),\n"]
    return "".join([*text, "}\n"])


def _members(type_: GraphQLInputObjectType) -> Iterator[str]:
    return (f'        "{name}": "{field.type}",\n' for name, field in type_.fields.items())


def _input_types(
    published: dict[str, GraphQLField], enums: dict[str, GraphQLEnumType]
) -> Iterator[GraphQLInputObjectType]:
    """The input types that the mutations need, from the outside in; the enums that occur are noted in `enums`."""
    waiting = [get_named_type(field.args["input"].type) for field in published.values()]
    seen: set[str] = set()
    while waiting:
        type_ = waiting.pop(0)
        if isinstance(type_, GraphQLEnumType):
            enums[type_.name] = type_
        if isinstance(type_, GraphQLInputObjectType) and type_.name not in seen:
            seen.add(type_.name)
            waiting += [get_named_type(field.type) for field in type_.fields.values()]
            yield type_


def main(arguments: list[str]) -> int:
    """Write or check the file; the result is the exit status."""
    try:
        current = module(SCHEMA.read_text())
    except IncompleteInput as error:
        print("\n".join(f"schema.graphql: {gap}" for gap in error.gaps))
        return 1
    if "--check" in arguments:
        if not OUTPUT.is_file() or OUTPUT.read_text() != current:
            print(f"{OUTPUT.relative_to(ROOT)} is not current: run `python -m tools.publish_documents`")
            return 1
        return 0
    OUTPUT.write_text(current)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
