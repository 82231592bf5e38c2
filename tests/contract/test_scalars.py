"""Scalars in both directions (sheet 5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.api import Answer, Api
from tests.contract.facts import choice, fact

# Per argument of `Query.accept` and field of `Scalars`: its type, what is valid, what is not.
STRINGS: dict[str, tuple[str, list[str], list[str]]] = {
    "date": (
        "AWSDate",
        ["1970-01-01", "1970-01-01Z", "1970-01-01-07:00", "1970-01-01+05:30:10"],
        ["1970-1-1", "1970-02-30", "x", ""],
    ),
    "time": ("AWSTime", ["12:30", "12:30:24", "12:30:24.500Z", "12:00:34.", "12:30Z"], ["25:00", "1:30", "x", ""]),
    "dateTime": (
        "AWSDateTime",
        ["1970-01-01T12:30:00.000Z", "2020-01-01T00:00+00:00", "1970-01-01T12:30:00-05:30"],
        ["1970-01-01T12:30:00", "2020-05-23T06:4:37.000Z", "1970-01-01", "x"],
    ),
    "email": ("AWSEmail", ["ada@example.com"], ["ada", "@example.com", ""]),
    "phone": ("AWSPhone", ["+1 206 555 0100", "206-555-0100", "+49 30 901820"], ["1110004444", "x", "12"]),
    "url": (
        "AWSURL",
        ["https://example.com", "http://example.com/a?b=c", "mailto:ada@example.com"],
        ["example.com", "https://example.com/a//b", "x"],
    ),
    "ip": ("AWSIPAddress", ["127.0.0.1", "127.0.0.1/8", "::1", "2001:db8::/32"], ["127.0.0", "[::1]", "300.0.0.1"]),
}
VALID = [(name, value) for name, (_, valid, _) in STRINGS.items() for value in valid]
INVALID = [(name, value) for name, (_, _, invalid) in STRINGS.items() for value in invalid]


def accept(api: Api, name: str, scalar: str, value: Any) -> Answer:
    """Hand a value in as a variable."""
    return api.run(f"query ($v: {scalar}) {{ accept({name}: $v) }}", {"v": value})


def accepted(api: Api, name: str, scalar: str, value: Any) -> Any:
    """What the resolver got of a value."""
    return json.loads(accept(api, name, scalar, value).data["accept"])[name]


@fact("5", "DG")
@pytest.mark.parametrize(("name", "value"), VALID)
def test_a_valid_string_reaches_the_resolver_unchanged(api: Api, name: str, value: str) -> None:
    assert accepted(api, name, STRINGS[name][0], value) == value


@fact("5", "DG")
@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_string_is_refused(api: Api, name: str, value: str) -> None:
    answer = accept(api, name, STRINGS[name][0], value)
    assert answer.status == 200
    assert answer.json["data"] is None
    assert answer.error["message"].startswith(
        f"Variable 'v' has an invalid value. Unable to parse `{value}` as a valid"
    )


@fact("5", "DG")
@pytest.mark.parametrize(("name", "value"), VALID)
def test_a_valid_string_comes_out_unchanged(api: Api, name: str, value: str) -> None:
    assert api.resolve("scalars", {name: value}, f"{{ {name} }}").data == {"scalars": {name: value}}


@fact("5", "DG")
@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_string_comes_out_as_null_and_an_error(api: Api, name: str, value: str) -> None:
    answer = api.resolve("scalars", {name: value}, f"{{ {name} }}")
    assert answer.json["data"] == {"scalars": {name: None}}
    assert answer.error["message"].startswith(f"Can't serialize value (/scalars/{name}) : Unable to serialize")


@fact("5", "DG")
@pytest.mark.parametrize("value", [0, 1714000000, -1])
def test_a_timestamp_is_an_integer(api: Api, value: int) -> None:
    assert accepted(api, "timestamp", "AWSTimestamp", value) == value
    assert api.resolve("scalars", {"timestamp": value}, "{ timestamp }").data["scalars"]["timestamp"] == value


@fact("5", "DG")
@pytest.mark.parametrize("value", ["1714000000", 1.5, "x"])
def test_a_timestamp_is_nothing_else(api: Api, value: Any) -> None:
    assert accept(api, "timestamp", "AWSTimestamp", value).json["data"] is None


@choice("5", "64 bits are what Java's long holds; the documented limits do not say")
def test_a_timestamp_may_be_longer_than_32_bits(api: Api) -> None:
    assert accepted(api, "timestamp", "AWSTimestamp", 2**40) == 2**40


JSON: list[tuple[str, Any]] = [
    ('{"a": 1}', {"a": 1}),
    ("[1, 2]", [1, 2]),
    ("true", True),
    ("1", 1),
    ('"Hello"', "Hello"),
    ("null", None),
]


@fact("5", "obs amplify-cli 5705")
@pytest.mark.parametrize(("text", "value"), JSON)
def test_awsjson_is_parsed_for_the_resolver(api: Api, text: str, value: Any) -> None:
    assert accepted(api, "json", "AWSJSON", text) == value


@fact("5", "DG")
@pytest.mark.parametrize("value", ["", "Hello", "{a: 1}", {"a": 1}, [1], 1])
def test_awsjson_is_a_string_that_holds_json(api: Api, value: Any) -> None:
    assert accept(api, "json", "AWSJSON", value).json["data"] is None


@fact("5", "obs Molecule")
@pytest.mark.parametrize(
    ("value", "text"), [({"a": [1]}, '{"a":[1]}'), ([1, "a"], '[1,"a"]'), ("abc", '"abc"'), (1, "1"), (True, "true")]
)
def test_awsjson_comes_out_as_the_json_text_of_the_value(api: Api, value: Any, text: str) -> None:
    assert api.resolve("scalars", {"json": value}, "{ json }").data["scalars"]["json"] == text


@fact("5", "obs Molecule")
def test_json_that_a_resolver_made_a_string_comes_out_encoded_twice(api: Api) -> None:
    assert api.resolve("scalars", {"json": '{"a":1}'}, "{ json }").data["scalars"]["json"] == '"{\\"a\\":1}"'


@fact("11.23", "obs upstream test against AWS")
def test_a_numeric_string_for_an_int_comes_out_as_a_number(api: Api) -> None:
    assert api.resolve("scalars", {"int": "100"}, "{ int }").data == {"scalars": {"int": 100}}


@fact("11.23", "obs upstream test against AWS")
def test_the_id_literal_100_arrives_as_text(api: Api) -> None:
    assert json.loads(api.run("{ accept(id: 100) }").data["accept"]) == {"id": "100"}


@fact("5", "GraphQL")
def test_an_int_literal_is_taken_for_a_float(api: Api) -> None:
    assert json.loads(api.run("{ accept(float: 1) }").data["accept"]) == {"float": 1}


@fact("5", "GraphQL")
@pytest.mark.parametrize("literal", ["2147483648", "1.5", '"1"', "true"])
def test_an_int_literal_is_a_whole_number_of_32_bits(api: Api, literal: str) -> None:
    message = api.run(f"{{ accept(int: {literal}) }}").error["message"]
    assert message.startswith("Validation error of type WrongType: argument 'int' with value '")


@choice("5", "graphql-java's coercion; not recorded for AppSync")
@pytest.mark.parametrize(("name", "value", "out"), [("string", 1, "1"), ("string", True, "true"), ("id", 7, "7")])
def test_output_is_coerced_as_graphql_java_does(api: Api, name: str, value: Any, out: str) -> None:
    assert api.resolve("scalars", {name: value}, f"{{ {name} }}").data == {"scalars": {name: out}}


@fact("3.1", "DG")
def test_an_enum_is_a_string_for_resolvers(api: Api) -> None:
    assert json.loads(api.run("{ accept(color: RED, colors: [GREEN]) }").data["accept"]) == {
        "color": "RED",
        "colors": ["GREEN"],
    }


@fact("5", "GraphQL")
def test_an_unknown_enum_value_is_refused(api: Api) -> None:
    assert api.run("query ($c: Color) { accept(color: $c) }", {"c": "BLUE"}).json["data"] is None
    assert api.resolve("scalars", {"color": "BLUE"}, "{ color }").json["data"] == {"scalars": {"color": None}}


@fact("5", "GraphQL")
def test_a_single_value_is_a_list_of_one(api: Api) -> None:
    assert json.loads(api.run("query ($c: [Color!]) { accept(colors: $c) }", {"c": "RED"}).data["accept"]) == {
        "colors": ["RED"]
    }


@fact("5", "GraphQL")
def test_input_objects_are_coerced_in_depth(api: Api) -> None:
    value = {"name": "n", "deep": {"name": "m", "count": 1}}
    answer = api.run("query ($i: Input) { accept(input: $i) }", {"i": value})
    assert json.loads(answer.data["accept"]) == {"input": value}
