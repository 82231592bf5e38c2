"""Searching on a running instance: what anyone puts into the table is found, as it is by then."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from domain.table import to_attributes
from tests.stack.instance import Instance, eventually

pytestmark = pytest.mark.stack

SEARCH = """query ($text: String!, $filter: ProductFilterInput, $limit: Int) {
    searchProducts(text: $text, filter: $filter, limit: $limit) { items { score product { id title stock } } } }"""


def put(instance: Instance, product_id: str, **members: Any) -> None:
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    item = {"pk": f"PRODUCT#{product_id}", "sk": "PRODUCT", **members}
    instance.client("dynamodb").put_item(TableName=table, Item=to_attributes(item))


def search(instance: Instance, text: str, **variables: Any) -> list[str]:
    answer = instance.graphql(SEARCH, text=text, **variables)
    assert "errors" not in answer, answer
    return [each["product"]["id"] for each in answer["data"]["searchProducts"]["items"]]


def test_a_misspelled_title_is_found_until_it_changes(instance: Instance) -> None:
    product_id = f"search-{uuid.uuid4()}"
    put(instance, product_id, title="Quixotic Zephyrs (Windmill, #3)", authors=["Ysolde Brannigan"], stock=2)
    assert eventually(lambda: search(instance, "quixtoic zephrys") == [product_id], 30)
    assert search(instance, "branigan quixotic") == [product_id]
    assert search(instance, "quixotic zeph", filter={"stock": {"gt": 2}}) == []
    put(instance, product_id, title="Placid Doldrums", authors=["Ysolde Brannigan"], stock=2)
    assert search(instance, "quixotic zephyrs") == [], "the index may lag, the answer does not"
    assert eventually(lambda: search(instance, "plaicd doldrums") == [product_id], 30)


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"text": " "}, "text"),
        ({"text": "x" * 257}, "text"),
        ({"text": "x", "limit": 51}, "limit"),
        ({"text": "x", "filter": {"or": []}}, "filter.or"),
    ],
)
def test_bad_arguments_are_named(instance: Instance, variables: dict[str, Any], field: str) -> None:
    (error,) = instance.graphql(SEARCH, **variables)["errors"]
    assert (error["errorType"], error["errorInfo"]["field"]) == ("InvalidInput", field)
