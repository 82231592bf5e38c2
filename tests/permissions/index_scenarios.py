"""Scenarios of the index of products, and of the domain events of orders."""

from __future__ import annotations

import json
import uuid
from typing import Any

from domain.shop import order
from domain.table import to_attributes
from tests.backend.domain.shop.streamed import book
from tests.permissions.world import World
from tests.stack.instance import Instance, eventually

SECONDS = 8.0


def index_product(world: World) -> None:
    """A product that somebody puts by hand gets into the index, with a word that nobody knew, and out of it again."""
    instance, product_id = world.instance, f"probe-{uuid.uuid4()}"
    item = book(product_id, title=f"Probe {uuid.uuid4().hex[:12]}")
    main = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    instance.client("dynamodb").put_item(TableName=main, Item=to_attributes(item))
    assert eventually(lambda: own_items(instance, product_id), SECONDS)
    instance.client("dynamodb").delete_item(TableName=main, Key=to_attributes({"pk": item["pk"], "sk": item["sk"]}))
    assert eventually(lambda: own_items(instance, product_id) == [], SECONDS)


def tell_of_order(world: World) -> None:
    """An order that somebody puts by hand is told of on the bus."""
    instance, user_id = world.instance, f"probe-{uuid.uuid4()}"
    url = listen(instance, "OrderPlaced")
    main = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    key = to_attributes({"pk": order.partition(user_id), "sk": "01KAJ0000000000000000000AA"})
    instance.client("dynamodb").put_item(TableName=main, Item=key)
    heard: list[Any] = []

    def told() -> list[Any]:
        messages = instance.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        heard.extend(json.loads(each["Body"])["detail"]["userId"] for each in messages)
        return [each for each in heard if each == user_id]

    assert eventually(told, SECONDS)


def own_items(instance: Instance, product_id: str) -> list[list[str]]:
    """What the index has of a product, by the product's record in it."""
    table = instance.resources("AWS::DynamoDB::Table")["Search"]
    key = to_attributes({"pk": f"DERIVED#{product_id}", "sk": "DERIVED"})
    record = instance.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    found: list[list[str]] = json.loads(record["items"]["S"]) if record else []
    return found


def listen(instance: Instance, detail_type: str) -> str:
    """A new queue that the bus puts events of a type into; its URL."""
    events, sqs = instance.client("events"), instance.client("sqs")
    name, bus = f"listen-{uuid.uuid4()}", instance.resources("AWS::Events::EventBus")["Events"]
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["headwater.shop"], "detail-type": [detail_type]})
    events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return url
