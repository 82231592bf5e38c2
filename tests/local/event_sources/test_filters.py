"""Filter criteria, by record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.errors import NotEmulated
from local.event_sources.filters import Document, Filters

RECORD = {
    "eventName": "MODIFY",
    "size": 5,
    "empty": None,
    "address": "10.1.2.3",
    "dynamodb": {
        "Keys": {"pk": {"S": "ROOM#lobby"}},
        "NewImage": {
            "text": {"S": "Hello.png"}, "count": {"N": "7"}, "tags": {"SS": ["a", "b"]}, "gone": {"NULL": True},
        },
    },
}  # fmt: skip


def text(matcher: Any) -> dict[str, Any]:
    """A pattern on the text of the new image."""
    return {"dynamodb": {"NewImage": {"text": {"S": [matcher]}}}}


MATCHES: list[dict[str, Any]] = [
    {},
    {"eventName": ["INSERT", "MODIFY"]},
    {"eventName": ["MODIFY"], "size": [5]},
    {"empty": [None]},
    {"size": [{"numeric": [">", 4, "<=", 5]}]},
    {"size": [{"numeric": ["=", 5.0]}]},
    {"address": [{"cidr": "10.0.0.0/8"}]},
    {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "ROOM#"}]}}}},
    text({"suffix": ".png"}),
    text({"suffix": {"equals-ignore-case": ".PNG"}}),
    text({"prefix": {"equals-ignore-case": "hello"}}),
    text({"equals-ignore-case": "hello.PNG"}),
    text({"wildcard": "H*.png"}),
    text({"anything-but": "other"}),
    text({"anything-but": ["x", "y"]}),
    text({"anything-but": {"prefix": "Bye"}}),
    text({"anything-but": {"suffix": ".jpg"}}),
    text({"exists": True}),
    {"dynamodb": {"NewImage": {"count": {"N": ["7"]}}}},
    {"dynamodb": {"NewImage": {"tags": {"SS": ["b"]}}}},
    {"dynamodb": {"NewImage": {"gone": {"NULL": [True]}}}},
    {"dynamodb": {"OldImage": {"text": {"S": [{"exists": False}]}}}},
    {"dynamodb": {"NewImage": {"missing": {"S": [{"exists": False}]}}}},
    {"$or": [{"eventName": ["INSERT"]}, {"size": [5]}]},
    {"eventName": ["MODIFY"], "dynamodb": {"$or": [{"NewImage": {"count": {"N": ["7"]}}}, {"Keys": {"pk": ["x"]}}]}},
]  # fmt: skip

DIFFERS: list[dict[str, Any]] = [
    {"eventName": ["INSERT"]},
    {"eventName": ["modify"]},
    {"size": ["5"]},
    {"size": [{"numeric": ["<", 5]}]},
    {"empty": [{"exists": False}]},
    {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "room"}]}}}},
    {"dynamodb": {"NewImage": {"count": {"N": [{"numeric": ["=", 7]}]}}}},  # a DynamoDB number is a string
    {"dynamodb": {"NewImage": {"gone": {"NULL": [1]}}}},
    {"dynamodb": {"NewImage": [{"exists": True}]}},  # only leaves exist
    text({"suffix": ".PNG"}),
    text({"anything-but": ["Hello.png"]}),
    text({"anything-but": {"prefix": "Hello"}}),
    text({"exists": False}),
    {"missing": [{"anything-but": "x"}]},
    {"$or": [{"eventName": ["INSERT"]}, {"size": [6]}]},
    {"eventName": ["MODIFY"], "size": [6]},
    {"eventName": []},
]


@pytest.mark.parametrize("pattern", MATCHES, ids=json.dumps)
def test_matches(pattern: dict[str, Any]) -> None:
    assert Filters([json.dumps(pattern)]).match(Document(RECORD))


@pytest.mark.parametrize("pattern", DIFFERS, ids=json.dumps)
def test_differs(pattern: dict[str, Any]) -> None:
    assert not Filters([json.dumps(pattern)]).match(Document(RECORD))


def test_any_of_several_filters_matches() -> None:
    assert Filters(['{"eventName": ["INSERT"]}', '{"eventName": ["MODIFY"]}']).match(Document(RECORD))


def test_without_filters_everything_matches() -> None:
    assert Filters([]).match(Document(RECORD))


@pytest.mark.parametrize(
    "pattern",
    ["[]", "{", '{"a": "b"}', '{"a": [{"cidr": "10.0.0.0/99"}]}', '{"a": [{"numeric": ["!", 1]}]}',
     '{"a": [{"prefix": 1}]}',
     '{"a": [{"exists": "yes"}]}', '{"$or": {}}', '{"a": [["b"]]}', '{"a": [{"prefix": "b", "suffix": "c"}]}'],
)  # fmt: skip
def test_what_is_not_known_is_refused(pattern: str) -> None:
    with pytest.raises(NotEmulated):
        Filters([pattern])


def body(pattern: Any, text: str, data_key: str = "body") -> bool:
    """Whether a pattern matches a record with this text of its sender's."""
    members = {"messageId": "m", data_key: "as the function gets it", "partitionKey": "k"}
    return Filters([json.dumps(pattern)], data_key).match(Document(members, text))


def test_a_pattern_and_a_body_must_be_of_one_form() -> None:
    structure, plain = {"body": {"kind": ["a"]}}, {"body": [{"prefix": "{"}]}
    assert body(structure, '{"kind": "a"}')
    assert not body(structure, "kind a")
    assert not body(structure, '{"kind": "a"')
    assert not body(plain, '{"kind": "a"}')
    assert body({"body": ["kind a"]}, "kind a")
    assert body({"body": [{"anything-but": "kind a"}]}, "kind b")


def test_a_single_value_is_a_plain_string() -> None:
    assert body({"body": ["5"]}, "5")
    assert not body({"body": {"a": [5]}}, "5")


def test_a_pattern_may_look_at_a_messages_other_members() -> None:
    assert body({"messageId": ["m"]}, "no JSON")
    assert body({"messageId": ["m"], "body": {"a": [1]}}, '{"a": 1}')
    assert not body({"messageId": ["n"]}, "no JSON")


def test_a_list_in_a_body_matches_by_its_elements() -> None:
    assert body({"body": {"a": [1], "b": [2]}}, '[{"a": 1, "b": 2}]')
    assert not body({"body": {"a": [1], "b": [2]}}, '[{"a": 1}, {"b": 2}]')


def test_the_data_of_a_kinesis_record_must_be_json() -> None:
    assert body({"data": {"a": [{"exists": True}]}}, '{"a": 0}', "data")
    assert not body({"data": {"a": [{"exists": False}]}}, "no JSON", "data")
    assert body({"partitionKey": ["k"]}, "no JSON", "data")
    with pytest.raises(NotEmulated, match="must be JSON"):
        Filters(['{"data": ["text"]}'], "data")


def test_branches_may_look_at_the_data() -> None:
    pattern = {"$or": [{"body": {"a": [1]}}, {"messageId": ["m"]}]}
    assert body(pattern, '{"a": 2}')
    with pytest.raises(NotEmulated, match="two forms"):
        Filters(['{"$or": [{"body": {"a": [1]}}, {"body": ["text"]}]}'], "body")


def test_one_of_several_filters_may_not_look_at_the_body() -> None:
    patterns = ['{"body": {"a": [1]}}', '{"messageId": ["m"]}']
    assert Filters(patterns, "body").match(Document({"messageId": "m", "body": "x"}, "x"))
    assert not Filters(patterns, "body").match(Document({"messageId": "n", "body": "x"}, "x"))


@pytest.mark.parametrize(
    ("matcher", "text", "expected"),
    [
        ([300], '{"n": 300}', True), ([300], '{"n": 300.0}', False), ([300], '{"n": 3.0e2}', False),
        ([{"anything-but": 300}], '{"n": 300.0}', True), ([300], '{"n": "300"}', False),
        ([{"numeric": ["=", 300]}], '{"n": 3.0e2}', True), ([{"numeric": [">", 0, "<", 1]}], '{"n": 0.5}', True),
        ([{"numeric": [">", 0, "<", 1]}], '{"n": true}', False), ([True], '{"n": 1}', False),
        ([{"prefix": "3"}], '{"n": 300}', False), ([""], '{"n": ""}', True), ([None], '{"n": null}', True),
        ([None], "{}", False), ([{"exists": False}], '{"n": []}', True), ([{"exists": False}], '{"n": {}}', True),
        ([{"wildcard": "a*c"}], '{"n": "a*c"}', True), ([{"wildcard": "a\\*c"}], '{"n": "abc"}', False),
        ([{"wildcard": "a\\*c"}], '{"n": "a*c"}', True), ([{"wildcard": "a\\\\*"}], '{"n": "a\\\\b"}', True),
        ([{"wildcard": "*"}], '{"n": ""}', True), ([{"wildcard": "a.c"}], '{"n": "abc"}', False),
        ([{"anything-but": {"wildcard": "*.png"}}], '{"n": "a.jpg"}', True),
        ([{"anything-but": {"prefix": ["a", "b"]}}], '{"n": "bc"}', False),
        ([{"anything-but": {"equals-ignore-case": ["A"]}}], '{"n": "a"}', False),
        ([{"anything-but": [1, "a", None]}], '{"n": null}', False),
        ([{"anything-but": ["a"]}], '{"n": ["a", "b"]}', True),
        ([{"cidr": "10.0.0.0/8"}], '{"n": "not an address"}', False),
        ([{"cidr": "2001:db8::/32"}], '{"n": "2001:db8::1"}', True),
        ([{"equals-ignore-case": ""}], '{"n": ""}', True), ([{"numeric": ["<", 5000000000]}], '{"n": -1}', True),
    ],
)  # fmt: skip
def test_operators(matcher: list[Any], text: str, expected: bool) -> None:
    assert body({"body": {"n": matcher}}, text) is expected


@pytest.mark.parametrize(
    "operator",
    [{"numeric": ["=", "5"]}, {"numeric": ["<", 1, ">", 0]}, {"numeric": [">", 1, "<", 0]}, {"numeric": ["=", 6e9]},
     {"numeric": []}, {"wildcard": "a**"}, {"wildcard": "a\\b"}, {"wildcard": ""}, {"prefix": ""},
     {"anything-but": []}, {"anything-but": [{"prefix": "a"}]}, {"anything-but": {"numeric": ["=", 1]}},
     {"prefix": {"suffix": "a"}}, {"exists": 1}, {"cidr": 5}, {}],
)  # fmt: skip
def test_what_eventbridge_does_not_take_is_refused(operator: dict[str, Any]) -> None:
    with pytest.raises(NotEmulated):
        Filters([json.dumps({"a": [operator]})])


def test_a_text_that_is_nested_too_deeply_matches_nothing() -> None:
    assert not body({"body": {"a": [1]}}, "[" * 100_000)
