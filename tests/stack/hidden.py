"""Products that the index of lists does not have, as while it lags: taken out of it by hand."""

from __future__ import annotations

from typing import Any

from tests.stack.instance import Instance, eventually


def hide_newest(instance: Instance, category: str, products: int) -> None:
    """Take all products out of a category's order by age, once the index has so many."""
    table, dynamodb = instance.resources("AWS::DynamoDB::Table")["Search"], instance.client("dynamodb")

    def items() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"SORT#IN#{category}#NEWEST"}},
            ConsistentRead=True,
        )["Items"]
        return found

    eventually(lambda: len(items()) == products, 60)
    for item in items():
        dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
