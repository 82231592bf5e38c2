"""Error objects of operations that ran (sheet 1.4)."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.api import Answer, Api
from tests.contract.facts import choice, fact

SIX_KEYS = ["path", "data", "errorType", "errorInfo", "locations", "message"]


def fail(api: Api, how: str, value: Any = None) -> Answer:
    """`Query.fail`."""
    query = "query ($how: String!, $value: AWSJSON) { fail(how: $how, value: $value) { id child { name } } }"
    return api.run(query, {"how": how, "value": json.dumps(value)})


@fact("1.4", "DG")
def test_util_error_makes_the_field_null_and_has_six_keys_in_order(api: Api) -> None:
    answer = fail(api, "all", {"id": "1"})
    assert answer.json["data"] == {"fail": None}
    assert list(answer.error) == SIX_KEYS


@fact("1.4", "DG")
def test_util_error_fills_type_info_message_path_and_locations(api: Api) -> None:
    error = fail(api, "all", {"id": "1"}).error
    assert error["errorType"] == "Full"
    assert error["errorInfo"] == {"reason": "because", "list": [1]}
    assert error["message"] == "Everything."
    assert error["path"] == ["fail"]
    assert error["locations"] == [{"line": 1, "column": 42, "sourceName": None}]


@fact("1.4", "DG")
def test_data_of_an_error_is_filtered_by_the_selection(api: Api) -> None:
    error = fail(api, "all", {"id": "1", "name": "hidden", "child": {"name": "n", "id": "hidden"}}).error
    assert error["data"] == {"id": "1", "child": {"name": "n"}}


@choice("4.4", "null in responses of AWS; logs of VTL show another default")
def test_an_error_without_a_type_has_null_for_it(api: Api) -> None:
    error = fail(api, "message").error
    assert list(error) == SIX_KEYS
    assert (error["errorType"], error["data"], error["errorInfo"]) == (None, None, None)


@fact("4.1", "DG")
def test_util_error_in_the_request_handler_ends_the_resolver(api: Api) -> None:
    answer = fail(api, "request")
    assert answer.json["data"] == {"fail": None}
    assert answer.error["errorType"] == "Early"


@fact("4.4", "DG")
def test_append_error_records_and_keeps_the_value(api: Api) -> None:
    answer = fail(api, "append", {"id": "1", "child": None})
    assert answer.json["data"] == {"fail": {"id": "1", "child": None}}
    assert [error["message"] for error in answer.errors] == ["Appended.", "Appended again."]
    assert answer.errors[0]["errorInfo"] == {"number": 1}


@fact("1.4", "DG")
def test_util_unauthorized_is_the_error_of_a_refused_field(api: Api) -> None:
    assert fail(api, "unauthorized").error == {
        "path": ["fail"],
        "data": None,
        "errorType": "Unauthorized",
        "errorInfo": None,
        "locations": [{"line": 1, "column": 42, "sourceName": None}],
        "message": "Not Authorized to access fail on type Query",
    }


@fact("1.4", "obs community 328")
def test_an_exception_in_code_has_the_type_code(api: Api) -> None:
    error = fail(api, "exception").error
    assert error["errorType"] == "Code"
    assert list(error) == SIX_KEYS
    assert (error["data"], error["errorInfo"]) == (None, None)
    assert "ReferenceError" in error["message"]


@fact("1.4", "DG")
def test_the_path_of_a_list_element_has_its_index(api: Api) -> None:
    answer = api.run("{ failing { id refused } }")
    assert answer.json["data"] == {"failing": [{"id": "1", "refused": "1"}, {"id": "2", "refused": None}]}
    assert answer.error["path"] == ["failing", 1, "refused"]
    assert answer.error["message"] == "Not Authorized to access refused on type Failing"


@fact("1.4", "DG")
def test_data_comes_before_errors(api: Api) -> None:
    assert list(fail(api, "all", {}).json) == ["data", "errors"]


@fact("1.4", "obs community 379")
def test_a_null_for_a_non_null_field(api: Api) -> None:
    answer = api.resolve("strict", {"id": "1"}, "{ id name }")
    assert answer.status == 200
    assert answer.json == {
        "data": {"strict": None},
        "errors": [{
            "path": ["strict", "name"],
            "locations": None,
            "message": "Cannot return null for non-nullable type: 'String' within parent 'Strict' (/strict/name)",
        }],
    }  # fmt: skip


@fact("1.4", "obs community 379")
def test_every_null_leaf_is_reported(api: Api) -> None:
    answer = api.resolve("strict", {}, "{ id name }")
    assert answer.json["data"] == {"strict": None}
    assert [error["path"] for error in answer.errors] == [["strict", "id"], ["strict", "name"]]


@fact("1.4", "obs")
def test_indexes_in_texts_stand_in_brackets(api: Api) -> None:
    answer = api.resolve("stricts", [{"id": "1", "name": "n"}, {"id": "2"}], "{ id name }")
    assert answer.json["data"] == {"stricts": [{"id": "1", "name": "n"}, None]}
    assert answer.error["path"] == ["stricts", 1, "name"]
    assert "(/stricts[1]/name)" in answer.error["message"]


@fact("1.4", "GraphQL")
def test_a_null_bubbles_up_to_the_next_nullable_field(api: Api) -> None:
    value = {"id": "1", "name": "n", "child": {"id": "2", "name": "m", "children": [{"id": "3"}]}}
    answer = api.resolve("strict", value, "{ id child { id children { id name } } }")
    assert answer.json["data"] == {"strict": {"id": "1", "child": {"id": "2", "children": None}}}


@fact("1.4", "GraphQL")
def test_a_null_at_a_non_null_root_field_leaves_no_data(api: Api) -> None:
    answer = api.resolve("requiredItem", None, "{ id }")
    assert answer.json["data"] is None
    assert answer.error["path"] == ["requiredItem"]


@fact("1.4", "obs")
def test_an_object_where_a_list_is_due(api: Api) -> None:
    answer = api.resolve("items", {"id": "1"}, "{ id }")
    assert answer.json == {
        "data": {"items": None},
        "errors": [{
            "path": ["items"],
            "locations": None,
            "message": "Can't resolve value (/items) : type mismatch error, expected type LIST, got OBJECT",
        }],
    }  # fmt: skip


@fact("1.4", "obs")
def test_a_value_that_is_none_of_its_scalars(api: Api) -> None:
    answer = api.resolve("scalars", {"dateTime": "2020-05-23T06:4:37.000Z", "int": 1}, "{ int dateTime }")
    assert answer.json == {
        "data": {"scalars": {"int": 1, "dateTime": None}},
        "errors": [{
            "path": ["scalars", "dateTime"],
            "locations": None,
            "message": "Can't serialize value (/scalars/dateTime) : Unable to serialize `2020-05-23T06:4:37.000Z`"
            " as a valid DateTime Object.",
        }],
    }  # fmt: skip


@fact("1.4", "obs")
def test_a_request_object_without_an_operation(api: Api) -> None:
    answer = api.run("query ($r: AWSJSON!) { invoke(request: $r) }", {"r": "{}"})
    assert answer.json["data"] == {"invoke": None}
    assert list(answer.error) == SIX_KEYS
    assert answer.error["errorType"] == "MappingTemplate"
    assert answer.error["message"] == "Value for field '$[operation]' not found."
    assert (answer.error["data"], answer.error["errorInfo"]) == (None, None)


@fact("1.4", "sheet")
def test_a_field_without_resolver_and_value_is_null(api: Api) -> None:
    assert api.run("{ unresolved }").data == {"unresolved": None}
    assert api.resolve("item", {"id": "1"}, "{ id name }").data == {"item": {"id": "1", "name": None}}


@fact("1.4", "DG")
def test_a_field_without_resolver_is_the_property_of_its_name(api: Api) -> None:
    value = {"id": "1", "child": {"name": "n"}, "children": [{"id": "2"}]}
    selection = "{ other: id child { name } children { id } }"
    assert api.resolve("item", value, selection).data == {
        "item": {"other": "1", "child": {"name": "n"}, "children": [{"id": "2"}]}
    }


@fact("1.4", "sheet")
def test_properties_that_the_schema_does_not_have_are_dropped(api: Api) -> None:
    assert api.resolve("item", {"id": "1", "surplus": 1}, "{ id }").data == {"item": {"id": "1"}}


@fact("1.4", "GraphQL")
def test_one_failed_field_leaves_the_others(api: Api) -> None:
    answer = api.run('{ keyOnly fail(how: "message") { id } }')
    assert answer.json["data"] == {"keyOnly": "yes", "fail": None}


@fact("1.4", "obs")
def test_an_interface_takes_its_type_from_typename(api: Api) -> None:
    value = {"__typename": "Film", "id": "1", "minutes": 90}
    assert api.resolve("thing", value, "{ __typename id ... on Film { minutes } ... on Book { title } }").data == {
        "thing": {"__typename": "Film", "id": "1", "minutes": 90}
    }


@fact("1.4", "obs serverless-appsync-plugin 603")
def test_an_interface_without_typename_cannot_be_resolved(api: Api) -> None:
    answer = api.resolve("thing", {"id": "1"}, "{ id }")
    assert answer.json["data"] == {"thing": None}
    assert "Missing __typename key on value." in answer.error["message"]


@fact("1.4", "GraphQL")
def test_root_fields_of_a_mutation_run_in_order(api: Api) -> None:
    keep = api.run('mutation { a: record(key: "serial", value: "1") b: record(key: "serial", value: "2") }').data
    assert list(keep) == ["a", "b"]
    found = api.value("table", request={"operation": "GetItem", "key": {"id": {"S": "serial"}}})
    assert found["result"]["value"] == "2"
