"""The index of products on a running instance: whatever is written to the main table, by hand too, is followed."""

from __future__ import annotations

import json
import uuid
from typing import Any

from domain.table import to_attributes
from tests.backend.domain.shop.streamed import book, expected
from tests.permissions import index_scenarios as index
from tests.permissions.world import World
from tests.stack.instance import Instance, eventually


def test_a_product_put_by_hand_gets_into_the_index_and_out_of_it(instance: Instance) -> None:
    tables, database = instance.resources("AWS::DynamoDB::Table"), instance.client("dynamodb")
    product_id = f"p-{uuid.uuid4()}"
    item = book(product_id, title=f"The Word for {product_id}")
    database.put_item(TableName=tables["MainTable"], Item=to_attributes(item))
    wanted = expected([item])

    def held() -> list[Any]:
        keys = [to_attributes({"pk": pk, "sk": sk}) for pk, sk in wanted]
        answer = database.batch_get_item(RequestItems={tables["Search"]: {"Keys": keys, "ConsistentRead": True}})
        found: list[Any] = answer["Responses"][tables["Search"]]
        return found

    eventually(lambda: len(held()) == len(wanted))
    assert sorted(map(str, held())) == sorted(str(to_attributes(each)) for each in wanted.values())
    assert asked(instance, "project.check", product_id) == {"checked": 1, "behind": []}
    database.delete_item(TableName=tables["MainTable"], Key=to_attributes({"pk": item["pk"], "sk": item["sk"]}))
    eventually(lambda: not held())
    assert index.own_items(instance, product_id) == []


def test_the_bus_hears_of_an_order_put_by_hand(instance: Instance) -> None:
    index.tell_of_order(World(instance))


def asked(instance: Instance, operation: str, product_id: str) -> Any:
    function = instance.resources("AWS::Lambda::Function")["ProjectFunction"]
    payload = json.dumps({"operation": operation, "productIds": [product_id]})
    answer = instance.client("lambda").invoke(FunctionName=function, Payload=payload)
    return json.load(answer["Payload"])
