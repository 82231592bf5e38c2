"""Subscription filters: operators, groups, nested fields and limits (sheet 6)."""

from __future__ import annotations

from typing import Any

import pytest

from local.appsync.filters import FilterError, argument_filter, enhanced_filter

EVENT: dict[str, Any] = {
    "id": "1",
    "title": "Hello world",
    "count": 5,
    "ratio": 5.0,
    "open": True,
    "tags": ["a", "b"],
    "sizes": [1, 2],
    "author": {"name": "ann", "home": {"city": "Rome"}},
    "none": None,
}


def matches(field: str, operator: str, value: Any, event: Any = EVENT) -> bool:
    groups = enhanced_filter({"filterGroup": [{"filters": [rule(field, operator, value)]}]})
    return any(group.matches(event) for group in groups)


def rule(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"fieldName": field, "operator": operator, "value": value}


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("id", "eq", "1"),
        ("count", "eq", 5),
        ("count", "eq", 5.0),
        ("open", "eq", True),
        ("id", "ne", "2"),
        ("count", "le", 5),
        ("count", "lt", 6),
        ("count", "ge", 5),
        ("count", "gt", 4.5),
        ("id", "gt", "0"),
        ("title", "contains", "lo w"),
        ("tags", "contains", "b"),
        ("sizes", "contains", 2),
        ("title", "notContains", "x"),
        ("tags", "notContains", "c"),
        ("title", "beginsWith", "Hello"),
        ("id", "in", ["0", "1"]),
        ("id", "notIn", ["2", "3"]),
        ("count", "between", [5, 6]),
        ("title", "between", ["H", "I"]),
        ("tags", "containsAny", ["x", "a"]),
        ("author.name", "eq", "ann"),
        ("author.home.city", "beginsWith", "R"),
    ],
)
def test_an_operator_holds(field: str, operator: str, value: Any) -> None:
    assert matches(field, operator, value)


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("id", "eq", 1),
        ("count", "eq", "5"),
        ("open", "eq", 1),
        ("count", "eq", True),
        ("id", "ne", "1"),
        ("count", "lt", 5),
        ("count", "gt", "4"),
        ("open", "gt", False),
        ("title", "contains", "LO"),
        ("tags", "contains", "ab"),
        ("title", "notContains", "Hello"),
        ("tags", "notContains", "a"),
        ("title", "beginsWith", "world"),
        ("id", "in", ["2"]),
        ("id", "in", []),
        ("id", "notIn", ["1"]),
        ("count", "between", [6, 7]),
        ("count", "between", ["1", "9"]),
        ("tags", "containsAny", ["x"]),
        ("title", "containsAny", ["Hello"]),
        ("author.name", "eq", "bob"),
        ("author", "eq", "ann"),
    ],
)
def test_an_operator_does_not_hold(field: str, operator: str, value: Any) -> None:
    assert not matches(field, operator, value)


@pytest.mark.parametrize("operator", ["eq", "ne", "le", "contains", "notContains", "beginsWith"])
@pytest.mark.parametrize("field", ["missing", "none", "author.missing", "title.length", "missing.name"])
def test_a_missing_or_null_field_matches_no_value(field: str, operator: str) -> None:
    assert not matches(field, operator, "x")


def test_the_filters_of_a_group_must_all_hold_and_one_group_is_enough() -> None:
    groups = enhanced_filter(
        {
            "filterGroup": [
                {"filters": [rule("id", "eq", "1"), rule("count", "gt", 9)]},
                {"filters": [rule("open", "eq", True), rule("count", "gt", 4)]},
            ]
        }
    )
    assert [group.matches(EVENT) for group in groups] == [False, True]


def test_equalities_are_the_index_and_the_rest_is_tested() -> None:
    (group,) = enhanced_filter(
        {"filterGroup": [{"filters": [rule("b", "eq", "x"), rule("n", "gt", 1), rule("a.c", "eq", 2)]}]}
    )
    assert [path for path, _ in group.equal] == [("a", "c"), ("b",)]
    assert [path for path, _ in group.tests] == [("n",)]


def test_two_equalities_on_one_field_must_both_hold() -> None:
    groups = enhanced_filter({"filterGroup": [{"filters": [rule("id", "eq", "1"), rule("id", "eq", "2")]}]})
    assert not groups[0].matches(EVENT)


def test_rules_nested_deeper_than_five_levels_are_ignored() -> None:
    groups = enhanced_filter({"filterGroup": [{"filters": [rule("a.b.c.d.e.f", "eq", 1), rule("id", "eq", "1")]}]})
    assert groups[0].matches(EVENT)


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"filterGroup": []},
        {"filterGroup": {}},
        {"filterGroup": [{}]},
        {"filterGroup": [{"filters": []}]},
        {"filterGroup": [{"filters": [{"fieldName": "a"}]}]},
        {"filterGroup": [{"filters": [rule("a", "EQ", 1)]}]},
        {"filterGroup": [{"filters": [rule("a", "in", list("abcdef"))]}]},
        {"filterGroup": [{"filters": [rule("a", "notIn", "x")]}]},
        {"filterGroup": [{"filters": [rule("a", "containsAny", list(range(21)))]}]},
        {"filterGroup": [{"filters": [rule("a", "between", [1])]}]},
        {"filterGroup": [{"filters": [rule("a" * 257, "eq", 1)]}]},
        {"filterGroup": [{"filters": [rule("a", "eq", 1)]}] * 11},
        {"filterGroup": [{"filters": [rule("a", "eq", 1)] * 11}]},
    ],
)
def test_a_filter_that_appsync_does_not_take(definition: dict[str, Any]) -> None:
    with pytest.raises(FilterError):
        enhanced_filter(definition)


@pytest.mark.parametrize(
    ("arguments", "matched"),
    [
        ({}, True),
        ({"id": "1"}, True),
        ({"id": "1", "count": 5}, True),
        ({"id": "1", "count": 6}, False),
        ({"none": None}, True),
        ({"missing": None}, True),
        ({"id": None}, False),
        ({"missing": "x"}, False),
        ({"count": "5"}, False),
        ({"tags": ["a", "b"]}, False),
    ],
)
def test_arguments_must_equal_the_payload_s_fields(arguments: dict[str, Any], matched: bool) -> None:
    assert any(group.matches(EVENT) for group in argument_filter(arguments)) is matched
