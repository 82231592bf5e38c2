"""Checkout and orders on a running instance: what the buyer's devices hear, and who gets the last pieces."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.stack.instance import Instance
from tests.stack.users import User, sign_up

pytestmark = pytest.mark.stack

BUYERS, PIECES = 12, 4

ORDER = "id status total currency placedAt version lines { productId title quantity price }"
CHECKOUT = f"mutation ($input: CheckoutInput!) {{ checkout(input: $input) {{ {ORDER} }} }}"
ADD = "mutation ($input: AddToCartInput!) { addToCart(input: $input) { version total } }"
ONE = f"query ($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}"
ALL = f"query {{ orders {{ items {{ {ORDER} }} nextToken }} }}"
ON_ORDER = f"subscription {{ onOrder {{ userId topic items {{ seq kind key order {{ {ORDER} }} }} }} }}"
ON_CART = "subscription { onCart { items { cart { total version } } } }"
CHANGES = "query { orderChanges(after: 0) { topic items { kind order { status } } } }"
DELETE = "mutation { deleteUser { done } }"


@pytest.fixture(scope="module")
def table(instance: Instance) -> str:
    """The name of the main table."""
    return instance.resources("AWS::DynamoDB::Table")["MainTable"]


class Shelf:
    """A product that tests put, change and look at by hand."""

    def __init__(self, instance: Instance, table: str, stock: int) -> None:
        self.id, self._table, self._client = f"pen-{uuid.uuid4().hex}", table, instance.client("dynamodb")
        self._key = {"pk": {"S": f"PRODUCT#{self.id}"}, "sk": {"S": "PRODUCT"}}
        self.put(stock)

    def put(self, stock: int, price: int = 150) -> None:
        numbers = {"price": {"N": str(price)}, "stock": {"N": str(stock)}}
        self._client.put_item(TableName=self._table, Item={**self._key, "title": {"S": "A pen"}, **numbers})

    def stock(self) -> int:
        found = self._client.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)["Item"]
        return int(found["stock"]["N"])

    def fill(self, user: User, quantity: int = 1) -> int:
        """Put pieces into a user's cart; the cart's version."""
        version: int = user.data(ADD, input={"productId": self.id, "quantity": quantity})["version"]
        return version


def refused(user: User, **given: Any) -> tuple[str, Any]:
    """The type of a refused checkout and what it tells."""
    (error,) = user.ask(CHECKOUT, input=given)["errors"]
    return error["errorType"], error["errorInfo"]


async def test_an_order_is_placed_once_and_its_buyers_devices_hear_how_it_goes(instance: Instance, table: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        ann, bob = threads.map(lambda _: sign_up(instance), range(2))
    pen = Shelf(instance, table, stock=5)
    async with AsyncExitStack() as stack:
        devices = [await stack.enter_async_context(ann.listening((ON_ORDER, {}))) for _ in range(2)]
        cart = await stack.enter_async_context(ann.listening((ON_CART, {})))
        his = await stack.enter_async_context(bob.listening((ON_ORDER, {})))
        version = await asyncio.to_thread(pen.fill, ann, 2)
        assert (await cart.pushed())["items"][0]["cart"]["total"] == 300
        given = {"version": version, "total": 300, "clientMutationId": "once"}
        order = await asyncio.to_thread(ann.data, CHECKOUT, input=given)
        line = {"productId": pen.id, "title": "A pen", "quantity": 2, "price": 150}
        assert (order["status"], order["total"], order["lines"]) == ("PENDING", 300, [line])
        for each in devices:
            found = await each.pushed()
            assert (found["userId"], found["topic"]) == (ann.id, f"order:{ann.id}")
            assert found["items"] == [{"seq": 1, "kind": "INSERT", "key": order["id"], "order": order}]
        assert (await cart.pushed())["items"][0]["cart"] == {"total": 0, "version": version + 1}
        assert await asyncio.to_thread(ann.data, CHECKOUT, input=given) == order
        kind, info = await asyncio.to_thread(refused, ann, version=version)
        assert (kind, info["cart"]["lines"], info["version"]) == ("VersionConflict", [], version + 1)
        # A workflow, or anyone else with the right, goes on with it.
        await asyncio.to_thread(confirm, instance, table, ann, order["id"])
        for each in devices:
            (change,) = (await each.pushed())["items"]
            assert (change["kind"], change["order"]) == ("MODIFY", {**order, "status": "CONFIRMED", "version": 2})
        for each in (*devices, cart, his):
            assert await each.silent()
    assert pen.stock() == 3
    assert ann.data(ONE, id=order["id"])["status"] == "CONFIRMED"
    assert [each["id"] for each in ann.data(ALL)["items"]] == [order["id"]]
    assert [each["kind"] for each in ann.data(CHANGES)["items"]] == ["INSERT", "MODIFY"]
    assert bob.data(ONE, id=order["id"]) is None
    assert bob.data(ALL) == {"items": [], "nextToken": None}
    assert bob.data(CHANGES)["items"] == []


def confirm(instance: Instance, table: str, user: User, order_id: str) -> None:
    instance.client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": f"ORDERS#{user.id}"}, "sk": {"S": order_id}},
        UpdateExpression="SET #status = :status, #version = :version",
        ExpressionAttributeNames={"#status": "status", "#version": "version"},
        ExpressionAttributeValues={":status": {"S": "CONFIRMED"}, ":version": {"N": "2"}},
    )


def test_a_checkout_that_is_refused_says_why_and_changes_nothing(instance: Instance, table: str) -> None:
    ann, pen = sign_up(instance), Shelf(instance, table, stock=5)
    version = pen.fill(ann, 2)
    pen.put(stock=1)
    lacking = [{"productId": pen.id, "requested": 2, "available": 1}]
    assert refused(ann, version=version) == ("OutOfStock", {"field": "input.version", "lines": lacking})
    pen.put(stock=5, price=151)
    dearer = {"field": "input.total", "total": 302, "lines": [{"productId": pen.id, "price": 151}]}
    assert refused(ann, version=version, total=300) == ("PriceChanged", dearer)
    assert refused(ann, version=version - 1)[0] == "VersionConflict"
    assert refused(ann, version=-1) == ("InvalidInput", {"field": "input.version"})
    assert refused(ann, version=version, total=-1) == ("InvalidInput", {"field": "input.total"})
    assert (pen.stock(), ann.data(ALL)["items"]) == (5, [])
    assert ann.data(CHECKOUT, input={"version": version, "total": 302})["total"] == 302


def test_the_last_pieces_are_sold_once_and_orders_outlive_their_buyers(instance: Instance, table: str) -> None:
    pen = Shelf(instance, table, stock=PIECES)
    with ThreadPoolExecutor(BUYERS) as threads:
        buyers = list(threads.map(lambda _: sign_up(instance), range(BUYERS)))
        versions = list(threads.map(pen.fill, buyers))
        answers = list(
            threads.map(
                lambda each: each[0].ask(CHECKOUT, input={"version": each[1]}), zip(buyers, versions, strict=True)
            )
        )
    lacking = [{"productId": pen.id, "requested": 1, "available": 0}]
    losers = [answer["errors"][0] for answer in answers if "errors" in answer]
    assert Counter(error["errorType"] for error in losers) == {"OutOfStock": BUYERS - PIECES}
    assert all(error["errorInfo"]["lines"] == lacking for error in losers)
    assert pen.stock() == 0
    buyer, order = next(
        (user, answer["data"]["checkout"])
        for user, answer in zip(buyers, answers, strict=True)
        if "errors" not in answer
    )
    assert buyer.data(DELETE)["done"]
    database = instance.client("dynamodb")
    key = {"pk": {"S": f"ORDER_ARCHIVE#{order['placedAt'][:7]}"}, "sk": {"S": order["id"]}}
    kept = database.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    assert kept["total"] == {"N": "150"}
    assert buyer.id not in str(kept)
    gone = {"pk": {"S": f"ORDERS#{buyer.id}"}, "sk": key["sk"]}
    assert "Item" not in database.get_item(TableName=table, Key=gone, ConsistentRead=True)
