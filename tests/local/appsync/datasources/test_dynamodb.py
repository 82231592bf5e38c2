"""The DynamoDB data source on a real MiniStack."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from local.appsync.datasources import DataSourceError
from local.appsync.datasources.dynamodb import DynamoDBDataSource
from local.appsync.datasources.page_tokens import PageTokens
from local.errors import NotEmulated
from tests.local.appsync.datasources.contexts import context

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOKENS = PageTokens(b"secret", "api")
NAMES = {"#v": "v"}


@pytest.fixture(scope="module")
def client(aws_endpoint: str) -> DynamoDBClient:
    return boto3.client(
        "dynamodb",
        endpoint_url=aws_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def table(client: DynamoDBClient) -> Iterator[str]:
    """A table with the key pk, sk and an index by v."""
    name = f"t-{uuid.uuid4()}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
            {"AttributeName": "v", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_v",
                "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    yield name
    client.delete_table(TableName=name)


@pytest.fixture
def source(client: DynamoDBClient, table: str) -> DynamoDBDataSource:
    return DynamoDBDataSource(table, client=lambda _: client, tokens=TOKENS)


def key(sk: int = 1, pk: str = "a") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"N": sk}}


async def put(source: DynamoDBDataSource, sk: int = 1, pk: str = "a", **attributes: str) -> Any:
    values = {name: {"S": value} for name, value in attributes.items()}
    return await source.call({"operation": "PutItem", "key": key(sk, pk), "attributeValues": values}, context())


async def get(source: DynamoDBDataSource, sk: int = 1, pk: str = "a") -> Any:
    return await source.call({"operation": "GetItem", "key": key(sk, pk), "consistentRead": True}, context())


async def failure(source: DynamoDBDataSource, request: Any) -> DataSourceError:
    with pytest.raises(DataSourceError) as error:
        await source.call(request, context())
    return error.value


async def test_get_answers_plain_json(source: DynamoDBDataSource, client: DynamoDBClient) -> None:
    client.put_item(
        TableName=source.table_name,
        Item={
            "pk": {"S": "a"},
            "sk": {"N": "1"},
            "s": {"SS": ["x"]},
            "n": {"NS": ["1"]},
            "b": {"B": b"hi"},
            "l": {"L": [{"NULL": True}]},
        },
    )
    assert await get(source) == {"pk": "a", "sk": 1, "s": ["x"], "n": [1], "b": "aGk=", "l": [None]}


async def test_get_of_nothing_is_null(source: DynamoDBDataSource) -> None:
    assert await get(source) is None


async def test_get_takes_a_projection(source: DynamoDBDataSource) -> None:
    await put(source, v="x", w="y")
    request = {"operation": "GetItem", "key": key(), "projection": {"expression": "#v", "expressionNames": NAMES}}
    assert await source.call(request, context()) == {"v": "x"}


async def test_put_answers_the_item(source: DynamoDBDataSource) -> None:
    assert await put(source, v="x") == {"pk": "a", "sk": 1, "v": "x"}
    assert await get(source) == {"pk": "a", "sk": 1, "v": "x"}


async def test_put_replaces_the_item(source: DynamoDBDataSource) -> None:
    await put(source, v="x")
    await put(source, w="y")
    assert await get(source) == {"pk": "a", "sk": 1, "w": "y"}


async def test_update_answers_the_new_item_and_creates_it_if_need_be(source: DynamoDBDataSource) -> None:
    update = {"expression": "SET #v = :v", "expressionNames": NAMES, "expressionValues": {":v": {"S": "x"}}}
    request = {"operation": "UpdateItem", "key": key(), "update": update}
    assert await source.call(request, context()) == {"pk": "a", "sk": 1, "v": "x"}
    request["update"] = {"expression": "REMOVE #v", "expressionNames": NAMES}
    assert await source.call(request, context()) == {"pk": "a", "sk": 1}


async def test_delete_answers_the_old_item_or_null(source: DynamoDBDataSource) -> None:
    await put(source, v="x")
    request = {"operation": "DeleteItem", "key": key()}
    assert await source.call(request, context()) == {"pk": "a", "sk": 1, "v": "x"}
    assert await source.call(request, context()) is None


NEW = {"expression": "attribute_not_exists(pk)"}


def put_if_new(value: str, **condition: Any) -> dict[str, Any]:
    values = {"v": {"S": value}}
    return {"operation": "PutItem", "key": key(), "attributeValues": values, "condition": {**NEW, **condition}}


async def test_a_failed_condition_gives_the_current_item(source: DynamoDBDataSource) -> None:
    await put(source, v="old")
    error = await failure(source, put_if_new("new"))
    assert error.type == "DynamoDB:ConditionalCheckFailedException"
    assert re.fullmatch(
        r"The conditional request failed \(Service: DynamoDb, Status Code: 400, Request ID: \S+\)", error.message
    )
    assert error.data == {"pk": "a", "sk": 1, "v": "old"}
    assert not error.request_rejected
    assert (await get(source))["v"] == "old"


async def test_a_put_that_is_already_done_is_a_success(source: DynamoDBDataSource) -> None:
    await source.call(put_if_new("same"), context())
    assert await source.call(put_if_new("same"), context()) == {"pk": "a", "sk": 1, "v": "same"}


async def test_attributes_to_be_ignored_do_not_count(source: DynamoDBDataSource) -> None:
    await put(source, v="one")
    assert (await source.call(put_if_new("two", equalsIgnore=["v"]), context()))["v"] == "one"


async def test_deleting_what_is_gone_is_a_success(source: DynamoDBDataSource) -> None:
    request = {"operation": "DeleteItem", "key": key(), "condition": {"expression": "attribute_exists(pk)"}}
    assert await source.call(request, context()) is None


async def test_deleting_on_a_condition_that_fails_gives_the_current_item(source: DynamoDBDataSource) -> None:
    await put(source, v="x")
    condition = {"expression": "#v = :v", "expressionNames": NAMES, "expressionValues": {":v": {"S": "other"}}}
    error = await failure(source, {"operation": "DeleteItem", "key": key(), "condition": condition})
    assert error.data == {"pk": "a", "sk": 1, "v": "x"}


async def test_an_update_whose_condition_fails_never_counts_as_done(source: DynamoDBDataSource) -> None:
    await put(source, v="x")
    update = {"expression": "SET #v = :v", "expressionNames": NAMES, "expressionValues": {":v": {"S": "x"}}}
    request = {"operation": "UpdateItem", "key": key(), "update": update, "condition": NEW}
    assert (await failure(source, request)).data == {"pk": "a", "sk": 1, "v": "x"}


async def test_update_and_condition_share_names_and_values(source: DynamoDBDataSource) -> None:
    await put(source, v="x")
    update = {"expression": "SET #v = :new", "expressionNames": NAMES, "expressionValues": {":new": {"S": "y"}}}
    condition = {"expression": "#v = :old", "expressionNames": NAMES, "expressionValues": {":old": {"S": "x"}}}
    request = {"operation": "UpdateItem", "key": key(), "update": update, "condition": condition}
    assert (await source.call(request, context()))["v"] == "y"
    request["condition"] = {"expression": "#v = :new", "expressionNames": {"#v": "w"}}
    assert "already used" in (await failure(source, request)).message


async def test_a_condition_may_be_json_text(source: DynamoDBDataSource) -> None:
    await put(source)
    text = '{"expression":"(attribute_not_exists(#pk))","expressionNames":{"#pk":"pk"},"expressionValues":{}}'
    error = await failure(source, {**put_if_new("x"), "condition": text})
    assert error.type == "DynamoDB:ConditionalCheckFailedException"


async def test_the_custom_strategy_is_refused(source: DynamoDBDataSource) -> None:
    with pytest.raises(NotEmulated, match="Custom"):
        await source.call(put_if_new("x", conditionalCheckFailedHandler={"strategy": "Custom"}), context())


def query(**more: Any) -> dict[str, Any]:
    condition = {"expression": "pk = :pk", "expressionValues": {":pk": {"S": "a"}}}
    return {"operation": "Query", "query": condition, **more}


async def test_query_answers_a_page(source: DynamoDBDataSource) -> None:
    for number in range(3):
        await put(source, number)
    page = await source.call(query(), context())
    assert page == {"items": [{"pk": "a", "sk": n} for n in range(3)], "nextToken": None, "scannedCount": 3}


async def test_query_pages_to_the_end(source: DynamoDBDataSource) -> None:
    for number in range(5):
        await put(source, number)
    numbers: list[int] = []
    token: str | None = None
    for _ in range(4):
        page = await source.call(query(limit=2, nextToken=token), context())
        numbers += [item["sk"] for item in page["items"]]
        token = page["nextToken"]
        if token is None:
            break
    assert numbers == [0, 1, 2, 3, 4]


async def test_query_takes_order_index_filter_and_projection(source: DynamoDBDataSource) -> None:
    for number in range(4):
        await put(source, number, v="x" if number % 2 else "y")
    page = await source.call(query(scanIndexForward=False, limit=2), context())
    assert [item["sk"] for item in page["items"]] == [3, 2]

    rule = {"expression": "#v = :v", "expressionNames": NAMES, "expressionValues": {":v": {"S": "x"}}}
    page = await source.call(query(filter=rule, limit=3), context())
    assert ([item["sk"] for item in page["items"]], page["scannedCount"]) == ([1], 3)

    by_v = {"expression": "#v = :v", "expressionNames": NAMES, "expressionValues": {":v": {"S": "y"}}}
    request = {"operation": "Query", "index": "by_v", "query": by_v, "projection": {"expression": "sk"}}
    page = await source.call(request, context())
    assert sorted(item["sk"] for item in page["items"]) == [0, 2]
    assert all(set(item) == {"sk"} for item in page["items"])


async def test_a_token_is_good_for_its_own_query_only(source: DynamoDBDataSource) -> None:
    for room in ("a", "b"):
        for number in range(3):
            await put(source, number, room)
    token = (await source.call(query(limit=1), context()))["nextToken"]
    other_room = query(limit=1, nextToken=token)
    other_room["query"] = {"expression": "pk = :pk", "expressionValues": {":pk": {"S": "b"}}}
    other_order = query(limit=1, nextToken=token, scanIndexForward=False)
    for request in (other_room, other_order, query(nextToken=token[:-4]), query(nextToken="x")):
        error = await failure(source, request)
        assert error.message.endswith("Invalid pagination token given.")
        assert error.type == "DynamoDB:UserIllegalArgumentException"
    with pytest.raises(DataSourceError, match="Invalid pagination token given"):
        await source.call(query(limit=1, nextToken=token), context(field="others"))
    again = await source.call(query(limit=1, nextToken=token), context({"any": "arguments"}))
    assert [item["sk"] for item in again["items"]] == [1]


async def test_a_token_may_be_used_with_another_limit_and_filter(source: DynamoDBDataSource) -> None:
    for number in range(4):
        await put(source, number, v="x")
    token = (await source.call(query(limit=1), context()))["nextToken"]
    rule = {"expression": "#v = :v", "expressionNames": NAMES, "expressionValues": {":v": {"S": "x"}}}
    page = await source.call(query(limit=10, nextToken=token, filter=rule), context())
    assert [item["sk"] for item in page["items"]] == [1, 2, 3]


async def test_scan_pages_and_takes_segments(source: DynamoDBDataSource) -> None:
    for number in range(6):
        await put(source, number, pk=f"p{number}")
    first = await source.call({"operation": "Scan", "limit": 4}, context())
    rest = await source.call({"operation": "Scan", "limit": 4, "nextToken": first["nextToken"]}, context())
    assert {item["sk"] for item in first["items"] + rest["items"]} == set(range(6))
    assert first["scannedCount"] == 4
    segments = [await source.call({"operation": "Scan", "segment": n, "totalSegments": 2}, context()) for n in range(2)]
    assert sorted(item["sk"] for page in segments for item in page["items"]) == list(range(6))


async def test_batch_get_answers_in_the_order_of_the_keys(source: DynamoDBDataSource, table: str) -> None:
    for number in (1, 2, 3):
        await put(source, number, v=str(number))
    keys = [key(3), key(9), key(1), key(2)]
    request = {"operation": "BatchGetItem", "tables": {table: {"keys": keys, "consistentRead": True}}}
    result = await source.call(request, context())
    assert [item and item["v"] for item in result["data"][table]] == ["3", None, "1", "2"]
    assert result["unprocessedKeys"] == {table: []}

    request["tables"][table]["projection"] = {"expression": "#v", "expressionNames": NAMES}  # type: ignore[index]
    projected = await source.call(request, context())
    assert projected["data"][table] == [{"v": "3"}, None, {"v": "1"}, {"v": "2"}]


async def test_batch_put_and_delete(source: DynamoDBDataSource, table: str) -> None:
    items = [key(1) | {"v": {"S": "x"}}, key(2)]
    result = await source.call({"operation": "BatchPutItem", "tables": {table: items}}, context())
    assert result == {
        "data": {table: [{"pk": "a", "sk": 1, "v": "x"}, {"pk": "a", "sk": 2}]},
        "unprocessedItems": {table: []},
    }
    result = await source.call({"operation": "BatchDeleteItem", "tables": {table: [key(1), key(7)]}}, context())
    assert result == {"data": {table: [{"pk": "a", "sk": 1}, {"pk": "a", "sk": 7}]}, "unprocessedKeys": {table: []}}
    assert await get(source, 1) is None
    assert await get(source, 2) is not None


async def test_transact_get(source: DynamoDBDataSource, table: str) -> None:
    await put(source, 1, v="x", w="y")
    items: list[dict[str, Any]] = [{"table": table, "key": key(2)}, {"table": table, "key": key(1)}]
    items[1]["projection"] = {"expression": "#v", "expressionNames": NAMES}
    result = await source.call({"operation": "TransactGetItems", "transactItems": items}, context())
    assert result == {"items": [None, {"v": "x"}], "cancellationReasons": None}


def transaction(table: str, exists: bool) -> dict[str, Any]:
    update = {"expression": "SET #v = :v", "expressionNames": NAMES, "expressionValues": {":v": {"S": "z"}}}
    check = {"expression": "attribute_exists(pk)" if exists else "attribute_not_exists(pk)"}
    return {
        "operation": "TransactWriteItems",
        "transactItems": [
            {"table": table, "operation": "PutItem", "key": key(2), "attributeValues": {"v": {"S": "x"}}},
            {"table": table, "operation": "UpdateItem", "key": key(3), "update": update},
            {"table": table, "operation": "DeleteItem", "key": key(4)},
            {"table": table, "operation": "ConditionCheck", "key": key(1), "condition": check},
        ],
    }


async def test_transact_write_answers_the_keys(source: DynamoDBDataSource, table: str) -> None:
    await put(source, 1)
    result = await source.call(transaction(table, exists=True), context())
    assert result == {"keys": [{"pk": "a", "sk": n} for n in (2, 3, 4, 1)], "cancellationReasons": None}
    assert (await get(source, 3))["v"] == "z"


async def test_a_cancelled_transaction_gives_its_reasons(source: DynamoDBDataSource, table: str) -> None:
    await put(source, 1, v="here")
    error = await failure(source, transaction(table, exists=False))
    assert error.type == "DynamoDB:TransactionCanceledException"
    reasons = error.data["cancellationReasons"]
    assert error.data["keys"] is None
    assert [reason["type"] for reason in reasons] == ["None", "None", "None", "ConditionalCheckFailed"]
    assert reasons[3]["item"] == {"pk": "a", "sk": 1, "v": "here"}
    assert await get(source, 2) is None


async def test_what_dynamodb_refuses_is_a_dynamodb_exception(source: DynamoDBDataSource) -> None:
    error = await failure(source, {"operation": "GetItem", "key": {"pk": {"S": "a"}}})
    assert error.type == "DynamoDB:DynamoDbException"
    assert re.search(r"\(Service: DynamoDb, Status Code: 400, Request ID: \S+\)$", error.message)


async def test_a_missing_table_has_a_type_of_its_own(client: DynamoDBClient) -> None:
    source = DynamoDBDataSource("nothing", client=lambda _: client, tokens=TOKENS)
    assert (await failure(source, {"operation": "Scan"})).type == "DynamoDB:ResourceNotFoundException"


@pytest.mark.parametrize(
    ("request_object", "message"),
    [
        (None, "Value for field '$[operation]' not found."),
        ({}, "Value for field '$[operation]' not found."),
        ({"operation": "PutItems"}, "Unsupported operation 'PutItems'."),
        ({"operation": "GetItem"}, "Value for field '$[key]' not found."),
        ({"operation": "UpdateItem", "key": key()}, "Value for field '$[update]' not found."),
        ({"operation": "UpdateItem", "key": key(), "update": {}}, "Value for field '$[update][expression]' not found."),
        ({"operation": "Query"}, "Value for field '$[query]' not found."),
        ({"operation": "BatchGetItem"}, "Value for field '$[tables]' not found."),
        ({"operation": "TransactWriteItems"}, "Value for field '$[transactItems]' not found."),
        (
            {"operation": "TransactGetItems", "transactItems": [{"table": "t"}]},
            "Value for field '$[transactItems][0][key]' not found.",
        ),
        ({"operation": "Scan", "limit": "ten"}, "Unable to convert ten to Integer."),
        ({"operation": "Scan", "index": 7}, "Parameter validation failed"),
        ({"operation": "GetItem", "key": {"pk": "a"}}, 'Unable to convert "a" to class'),
    ],
)
async def test_a_request_object_that_is_none_is_rejected(
    source: DynamoDBDataSource, request_object: Any, message: str
) -> None:
    error = await failure(source, request_object)
    assert error.message.startswith(message)
    assert (error.type, error.request_rejected) == ("MappingTemplate", True)


async def test_sync_is_refused(source: DynamoDBDataSource) -> None:
    with pytest.raises(NotEmulated, match="Sync"):
        await source.call({"operation": "Sync"}, context())


async def test_no_dynamodb_is_an_error_too() -> None:
    closed = boto3.client(
        "dynamodb",
        endpoint_url="http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    source = DynamoDBDataSource("t", client=lambda _: closed, tokens=TOKENS)
    assert (await failure(source, {"operation": "Scan"})).type == "DynamoDB:SdkClientException"
