"""Small scenarios with orders, as those of `scenarios`."""

from __future__ import annotations

import uuid

from tests.permissions.cart_scenarios import ADD
from tests.permissions.scenarios import SECONDS
from tests.permissions.world import User, World
from tests.stack.instance import eventually

CHECKOUT = "mutation ($input: CheckoutInput!) { checkout(input: $input) { id status } }"


def _order(world: World, user: User) -> str:
    """Order a piece, twice with one id; the order's id."""
    product_id, table = f"probe-{uuid.uuid4().hex}", world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    item = {"pk": {"S": f"PRODUCT#{product_id}"}, "sk": {"S": "PRODUCT"}, "price": {"N": "100"}, "stock": {"N": "1"}}
    world.instance.client("dynamodb").put_item(TableName=table, Item=item)
    world.run(ADD, user, input={"productId": product_id})
    version = world.run("{ cart { version } }", user)["cart"]["version"]
    given = {"version": version, "clientMutationId": str(uuid.uuid4())}
    placed, again = (world.run(CHECKOUT, user, input=given)["checkout"] for _ in range(2))
    assert placed == again
    return str(placed["id"])


def order(world: World) -> None:
    """A user orders what is in their cart, once, and finds the order."""
    user = world.user()
    placed = _order(world, user)
    assert world.run("query ($id: ID!) { order(id: $id) { id } }", user, id=placed)["order"] == {"id": placed}
    assert world.run("{ orders { items { id } } }", user)["orders"]["items"] == [{"id": placed}]


def order_catch_up(world: World) -> None:
    """An order is found in the log, once the publisher has numbered it."""
    user = world.user()
    told = [{"kind": "INSERT", "key": _order(world, user)}]
    query = "{ orderChanges(after: 0) { items { kind key } } }"
    assert eventually(lambda: world.run(query, user)["orderChanges"]["items"] == told, SECONDS)
