"""Lists of products and categories as AppSync asks for them, and how often that invokes the function."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from domain import page_tokens
from domain.shop import category
from domain.table import Put, Table
from local.appsync.datasources.aws_lambda import LambdaDataSource
from local.appsync.definition import ResolverDefinition
from local.functions import Invocation
from tests.backend.domain.shop import shelves
from tests.conftest import ROOT
from tests.deployed import Context, deployed
from tests.local.appsync.api import Api

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
FIELDS = {"Query.categories", "Query.products", "Category.children", "Category.products"}


@pytest.fixture
def function(
    main_table: Table, search_table: Table, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    environment = {
        "MAIN_TABLE": main_table.name,
        "SEARCH_TABLE": search_table.name,
        "RATE_LIMITS": "none",  # a query asks for none
        "MUTATION_LIMITS": "none",
        "POWERTOOLS_SERVICE_NAME": f"shop-{uuid.uuid4()}",
    }
    with deployed("resolvers/shop", aws_endpoint, monkeypatch, environment) as module:
        yield module
        module.readers().shutdown()


class Shop:
    """The API with the resolvers of the stack; `invocations` are the sizes of the function's batches, 0 for none."""

    def __init__(self, function: ModuleType) -> None:
        self.invocations: list[int] = []
        self._function = function
        source = LambdaDataSource("shop", invoke=self._invoke, client=lambda _: None)
        schema = (ROOT / "schema.graphql").read_text()
        self._api = Api(schema, resolvers=[*map(_resolver, _resolvers())], sources={"ShopDataSource": source})

    async def _invoke(self, _arn: str, payload: bytes, *_: Any, **__: Any) -> Invocation:
        event = json.loads(payload)
        self.invocations.append(len(event) if isinstance(event, list) else 0)
        return Invocation(json.dumps(self._function.handler(event, Context("shop"))).encode(), None, b"")

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        return await self._api.run(query, variables)


def _resolvers() -> Iterator[dict[str, Any]]:
    for each in yaml_parse((ROOT / "stacks/shop.yaml").read_text())["Resources"].values():
        if each["Type"] == "AWS::AppSync::Resolver" and {_coordinate(each["Properties"])} <= FIELDS:
            yield each["Properties"]


def _coordinate(properties: dict[str, Any]) -> str:
    return f"{properties['TypeName']}.{properties['FieldName']}"


def _resolver(properties: dict[str, Any]) -> ResolverDefinition:
    return ResolverDefinition(
        properties["TypeName"],
        properties["FieldName"],
        data_source=properties["DataSourceName"]["Fn::GetAtt"][0],
        code=(ROOT / "stacks" / properties["CodeS3Location"]).read_text(),
        max_batch_size=int(properties.get("MaxBatchSize", 0)),
    )


@pytest.fixture
def shop(function: ModuleType) -> Shop:
    return Shop(function)


def plant(table: Table, *paths: str) -> None:
    """Make categories, by their paths."""
    for each in paths:
        path = each.split("/")
        table.write([Put(category.to_item(path[-1], path[-1].title(), path, NOON, None))])


def test_the_stack_has_the_fields() -> None:
    assert {_coordinate(each) for each in _resolvers()} == FIELDS


@pytest.mark.parametrize("count", [3, 60])
async def test_a_page_of_categories_costs_three_invocations_however_many_there_are(
    shop: Shop, main_table: Table, count: int
) -> None:
    plant(main_table, *(f"c{number:02d}" for number in range(count)))
    answer = await shop.ask(
        "{ categories(limit: 100) { items { id children { id } products(limit: 3) { items { id } } } } }"
    )
    assert "errors" not in answer
    assert len(answer["data"]["categories"]["items"]) == count
    assert sorted(shop.invocations) == [0, count, count]


async def test_each_level_of_the_tree_costs_one_more(shop: Shop, main_table: Table) -> None:
    plant(main_table, "a", "b", "a/x", "a/y", "b/z", "a/x/deep")
    answer = await shop.ask(
        "{ categories { items { id children { id parent path children { id children { id } } } } } }"
    )
    assert answer["data"]["categories"]["items"] == [
        {
            "id": "a",
            "children": [
                {"id": "x", "parent": "a", "path": ["a", "x"], "children": [{"id": "deep", "children": []}]},
                {"id": "y", "parent": "a", "path": ["a", "y"], "children": []},
            ],
        },
        {"id": "b", "children": [{"id": "z", "parent": "b", "path": ["b", "z"], "children": []}]},
    ]
    assert shop.invocations == [0, 2, 3, 1]


async def test_each_category_has_its_own_products(shop: Shop, main_table: Table, search_table: Table) -> None:
    plant(main_table, "books", "games", "books/crime", "empty")
    rows = [("b1", ["books"], 5), ("b2", ["books", "crime"], 3), ("g1", ["games"], 9)]
    made = [{"id": name, "title": name, "path": path, "price": price} for name, path, price in rows]
    shelves.fill(main_table, search_table, made)
    answer = await shop.ask(
        "{ categories { items { id products(sort: PRICE_ASC, limit: 1) { items { id price } nextToken } } } }"
    )
    found = {each["id"]: each["products"] for each in answer["data"]["categories"]["items"]}
    assert found["books"]["items"] == [{"id": "b2", "price": 3}]  # below it
    assert found["empty"] == {"items": [], "nextToken": None}
    assert found["games"] == {"items": [{"id": "g1", "price": 9}], "nextToken": None}
    more = await shop.ask(
        "query ($token: String) {"
        ' products(category: "books", sort: PRICE_ASC, nextToken: $token) { items { id } nextToken } }',
        token=found["books"]["nextToken"],
    )
    assert more["data"]["products"] == {"items": [{"id": "b1"}], "nextToken": None}


async def test_one_category_s_failure_spoils_no_other(shop: Shop, main_table: Table, search_table: Table) -> None:
    plant(main_table, "bad", "good")
    shelves.fill(main_table, search_table, [{"id": "p", "title": "p", "path": ["good"]}])
    broken = {"pk": "SORT#IN#bad#TITLE", "sk": "x\t#p", "members": "no JSON"}  # as the projection never writes one
    search_table.put_all([broken], time.monotonic() + 30)
    answer = await shop.ask("{ categories { items { id products { items { id } } } } }")
    assert answer["data"]["categories"]["items"] == [
        {"id": "bad", "products": None},
        {"id": "good", "products": {"items": [{"id": "p"}]}},
    ]
    assert [(each["path"], each["errorType"]) for each in answer["errors"]] == [
        (["categories", "items", 0, "products"], "Internal")
    ]
    assert shop.invocations == [0, 2]


async def test_bad_arguments_of_a_child_are_named(shop: Shop, main_table: Table) -> None:
    plant(main_table, "a")
    answer = await shop.ask("{ categories { items { products(filter: { price: { between: [1] } }) { nextToken } } } }")
    assert [(each["errorType"], each["errorInfo"]) for each in answer["errors"]] == [
        ("InvalidInput", {"field": "filter.price.between"})
    ]


async def test_categories_come_in_pages(shop: Shop, main_table: Table) -> None:
    plant(main_table, "r", "r/a", "r/b", "r/b/deep", "r/c", "s")

    async def page(token: str | None) -> dict[str, Any]:
        query = """query ($token: String) {
            categories(parent: "r", limit: 2, nextToken: $token) { items { id name } nextToken } }"""
        answer = await shop.ask(query, token=token)
        found: dict[str, Any] = answer["data"]["categories"]
        return found

    first = await page(None)
    assert first["items"] == [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]
    assert await page(first["nextToken"]) == {"items": [{"id": "c", "name": "C"}], "nextToken": None}
    by_hand = page_tokens.encode("ä" * 513, "Query.categories", "")  # DynamoDB has no key of more than 1,024 bytes
    refused = [
        *[
            await shop.ask("query ($token: String) { categories(nextToken: $token) { nextToken } }", token=token)
            for token in (first["nextToken"], by_hand)
        ],
        await shop.ask('{ categories(parent: "Ö") { nextToken } }'),
        await shop.ask("{ categories(limit: 101) { nextToken } }"),
    ]
    assert [(each["errors"][0]["errorType"], each["errors"][0]["errorInfo"]) for each in refused] == [
        ("InvalidPageToken", None), ("InvalidPageToken", None),
        ("InvalidInput", {"field": "parent"}), ("InvalidInput", {"field": "limit"}),
    ]  # fmt: skip
