"""Small scenarios with carts, as those of `scenarios`."""

from __future__ import annotations

import json
import uuid

from tests.permissions.scenarios import SECONDS, limited
from tests.permissions.world import World
from tests.stack.instance import eventually

ADD = "mutation ($input: AddToCartInput!) { addToCart(input: $input) { id lines { quantity } } }"
CART = "query ($id: ID) { cart(clientId: $id) { lines { quantity } } }"


def _put(world: World, **item: str | int) -> None:
    """Put an item by hand: no role's rights."""
    table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    attributes = {name: {"N": str(each)} if isinstance(each, int) else {"S": each} for name, each in item.items()}
    world.instance.client("dynamodb").put_item(TableName=table, Item=attributes)


def _product(world: World) -> str:
    product_id = f"probe-{uuid.uuid4().hex}"
    _put(world, pk=f"PRODUCT#{product_id}", sk="PRODUCT", price=100)
    return product_id


def limit_carts(world: World) -> None:
    """Changes of one user's cart are limited as the parameter says."""
    limited(world, world.user(), ADD, input={"productId": _product(world)})


def cart(world: World) -> None:
    """A user puts something into their cart, twice with one id, and sees it."""
    user, product_id, again = world.user(), _product(world), str(uuid.uuid4())
    for _ in range(2):
        world.run(ADD, user, input={"productId": product_id, "clientMutationId": again})
    assert world.run(CART, user)["cart"] == {"lines": [{"quantity": 1}]}


def guests_cart(world: World) -> None:
    """A guest puts something into a cart, which a user takes over."""
    client = world.run("mutation { registerClient(input: {}) { client { id } } }")["registerClient"]["client"]["id"]
    world.run(ADD, input={"productId": _product(world), "clientId": client})
    merge = "mutation ($id: ID!) { mergeCart(input: {clientId: $id}) { lines { quantity } } }"
    assert world.run(merge, world.user(), id=client)["mergeCart"] == {"lines": [{"quantity": 1}]}
    assert world.run(CART, id=client)["cart"] is None


def cart_catch_up(world: World) -> None:
    """A change of a cart is found in the log, once the publisher has numbered it."""
    user, product_id = world.user(), _product(world)
    world.run(ADD, user, input={"productId": product_id})
    query = "{ cartChanges(after: 0) { items { kind cart { lines { productId } } } } }"
    told = [{"kind": "INSERT", "cart": {"lines": [{"productId": product_id}]}}]
    assert eventually(lambda: world.run(query, user)["cartChanges"]["items"] == told, SECONDS)


def carts_expire(world: World) -> None:
    """What is due is removed when the function is run."""
    owner = uuid.uuid4().hex
    _put(world, pk=f"CART#{owner}", sk="CART", expiresAt=1, GSI1PK="CARTS#0", GSI1SK=f"{1:012d}#{owner}")
    functions = world.instance.resources("AWS::Lambda::Function")
    answer = world.instance.client("lambda").invoke(FunctionName=functions["ExpireCartsFunction"], Payload=b"{}")
    found = json.load(answer["Payload"])
    assert "FunctionError" not in answer, found
    table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    key = {"pk": {"S": f"CART#{owner}"}, "sk": {"S": "CART"}}
    assert "Item" not in world.instance.client("dynamodb").get_item(TableName=table, Key=key)
