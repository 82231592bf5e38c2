"""What sellers do on a running instance, and what those see of it who subscribed to a product and to categories."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.stack.instance import Instance, eventually
from tests.stack.users import Listener, User, listening, operator, seller

pytestmark = pytest.mark.stack

SHOWN = """id title authors category path description price currency stock rating ratingsCount year language isbn
    imageUrl derived version createdAt updatedAt"""
CHANGE = f"seq kind key truncated product {{ {SHOWN} }}"
ON_PRODUCT = f"subscription ($id: ID!) {{ onProduct(id: $id) {{ productId topic firstSeq items {{ {CHANGE} }} }} }}"
ON_CATEGORY = f"""subscription ($id: ID!) {{ onCategory(category: $id) {{
    category topic firstSeq items {{ {CHANGE} }} }} }}"""
PRODUCT = f"query ($id: ID!) {{ product(id: $id) {{ {SHOWN} }} }}"
PRODUCT_CHANGES = f"query ($id: ID!) {{ productChanges(id: $id, after: 0) {{ topic headSeq items {{ {CHANGE} }} }} }}"
CATEGORY_CHANGES = f"""query ($id: ID!) {{ categoryChanges(category: $id, after: 0) {{
    topic headSeq items {{ {CHANGE} }} }} }}"""
IMPORT = """mutation ($products: [ImportProductInput!]!) { importProducts(input: {products: $products}) {
    created updated unchanged rejected { index id field message } } }"""


def mutation(name: str) -> str:
    """A mutation of a seller that answers the product."""
    return f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {SHOWN} }} }}"


CREATE_CATEGORY = "mutation ($input: CreateCategoryInput!) { createCategory(input: $input) { id name parent path } }"
CREATE, UPDATE, PRICE, STOCK, DELETE = map(
    mutation, ("createProduct", "updateProduct", "setPrice", "changeStock", "deleteProduct")
)
Change = tuple[str, int | None, int | None]


@pytest.fixture(scope="module")
def sue(instance: Instance) -> User:
    return seller(instance)


@pytest.fixture
def shelves(sue: User) -> tuple[str, str, str]:
    """A category of the test's own, with two below it."""
    root = f"t-{uuid.uuid4().hex[:12]}"
    made = [sue.data(CREATE_CATEGORY, input={"id": root, "name": "Test"})]
    made += [
        sue.data(CREATE_CATEGORY, input={"id": f"{root}-{name}", "name": name, "parent": root}) for name in ("a", "b")
    ]
    assert [each["path"] for each in made] == [[root], [root, f"{root}-a"], [root, f"{root}-b"]]
    return root, f"{root}-a", f"{root}-b"


async def told(listener: Listener) -> list[Change]:
    """Kind, price and stock of the changes of the next push."""
    return [summary(each) for each in (await listener.pushed())["items"]]


def summary(change: dict[str, Any]) -> Change:
    item = change["product"] or {}
    return change["kind"], item.get("price"), item.get("stock")


async def test_each_change_is_told_to_the_product_and_to_its_categories(
    instance: Instance, sue: User, shelves: tuple[str, str, str]
) -> None:
    root, first, second = shelves
    product_id = f"{root}-p"
    subscriptions = {"product": (ON_PRODUCT, product_id), **{each: (ON_CATEGORY, each) for each in shelves}}
    async with AsyncExitStack() as stack:
        live = {
            name: await stack.enter_async_context(listening(instance, None, (query, {"id": topic})))
            for name, (query, topic) in subscriptions.items()
        }

        async def expect(**expected: Change) -> None:
            for name, change in expected.items():
                assert await told(live[name]) == [change], name

        async def do(query: str, **given: Any) -> dict[str, Any]:
            return dict(await asyncio.to_thread(sue.data, query, input={"id": product_id, **given}))

        made = await do(CREATE, title="Ding", authors=["Ann"], category=first, price=250, stock=2, rating=4.5)
        assert instance.graphql(PRODUCT, id=product_id)["data"]["product"] == made
        await expect(product=("INSERT", 250, 2), **{root: ("INSERT", 250, 2), first: ("INSERT", 250, 2)})

        await do(PRICE, price=199, version=1)
        await expect(product=("MODIFY", 199, 2), **{root: ("MODIFY", 199, 2), first: ("MODIFY", 199, 2)})

        await do(UPDATE, category=second, version=2)
        await expect(
            product=("MODIFY", 199, 2),
            **{root: ("MODIFY", 199, 2), first: ("REMOVE", None, None), second: ("INSERT", 199, 2)},
        )

        assert (await do(STOCK, by=-2))["stock"] == 0
        await expect(product=("MODIFY", 199, 0), **{root: ("MODIFY", 199, 0), second: ("MODIFY", 199, 0)})

        sold_out = await do(DELETE, version=3)
        assert instance.graphql(PRODUCT, id=product_id)["data"]["product"] is None
        gone = ("REMOVE", None, None)
        await expect(product=gone, **{root: gone, second: gone})
        for listener in live.values():
            assert await listener.silent()

    caught_up = instance.graphql(PRODUCT_CHANGES, id=product_id)["data"]["productChanges"]
    assert [each["kind"] for each in caught_up["items"]] == ["INSERT", *["MODIFY"] * 3, "REMOVE"]
    assert [each["seq"] for each in caught_up["items"]] == [1, 2, 3, 4, 5]
    assert {**sold_out, "updatedAt": None} == {**caught_up["items"][3]["product"], "updatedAt": None}
    for category_id, kinds in ((first, ["INSERT", "MODIFY", "REMOVE"]), (second, ["INSERT", "MODIFY", "REMOVE"])):
        found = instance.graphql(CATEGORY_CHANGES, id=category_id)["data"]["categoryChanges"]
        assert (found["topic"], found["headSeq"]) == (f"category:{category_id}", 3)
        assert [each["kind"] for each in found["items"]] == kinds
        assert {each["key"] for each in found["items"]} == {product_id}


def test_what_breaks_a_rule_is_told_by_its_field_and_changes_nothing(
    instance: Instance, sue: User, shelves: tuple[str, str, str]
) -> None:
    root, first, _ = shelves
    given = {"title": "Ding", "authors": [], "category": first, "price": 250}
    made = sue.data(CREATE, input=given | {"id": f"{root}-p", "stock": 1})
    named: dict[str, Any] = {"id": made["id"]}
    refused: list[tuple[str, dict[str, Any], str, str]] = [
        (CREATE, given | {"price": -1}, "InvalidInput", "input.price"),
        (CREATE, given | {"category": "nowhere"}, "NotFound", "input.category"),
        (CREATE, given | {"title": "x" * 900_000}, "InvalidInput", "input.title"),
        (CREATE, given | named, "InvalidInput", "input.id"),
        (UPDATE, named | {"version": 1, "imageUrl": "javascript:alert(1)"}, "InvalidInput", "input.imageUrl"),
        (UPDATE, named | {"version": 7, "title": "x"}, "VersionConflict", "input.version"),
        (PRICE, named | {"version": 1, "price": 2_000_000_000}, "InvalidInput", "input.price"),
        (STOCK, named | {"by": -2}, "OutOfStock", "input.by"),
        (DELETE, named | {"version": 0}, "VersionConflict", "input.version"),
        (DELETE, {"id": "nothing", "version": 1}, "NotFound", "input.id"),
    ]
    for query, given_input, error_type, field in refused:
        (error,) = sue.ask(query, input=given_input)["errors"]
        assert (error["errorType"], error["errorInfo"]["field"]) == (error_type, field)
        assert (error["data"] == made) == (error_type == "VersionConflict")
    assert instance.graphql(PRODUCT, id=made["id"])["data"]["product"] == made
    for other in (operator(instance), None):
        answer = other.ask(PRICE, input=named | {"price": 1, "version": 1}) if other else instance.graphql(
            PRICE, input=named | {"price": 1, "version": 1}
        )  # fmt: skip
        assert [each["errorType"] for each in answer["errors"]] == ["Unauthorized"]


def test_an_import_is_done_once_and_says_what_it_refuses(
    instance: Instance, sue: User, shelves: tuple[str, str, str]
) -> None:
    root, first, _ = shelves
    books = [
        {"id": f"{root}-{number}", "title": f"Book {number}", "authors": ["Ann"], "category": first, "price": number,
         "stock": 1, "derived": ["price"]}
        for number in range(50)
    ]  # fmt: skip
    books[7] = books[7] | {"price": -7}
    answer = sue.data(IMPORT, products=books)
    assert (answer["created"], [(each["index"], each["field"]) for each in answer["rejected"]]) == (
        49, [(7, "input.products[7].price")],
    )  # fmt: skip
    del books[7]
    assert sue.data(IMPORT, products=books) == {"created": 0, "updated": 0, "unchanged": 49, "rejected": []}

    def head() -> bool:
        return bool(instance.graphql(CATEGORY_CHANGES, id=first)["data"]["categoryChanges"]["headSeq"] == 49)

    assert eventually(head, 20)
