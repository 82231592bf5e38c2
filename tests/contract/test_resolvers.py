"""APPSYNC_JS resolvers: flow, context, language, utilities (sheet 4.1 to 4.5, 4.7 NONE)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.contract.api import Answer, Api
from tests.contract.facts import choice, fact

ISO8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def pipeline(api: Api, how: str | None = None) -> Answer:
    """`Query.pipeline`."""
    return api.run("query ($how: String) { pipeline(how: $how) }", {"how": how})


def trace(answer: Answer) -> dict[str, Any]:
    """What the pipeline's last handler returned."""
    found: dict[str, Any] = json.loads(answer.json["data"]["pipeline"])
    return found


@fact("4.1", "DG")
def test_a_pipeline_runs_its_handlers_in_order(api: Api) -> None:
    found = trace(pipeline(api))
    assert [line.partition(":")[0] for line in found["trace"][1:]] == [
        "request 1", "response 1", "request 2", "response 2",
    ]  # fmt: skip


@fact("4.1", "DG")
def test_prev_result_is_what_the_step_before_returned(api: Api) -> None:
    found = trace(pipeline(api))
    assert found["trace"][1] == 'request 1: "from before"'
    assert found["trace"][3] == 'request 2: "from 1"'
    assert found["prev"] == "from 2"


@fact("4.1", "DG")
def test_the_last_handlers_result_is_prev_result(api: Api) -> None:
    found = trace(pipeline(api))
    assert found["result"] == found["prev"]


@fact("4.1", "DG")
def test_result_is_what_the_data_source_answered(api: Api) -> None:
    assert trace(pipeline(api))["trace"][2] == 'response 1: "payload 1"'


@fact("4.1", "DG")
def test_the_stash_is_shared_by_all_handlers_of_a_field(api: Api) -> None:
    assert len(trace(pipeline(api))["trace"]) == 5


@fact("4.1", "sheet")
def test_arguments_may_be_changed_for_later_handlers(api: Api) -> None:
    assert trace(pipeline(api))["args"]["added"] == "by before"


@fact("4.1", "types")
@pytest.mark.parametrize("how", ["next", "default"])
def test_an_early_return_skips_data_source_and_response_of_its_function(api: Api, how: str) -> None:
    found = trace(pipeline(api, how))
    assert [line.partition(":")[0] for line in found["trace"][1:]] == ["request 1", "request 2", "response 2"]
    assert found["trace"][2] == 'request 2: "skipped"'


@fact("4.1", "types")
def test_an_early_return_to_the_end_skips_the_other_functions(api: Api) -> None:
    found = trace(pipeline(api, "end"))
    assert [line.partition(":")[0] for line in found["trace"][1:]] == ["request 1"]
    assert found["prev"] == "skipped"


@fact("4.1", "types")
def test_an_early_return_before_the_functions_goes_to_the_last_handler(api: Api) -> None:
    found = trace(pipeline(api, "before"))
    assert len(found["trace"]) == 1
    assert found["prev"] == "early"


@fact("4.1", "types")
def test_an_early_return_of_a_unit_resolver_is_the_value(api: Api) -> None:
    answer = api.run('{ early(how: "now") }')
    assert json.loads(answer.data["early"]) == {"how": "now"}


@fact("4.1", "DG")
def test_an_error_in_a_function_ends_the_pipeline(api: Api) -> None:
    answer = pipeline(api, "error")
    assert answer.json["data"] == {"pipeline": None}
    assert (answer.error["errorType"], answer.error["message"]) == ("Failed", "The first function failed.")


@fact("4.1", "DG")
def test_an_appended_error_does_not_end_the_pipeline(api: Api) -> None:
    answer = pipeline(api, "append")
    assert trace(answer)["prev"] == "from 2"
    assert answer.error["errorType"] == "Complaint"


@fact("4.1", "DG")
def test_a_data_sources_error_reaches_the_response_handler(api: Api) -> None:
    found = json.loads(api.run("{ pipelineWithError }").data["pipelineWithError"])
    error = json.loads(found["trace"][1].removeprefix("error "))
    assert (error["type"], error["message"]) == ("Lambda:Unhandled", "It went wrong.")


@fact("4.1", "DG")
def test_a_data_sources_error_is_not_carried_to_the_next_function(api: Api) -> None:
    found = json.loads(api.run("{ pipelineWithError }").data["pipelineWithError"])
    assert found["trace"][2] == 'next null "after the error"'
    assert found.get("error") is None


@fact("4.1", "DG")
def test_a_data_sources_error_that_is_thrown_again_is_the_fields(api: Api) -> None:
    answer = api.run("{ pipelineWithError(rethrow: true) }")
    assert answer.json["data"] == {"pipelineWithError": None}
    assert (answer.error["errorType"], answer.error["message"]) == ("Lambda:Unhandled", "It went wrong.")


@fact("4.7", "DG")
def test_none_answers_its_payload(api: Api) -> None:
    assert api.value("none", request={"payload": {"a": [1]}})["result"] == {"a": [1]}


@fact("4.7", "DG")
def test_none_without_a_payload_answers_null(api: Api) -> None:
    assert api.value("none", request={}).get("result") is None


@fact("4.1", "sheet")
def test_surplus_members_of_a_request_object_are_tolerated(api: Api) -> None:
    assert api.value("none", request={"payload": 1, "version": "2018-05-29"})["result"] == 1


@fact("4.3", "DG")
def test_args_and_arguments_are_the_same(api: Api) -> None:
    found = json.loads(api.run('{ context(color: RED, text: "t", list: [1]) }').data["context"])
    assert found["args"] == found["arguments"] == {"color": "RED", "text": "t", "list": [1]}


@fact("4.3", "DG")
def test_the_context_names_field_and_type(api: Api) -> None:
    found = api.value("context")
    assert (found["fieldName"], found["parentTypeName"], found["variables"]) == ("context", "Query", {})


@fact("4.3", "DG")
def test_the_environment_is_the_apis(api: Api) -> None:
    assert api.value("context")["env"] == {"STAGE": "contract"}


@fact("4.3", "DG")
def test_the_stash_is_empty_at_first(api: Api) -> None:
    assert api.value("context")["stash"] == {}


@fact("4.3", "DG")
def test_info_as_text_has_no_selection_sets(api: Api) -> None:
    info = json.loads(api.value("context")["info"])
    assert not {"selectionSetList", "selectionSetGraphQL"} & set(info)
    assert info["fieldName"] == "context"


@fact("4.3", "DG")
def test_request_headers_are_in_lower_case(api: Api) -> None:
    answer = api.run("{ context }", headers={"X-API-KEY": api.key, "X-Custom": "v"})
    assert json.loads(answer.data["context"])["request"]["headers"]["x-custom"] == "v"


# What utilities return. Names are members of `Query.utilities`.
UTILITIES: list[tuple[str, Any]] = [
    ("fromMilliSeconds", "2018-02-06T19:01:35.749Z"),
    ("toSeconds", 1517943695),
    ("parsed", 1517476865180),
    ("parsedFormatted", 1517505665000),
    ("formatted", "2018-02-07 03:01:35+0800"),
    ("urlEncode", "a+b%26c%3D%C3%A4"),
    ("urlDecode", "a b&c=ä"),
    ("base64Encode", "dGV4dA=="),
    ("base64Decode", "text"),
    ("escapeJavaScript", "it\\'s"),
    ("matches", True),
    ("matchesNot", False),
    ("normalize", "\u00c5"),
    ("roundNum", 2),
    ("minVal", 1),
    ("maxVal", 2),
]


@fact("4.4", "DG")
@pytest.mark.parametrize(("name", "expected"), UTILITIES, ids=[name for name, _ in UTILITIES])
def test_a_utility_returns(api: Api, name: str, expected: Any) -> None:
    assert api.value("utilities")[name] == expected


IDENTIFIERS = [
    ("autoId", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ("autoUlid", r"[0-9A-HJKMNP-TV-Z]{26}"),
    ("autoKsuid", r"[0-9A-Za-z]{27}"),
    ("now", ISO8601.pattern),
]


@fact("4.4", "DG")
@pytest.mark.parametrize(("name", "pattern"), IDENTIFIERS, ids=[name for name, _ in IDENTIFIERS])
def test_a_utility_returns_something_of_this_form(api: Api, name: str, pattern: str) -> None:
    assert re.fullmatch(pattern, api.value("utilities")[name])


@fact("4.4", "DG")
def test_random_numbers_are_in_their_range(api: Api) -> None:
    found = api.value("utilities")
    assert 0 <= found["randomDouble"] <= 1
    assert 10 <= found["randomWithinRange"] <= 20


# As AWS's own evaluator answered: snapshots of localstack/appsync-utils.
RECORDED: list[tuple[str, Any]] = [
    (
        "toDynamoDB",
        {"M": {
            "text": {"S": "a"}, "number": {"N": 10}, "no": {"NULL": None}, "yes": {"BOOL": True},
            "list": {"L": [{"N": 1}, {"S": "a"}]},
        }},
    ),
    ("toString", {"S": "a"}),
    ("toStringSet", {"SS": ["a"]}),
    ("toNumber", {"N": 10}),
    ("toNull", {"NULL": None}),
    ("toMapValues", {"id": {"S": "a"}}),
    ("toS3Object", {"S": '{"s3":{"key":"key","bucket":"bucket","region":"us-east-1"}}'}),
    (
        "filterExpression",
        '{"expression":"(begins_with(#title,:title_beginsWith))","expressionNames":{"#title":"title"},'
        '"expressionValues":{":title_beginsWith":{"S":"far away"}}}',
    ),
    (
        "filterContains",
        '{"expression":"(contains(#title,:title_contains))","expressionNames":{"#title":"title"},'
        '"expressionValues":{":title_contains":{"S":"a"}}}',
    ),
    (
        "conditionExpression",
        '{"expression":"(attribute_exists(#id)) AND (#version = :version_eq)",'
        '"expressionNames":{"#id":"id","#version":"version"},"expressionValues":{":version_eq":{"N":10}}}',
    ),
]  # fmt: skip


@fact("4.4", "evaluate")
@pytest.mark.parametrize(("name", "expected"), RECORDED, ids=[name for name, _ in RECORDED])
def test_a_utility_returns_what_was_recorded(api: Api, name: str, expected: Any) -> None:
    assert api.value("utilities")[name] == expected


HELPERS: list[tuple[str, Any]] = [
    ("get", {"operation": "GetItem", "key": {"id": {"S": "a"}}}),
    ("getConsistent", {"operation": "GetItem", "key": {"id": {"S": "a"}}, "consistentRead": True}),
    ("put", {"operation": "PutItem", "key": {"id": {"S": "a"}}, "attributeValues": {"name": {"S": "n"}}}),
    ("remove", {"operation": "DeleteItem", "key": {"id": {"S": "a"}}}),
    ("scan", {"operation": "Scan", "limit": 10, "nextToken": "token"}),
    (
        "update",
        {
            "operation": "UpdateItem",
            "key": {"id": {"S": "a"}},
            "update": {
                "expression": "SET #expName_1 = :expValue_1",
                "expressionNames": {"#expName_1": "age"},
                "expressionValues": {":expValue_1": {"N": 10}},
            },
        },
    ),
]


@fact("4.5", "evaluate")
@pytest.mark.parametrize(("name", "expected"), HELPERS, ids=[name for name, _ in HELPERS])
def test_a_dynamodb_helper_makes(api: Api, name: str, expected: Any) -> None:
    assert api.value("helpers")[name] == expected


@choice("4.5", "what `increment` does with an absent attribute is not recorded; DynamoDB refuses to add to nothing")
def test_increment_adds_to_the_attribute(api: Api) -> None:
    assert "+" in api.value("helpers")["increment"]["update"]["expression"]


LANGUAGE: list[tuple[str, Any]] = [
    ("floor", 1),
    ("parsedBadJson", ""),
    ("rest", {"second": 2, "third": 3}),
    ("keys", ["a", "b"]),
    ("chosen", "two"),
    ("object", {"b": 2}),
    ("total", 6),
    ("optional", "nothing"),
    ("template", "a2"),
    ("spread", [1, 2, 3]),
    ("sorted", ["a", "b", "c"]),
    ("replaced", "a-b-"),
    ("entries", [["a", 1]]),
    ("isNaN", True),
    ("mapped", [4, 6]),
]


@fact("4.2", "DG")
@pytest.mark.parametrize(("name", "expected"), LANGUAGE, ids=[name for name, _ in LANGUAGE])
def test_the_language_does(api: Api, name: str, expected: Any) -> None:
    assert api.value("language")[name] == expected


@fact("4.2", "DG")
def test_math_random_is_there(api: Api) -> None:
    assert 0 <= api.value("language")["random"] < 1
