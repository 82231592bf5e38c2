"""Random queries over random data: `data` equals what graphql-core's own executor makes of them.

Both stop at the same nulls; AppSync merely reports more of the offending positions. Some fields have resolvers here, so
that values arrive in every order.
"""

from __future__ import annotations

import asyncio
import random
from functools import cache
from typing import Any

from graphql import GraphQLObjectType, build_schema, execute_sync, get_named_type, is_abstract_type, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from local.appsync.context import ResolverContext
from local.appsync.definition import AuthMode
from local.appsync.request import Caller
from tests.local.appsync.api import Api

SDL = """
type Query { a: A must: A! as: [A!] bs: [B]! n: N u: [U!]! deep: [[A!]!] s: String }
type A implements N { id: ID! s: String must: String! a: A b: B! as: [A!]! n: N flag: Boolean }
type B implements N { id: ID! i: Int a: A! us: [U] n: N! }
interface N { id: ID! n: N }
union U = A | B
"""
SCHEMA = build_schema(SDL)
RESOLVED = ("A.a", "A.as", "A.must", "B.i", "B.us")


class Generator:
    """Makes queries and data from one random source."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.fragments: list[str] = []

    def selection(self, type_name: str, depth: int) -> str:
        parts = []
        for _ in range(self.random.randint(1, 4)):
            choice = self.random.random()
            if choice < 0.1:
                parts.append("__typename" if choice < 0.05 else f"t{depth}: __typename")
            elif choice < 0.3 and depth > 0:
                parts.append(self.fragment(type_name, depth))
            else:
                parts.append(self.field(type_name, depth))
        return "{ " + " ".join(parts) + " }"

    def field(self, type_name: str, depth: int) -> str:
        named = SCHEMA.type_map[type_name]
        fields = getattr(named, "fields", {})
        usable = [
            name for name, field in fields.items() if depth > 0 or not hasattr(get_named_type(field.type), "fields")
        ]
        usable = [name for name in usable if depth > 0 or get_named_type(fields[name].type).name not in ("U",)]
        if not usable:
            return "__typename"
        name = self.random.choice(usable)
        below = get_named_type(fields[name].type)
        nested = self.selection(below.name, depth - 1) if hasattr(below, "fields") or is_abstract_type(below) else ""
        # The alias carries the depth and type, so that merged fields never conflict.
        alias = f"{name}_{type_name}: " if self.random.random() < 0.3 else ""
        return f"{alias}{name}{self.condition()} {nested}"

    def fragment(self, type_name: str, depth: int) -> str:
        possible = [type_name]
        named = SCHEMA.type_map[type_name]
        if is_abstract_type(named):
            possible += [each.name for each in SCHEMA.get_possible_types(named)]
        elif isinstance(named, GraphQLObjectType):
            possible += [each.name for each in named.interfaces]
        on = self.random.choice(possible)
        if self.random.random() < 0.5:
            return f"... on {on}{self.condition()} {self.selection(on, depth - 1)}"
        name = f"F{len(self.fragments)}"
        self.fragments.append("")
        self.fragments[int(name[1:])] = f"fragment {name} on {on} {self.selection(on, depth - 1)}"
        return f"...{name}{self.condition()}"

    def condition(self) -> str:
        choice = self.random.random()
        if choice > 0.2:
            return ""
        return f" @{self.random.choice(['skip', 'include'])}(if: {self.random.choice(['$yes', '$no', 'true'])})"

    def query(self) -> str:
        selection = self.selection("Query", 4)
        text = f"query ($yes: Boolean!, $no: Boolean = false) {selection} " + " ".join(self.fragments)
        # Both variables are always used.
        return text.replace("{", "{ y: s @include(if: $yes) x: s @skip(if: $no)", 1)

    def data(self, type_text: str, depth: int = 5) -> Any:
        if not type_text.endswith("!") and (depth <= 0 or self.random.random() < 0.12):
            return None
        if self.random.random() < 0.03:
            return None  # a null where none may be
        type_text = type_text.rstrip("!")
        if type_text.startswith("["):
            return [self.data(type_text[1:-1], depth - 1) for _ in range(self.random.randint(0, 3))]
        if type_text in ("ID", "String"):
            return self.random.choice(["", "x", "ü", "7"])
        if type_text in ("Int", "Boolean"):
            return 1 if type_text == "Int" else True
        if type_text in ("N", "U"):
            type_text = self.random.choice(["A", "B"])
        named = SCHEMA.type_map[type_text]
        if depth < -2 or not isinstance(named, GraphQLObjectType):
            return None
        fields = {name: self.data(str(field.type), depth - 1) for name, field in named.fields.items()}
        return {**fields, "__typename": type_text}


def _property(context: ResolverContext) -> Any:
    async def answer() -> Any:
        for _ in range(len(context.info.field_name)):
            await asyncio.sleep(0)
        return context.source[context.info.field_name]

    return answer()


def _root(context: ResolverContext) -> Any:
    assert context.identity is not None
    return context.identity["root"].get(context.info.field_name)


@cache
def api() -> Api:
    """One engine for all examples; the root object travels as the caller's identity."""
    query_type = SCHEMA.query_type
    assert query_type is not None
    return Api(SDL, dict.fromkeys(RESOLVED, _property) | {f"Query.{name}": _root for name in query_type.fields})


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
async def test_the_data_of_random_queries_equals_graphql_core_s(seed: int) -> None:
    generator = Generator(seed)
    query = generator.query()
    document = parse(query)
    if validate(SCHEMA, document):
        return
    root = generator.data("Query!", 4) or {}
    variables = {"yes": generator.random.random() < 0.5}
    expected = execute_sync(SCHEMA, document, root, variable_values=variables)

    caller = Caller(AuthMode.API_KEY, identity={"root": root})
    response = await api().run(query, variables, caller=caller)
    assert response["data"] == expected.data
    assert bool(response.get("errors")) == bool(expected.errors)
    if expected.errors:
        reported = [error["path"] for error in response["errors"]]
        assert len(reported) == len({str(path) for path in reported})  # once per position
