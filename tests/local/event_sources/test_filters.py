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
