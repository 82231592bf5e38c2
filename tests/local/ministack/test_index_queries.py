"""Queries on indexes: what they cost, and that they answer as MiniStack's own."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local.ministack.contract import contract
from tests.local.ministack.paging import pages
from tests.local.ministack.servers import Server

SORT_KEYS = {"S": ["a", "ab", "abc", "b", "ba", "\u00e9"], "N": ["-10", "-2.5", "0", "3", "20"]}


def create(server: Server, name: str, kind: str = "S") -> Any:
    """A table with an index of every form; `r` is of the given type."""
    client = server.client("dynamodb")

    def keys(partition: str, sort: str | None) -> list[dict[str, str]]:
        found = [{"AttributeName": partition, "KeyType": "HASH"}]
        return [*found, {"AttributeName": sort, "KeyType": "RANGE"}] if sort else found

    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            *({"AttributeName": attribute, "AttributeType": "S"} for attribute in ("pk", "sk", "g")),
            {"AttributeName": "r", "AttributeType": kind},
        ],
        KeySchema=keys("pk", "sk"),
        GlobalSecondaryIndexes=[
            {"IndexName": "sorted", "KeySchema": keys("g", "r"), "Projection": {"ProjectionType": "ALL"}},
            {"IndexName": "plain", "KeySchema": keys("g", None), "Projection": {"ProjectionType": "KEYS_ONLY"}},
            {
                "IndexName": "some",
                "KeySchema": keys("g", "r"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["other"]},
            },
        ],
        LocalSecondaryIndexes=[
            {"IndexName": "local", "KeySchema": keys("pk", "r"), "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    return client


@contract
def test_an_index_query_in_a_large_partition_costs_what_it_returns(server: Server) -> None:
    client = create(server, "large-index")
    for start in range(0, 3000, 25):
        numbers = [f"{number:06d}" for number in range(start, start + 25)]
        items = [{"pk": number, "sk": "s", "g": "all", "r": number} for number in numbers]
        requests = [{"PutRequest": {"Item": {key: {"S": value} for key, value in item.items()}}} for item in items]
        client.batch_write_item(RequestItems={"large-index": requests})

    def seconds() -> float:
        started = time.perf_counter()
        page = client.query(
            TableName="large-index",
            IndexName="sorted",
            KeyConditionExpression="g = :g AND r > :r",
            ExpressionAttributeValues={":g": {"S": "all"}, ":r": {"S": "001500"}},
            ScanIndexForward=False,
            Limit=10,
        )
        assert page["Items"][0]["r"]["S"] == "002999"
        return time.perf_counter() - started

    assert min(seconds() for _ in range(5)) < 0.015


@pytest.fixture(scope="session", params=["S", "N"])
def twins(request: pytest.FixtureRequest, mended: Server, stock: Server) -> tuple[str, Any, Any]:
    """The same table on both servers, after the same writes, moves between partitions of indexes, and deletes."""
    kind = request.param
    table, choose = f"indexed-{kind}", random.Random(11)
    clients = [create(server, table, kind) for server in (mended, stock)]
    for step in range(250):
        key = {"pk": {"S": choose.choice("pq")}, "sk": {"S": f"{choose.randrange(30):02d}"}}
        item: dict[str, Any] = {**key, "text": {"S": "t" * choose.randrange(1, 50)}, "other": {"N": str(step)}}
        if choose.random() < 0.8:
            item["g"] = {"S": choose.choice("gh")}
        if choose.random() < 0.8:
            item["r"] = {kind: choose.choice(SORT_KEYS[kind])}
        delete = choose.random() < 0.25
        for client in clients:
            if delete:
                client.delete_item(TableName=table, Key=key)
            else:
                client.put_item(TableName=table, Item=item)
        if step % 20 == 0:  # queries between the writes: the mended server keeps its orders up to date from then on
            for index, name, value in (
                ("sorted", "g", "g"),
                ("plain", "g", "h"),
                ("local", "pk", "p"),
                ("some", "g", "g"),
            ):
                question = {
                    "TableName": table,
                    "IndexName": index,
                    "KeyConditionExpression": f"{name} = :p",
                    "ExpressionAttributeValues": {":p": {"S": value}},
                }
                assert pages(clients[0], question) == pages(clients[1], question)
    return table, clients[0], clients[1]


CONDITIONS = ("", "r = :a", "r < :a", "r >= :a", ":a < r", "r BETWEEN :a AND :b", "begins_with(r, :a)")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_narrowed_index_query_answers_as_the_whole_one(twins: tuple[str, Any, Any], data: st.DataObject) -> None:
    table, mended, stock = twins
    kind = table[-1]
    index = data.draw(st.sampled_from(["sorted", "plain", "some", "local", "absent"]))
    name, partitions = ("pk", "pqx") if index == "local" else ("g", "ghx")
    condition = data.draw(st.sampled_from(CONDITIONS))
    values: dict[str, Any] = {":p": {"S": data.draw(st.sampled_from(partitions))}}
    for reference in (":a", ":b"):
        if reference in condition:
            values[reference] = {kind: data.draw(st.sampled_from(SORT_KEYS[kind]))}
    request: dict[str, Any] = {
        "TableName": table,
        "IndexName": index,
        "KeyConditionExpression": " AND ".join(filter(None, [f"{name} = :p", condition])),
        "ExpressionAttributeValues": values,
        "ScanIndexForward": data.draw(st.booleans()),
    }
    limit = data.draw(st.one_of(st.none(), st.integers(1, 6)))
    if limit:
        request["Limit"] = limit
    if data.draw(st.booleans()):
        request["FilterExpression"] = "attribute_exists(#t)"
        request["ExpressionAttributeNames"] = {"#t": "text"}
    if data.draw(st.booleans()):
        request["Select"] = "COUNT"

    assert pages(mended, request) == pages(stock, request)


def test_an_index_that_is_added_later_is_queried_too(mended: Server) -> None:
    client = mended.client("dynamodb")
    client.create_table(
        TableName="grown",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    for number in range(3):
        client.put_item(TableName="grown", Item={"pk": {"S": str(number)}, "g": {"S": "all"}})
    change = {
        "IndexName": "late",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }

    def keys() -> list[str]:
        question = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "all"}}}
        return [item["pk"]["S"] for item in client.query(TableName="grown", IndexName="late", **question)["Items"]]

    for expected in (["0", "1", "2"], ["0", "2", "3"]):
        client.update_table(
            TableName="grown",
            AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
            GlobalSecondaryIndexUpdates=[{"Create": change}],
        )
        assert keys() == expected
        client.put_item(TableName="grown", Item={"pk": {"S": "3"}, "g": {"S": "all"}})
        client.delete_item(TableName="grown", Key={"pk": {"S": "1"}})
        assert keys() == ["0", "2", "3"]
        client.update_table(TableName="grown", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "late"}}])
