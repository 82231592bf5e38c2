"""Write `backend/domain/publish_documents.py`: for each publish mutation the document that selects every field.

AppSync delivers to subscribers only what the publishing mutation selected, so a field that is forgotten here would be
null for all of them.

    python -m tools.publish_documents            write the file
    python -m tools.publish_documents --check    only say whether it is current
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLField,
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

_HEADER = '''"""The documents of the publish mutations, each with every field that subscribers may select.

Generated from schema.graphql by `python -m tools.publish_documents`; do not edit.
"""

DOCUMENTS = {
'''


class CyclicType(Exception):
    """A published type contains itself, so no document can select all of it."""


def documents(schema: GraphQLSchema) -> dict[str, str]:
    """The document of each mutation that a subscription listens to, by the mutation's name."""
    mutation, subscription = schema.mutation_type, schema.subscription_type
    assert mutation is not None
    assert subscription is not None
    listened = {name for field in subscription.fields.values() for name in _mutations(field)}
    return {name: _document(name, mutation.fields[name]) for name in sorted(listened)}


def _mutations(field: GraphQLField) -> Iterator[str]:
    for directive in (field.ast_node and field.ast_node.directives) or ():
        if directive.name.value == "aws_subscribe":
            for argument in directive.arguments or ():
                yield from value_from_ast_untyped(argument.value)


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


def module(schema_text: str) -> str:
    """The generated module for a schema."""
    # AppSync declares its scalars and directives itself.
    scalars = "".join(f"scalar {name}\n" for name in sorted(set(re.findall(r"\bAWS[A-Z]\w*", schema_text))))
    schema = build_schema(scalars + schema_text, assume_valid_sdl=True)
    entries = (f'    "{name}": (\n{"".join(_literal(text))}    ),\n' for name, text in documents(schema).items())
    return f"{_HEADER}{''.join(entries)}}}\n"


def main(arguments: list[str]) -> int:
    """Write or check the file; the result is the exit status."""
    current = module(SCHEMA.read_text())
    if "--check" in arguments:
        if not OUTPUT.is_file() or OUTPUT.read_text() != current:
            print(f"{OUTPUT.relative_to(ROOT)} is not current: run `python -m tools.publish_documents`")
            return 1
        return 0
    OUTPUT.write_text(current)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
