"""Filters: what they say of a product, against an evaluation that was written apart, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings

from domain.errors import InvalidInput
from domain.shop import product, sort_items
from domain.shop.filters import (
    EVERYTHING,
    MAX_CONDITIONS,
    MAX_IN,
    MAX_TEXT,
    Expression,
    Range,
    contradicts_itself,
    matches,
    number_range,
    parse,
)
from tests.backend.domain.shop import brute_force, inputs

DUNE: dict[str, Any] = {
    "title": "Dune", "authors": ["Frank Herbert", "Ann Lee"], "price": 999, "rating": 4.34, "year": 1965, "stock": 3,
    "language": "en",
}  # fmt: skip
NOTHING = dict.fromkeys(DUNE) | {"authors": []}


@settings(max_examples=150, deadline=None)
@given(inputs.items, inputs.filters)
def test_a_filter_says_what_brute_force_says(item: dict[str, Any], given_filter: dict[str, Any]) -> None:
    found: Any = product.from_item("PRODUCT#p", item)
    wanted = brute_force.wanted(found, given_filter)
    expression = parse(given_filter)
    assert matches(expression, found) is wanted
    assert not (wanted and contradicts_itself(expression))


@settings(max_examples=150, deadline=None)
@given(inputs.items, inputs.filters)
def test_what_a_sort_item_knows_never_says_otherwise(item: dict[str, Any], given_filter: dict[str, Any]) -> None:
    found: Any = product.from_item("PRODUCT#p", item)
    values = sort_items.values(sort_items.items_of("p", item)[0])
    assert matches(parse(given_filter), values) in (None, brute_force.wanted(found, given_filter))


@pytest.mark.parametrize(
    ("given_filter", "wanted"),
    [
        ({"price": {"between": [999, 1000]}}, True),
        ({"price": {"gt": 999}}, False),
        ({"price": {"ge": 999, "lt": 1000}}, True),
        ({"rating": {"eq": 4.34}}, True),
        ({"year": {"in": [1964, 1965]}}, True),
        ({"year": {"in": []}}, False),
        ({"title": {"eq": "dune"}}, False),  # case counts
        ({"title": {"beginsWith": "Du", "contains": "un"}}, True),
        ({"author": {"beginsWith": "Ann"}}, True),
        ({"author": {"ne": "Ann Lee"}}, False),
        ({"author": {"eq": "Ann Lee", "contains": "Herbert"}}, True),  # each by one of the authors
        ({"not": {"author": {"contains": "Herbert"}}}, False),
        ({"or": [{"price": {"lt": 5}}, {"language": {"eq": "en"}}]}, True),
        ({"and": [{"price": {"lt": 5}}, {"language": {"eq": "en"}}]}, False),
        ({"and": []}, True),
        ({"price": None, "not": {"stock": {"gt": 3, "lt": None}}}, True),
        ({}, True),
        (None, True),
    ],
)
def test_what_a_filter_means(given_filter: Any, wanted: bool) -> None:
    assert matches(parse(given_filter), DUNE) is wanted


@pytest.mark.parametrize("member", ["price", "rating", "year", "stock", "author", "language", "title"])
def test_a_missing_value_meets_ne_and_nothing_else(member: str) -> None:
    text = member in ("author", "language", "title")
    operand: Any = "x" if text else 1
    assert matches(parse({member: {"ne": operand}}), NOTHING) is True
    assert matches(parse({"not": {member: {"eq": operand}}}), NOTHING) is True
    operators = ("eq", "contains", "beginsWith") if text else ("eq", "lt", "le", "gt", "ge")
    assert not any(matches(parse({member: {operator: operand}}), NOTHING) for operator in operators)
    assert not matches(parse({member: {"in": [operand]}}), NOTHING)


def test_an_unknown_stock_leaves_open_what_depends_on_it() -> None:
    known = {name: value for name, value in DUNE.items() if name != "stock"}
    in_stock = {"stock": {"gt": 0}}
    assert matches(parse(in_stock), known) is None
    assert matches(parse({"not": in_stock}), known) is None
    assert matches(parse({"and": [in_stock, {"price": {"lt": 1}}]}), known) is False
    assert matches(parse({"or": [in_stock, {"price": {"gt": 1}}]}), known) is True


def nested(depth: int) -> dict[str, Any]:
    return {"not": nested(depth - 1)} if depth > 1 else {"price": {"gt": 1}}


MANY = [{"price": {"ne": number}} for number in range(MAX_CONDITIONS)]


def test_what_is_just_allowed() -> None:
    parse(nested(5))
    parse({"and": MANY})
    parse({"year": {"in": [*range(MAX_IN)]}})
    parse({"title": {"contains": "x" * MAX_TEXT}})


@pytest.mark.parametrize(
    ("given_filter", "place"),
    [
        ({"and": [{}, {}, {"price": {"between": [1]}}]}, "filter.and[2].price.between"),
        ({"price": {"between": [1, 2, 3]}}, "filter.price.between"),
        ({"price": {"eq": "1"}}, "filter.price.eq"),
        ({"price": {"eq": 1.5}}, "filter.price.eq"),
        ({"price": {"eq": True}}, "filter.price.eq"),
        ({"rating": {"lt": math.nan}}, "filter.rating.lt"),
        ({"rating": {"in": [1, math.inf]}}, "filter.rating.in[1]"),
        ({"title": {"in": ["a", 1]}}, "filter.title.in[1]"),
        ({"title": {"in": "a"}}, "filter.title.in"),
        ({"title": {"lt": "a"}}, "filter.title.lt"),
        ({"title": {"eq": "x" * (MAX_TEXT + 1)}}, "filter.title.eq"),
        ({"title": {"eq": "\ud800"}}, "filter.title.eq"),
        ({"title": "x"}, "filter.title"),
        ({"author": {"in": ["x"] * (MAX_IN + 1)}}, "filter.author.in"),
        ({"colour": {"eq": "red"}}, "filter.colour"),
        ({"not": []}, "filter.not"),
        ({"or": []}, "filter.or"),
        ({"or": [None]}, "filter.or[0]"),
        ({"and": {}}, "filter.and"),
        (nested(6), "filter.not.not.not.not.not"),
        ({"and": MANY, "year": {"eq": 1}}, "filter.year.eq"),
        ({"and": [{}] * (MAX_CONDITIONS + 1)}, "filter.and[50]"),
        ([], "filter"),
        ("x", "filter"),
    ],
)
def test_a_refusal_names_the_place(given_filter: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(given_filter)
    assert refused.value.info == {"field": place}


def test_a_huge_filter_is_refused_soon() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"and": [deep]}
    with pytest.raises(InvalidInput):
        parse(deep)
    with pytest.raises(InvalidInput):
        parse({"title": {"contains": "x" * 10_000_000}})
    with pytest.raises(InvalidInput):
        parse({"or": [{"price": {"eq": 10**400}}] * 1_000_000})


@pytest.mark.parametrize(
    "given_filter",
    [
        {"price": {"gt": 5, "lt": 5}},
        {"price": {"gt": 5, "le": 5}},
        {"and": [{"price": {"gt": 5}}, {"and": [{"price": {"in": [1, 2]}}]}]},
        {"stock": {"between": [3, 2]}},
        {"language": {"eq": "en", "in": ["fr", "de"]}},
        {"author": {"in": []}},
    ],
)
def test_a_contradiction_is_seen(given_filter: dict[str, Any]) -> None:
    assert contradicts_itself(parse(given_filter))


@pytest.mark.parametrize(
    "given_filter",
    [
        {},
        {"price": {"ge": 5, "le": 5}},
        {"or": [{"price": {"gt": 5}}, {"price": {"lt": 5}}]},
        {"author": {"eq": "Ann", "in": ["Bo"]}},
    ],
)
def test_what_can_hold_is_no_contradiction(given_filter: dict[str, Any]) -> None:
    assert not contradicts_itself(parse(given_filter))


def test_a_range_is_what_all_conditions_leave() -> None:
    expression: Expression = parse({"price": {"gt": 1, "le": 9}, "and": [{"price": {"ge": 1, "in": [3, 9, 20]}}]})
    assert number_range(expression, "price") == Range(3, 9)
    assert number_range(parse({"or": [{"price": {"gt": 1}}, {}]}), "price") == Range()
    assert number_range(parse({"not": {"price": {"gt": 1}}}), "price") == Range()
    assert number_range(EVERYTHING, "price") == Range()
