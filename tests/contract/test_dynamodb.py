"""The DynamoDB data source: every operation's result, and its errors (sheet 4.6)."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.api import Api
from tests.contract.facts import choice, fact
from tests.contract.target import Target

REFUSED = "DynamoDB:ConditionalCheckFailedException"


def key(identifier: str) -> dict[str, Any]:
    """The key of an item."""
    return {"id": {"S": identifier}}


def table(api: Api, operation: str, **members: Any) -> dict[str, Any]:
    """`{result, error}` of a request for the table of items."""
    found: dict[str, Any] = api.value("table", request={"operation": operation, **members})
    return found


def done(api: Api, operation: str, **members: Any) -> Any:
    """The result of a request that must succeed."""
    found = table(api, operation, **members)
    assert found.get("error") is None, found
    return found.get("result")


@pytest.fixture
def identifier() -> str:
    """An id that no other case uses."""
    return uuid4().hex


@pytest.fixture
def item(api: Api, identifier: str) -> str:
    """The id of an item `{name: "n", count: 1}`."""
    done(api, "PutItem", key=key(identifier), attributeValues={"name": {"S": "n"}, "count": {"N": 1}})
    return identifier


@fact("4.6", "DG")
def test_get_item_answers_the_item_as_plain_json(api: Api, item: str) -> None:
    assert done(api, "GetItem", key=key(item)) == {"id": item, "name": "n", "count": 1}


@fact("4.6", "DG")
def test_get_item_without_an_item_answers_null(api: Api, identifier: str) -> None:
    assert done(api, "GetItem", key=key(identifier)) is None


@fact("4.6", "DG")
def test_get_item_projects(api: Api, item: str) -> None:
    projection = {"expression": "#n", "expressionNames": {"#n": "name"}}
    assert done(api, "GetItem", key=key(item), projection=projection) == {"name": "n"}


@fact("4.6", "DG")
def test_put_item_answers_the_written_item(api: Api, identifier: str) -> None:
    written = done(api, "PutItem", key=key(identifier), attributeValues={"name": {"S": "n"}})
    assert written == {"id": identifier, "name": "n"}


@fact("4.6", "DG")
def test_update_item_answers_all_of_the_new_item(api: Api, item: str) -> None:
    update = {
        "expression": "SET #c = #c + :one",
        "expressionNames": {"#c": "count"},
        "expressionValues": {":one": {"N": 1}},
    }
    assert done(api, "UpdateItem", key=key(item), update=update) == {"id": item, "name": "n", "count": 2}


@fact("4.6", "DG")
def test_update_item_creates(api: Api, identifier: str) -> None:
    update = {
        "expression": "SET #n = :n",
        "expressionNames": {"#n": "name"},
        "expressionValues": {":n": {"S": "new"}},
    }
    assert done(api, "UpdateItem", key=key(identifier), update=update) == {"id": identifier, "name": "new"}


@fact("4.6", "DG")
def test_delete_item_answers_the_old_item(api: Api, item: str) -> None:
    assert done(api, "DeleteItem", key=key(item)) == {"id": item, "name": "n", "count": 1}


@fact("4.6", "DG")
def test_delete_item_without_an_item_answers_null(api: Api, identifier: str) -> None:
    assert done(api, "DeleteItem", key=key(identifier)) is None


@fact("4.6", "DG")
@pytest.mark.parametrize("number", [10, "10"])
def test_numbers_may_be_written_as_numbers_and_as_text(api: Api, identifier: str, number: Any) -> None:
    done(api, "PutItem", key=key(identifier), attributeValues={"number": {"N": number}})
    assert done(api, "GetItem", key=key(identifier))["number"] == 10


@fact("4.6", "DG")
def test_every_type_comes_out_as_plain_json(api: Api, identifier: str) -> None:
    values = {
        "text": {"S": "a"}, "number": {"N": 1.5}, "yes": {"BOOL": True}, "nothing": {"NULL": None},
        "list": {"L": [{"S": "a"}, {"N": 1}]}, "map": {"M": {"a": {"N": 1}}}, "binary": {"B": "dGV4dA=="},
        "strings": {"SS": ["a"]}, "numbers": {"NS": [1]}, "binaries": {"BS": ["dGV4dA=="]},
    }  # fmt: skip
    done(api, "PutItem", key=key(identifier), attributeValues=values)
    found = done(api, "GetItem", key=key(identifier))
    assert found == {
        "id": identifier, "text": "a", "number": 1.5, "yes": True, "nothing": None, "list": ["a", 1], "map": {"a": 1},
        "binary": "dGV4dA==", "strings": ["a"], "numbers": [1], "binaries": ["dGV4dA=="],
    }  # fmt: skip


@pytest.fixture
def lines(target: Target, identifier: str) -> str:
    """The partition key of three lines."""
    dynamodb = target.client("dynamodb")
    for line in range(3):
        dynamodb.put_item(
            TableName=target.outputs["LineTable"], Item={"id": {"S": identifier}, "line": {"N": str(line)}}
        )
    return identifier


def query_lines(api: Api, identifier: str, **members: Any) -> Any:
    """A query for the lines of one partition."""
    query = {"expression": "id = :id", "expressionValues": {":id": {"S": identifier}}}
    found = api.value("lines", request={"operation": "Query", "query": query, **members})
    assert found.get("error") is None, found
    return found["result"]


@fact("4.6", "DG")
def test_query_answers_items_next_token_and_scanned_count(api: Api, lines: str) -> None:
    found = query_lines(api, lines)
    assert [item["line"] for item in found["items"]] == [0, 1, 2]
    assert found.get("nextToken") is None
    assert found["scannedCount"] == 3


@fact("4.6", "DG")
def test_query_runs_backwards_and_filters(api: Api, lines: str) -> None:
    found = query_lines(api, lines, scanIndexForward=False, filter={"expression": "attribute_not_exists(absent)"})
    assert [item["line"] for item in found["items"]] == [2, 1, 0]


@fact("4.6", "DG")
def test_a_next_token_goes_on_where_the_page_ended(api: Api, lines: str) -> None:
    first = query_lines(api, lines, limit=2)
    assert isinstance(first["nextToken"], str)
    second = query_lines(api, lines, limit=2, nextToken=first["nextToken"])
    assert [item["line"] for item in first["items"] + second["items"]] == [0, 1, 2]


@fact("4.6", "sheet")
def test_a_next_token_is_opaque(api: Api, lines: str) -> None:
    assert lines not in query_lines(api, lines, limit=1)["nextToken"]


@fact("4.6", "DG")
def test_the_limit_counts_before_the_filter(api: Api, lines: str) -> None:
    found = query_lines(api, lines, limit=1, filter={"expression": "attribute_exists(absent)"})
    assert found["items"] == []
    assert found["scannedCount"] == 1
    assert found["nextToken"]


@fact("4.6", "DG")
def test_scan_answers_a_page(api: Api, item: str) -> None:
    filter_ = {"expression": "id = :id", "expressionValues": {":id": {"S": item}}}
    found = done(api, "Scan", filter=filter_)
    assert [each["id"] for each in found["items"]] == [item]


@fact("4.6", "DG")
def test_a_refused_condition_is_an_error_with_the_current_item(api: Api, item: str) -> None:
    condition = {"expression": "attribute_not_exists(id)"}
    found = table(api, "PutItem", key=key(item), attributeValues={"name": {"S": "other"}}, condition=condition)
    assert found["error"]["type"] == REFUSED
    assert found["error"]["message"].startswith("The conditional request failed (Service: ")
    assert found["result"] == {"id": item, "name": "n", "count": 1}


@fact("4.6", "DG")
def test_a_refused_put_of_the_very_same_item_is_a_success(api: Api, item: str) -> None:
    values = {"name": {"S": "n"}, "count": {"N": 1}}
    condition = {"expression": "attribute_not_exists(id)"}
    assert done(api, "PutItem", key=key(item), attributeValues=values, condition=condition)["name"] == "n"


@fact("4.6", "DG")
def test_a_refused_put_ignores_the_named_attributes_when_it_compares(api: Api, item: str) -> None:
    values = {"name": {"S": "n"}, "count": {"N": 7}}
    condition = {"expression": "attribute_not_exists(id)", "equalsIgnore": ["count"]}
    assert done(api, "PutItem", key=key(item), attributeValues=values, condition=condition)["count"] == 1


@fact("4.6", "DG")
def test_a_refused_delete_of_an_absent_item_is_a_success(api: Api, identifier: str) -> None:
    condition = {"expression": "attribute_exists(id)"}
    assert done(api, "DeleteItem", key=key(identifier), condition=condition) is None


@fact("4.6", "DG")
def test_a_refused_update_is_always_an_error(api: Api, item: str) -> None:
    update = {"expression": "SET #n = :n", "expressionNames": {"#n": "name"}, "expressionValues": {":n": {"S": "n"}}}
    condition = {"expression": "attribute_not_exists(id)"}
    found = table(api, "UpdateItem", key=key(item), update=update, condition=condition)
    assert found["error"]["type"] == REFUSED
    assert found["result"]["id"] == item


@fact("4.6", "obs")
def test_a_wrong_key_is_an_error_of_dynamodb(api: Api) -> None:
    found = table(api, "GetItem", key={"other": {"S": "a"}})
    assert found["error"]["type"].startswith("DynamoDB:")
    assert "The provided key element does not match the schema (Service: " in found["error"]["message"]


@fact("1.4", "obs")
def test_a_request_without_a_key_is_refused_before_dynamodb(api: Api) -> None:
    request = json.dumps({"operation": "GetItem"})
    error = api.run("query ($r: AWSJSON!) { table(request: $r) }", {"r": request}).error
    assert (error["errorType"], error["message"]) == ("MappingTemplate", "Value for field '$[key]' not found.")


@fact("4.6", "DG")
def test_batch_get_item_answers_in_the_order_of_the_keys(api: Api, target: Target, item: str) -> None:
    name = target.outputs["ItemTable"]
    keys = [key("missing"), key(item)]
    found = done(api, "BatchGetItem", tables={name: {"keys": keys, "consistentRead": True}})
    assert found["data"] == {name: [None, {"id": item, "name": "n", "count": 1}]}
    assert found["unprocessedKeys"] == {name: []}


@fact("4.6", "DG")
def test_batch_put_item_answers_the_items(api: Api, target: Target, identifier: str) -> None:
    name = target.outputs["ItemTable"]
    found = done(api, "BatchPutItem", tables={name: [{"id": {"S": identifier}, "name": {"S": "batch"}}]})
    assert found["data"] == {name: [{"id": identifier, "name": "batch"}]}
    assert found["unprocessedItems"] == {name: []}


@fact("4.6", "DG")
def test_batch_delete_item_answers_the_keys(api: Api, target: Target, item: str) -> None:
    name = target.outputs["ItemTable"]
    found = done(api, "BatchDeleteItem", tables={name: [key(item)]})
    assert found["data"] == {name: [{"id": item}]}
    assert done(api, "GetItem", key=key(item)) is None


@fact("4.6", "DG")
def test_transact_get_items_answers_items_and_no_reasons(api: Api, target: Target, item: str) -> None:
    name = target.outputs["ItemTable"]
    wanted = [{"table": name, "key": key("missing")}, {"table": name, "key": key(item)}]
    found = done(api, "TransactGetItems", transactItems=wanted)
    assert [each and each["id"] for each in found["items"]] == [None, item]
    assert found["cancellationReasons"] is None


@fact("4.6", "DG")
def test_transact_write_items_answers_the_keys(api: Api, target: Target, identifier: str) -> None:
    name = target.outputs["ItemTable"]
    write = {"table": name, "operation": "PutItem", "key": key(identifier), "attributeValues": {"name": {"S": "t"}}}
    found = done(api, "TransactWriteItems", transactItems=[write])
    assert found["keys"] == [{"id": identifier}]
    assert found["cancellationReasons"] is None


@fact("4.6", "DG")
def test_a_cancelled_transaction_tells_its_reasons(api: Api, target: Target, item: str, identifier: str) -> None:
    name = target.outputs["ItemTable"]
    writes = [
        {"table": name, "operation": "PutItem", "key": key(f"{identifier}-new"), "attributeValues": {}},
        {
            "table": name,
            "operation": "PutItem",
            "key": key(item),
            "attributeValues": {},
            "condition": {"expression": "attribute_not_exists(id)", "returnValuesOnConditionCheckFailure": True},
        },
    ]
    found = table(api, "TransactWriteItems", transactItems=writes)
    assert found["error"]["type"] == "DynamoDB:TransactionCanceledException"
    assert found["result"]["keys"] is None
    reasons = found["result"]["cancellationReasons"]
    assert [reason["type"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["item"] == {"id": item, "name": "n", "count": 1}


@choice("4.6", "tokens of AWS name a version and cannot be read; the error is that of amplify-cli 3411")
def test_a_token_that_was_made_up_is_refused(api: Api, lines: str) -> None:
    query = {"expression": "id = :id", "expressionValues": {":id": {"S": lines}}}
    found = api.value("lines", request={"operation": "Query", "query": query, "nextToken": "bWFkZSB1cA=="})
    assert "Invalid pagination token given." in found["error"]["message"]
