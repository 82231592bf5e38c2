"""util.transform.

Every case here is recorded from AWS: localstack/appsync-utils, __tests__/transform.test.js and
transform-subscription.test.js with their snapshots (2026-08), except where a test says otherwise.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.appsync.javascript.evaluation import evaluate

N1: dict[str, Any] = {"N": 1}
N2: dict[str, Any] = {"N": 2}
X: dict[str, Any] = {"S": "x"}

# filter -> expression, values; the names are #field: field for each field that occurs.
EXPRESSIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("{ v: { eq: 'x' } }", "(#v = :v_eq)", {":v_eq": X}),
    ("{ v: { ne: 'x' } }", "(#v <> :v_ne)", {":v_ne": X}),
    ("{ v: { lt: 'x' } }", "(#v < :v_lt)", {":v_lt": X}),
    ("{ v: { le: 'x' } }", "(#v <= :v_le)", {":v_le": X}),
    ("{ v: { gt: 'x' } }", "(#v > :v_gt)", {":v_gt": X}),
    ("{ v: { ge: 'x' } }", "(#v >= :v_ge)", {":v_ge": X}),
    ("{ v: { eq: 1.5 } }", "(#v = :v_eq)", {":v_eq": {"N": 1.5}}),
    ("{ v: { eq: true } }", "(#v = :v_eq)", {":v_eq": {"BOOL": True}}),
    ("{ v: { eq: null } }", "(#v = :v_eq)", {":v_eq": {"NULL": None}}),
    ("{ v: { eq: { a: 1 } } }", "(#v = :v_eq)", {":v_eq": {"M": {"a": N1}}}),
    ("{ v: { eq: [1, 2] } }", "(#v = :v_eq)", {":v_eq": {"L": [N1, N2]}}),
    ("{ v: { contains: 'x' } }", "(contains(#v,:v_contains))", {":v_contains": X}),
    ("{ v: { notContains: 'x' } }", "(NOT contains(#v,:v_notContains))", {":v_notContains": X}),
    ("{ v: { beginsWith: 'x' } }", "(begins_with(#v,:v_beginsWith))", {":v_beginsWith": X}),
    (
        "{ v: { between: [1, 2, 3] } }",
        "(#v BETWEEN :v_between_start AND :v_between_end)",
        {":v_between_start": N1, ":v_between_end": N2},
    ),
    ("{ v: { in: [1, 2] } }", "(#v IN (:v_in_0, :v_in_1))", {":v_in_0": N1, ":v_in_1": N2}),
    ("{ v: { in: ['x'] } }", "(#v IN (:v_in_0))", {":v_in_0": X}),
    ("{ v: { attributeExists: true } }", "(attribute_exists(#v))", {}),
    ("{ v: { attributeExists: false } }", "(attribute_not_exists(#v))", {}),
    ("{ v: { attributeType: '_null' } }", "(attribute_type(#v,:v_attributeType))", {":v_attributeType": {"S": "NULL"}}),
    ("{ v: { attributeType: 'map' } }", "(attribute_type(#v,:v_attributeType))", {":v_attributeType": {"S": "M"}}),
    ("{ v: { size: { gt: 2 } } }", "(size(#v) > :v_size_gt)", {":v_size_gt": N2}),
    (
        "{ v: { size: { between: [1, 2] } } }",
        "(size(#v) BETWEEN :v_size_between_start AND :v_size_between_end)",
        {":v_size_between_start": N1, ":v_size_between_end": N2},
    ),
    ("{ v: { size: { contains: 'x' } } }", "(contains(size(#v),:v_size_contains))", {":v_size_contains": X}),
    ("{ v: { size: { attributeExists: true } } }", "(attribute_exists(size(#v)))", {}),
    (
        "{ v: { size: { gt: 1, lt: 2 } } }",
        "((size(#v) > :v_size_gt) AND (size(#v) < :v_size_lt))",
        {":v_size_gt": N1, ":v_size_lt": N2},
    ),
    ("{ v: { size: { size: { gt: 1 } } } }", "(size(#v) > :v_size_size_gt)", {":v_size_size_gt": N1}),
    ("{ a: { eq: 1 }, b: { eq: 2 } }", "(#a = :a_eq) AND (#b = :b_eq)", {":a_eq": N1, ":b_eq": N2}),
    ("{ v: { ge: 1, le: 2 } }", "((#v >= :v_ge) AND (#v <= :v_le))", {":v_ge": N1, ":v_le": N2}),
    ("{ and: [{ a: { eq: 1 } }] }", "(#a = :and_0_a_eq)", {":and_0_a_eq": N1}),
    (
        "{ and: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }",
        "((#a = :and_0_a_eq) AND (#b = :and_1_b_eq))",
        {":and_0_a_eq": N1, ":and_1_b_eq": N2},
    ),
    (
        "{ or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }",
        "((#a = :or_0_a_eq) OR (#b = :or_1_b_eq))",
        {":or_0_a_eq": N1, ":or_1_b_eq": N2},
    ),
    ("{ not: { a: { eq: 1 } } }", "(NOT (#a = :not_a_eq))", {":not_a_eq": N1}),
    ("{ not: { not: { a: { eq: 1 } } } }", "(NOT (NOT (#a = :not_not_a_eq)))", {":not_not_a_eq": N1}),
    (
        "{ not: { and: [{ a: { eq: 1 } }, { b: { eq: 2 } }] } }",
        "(NOT ((#a = :not_and_0_a_eq) AND (#b = :not_and_1_b_eq)))",
        {":not_and_0_a_eq": N1, ":not_and_1_b_eq": N2},
    ),
    (
        "{ and: [{ or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }, { c: { eq: 1 } }] }",
        "(((#a = :and_0_or_0_a_eq) OR (#b = :and_0_or_1_b_eq)) AND (#c = :and_1_c_eq))",
        {":and_0_or_0_a_eq": N1, ":and_0_or_1_b_eq": N2, ":and_1_c_eq": N1},
    ),
    (
        "{ and: [{ or: [{ and: [{ a: { eq: 1 } }] }] }] }",
        "(#a = :and_0_or_0_and_0_a_eq)",
        {":and_0_or_0_and_0_a_eq": N1},
    ),
    (
        "{ a: { eq: 1 }, and: [{ b: { eq: 2 } }] }",
        "(#a = :a_eq) AND (#b = :and_0_b_eq)",
        {":a_eq": N1, ":and_0_b_eq": N2},
    ),
    ("{ 'a.b': { eq: 1 } }", "(#a.b = :a.b_eq)", {":a.b_eq": N1}),
    ("{}", "", {}),
    ("{ and: [] }", "", {}),
    ("{ v: {} }", "", {}),
    ("{ v: { size: {} } }", "", {}),
    ("{ not: {} }", "(NOT )", {}),
    ("{ v: { in: [] } }", "(null)", {}),
    ("{ a: { eq: 1 }, b: {} }", "(#a = :a_eq) AND ", {":a_eq": N1}),
    ("{ and: [{ a: { eq: 1 } }, {}] }", "((#a = :and_0_a_eq) AND )", {":and_0_a_eq": N1}),
]


@pytest.mark.parametrize("function", ["toDynamoDBFilterExpression", "toDynamoDBConditionExpression"])
@pytest.mark.parametrize(("source", "expression", "values"), EXPRESSIONS, ids=[case[0] for case in EXPRESSIONS])
def test_dynamodb_expressions(function: str, source: str, expression: str, values: dict[str, Any]) -> None:
    rendered = json.loads(evaluate(f"util.transform.{function}({source})"))
    assert rendered["expression"] == expression
    assert rendered["expressionValues"] == values
    assert rendered["expressionNames"] == {name: name.removeprefix("#") for name in rendered["expressionNames"]}


def test_the_names_of_fields_without_operators_are_kept() -> None:
    assert json.loads(evaluate("util.transform.toDynamoDBFilterExpression({ a: { eq: 1 }, b: {} })"))[
        "expressionNames"
    ] == {"#a": "a", "#b": "b"}


def test_the_result_is_json_text() -> None:
    text = evaluate("util.transform.toDynamoDBFilterExpression({ content: { contains: 'foo' } })")
    assert text == (
        '{"expression":"(contains(#content,:content_contains))","expressionNames":{"#content":"content"},'
        '"expressionValues":{":content_contains":{"S":"foo"}}}'
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "null",
        "[]",
        "'string'",
        "{ v: { foo: 1 } }",
        "{ v: 'x' }",
        "{ a: { b: { eq: 1 } } }",
        "{ and: { a: { eq: 1 } } }",
        "{ and: null }",
        "{ and: [{ a: { eq: 1 } }, null] }",
        "{ not: [{ a: { eq: 1 } }] }",
        "{ v: { between: [1] } }",
        "{ v: { between: 'x' } }",
        "{ v: { in: 'x' } }",
        "{ v: { attributeExists: 'yes' } }",
        "{ v: { attributeType: 'S' } }",
        "{ v: { size: 3 } }",
    ],
)
def test_what_cannot_be_rendered_is_null(source: str) -> None:
    assert evaluate(f"util.transform.toDynamoDBFilterExpression({source})") is None


def rule(name: str, operator: str, value: object) -> dict[str, Any]:
    return {"fieldName": name, "operator": operator, "value": value}


A1, B2, C3 = rule("a", "eq", 1), rule("b", "eq", 2), rule("c", "eq", 3)

SUBSCRIPTION_FILTERS: list[tuple[str, list[list[dict[str, Any]]]]] = [
    ("{ a: { eq: 1 } }", [[A1]]),
    ("{ a: { eq: 1 }, b: { eq: 2 } }", [[A1, B2]]),
    ("{ and: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }", [[A1, B2]]),
    ("{ a: { eq: 1 }, and: [{ b: { eq: 2 } }] }", [[A1, B2]]),
    ("{ 'loc.addr.country': { eq: 'USA' } }", [[rule("loc.addr.country", "eq", "USA")]]),
    ("{ a: { eq: 1, ne: 2 } }", [[A1], [rule("a", "ne", 2)]]),
    ("{ or: [{ a: { eq: 1 } }, { b: { eq: 2 } }] }", [[A1], [B2]]),
    ("{ and: [{ a: { eq: 1 } }, { or: [{ b: { eq: 2 } }, { c: { eq: 3 } }] }] }", [[A1, B2], [A1, C3]]),
    (
        "{ percentageUp: { lte: 50, gte: 20 }, and: [{ title: { ne: 'Book1' } }, { downvotes: { gt: 2000 } }],"
        " or: [{ author: { eq: 'Admin' } }, { isPublished: { eq: false } }] }",
        [
            [percentage, rule("title", "ne", "Book1"), rule("downvotes", "gt", 2000), alternative]
            for percentage in (rule("percentageUp", "lte", 50), rule("percentageUp", "gte", 20))
            for alternative in (rule("author", "eq", "Admin"), rule("isPublished", "eq", False))
        ],
    ),
    ("{ a: { bogus: 1 } }", [[rule("a", "bogus", 1)]]),
    ("{ not: { a: { eq: 1 } } }", [[rule("not", "a", {"eq": 1})]]),
    ("{ a: { eq: 1 }, b: { eq: 2 } }, ['a']", [[B2]]),
    ("{ a: { eq: 1 }, and: [{ b: { eq: 2 } }] }, ['b']", [[A1]]),
    ("{ a: { eq: 1 } }, [], { r1: { gte: 250 }, b: { eq: 2 } }", [[A1, rule("r1", "gte", 250)], [A1, B2]]),
    ("{}, [], { a: { eq: 1 } }", [[A1]]),
    ("{}", []),
    ("{ a: {} }", []),
    ("{ and: [] }", []),
]


@pytest.mark.parametrize(("source", "groups"), SUBSCRIPTION_FILTERS, ids=[case[0] for case in SUBSCRIPTION_FILTERS])
def test_subscription_filters(source: str, groups: list[list[dict[str, Any]]]) -> None:
    found = evaluate(f"util.transform.toSubscriptionFilter({source})")
    assert found == {"filterGroup": [{"filters": filters} for filters in groups]}


@pytest.mark.parametrize("source", ["null", "", "[]", '\'{"a":{"eq":1}}\''])
def test_what_is_no_subscription_filter_is_null(source: str) -> None:
    assert evaluate(f"util.transform.toSubscriptionFilter({source})") is None
