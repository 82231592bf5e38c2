"""Small scenarios with products, as those of `scenarios`."""

from __future__ import annotations

import uuid
from typing import Any

from tests.permissions.scenarios import SECONDS, limited
from tests.permissions.world import User, World
from tests.stack.instance import eventually

CREATE_CATEGORY = "mutation ($input: CreateCategoryInput!) { createCategory(input: $input) { id } }"
CREATE = "mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }"


def _new() -> str:
    return f"probe-{uuid.uuid4().hex[:12]}"


def _shelf(world: World, seller: User) -> str:
    """A new category."""
    shelf: str = world.run(CREATE_CATEGORY, seller, input={"id": _new(), "name": "Probe"})["createCategory"]["id"]
    return shelf


def _book(category_id: str, **more: Any) -> dict[str, Any]:
    return {"title": "Probe", "authors": [], "category": category_id, "price": 100, **more}


def limit_sellers(world: World) -> None:
    """Mutations of one seller are limited as the parameter says."""
    limited(world, world.user("sellers"), CREATE_CATEGORY, input={"id": _new(), "name": "Probe"})


def sell(world: World) -> None:
    """A seller makes a product, twice with one id, edits it, and removes it."""
    seller, again = world.user("sellers"), str(uuid.uuid4())
    book = _book(_shelf(world, seller), clientMutationId=again)
    (made, repeated) = (world.run(CREATE, seller, input=book)["createProduct"]["id"] for _ in range(2))
    assert made == repeated
    price = "mutation ($id: ID!) { setPrice(input: {id: $id, price: 1, version: 1}) { price } }"
    assert world.run(price, seller, id=made)["setPrice"] == {"price": 1}
    remove = "mutation ($id: ID!) { deleteProduct(input: {id: $id, version: 2}) { id } }"
    assert world.run(remove, seller, id=made)["deleteProduct"] == {"id": made}


def show_product(world: World) -> None:
    """Anyone sees a product and a category."""
    seller = world.user("sellers")
    shelf = _shelf(world, seller)
    made = world.run(CREATE, seller, input=_book(shelf))["createProduct"]["id"]
    shown = world.run(
        "query ($id: ID!, $shelf: ID!) { product(id: $id) { price } category(id: $shelf) { path } }",
        id=made, shelf=shelf,
    )  # fmt: skip
    assert shown == {"product": {"price": 100}, "category": {"path": [shelf]}}


def list_products(world: World) -> None:
    """Anyone finds a product in the list of its category, and the category among the others."""
    seller = world.user("sellers")
    shelf = _shelf(world, seller)
    below = _new()
    world.run(CREATE_CATEGORY, seller, input={"id": below, "name": "Probe", "parent": shelf})
    made = world.run(CREATE, seller, input=_book(below))["createProduct"]["id"]
    query = """query ($shelf: ID!) {
        products(category: $shelf, sort: NEWEST) { items { id } } categories(parent: $shelf) { items { id } } }"""
    listed = {"products": {"items": [{"id": made}]}, "categories": {"items": [{"id": below}]}}
    assert eventually(lambda: world.run(query, shelf=shelf) == listed, SECONDS)


def product_catch_up(world: World) -> None:
    """A change of a product is found in the log, once the publisher has numbered it."""
    seller = world.user("sellers")
    shelf = _shelf(world, seller)
    made = world.run(CREATE, seller, input=_book(shelf))["createProduct"]["id"]
    query = "query ($id: ID!) { categoryChanges(category: $id, after: 0) { items { kind key } } }"
    told = [{"kind": "INSERT", "key": made}]
    assert eventually(lambda: world.run(query, id=shelf)["categoryChanges"]["items"] == told, SECONDS)
