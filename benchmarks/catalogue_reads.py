"""Claim: a page of products reads as much of 10,000 products as of 1,000, and pages hold exactly what they must.

Three parts. What a page of each pair of order and filter that an index serves costs, counted where boto3 sends requests
and gets answers, on a running instance. How long the API takes to answer each form of query there, one client. And all
pages of every filter and order against brute force, on tables in memory.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product as combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table as Grid

from benchmarks.shelf import Shelf
from domain.caller import ANONYMOUS
from domain.shop import category, listing, sort_items
from domain.shop.listing import SORTS, Lists
from domain.table import Put, Table, dynamodb
from tests.backend.domain.shop import brute_force, shelves
from tests.backend.domain.shop.read_meter import metered
from tests.backend.domain.shop.shelves import Product
from tests.stack.instance import Instance, eventually

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SIZES = (1_000, 10_000)
FLAT = 1.5
P95_SECONDS = 0.060
PAGES = 5
LIMIT = 20
REQUESTS = 200
CATEGORY = "fantasy"

# Ranges that leave some pages at either size.
SERVED: dict[str, Any] = {
    "PRICE_ASC": {"price": {"between": [800, 3000]}},
    "PRICE_DESC": {"price": {"lt": 2500}},
    "RATING_DESC": {"rating": {"ge": 3.5, "lt": 4.5}},
    "RATING_ASC": {"rating": {"gt": 3}},
    "TITLE_ASC": {"title": {"beginsWith": "The"}},
    "TITLE_DESC": {"title": {"beginsWith": "The"}},
}

FORMS = {
    "all by title": "{ products(limit: 20) { items { ...P } nextToken } }",
    "a category, newest first": """{ products(category: "fantasy", sort: NEWEST, limit: 20) {
        items { ...P } nextToken } }""",
    "a range of prices": """{ products(sort: PRICE_ASC, limit: 20, filter: { price: { between: [800, 3000] } }) {
        items { ...P } nextToken } }""",
    "in stock, best rated first": """{ products(sort: RATING_DESC, limit: 20, filter: { stock: { gt: 0 } }) {
        items { ...P } nextToken } }""",
    "by two members, one in ten": """{ products(sort: TITLE_ASC, limit: 20,
        filter: { year: { ge: 2010 }, price: { lt: 1500 } }) { items { ...P } nextToken } }""",
    "nothing in 500 looked at": """{ products(sort: PRICE_ASC, limit: 20, filter: { title: { eq: "no such title" } }) {
        items { ...P } nextToken } }""",
    "roots": "{ categories { items { id name } } }",
    "tree with three products each": """{ categories { items { id children { id products(limit: 3) { items { ...P } } }
        products(limit: 3) { items { ...P } } } } }""",
}
FRAGMENT = " fragment P on Product { id title authors price currency stock rating year language path }"


def main() -> int:
    """Print the tables; the status says whether the claim held."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--books", type=Path, help="the file of books; without it products are made up")
    options.add_argument("--only", choices=["reads", "pages"], help="one part only")
    chosen = options.parse_args()
    products = shelves.books(chosen.books, SIZES[-1]) if chosen.books else shelves.generated(SIZES[-1])
    console, held = Console(width=120), True
    if chosen.only != "pages":
        costs, seconds = on_an_instance(products)
        held = show_costs(console, costs) and show_seconds(console, seconds)
    if chosen.only != "reads":
        wrong = [found for size in SIZES for found in compare(products[:size])]
        lists = len(SIZES) * 2 * len(SORTS) * len(shelves.FILTERS)
        console.print(f"{lists} lists over all their pages: {len(wrong)} differ from brute force", *wrong[:5], sep="\n")
        held = held and not wrong
    return 0 if held else 1


# --- reads and seconds, on an instance ---

Costs = dict[str, list[float]]


def on_an_instance(products: Sequence[Product]) -> tuple[Costs, dict[str, list[float]]]:
    """Read units of a page by pair, for each size, and seconds by form of query at the last size."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance(Path(folder) / "state", {})
        instance.start()
        try:
            return _measured(instance, products)
        finally:
            instance.stop()


def _measured(instance: Instance, products: Sequence[Product]) -> tuple[Costs, dict[str, list[float]]]:
    stop_consumers(instance)
    tables = instance.resources("AWS::DynamoDB::Table")
    client = dynamodb(
        endpoint_url=instance.outputs["aws"], region_name=instance.outputs["region"],
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip
    lists = Lists(Table(tables["MainTable"], client), Table(tables["Search"], client))
    for path in shelves.TREE:
        lists.table.write([Put(category.to_item(path[-1], path[-1], path, 0, None))])
    costs: Costs = {}
    for before, size in zip((0, *SIZES), SIZES, strict=False):
        shelves.fill(lists.table, lists.search, products[before:size])
        for name, arguments in served():
            costs.setdefault(name, []).append(units_of_a_page(lists, client, arguments))
    return costs, {name: seconds(instance, form) for name, form in FORMS.items()}


def stop_consumers(instance: Instance) -> None:
    """Let nobody work on the stream while it is measured: what would be derived is put by hand."""
    functions = instance.client("lambda")
    mappings = [
        each["UUID"]
        for each in functions.list_event_source_mappings()["EventSourceMappings"]
        if "/stream/" in each["EventSourceArn"]
    ]
    for each in mappings:
        functions.update_event_source_mapping(UUID=each, Enabled=False)
        eventually(lambda each=each: functions.get_event_source_mapping(UUID=each)["State"] == "Disabled")  # type: ignore[misc]


def served() -> Iterator[tuple[str, dict[str, Any]]]:
    """The pairs that an index serves: every order, of all and of a category, with and without a range of its value."""
    for scope, sort in combinations((None, CATEGORY), SORTS):
        yield f"{sort} of {scope or 'all'}", {"category": scope, "sort": sort}
        if sort in SERVED:
            yield f"{sort} of {scope or 'all'}, in a range", {"category": scope, "sort": sort, "filter": SERVED[sort]}


def units_of_a_page(lists: Lists, client: DynamoDBClient, arguments: dict[str, Any]) -> float:
    """What a full page costs, the mean of the first few."""
    token: str | None = None
    costs = []
    for _ in range(PAGES):
        with metered(client) as reads:
            items, token = listing.products(
                lists, ANONYMOUS, **arguments, limit=LIMIT, next_token=token, now_ms=time.time_ns() // 10**6
            )
        if len(items) == LIMIT:
            costs.append(reads.units)
        if token is None:
            break
    assert costs, f"{arguments} fills no page"
    return statistics.mean(costs)


def seconds(instance: Instance, form: str) -> list[float]:
    """How long each of some requests took, on one connection; without those that warm up."""
    url = urlsplit(instance.outputs["graphql"])
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    body = json.dumps({"query": form + (FRAGMENT if "...P" in form else "")})
    headers = {"content-type": "application/json", "x-api-key": instance.outputs["apiKey"]}
    taken = []
    for _ in range(REQUESTS + 20):
        began = time.perf_counter()
        connection.request("POST", url.path, body, headers)
        answer = json.load(connection.getresponse())
        taken.append(time.perf_counter() - began)
        assert "errors" not in answer, answer
    connection.close()
    return taken[20:]


def show_costs(console: Console, costs: Costs) -> bool:
    """A row for each pair; whether all are flat."""
    grid = Grid("pair", *(f"{size:,} products" for size in SIZES), "ratio", title=f"read units of a page of {LIMIT}")
    ratios = {name: found[-1] / found[0] for name, found in costs.items()}
    for name, found in costs.items():
        grid.add_row(name, *(f"{each:.1f}" for each in found), f"{ratios[name]:.2f}")
    console.print(grid)
    return max(ratios.values()) <= FLAT


def show_seconds(console: Console, taken: dict[str, list[float]]) -> bool:
    """A row for each form; whether all are quick."""
    grid = Grid(
        "query", "median, ms", "p95, ms", title=f"{SIZES[-1]:,} products, {REQUESTS} requests of one client each"
    )
    worst = 0.0
    for name, found in taken.items():
        p95 = sorted(found)[int(len(found) * 0.95)]
        worst = max(worst, p95)
        grid.add_row(name, f"{statistics.median(found) * 1000:.1f}", f"{p95 * 1000:.1f}")
    console.print(grid)
    return worst <= P95_SECONDS


# --- what the pages hold ---


def compare(products: Sequence[Product]) -> list[str]:
    """The lists that are not what brute force says."""
    lists = in_memory(products)
    return [
        f"{len(products)} products, {sort}, of {scope}: {given}"
        for given, sort, scope in combinations(shelves.FILTERS, SORTS, (None, CATEGORY))
        if all_pages(lists, category=scope, filter=given, sort=sort, limit=100)
        != [each["id"] for each in brute_force.listed(products, scope, given, sort)]
    ]


def in_memory(products: Sequence[Product]) -> Lists:
    """Tables behind boto3's calls with the products in them."""
    shelf = Shelf()
    for each in products:
        item = shelves.item(each)
        shelf.put("MainTable", item)
        for derived in sort_items.items_of(each["id"], item):
            shelf.put("Search", derived)
    client = cast("DynamoDBClient", shelf)
    return Lists(Table("MainTable", client), Table("Search", client))


def all_pages(lists: Lists, **arguments: Any) -> list[str]:
    """The ids on all pages together."""
    ask: Callable[..., listing.Page] = listing.products
    found: list[str] = []
    token: str | None = None
    while True:
        items, token = ask(lists, ANONYMOUS, **arguments, next_token=token, now_ms=0)
        found += [each["id"] for each in items]
        if token is None:
            return found


if __name__ == "__main__":
    sys.exit(main())
