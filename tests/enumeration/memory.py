"""DynamoDB's answers from memory, for one caller at a time: quick enough for a hundred thousand requests.

It has the calls of boto3's client that reading needs, and puts. It leaves out their conditions: nobody else writes.
"""

from __future__ import annotations

from typing import Any

from tests.simulation import expressions

Attributes = dict[str, Any]


class Client:
    """Tables in memory."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, dict[Any, Attributes]]] = {}
        self.requests = 0

    def _partition(self, table: str, key: Attributes) -> dict[Any, Attributes]:
        return self._tables.setdefault(table, {}).setdefault(key["pk"]["S"], {})

    def get_item(self, *, TableName: str, Key: Attributes, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        assert ConsistentRead
        self.requests += 1
        item = self._partition(TableName, Key).get(expressions.comparable(Key["sk"]))
        return {"Item": item} if item else {}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.requests += 1
        found = {}
        for table, wanted in RequestItems.items():
            assert wanted["ConsistentRead"]
            places = ((self._partition(table, key), expressions.comparable(key["sk"])) for key in wanted["Keys"])
            found[table] = [partition[sk] for partition, sk in places if sk in partition]
        return {"Responses": found, "UnprocessedKeys": {}}

    def query(self, **request: Any) -> dict[str, Any]:
        assert request["ConsistentRead"]
        assert "ExclusiveStartKey" not in request
        self.requests += 1
        values = request["ExpressionAttributeValues"]
        matches = expressions.condition(request["KeyConditionExpression"])
        partition = self._tables.get(request["TableName"], {}).get(values[":pk"]["S"], {})
        ordered = sorted(partition, reverse=not request["ScanIndexForward"])
        found = [partition[sk] for sk in ordered if matches(partition[sk], {}, values)]
        assert len(found) <= request["Limit"], "one page"
        return {"Items": found}

    def put_item(self, *, TableName: str, Item: Attributes, **_: Any) -> None:  # noqa: N803
        self._partition(TableName, Item)[expressions.comparable(Item["sk"])] = Item

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803
        for each in TransactItems:
            if "Put" in each:
                self.put_item(**each["Put"])
            else:
                assert "ConditionCheck" in each, each

    def delete_item(self, *, TableName: str, Key: Attributes) -> None:  # noqa: N803
        self._partition(TableName, Key).pop(expressions.comparable(Key["sk"]), None)
