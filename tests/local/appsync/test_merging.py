"""Random documents full of contradictions: what cannot be merged is what graphql-core's own rule says."""

from __future__ import annotations

import random

import pytest
from graphql import GraphQLObjectType, OverlappingFieldsCanBeMergedRule, build_schema, get_named_type, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from local.appsync import merging

SDL = """
type Query { a(x: Int, y: [In]): A b: B n: N ns: [N!]! u: U s: String i: Int! }
type A implements N { id: ID! s: String i: Int a(x: Int, y: [In]): A b: B n: N u: U as: [A] }
type B implements N { id: ID! s: String! i: String a: A b(x: Int): B! n: N u: U as: [A!] }
interface N { id: ID! n: N }
union U = A | B
input In { p: Int q: Int }
"""
SCHEMA = build_schema(SDL)
ARGUMENTS = (
    "",
    "(x: 1)",
    "(x: 2)",
    "(x: $v)",
    "(x: $w)",
    "(y: [{p: 1, q: 2}])",
    "(y: [{q: 2, p: 1}])",
    "(x: 1, y: [])",
)
REORDERED = "(y: [], x: 1)"


def document(seed: int) -> str:
    """A random document: valid but for what cannot be merged. Fragments spread one another, never in a circle."""
    chance = random.Random(seed)
    fragments = [(f"f{number}", chance.choice(["A", "B", "N", "Query"])) for number in range(chance.randint(0, 4))]

    def field(type_name: str, depth: int, level: int) -> str:
        fields = getattr(SCHEMA.type_map[type_name], "fields", {})
        name = chance.choice([*fields, "__typename"])
        alias = chance.choice(["", "", "", "k: ", "s: ", "a: "])
        if name == "__typename":
            return f"{alias}__typename"
        arguments = chance.choice([*ARGUMENTS, REORDERED]) if name == "a" and type_name != "B" else ""
        named = get_named_type(fields[name].type)
        below = selection(named.name, depth - 1, level) if not hasattr(named, "parse_value") else ""
        return f"{alias}{name}{arguments}{below}"

    def selection(type_name: str, depth: int, level: int) -> str:
        parts = []
        for _ in range(chance.randint(1, 4)):
            kind = chance.random()
            if kind < 0.2 and depth > 0:
                on = chance.choice(["", " on A", " on B", " on N", f" on {type_name}"])
                inner = on.removeprefix(" on ") or type_name
                parts.append(f"...{on} {selection(inner, depth - 1, level)}")
            elif kind < 0.35 and level < len(fragments):
                parts.append(f"...{chance.choice(fragments[level:])[0]}")
            elif depth <= 0 or not getattr(SCHEMA.type_map[type_name], "fields", None):
                parts.append(chance.choice(["__typename", "k: __typename"]))
            else:
                parts.append(field(type_name, depth, level))
        return "{ " + " ".join(parts) + " }"

    texts = [f"query($v: Int, $w: Int) {selection('Query', 4, 0)}"]
    texts += [
        f"fragment {name} on {type_name} {selection(type_name, 3, number + 1)}"
        for number, (name, type_name) in enumerate(fragments)
    ]
    return "\n".join(texts)


@settings(max_examples=400, deadline=None)
@given(st.integers(min_value=0))
def test_a_conflict_is_one_for_graphql_core_too(seed: int) -> None:
    parsed = parse(document(seed))
    theirs = validate(SCHEMA, parsed, [OverlappingFieldsCanBeMergedRule])
    assert (merging.conflict(SCHEMA, parsed) is not None) == bool(theirs), document(seed)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{ x: s x: i }", "'s' and 'i' are different fields"),
        ("{ a(x: 1) { id } a(x: 2) { id } }", "they have differing arguments"),
        ("{ u { ... on A { s } ... on B { s } } }", "they return conflicting types"),
        ("{ n { ... on A { k: s } ... on B { k: i } } }", None),
        ("{ n { ... on A { k: id } ... on N { k: id } } }", None),
        ("{ n { id ...f } } fragment f on A { id: s }", "'id' and 's' are different fields"),
        ("{ a { ...f } } fragment f on A { a { ...f } }", None),
        ("{ a { ...nothing } missing { x } }", None),
    ],
)
def test_what_cannot_be_merged_is_told(text: str, reason: str | None) -> None:
    found = merging.conflict(SCHEMA, parse(text))
    # Which of the two is named first is nobody's concern.
    assert sorted((found.reason if found else "").split()) == sorted((reason or "").split())


def test_both_kinds_of_document_are_generated() -> None:
    found = [merging.conflict(SCHEMA, parse(document(seed))) is not None for seed in range(300)]
    assert 60 < sum(found) < 270, sum(found)
    assert isinstance(SCHEMA.type_map["A"], GraphQLObjectType)
