"""Lambda data sources: direct resolvers, requests of handlers, batches, errors (sheet 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.api import Answer, Api
from tests.contract.facts import choice, fact

MASKED = "You are not authorized to make this call."


def event(api: Api, query: str, field: str = "direct", **variables: Any) -> dict[str, Any]:
    """The event that a direct resolver's function got."""
    found: dict[str, Any] = json.loads(api.run(query, variables or None).data[field])
    return found


def invoke(api: Api, **request: Any) -> dict[str, Any]:
    """`{result, error}` of a handler's request."""
    found: dict[str, Any] = api.value("invoke", request=request)
    return found


def items(api: Api, field: str, *names: str) -> Answer:
    """Items of these names, each with a field that is resolved in batches of two."""
    value = [{"id": str(number), "name": name} for number, name in enumerate(names)]
    return api.resolve("items", value, f"{{ {field} }}")


@fact("3.1", "DG")
def test_a_direct_resolver_gets_the_context(api: Api) -> None:
    found = event(api, "{ direct }")
    assert set(found) - {"env"} == {"arguments", "identity", "source", "request", "prev", "info", "stash"}
    assert found["arguments"] == {}
    assert (found["identity"], found["source"], found["prev"], found["stash"]) == (None, None, None, {})
    assert set(found["request"]) == {"headers", "domainName"}
    assert set(found["info"]) == {
        "selectionSetList", "selectionSetGraphQL", "fieldName", "parentTypeName", "variables",
    }  # fmt: skip


@fact("3.1", "DG")
def test_info_names_field_parent_and_variables(api: Api) -> None:
    info = event(api, "query ($do: String) { direct(do: $do) }", do="event")["info"]
    assert (info["fieldName"], info["parentTypeName"], info["variables"]) == ("direct", "Query", {"do": "event"})


@fact("3.1", "DG")
def test_arguments_are_coerced(api: Api) -> None:
    found = event(api, 'query ($j: AWSJSON) { direct(color: RED, json: $j, do: "x") }', j='{"a": [1]}')
    assert found["arguments"] == {"color": "RED", "json": {"a": [1]}, "do": "x"}


@fact("3.1", "DG")
def test_an_omitted_argument_is_absent_and_an_explicit_null_is_there(api: Api) -> None:
    assert event(api, "{ direct(optional: null) }")["arguments"] == {"optional": None}


@fact("3.1", "powertools fixtures")
def test_a_leaf_has_no_selection(api: Api) -> None:
    info = event(api, "{ direct }")["info"]
    assert info["selectionSetList"] == []
    assert info["selectionSetGraphQL"] in ("", "{}")


@fact("3.1", "DG")
def test_header_names_are_in_lower_case(api: Api) -> None:
    headers = {"X-API-Key": api.key, "X-Custom": "Value"}
    found = json.loads(api.run("{ direct }", headers=headers).data["direct"])["request"]["headers"]
    assert found["x-api-key"] == api.key
    assert found["x-custom"] == "Value"
    assert all(name == name.lower() for name in found)


@fact("3.1", "DG")
def test_cookies_are_removed(api: Api) -> None:
    headers = {"x-api-key": api.key, "cookie": "a=b"}
    assert "cookie" not in json.loads(api.run("{ direct }", headers=headers).data["direct"])["request"]["headers"]


@fact("3.1", "DG")
def test_source_is_what_the_parents_resolver_returned(api: Api) -> None:
    value = {"id": "1", "unknown": {"kept": True}}
    answer = api.resolve("item", value, "{ event }")
    assert json.loads(answer.data["item"]["event"])["source"] == value


SELECTION = """{
  directItem(do: "info") { number: id name ...Rest }
}
fragment Rest on Item { count child { name children { id } } ... on Item { tags } }"""


@fact("3.1", "DG")
def test_selection_set_list_has_paths_aliases_and_the_fields_of_fragments(api: Api) -> None:
    info = json.loads(api.run(SELECTION).data["directItem"]["name"])
    assert info["selectionSetList"] == [
        "number", "name", "count", "child", "child/name", "child/children", "child/children/id", "tags",
    ]  # fmt: skip


@fact("3.1", "DG")
def test_selection_set_graphql_is_the_selection_as_text(api: Api) -> None:
    text = json.loads(api.run('{ directItem(do: "info") { name child { id } } }').data["directItem"]["name"])
    assert text["selectionSetGraphQL"] == "{\n  name\n  child {\n    id\n  }\n}"


@fact("3.3", "DG")
def test_surplus_properties_are_ignored(api: Api) -> None:
    assert api.run('{ directItem(do: "item") { id name } }').data == {"directItem": {"id": "1", "name": "one"}}


@fact("3.3", "DG")
def test_a_function_that_returns_nothing_makes_null(api: Api) -> None:
    assert api.run('{ direct(do: "null") }').data == {"direct": None}


@fact("3.3", "GraphQL")
def test_nothing_for_a_non_null_field_is_an_error(api: Api) -> None:
    answer = api.run('{ requiredDirect(do: "null") }')
    assert answer.json["data"] is None
    assert answer.error["message"].startswith("Cannot return null for non-nullable type: 'AWSJSON'")


@fact("5", "obs Molecule")
def test_a_string_that_is_json_is_not_parsed(api: Api) -> None:
    text = api.run('{ direct(do: "text") }').data["direct"]
    assert json.loads(json.loads(text)) == {"a": 1}


@fact("3.3", "DG")
def test_a_direct_resolvers_exception_has_its_class_name_as_type(api: Api) -> None:
    answer = api.run('{ direct(do: "raise") }')
    assert answer.json["data"] == {"direct": None}
    assert answer.error["errorType"] == "CustomException"
    assert answer.error["message"] == "It went wrong."
    assert answer.error["path"] == ["direct"]


@fact("3.3", "DG")
def test_no_stack_is_shown(api: Api) -> None:
    assert "handler.py" not in api.run('{ direct(do: "raise") }').body.decode()


@fact("3.3", "DG")
def test_the_reason_of_an_unauthorized_exception_is_masked(api: Api) -> None:
    error = api.run('{ direct(do: "unauthorized") }').error
    assert (error["errorType"], error["message"]) == ("UnauthorizedException", MASKED)


@fact("3.1", "DG")
def test_a_handlers_function_gets_exactly_its_payload(api: Api) -> None:
    assert invoke(api, operation="Invoke", payload={"a": [1]})["result"] == {"a": [1]}


@fact("3.3", "DG")
def test_a_handler_sees_an_exception_as_unhandled(api: Api) -> None:
    found = invoke(api, operation="Invoke", payload={"do": "raise"})
    assert found.get("result") is None
    assert found["error"]["type"] == "Lambda:Unhandled"
    assert found["error"]["message"] == "It went wrong."


@fact("3.3", "sheet")
def test_an_error_that_no_handler_looks_at_is_swallowed(api: Api) -> None:
    request = {"operation": "Invoke", "payload": {"do": "raise"}}
    answer = api.run("query ($r: AWSJSON!) { invokeItem(request: $r) { id } }", {"r": json.dumps(request)})
    assert answer.data == {"invokeItem": None}


@fact("3.3", "DG")
def test_an_event_invocation_has_no_result(api: Api) -> None:
    found = invoke(api, operation="Invoke", invocationType="Event", payload={"a": 1})
    assert (found.get("result"), found.get("error")) == (None, None)


@fact("3.2", "DG")
def test_direct_batches_have_at_most_the_maximum_size(api: Api) -> None:
    answer = items(api, "batched", *"abcde")
    sizes = [json.loads(item["batched"])["size"] for item in answer.data["items"]]
    assert sizes == [2, 2, 2, 2, 1]


@fact("3.2", "DG")
def test_an_items_error_message_is_its_own_error(api: Api) -> None:
    answer = items(api, "batched", "a", "error")
    assert json.loads(answer.json["data"]["items"][0]["batched"]) == {"size": 2}
    assert answer.json["data"]["items"][1] == {"batched": None}
    assert answer.error["path"] == ["items", 1, "batched"]
    assert (answer.error["errorType"], answer.error["message"]) == ("ItemError", "This item failed.")


@fact("11.22", "obs upstream test against AWS")
def test_a_bare_value_in_a_direct_batch_is_the_value(api: Api) -> None:
    assert json.loads(items(api, "batched", "bare").data["items"][0]["batched"]) == "bare"


@fact("3.2", "DG")
def test_null_in_a_batch_is_null(api: Api) -> None:
    assert items(api, "batched", "null", "a").data["items"][0] == {"batched": None}


@fact("3.2", "DG")
def test_an_exception_in_a_batch_fails_every_item(api: Api) -> None:
    answer = items(api, "batched", "raise", "a")
    assert answer.json["data"] == {"items": [{"batched": None}, {"batched": None}]}
    assert [error["path"] for error in answer.errors] == [["items", 0, "batched"], ["items", 1, "batched"]]
    assert {error["message"] for error in answer.errors} == {"The batch went wrong."}


@choice("3.2", "that it is an error for every item is documented; its words are not")
@pytest.mark.parametrize("name", ["short", "object"])
def test_a_batch_of_another_length_fails_every_item(api: Api, name: str) -> None:
    answer = items(api, "batched", name, "a")
    assert answer.json["data"] == {"items": [{"batched": None}, {"batched": None}]}
    assert [error["errorType"] for error in answer.errors] == ["Lambda:IllegalArgument"] * 2


@fact("3.2", "DG")
def test_handlers_get_their_own_elements_of_a_batch(api: Api) -> None:
    answer = items(api, "handled", "a", "null", "a")
    found = [json.loads(item["handled"]) for item in answer.data["items"]]
    assert [item.get("result") for item in found] == [{"size": 2}, None, {"size": 1}]


@fact("3.2", "DG")
def test_handlers_of_a_failed_batch_each_see_the_error(api: Api) -> None:
    answer = items(api, "handled", "raise", "a")
    found = [json.loads(item["handled"])["error"] for item in answer.data["items"]]
    assert [error["message"] for error in found] == ["The batch went wrong."] * 2
