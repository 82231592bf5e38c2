"""Typed values to DynamoDB and back to plain JSON."""

from __future__ import annotations

from typing import Any

import pytest

from local.appsync.datasources import DataSourceError
from local.appsync.datasources.dynamodb_values import to_plain, to_wire

WIRE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"S": "a"}, {"S": "a"}),
    ({"N": 10}, {"N": "10"}),
    ({"N": "10"}, {"N": "10"}),
    ({"N": 1.5}, {"N": "1.5"}),
    ({"N": 3.0}, {"N": "3"}),
    ({"N": 1e300}, {"N": "1e+300"}),
    ({"BOOL": False}, {"BOOL": False}),
    ({"NULL": None}, {"NULL": True}),
    ({"NULL": True}, {"NULL": True}),
    ({"L": [{"N": 1}, {"M": {"a": {"S": "b"}}}]}, {"L": [{"N": "1"}, {"M": {"a": {"S": "b"}}}]}),
    ({"B": "aGk="}, {"B": b"hi"}),
    ({"SS": ["a", "b"]}, {"SS": ["a", "b"]}),
    ({"NS": [1, "2", 3.5]}, {"NS": ["1", "2", "3.5"]}),
    ({"BS": ["aGk="]}, {"BS": [b"hi"]}),
]


@pytest.mark.parametrize(("value", "wire"), WIRE)
def test_typed_values_as_request_objects_write_them(value: dict[str, Any], wire: dict[str, Any]) -> None:
    assert to_wire(value) == wire


@pytest.mark.parametrize(
    "value",
    [
        "a",
        None,
        {},
        {"S": 1},
        {"N": True},
        {"N": None},
        {"X": "a"},
        {"S": "a", "N": 1},
        {"BOOL": "true"},
        {"L": {}},
        {"M": []},
        {"B": "*"},
        {"SS": [1]},
        {"L": ["a"]},
    ],
)
def test_what_is_no_typed_value_is_rejected(value: Any) -> None:
    with pytest.raises(DataSourceError, match="Unable to convert") as error:
        to_wire(value)
    assert error.value.type == "MappingTemplate"


@pytest.mark.parametrize(
    ("wire", "plain"),
    [
        ({"S": "a"}, "a"),
        ({"N": "10"}, 10),
        ({"N": "-1.5"}, -1.5),
        ({"N": "9223372036854775807"}, 9223372036854775807),
        ({"N": "12345678901234567890123"}, 1.2345678901234568e22),
        ({"NULL": True}, None),
        ({"BOOL": True}, True),
        ({"L": [{"S": "a"}, {"NULL": True}]}, ["a", None]),
        ({"M": {"a": {"M": {}}}}, {"a": {}}),
        ({"SS": ["a"]}, ["a"]),
        ({"NS": ["1", "2.5"]}, [1, 2.5]),
        ({"B": b"hi"}, "aGk="),
        ({"BS": [b"hi"]}, ["aGk="]),
    ],
)
def test_results_are_plain_json(wire: dict[str, Any], plain: Any) -> None:
    assert to_plain(wire) == plain
