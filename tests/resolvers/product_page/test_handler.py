"""The function as `productPage.related.js` invokes it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from domain.table import Put, Table
from tests.deployed import Context, deployed


@pytest.fixture
def page(
    main_table: Table, search_table: Table, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    environment = {"MAIN_TABLE": main_table.name, "SEARCH_TABLE": search_table.name}
    with deployed("resolvers/product_page", aws_endpoint, monkeypatch, environment) as module:
        yield module


def ask(page: ModuleType, **arguments: Any) -> Any:
    info = {"fieldName": "related", "parentTypeName": "ProductPage"}
    event = {"arguments": arguments, "identity": None, "source": None, "info": info}
    return page.handler(event, Context("product_page"))


def test_related_products_are_answered(page: ModuleType, main_table: Table, search_table: Table) -> None:
    item = {
        "pk": "PRODUCT#p2",
        "sk": "PRODUCT",
        "title": "Emma",
        "category": "classics",
        "path": ["classics"],
        "price": 900,
    }
    main_table.write([Put(item)])
    search_table.write([Put({"pk": "SORT#IN#classics#PRICE", "sk": "10000000900#p2"})])
    answer = ask(page, productId="p1", category="classics", price=1000)
    assert [(each["id"], each["title"], each["currency"]) for each in answer["data"]] == [("p2", "Emma", "EUR")]


def test_a_failure_is_an_answer_too(page: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    answer = ask(page, productId="p1", category="classics", price=1000)
    assert answer["error"]["type"] == "TryAgain"
