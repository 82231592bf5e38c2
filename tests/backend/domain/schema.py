"""The project's schema as graphql-core reads it, for tests that hold code against it."""

import re
from functools import cache

from graphql import GraphQLInputObjectType, GraphQLSchema, build_schema, is_required_input_field

from tests.conftest import ROOT


@cache
def schema() -> GraphQLSchema:
    """schema.graphql with AppSync's scalars declared."""
    text = (ROOT / "schema.graphql").read_text()
    scalars = "".join(f"scalar {name}\n" for name in sorted(set(re.findall(r"\bAWS[A-Z]\w*", text))))
    return build_schema(scalars + text, assume_valid_sdl=True)


def input_type(name: str) -> tuple[set[str], set[str]]:
    """The required and all members of an input type."""
    found = schema().type_map[name]
    assert isinstance(found, GraphQLInputObjectType)
    return {key for key, each in found.fields.items() if is_required_input_field(each)}, set(found.fields)
