"""Scalars in both directions: accepted forms and messages (sheet 5)."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse_value

from local.appsync.scalars import SCALARS, ScalarError

ACCEPTED: dict[str, list[Any]] = {
    "AWSDate": ["1970-01-01", "1970-01-01Z", "2024-02-29+01:00", "1970-01-01-07:00:00", "-2017-01-01"],
    "AWSTime": ["12:30", "12:30Z", "12:00:34.", "12:30:24-07:00", "12:30:24.500+05:30", "12:00:00.123456789"],
    "AWSDateTime": ["2020-01-01T00:00+00:00", "1970-01-01T12:00:00.277Z", "1970-01-01T12:00:00-07:00:00"],
    "AWSTimestamp": [0, -1, 1714123456, 2**40],
    "AWSEmail": ["a@b", "jeff@amazon.com", "a.b+c@d-e.org"],
    "AWSPhone": ["2065550100", "206-555-0100", "+1 206 555 0100", "+44 20 7946 0958"],
    "AWSURL": ["https://aws.amazon.com/x?y=//z", "http://localhost:80", "mailto:a@b.c"],
    "AWSIPAddress": ["127.0.0.1", "127.0.0.1/8", "::1", "2001:db8::/32"],
}

REFUSED: dict[str, list[Any]] = {
    "AWSDate": ["2023-02-29", "1970-1-1", "1970-01-01T00:00Z", 19700101],
    "AWSTime": ["25:00", "12", "12:00:61", "noon"],
    "AWSDateTime": ["2020-01-01T00:00", "2020-05-23T06:4:37.000Z", "2020-01-01", "2020-13-01T00:00Z"],
    "AWSTimestamp": ["1", 1.5, True, 2**63],
    "AWSEmail": ["a", "@b", "a@", "a b@c"],
    "AWSPhone": ["1110004444", "12", "abc"],
    "AWSURL": ["aws.amazon.com", "https://a.b//c", "://x", "gopher://x"],
    "AWSIPAddress": ["127.0.0.256", "[::1]", "127.0.0.1/255.0.0.0", "host", "127.0.0.1/33"],
}


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


@pytest.mark.parametrize(("name", "value"), cases(ACCEPTED))
def test_a_valid_value_passes_unchanged_in_both_directions(name: str, value: Any) -> None:
    assert SCALARS[name].parse(value) == value
    assert SCALARS[name].serialize(value) == value


@pytest.mark.parametrize(("name", "value"), cases(REFUSED))
def test_an_invalid_value_is_refused_in_both_directions(name: str, value: Any) -> None:
    with pytest.raises(ScalarError, match="Unable to parse"):
        SCALARS[name].parse(value)
    with pytest.raises(ScalarError, match="Unable to serialize"):
        SCALARS[name].serialize(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", 1), ('"Hello"', "Hello"), ('{"a":1}', {"a": 1}), ("[1,2]", [1, 2]), ("null", None)],
)
def test_awsjson_input_arrives_parsed(text: str, value: Any) -> None:
    assert SCALARS["AWSJSON"].parse(text) == value


def test_awsjson_input_must_be_a_string() -> None:
    with pytest.raises(ScalarError, match=r"Unable to parse \{key1=hi, nested=\[true, null\]\} as valid JSON\."):
        SCALARS["AWSJSON"].parse({"key1": "hi", "nested": [True, None]})


@pytest.mark.parametrize(
    ("value", "text"), [({"a": 1}, '{"a":1}'), ("abc", '"abc"'), ('{"a":1}', '"{\\"a\\":1}"'), (1, "1"), ([1], "[1]")]
)
def test_awsjson_output_is_always_the_json_text_of_the_value(value: Any, text: str) -> None:
    assert SCALARS["AWSJSON"].serialize(value) == text


@pytest.mark.parametrize(
    ("name", "value", "out"),
    [
        ("Int", "100", 100),
        ("Int", 7.0, 7),
        ("Float", "1.5", 1.5),
        ("Float", 3, 3),
        ("Boolean", "true", True),
        ("Boolean", 0, False),
        ("String", 10, "10"),
        ("String", True, "true"),
        ("String", {"a": [1, None]}, "{a=[1, null]}"),
        ("ID", 5, "5"),
    ],
)
def test_built_in_output_is_lenient_as_in_graphql_java(name: str, value: Any, out: Any) -> None:
    assert SCALARS[name].serialize(value) == out
    assert type(SCALARS[name].serialize(value)) is type(out)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("Int", "x", "String"),
        ("Int", 2**31, "Long"),
        ("Int", 1.5, "Double"),
        ("Boolean", "yes", "String"),
        ("String", {}, "LinkedHashMap"),
        ("ID", ["1"], "ArrayList"),
        ("Float", True, "Boolean"),
        ("Float", "1e999", "String"),
        ("Float", float("inf"), "Double"),
    ],
)
def test_built_in_input_of_the_wrong_kind_names_the_java_class(name: str, value: Any, kind: str) -> None:
    with pytest.raises(ScalarError, match=f"Expected type '{name}' but was '{kind}'"):
        SCALARS[name].parse(value)


@pytest.mark.parametrize(
    ("name", "literal"),
    [
        ("Int", '"1"'),
        ("Int", "2147483648"),
        ("Float", '"1"'),
        ("String", "1"),
        ("Boolean", '"true"'),
        ("ID", "1.5"),
        ("AWSJSON", "{a: 1}"),
        ("AWSTimestamp", '"1"'),
        ("AWSEmail", '"x"'),
    ],
)
def test_literals_are_strict(name: str, literal: str) -> None:
    with pytest.raises(ScalarError):
        SCALARS[name].literal(parse_value(literal))


def test_an_integer_literal_serves_as_id_and_as_float() -> None:
    assert SCALARS["ID"].literal(parse_value("100")) == "100"
    assert SCALARS["Float"].literal(parse_value("2")) == 2


def test_a_timestamp_says_what_it_wants() -> None:
    with pytest.raises(ScalarError) as raised:
        SCALARS["AWSTimestamp"].serialize("2019-12-19 16:59:09.966")
    assert str(raised.value) == (
        "Unable to serialize `2019-12-19 16:59:09.966` as a valid timestamp. Ensure that the value provided is an "
        "Integer that lies within the limits specified in this scalar's description."
    )
