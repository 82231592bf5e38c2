"""The function as `productPage.related.js` invokes it."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from domain.settings import settings
from domain.table import Put, Table
from tests.conftest import CREDENTIALS, ROOT


class Context:
    """What Powertools' logger reads of Lambda's context object."""

    function_name = "product_page"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:product_page"
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


@pytest.fixture
def page(main_table: Table, search_table: Table, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The handler's module in the environment of its function."""
    environment = {
        "MAIN_TABLE": main_table.name,
        "SEARCH_TABLE": search_table.name,
        "POWERTOOLS_SERVICE_NAME": "product_page",
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    spec = importlib.util.spec_from_file_location("product_page", ROOT / "resolvers/product_page/handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ask(page: ModuleType, **arguments: Any) -> Any:
    info = {"fieldName": "related", "parentTypeName": "ProductPage"}
    return page.handler({"arguments": arguments, "identity": None, "source": None, "info": info}, Context())


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
