"""Lists of products on a running instance: what anyone puts into the table is derived, and listed in its categories."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from domain.shop import category
from domain.table import to_attributes
from tests.stack.instance import Instance, eventually

pytestmark = pytest.mark.stack

LISTED = """query ($category: ID, $filter: ProductFilterInput, $sort: ProductSort, $token: String) {
    products(category: $category, filter: $filter, sort: $sort, limit: 2, nextToken: $token) {
        items { id title price stock } nextToken } }"""
TREE = """query ($parent: ID) { categories(parent: $parent) { items {
    id children { id } products(sort: PRICE_DESC, limit: 1) { items { id } nextToken } } } }"""


@pytest.fixture(scope="module")
def root(instance: Instance) -> str:
    """A category of this test's own with two below it; three products in those."""
    root = f"test-{uuid.uuid4()}"
    for path in ([root], [root, f"{root}-a"], [root, f"{root}-b"]):
        put(instance, category.to_item(path[-1], path[-1], path, 0, None))
    for number, place in enumerate("aab"):
        product_id = f"{root}-{number}"
        put(
            instance,
            {
                "pk": f"PRODUCT#{product_id}", "sk": "PRODUCT", "title": f"Title {number}", "price": 100 * number,
                "stock": number, "path": [root, f"{root}-{place}"], "category": f"{root}-{place}",
            },
        )  # fmt: skip
    eventually(lambda: len(everything(instance, root)) == 3, 30)
    return root


def put(instance: Instance, item: dict[str, Any]) -> None:
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    instance.client("dynamodb").put_item(TableName=table, Item=to_attributes(item))


def everything(instance: Instance, place: str, **variables: Any) -> list[str]:
    """The last parts of the ids on all pages."""
    found: list[str] = []
    token = None
    while True:
        answer = instance.graphql(LISTED, category=place, token=token, **variables)
        assert "errors" not in answer, answer
        page = answer["data"]["products"]
        found += [each["id"].rpartition("-")[2] for each in page["items"]]
        token = page["nextToken"]
        if token is None:
            return found


def test_products_are_listed_by_any_order_and_filter(instance: Instance, root: str) -> None:
    assert everything(instance, root, sort="PRICE_ASC") == ["0", "1", "2"]
    assert everything(instance, root, sort="TITLE_DESC") == ["2", "1", "0"]
    assert everything(instance, root, sort="PRICE_DESC", filter={"price": {"lt": 200}}) == ["1", "0"]
    assert everything(instance, root, sort="NEWEST", filter={"stock": {"gt": 0}, "title": {"contains": "2"}}) == ["2"]
    assert everything(instance, f"{root}-b") == ["2"]


def test_a_changed_price_moves_a_product(instance: Instance, root: str) -> None:
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    key = {"pk": {"S": f"PRODUCT#{root}-0"}, "sk": {"S": "PRODUCT"}}
    for price, order in ((150, ["1", "0", "2"]), (0, ["0", "1", "2"])):
        instance.client("dynamodb").update_item(
            TableName=table, Key=key, UpdateExpression="SET price = :price",
            ExpressionAttributeValues={":price": {"N": str(price)}},
        )  # fmt: skip
        eventually(lambda order=order: everything(instance, root, sort="PRICE_ASC") == order)  # type: ignore[misc]


def test_categories_come_with_their_children_and_products(instance: Instance, root: str) -> None:
    answer = instance.graphql(TREE, parent=root)
    assert "errors" not in answer, answer
    items = answer["data"]["categories"]["items"]
    assert [each["id"] for each in items] == [f"{root}-a", f"{root}-b"]
    assert [[found["id"] for found in each["products"]["items"]] for each in items] == [[f"{root}-1"], [f"{root}-2"]]
    assert [each["products"]["nextToken"] is None for each in items] == [False, True]


def test_a_bad_filter_is_named_to_the_client(instance: Instance, root: str) -> None:
    answer = instance.graphql(LISTED, category=root, filter={"and": [{"price": {"between": [1]}}]})
    assert [(each["errorType"], each["errorInfo"]) for each in answer["errors"]] == [
        ("InvalidInput", {"field": "filter.and[0].price.between"})
    ]
