"""Variables and arguments: what resolvers get, and the words for what does not fit (sheet 1.3, 3.1, 5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.appsync.api import Api

SDL = """
type Query {
  f(
    id: ID, s: String, n: Int, x: Float, b: Boolean, json: AWSJSON, phone: AWSPhone, color: Color, colors: [Color!]
    input: In, inputs: [In], d: Int = 7, e: Color = GREEN, j: AWSJSON = "{\\"a\\": 1}"
  ): AWSJSON
  need(b: Boolean!): AWSJSON
}
enum Color { RED GREEN }
input In { name: String! n: Int = 3 phone: AWSPhone nested: In }
"""


async def arguments(call: str, definitions: str = "", variables: dict[str, Any] | None = None) -> Any:
    """What the resolver of `f` got, without the defaults of the schema."""
    seen: list[dict[str, Any]] = []
    api = Api(SDL, {"Query.f": lambda context: seen.append(context.arguments)})
    response = await api.run(f"query {definitions} {{ f{call} }}", variables)
    assert "errors" not in response, response
    return {name: value for name, value in seen[0].items() if name not in ("d", "e", "j")}


async def refused(definitions: str, call: str, variables: dict[str, Any]) -> dict[str, Any]:
    response = await Api(SDL).run(f"query {definitions} {{ {call} }}", variables)
    assert response["data"] is None
    assert len(response["errors"]) == 1
    error: dict[str, Any] = response["errors"][0]
    return error


async def test_omitted_arguments_are_absent_and_explicit_nulls_present() -> None:
    assert await arguments("(s: null)") == {"s": None}


async def test_enums_are_strings_and_awsjson_is_parsed() -> None:
    assert await arguments('(color: RED, colors: [GREEN], json: "{\\"a\\": [1]}")') == {
        "color": "RED",
        "colors": ["GREEN"],
        "json": {"a": [1]},
    }


async def test_the_id_literal_100_arrives_as_a_string() -> None:
    assert await arguments("(id: 100)") == {"id": "100"}


async def test_defaults_of_the_schema_are_filled_in() -> None:
    seen: list[dict[str, Any]] = []
    await Api(SDL, {"Query.f": lambda context: seen.append(context.arguments)}).run("{ f }")
    assert seen == [{"d": 7, "e": "GREEN", "j": {"a": 1}}]


async def test_a_variable_that_was_not_given_leaves_its_argument_out() -> None:
    assert await arguments("(s: $s, n: $n)", "($s: String, $n: Int)", {"n": None}) == {"n": None}


async def test_the_default_of_a_variable_counts_when_it_was_not_given() -> None:
    assert await arguments("(s: $s)", '($s: String = "x")') == {"s": "x"}
    assert await arguments("(s: $s)", '($s: String = "x")', {"s": None}) == {"s": None}


async def test_an_argument_default_fills_in_for_an_absent_variable() -> None:
    seen: list[Any] = []
    await Api(SDL, {"Query.f": lambda context: seen.append(context.arguments["d"])}).run("query ($d: Int) { f(d: $d) }")
    assert seen == [7]


async def test_a_single_value_counts_as_a_list() -> None:
    assert await arguments("(colors: RED)") == {"colors": ["RED"]}
    assert await arguments("(colors: $c)", "($c: [Color!])", {"c": "RED"}) == {"colors": ["RED"]}


async def test_input_objects_get_their_defaults_from_literals_and_variables() -> None:
    expected = {"input": {"name": "a", "n": 3, "nested": {"name": "b", "n": 1}}}
    assert await arguments('(input: {name: "a", nested: {name: "b", n: 1}})') == expected
    given = {"i": {"name": "a", "nested": {"name": "b", "n": 1}}}
    assert await arguments("(input: $i)", "($i: In)", given) == expected


async def test_variables_inside_literals_are_filled_in() -> None:
    assert await arguments('(inputs: [{name: $s}, {name: "b", n: $n}])', "($s: String!, $n: Int)", {"s": "a"}) == {
        "inputs": [{"name": "a", "n": 3}, {"name": "b", "n": 3}]
    }


async def test_arguments_belong_to_one_run_of_the_resolver() -> None:
    seen: list[Any] = []

    def answer(context: Any) -> None:
        context.arguments["s"] += "!"
        seen.append(context.arguments["s"])

    api = Api(SDL, {"Query.f": answer})
    for _ in range(2):
        await api.run('{ f(s: "x") }')
    assert seen == ["x!", "x!"]


async def test_a_scalar_of_the_wrong_form_names_the_variable() -> None:
    assert await refused("($phone: AWSPhone)", "f(phone: $phone)", {"phone": "1110004444"}) == {
        "path": None,
        "locations": [{"line": 1, "column": 8, "sourceName": None}],
        "message": "Variable 'phone' has an invalid value. Unable to parse `1110004444` as a valid phone number.",
    }


async def test_inside_an_input_the_inner_field_is_named() -> None:
    error = await refused("($i: In)", "f(input: $i)", {"i": {"name": "a", "phone": "1110004444"}})
    assert error["message"] == (
        "Variable 'phone' has an invalid value. Unable to parse `1110004444` as a valid phone number."
    )


@pytest.mark.parametrize("variables", [{}, {"deleted": None}])
async def test_null_for_a_non_null_variable(variables: dict[str, Any]) -> None:
    error = await refused("($deleted: Boolean!)", "need(b: $deleted)", variables)
    assert error["message"] == "Variable 'deleted' has coerced Null value for NonNull type 'Boolean!'"
    assert error["locations"] == [{"line": 1, "column": 8, "sourceName": None}]


async def test_null_inside_an_input_names_the_outer_variable() -> None:
    # aws-appsync-community #406 (2026)
    error = await refused("($outside: In)", "f(input: $outside)", {"outside": {"name": "a", "nested": {}}})
    assert error["message"] == "Variable 'outside' has coerced Null value for NonNull type 'String!'"


async def test_an_unknown_field_of_an_input_has_no_locations() -> None:
    # aws-appsync-community #273, with its trailing blank
    error = await refused("($i: In)", "f(input: $i)", {"i": {"name": "a", "zz": 1}})
    assert error == {
        "path": None,
        "locations": None,
        "message": "The variables input contains a field that is not defined for input object type 'In' ",
    }


@pytest.mark.parametrize(
    ("type_name", "argument", "value", "reason"),
    [
        ("ID", "id", ["1"], "Expected type 'ID' but was 'ArrayList'."),
        ("Int", "n", "x", "Expected type 'Int' but was 'String'."),
        ("Color", "color", "BLUE", "Invalid input for Enum 'Color'. No value found for name 'BLUE'"),
        ("AWSJSON", "json", [], "Unable to parse [] as valid JSON."),
        (
            "In",
            "input",
            "x",
            "Expected type 'Map' but was 'String'. Variables for input objects must be an instance of type 'Map'.",
        ),
    ],
)
async def test_a_variable_of_the_wrong_kind(type_name: str, argument: str, value: Any, reason: str) -> None:
    error = await refused(f"($v: {type_name})", f"f({argument}: $v)", {"v": value})
    assert error["message"] == f"Variable 'v' has an invalid value. {reason}"


async def test_variables_that_the_operation_does_not_declare_are_ignored() -> None:
    assert await arguments('(s: "x")', "", {"other": 1}) == {"s": "x"}


async def test_a_variable_nested_too_deeply_is_an_error() -> None:
    value: dict[str, Any] = {"name": "a"}
    for _ in range(900):
        value = {"name": "a", "nested": value}
    error = await refused("($i: In)", "f(input: $i)", {"i": value})
    assert error["message"] == "Variable 'i' has an invalid value. It is nested too deeply."
