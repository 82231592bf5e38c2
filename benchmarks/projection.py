"""Claim: the index follows an import of 10,000 products at hundreds of products a second, and a sale costs it nothing.

The products are put into the main table by hand, as fast as it takes them, on an instance of its own; then it is waited
until the deployed function says that the index has each of them as it is. What the writes cost on AWS is counted after
that, on tables of their own, where boto3 gets DynamoDB's answers.

    PYTHONPATH=backend python -m benchmarks.projection --books .../books.csv
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from domain.clock import SYSTEM
from domain.shop import product
from domain.shop.dictionary import Dictionary
from domain.shop.projection import Projection
from domain.table import Item, Table, dynamodb
from tests.backend.domain.shop import shelves
from tests.backend.domain.shop.streamed import record
from tests.stack.instance import Instance

AT_LEAST_A_SECOND = 200
ASKED_AT_ONCE = 500
SAMPLE = 300


def main() -> int:
    """Print the tables; the status says whether the claim held."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--books", type=Path, help="the file of books; without it products are made up")
    options.add_argument("--count", type=int, default=10_000, help="how many products")
    chosen = options.parse_args()
    products = shelves.books(chosen.books, chosen.count) if chosen.books else shelves.generated(chosen.count)
    items = [shelves.item(each) for each in products]
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance(Path(folder) / "state")
        instance.start()
        try:
            written, caught_up = follow(instance, items)
            print(f"{len(items) / caught_up:.0f} products a second", file=sys.stderr)
            kinds = held(instance)
            costs = cost(instance, items[:SAMPLE])
        finally:
            instance.stop()
    console = Console()
    grid = Grid("", "", title=f"{len(items)} products")
    grid.add_row("put into the main table, s", f"{written:.1f}")
    grid.add_row("until the index has all of them, s", f"{caught_up:.1f}")
    grid.add_row("products a second", f"{len(items) / caught_up:.0f}")
    for kind, count in sorted(kinds.items()):
        grid.add_row(f"items {kind}# per product", f"{count / len(items):.1f}")
    console.print(grid)
    grid = Grid("of a product", "requests", "write units", title="What it costs, on average")
    for what, spent in costs.items():
        grid.add_row(what, *(f"{spent[name] / SAMPLE:.1f}" for name in ("requests", "write")))
    console.print(grid)
    holds = len(items) / caught_up >= AT_LEAST_A_SECOND and not costs["a sale"]
    console.print("The claim holds." if holds else "The claim does not hold.")
    return 0 if holds else 1


def follow(instance: Instance, items: list[Item]) -> tuple[float, float]:
    """Seconds that the main table took, and until the index had followed, from the first write on."""
    table = Table(name_of(instance, "MainTableName"), local(instance))
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        table.put_all(items, began + 600, threads=pool.map)
    written = time.monotonic() - began
    ids = [product.id_of(each["pk"]) for each in items]
    groups = [ids[start : start + ASKED_AT_ONCE] for start in range(0, len(ids), ASKED_AT_ONCE)]
    # The last are written last: while they are behind, the others need not be asked for.
    while groups:
        if behind(instance, groups[-1]):
            assert time.monotonic() < began + 600, "the index does not follow"
            time.sleep(0.1)
        else:
            groups.pop()
    return written, time.monotonic() - began


def behind(instance: Instance, product_ids: list[str]) -> list[str]:
    """Those of some products that the index does not have as they are, by the deployed function's own answer."""
    event = {"operation": "project.check", "productIds": product_ids}
    function = name_of(instance, "ProjectFunctionName")
    answer = instance.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    found: list[str] = json.load(answer["Payload"])["behind"]
    return found


def held(instance: Instance) -> Counter[str]:
    """How many items of each kind the index has."""
    name = name_of(instance, "SearchName")
    pages = instance.client("dynamodb").get_paginator("scan").paginate(TableName=name, ProjectionExpression="pk")
    return Counter(item["pk"]["S"].partition("#")[0] for page in pages for item in page["Items"])


def cost(instance: Instance, items: list[Item]) -> dict[str, Counter[str]]:
    """What the projection asks of DynamoDB for some products: new, unchanged, changed, sold, removed."""
    client = local(instance)
    main, search = (copy_of(client, name_of(instance, name)) for name in ("MainTableName", "SearchName"))
    projection = Projection(main, search, Dictionary(search, SYSTEM), map, SYSTEM, lambda *_: None)
    steps: dict[str, Callable[[Item], Item | None]] = {
        "new": lambda item: item,
        "again, unchanged": lambda item: item,
        "another price": lambda item: item | {"price": (item.get("price") or 0) + 1},
        "a sale": lambda item: item | {"stock": 7_000},
        "another title": lambda item: item | {"title": f"{item.get('title', '')} revised"},
        "another category": lambda item: item | {"path": ["elsewhere"]},
        "removed": lambda _: None,
    }
    spent = {}
    before: list[Item | None] = [None] * len(items)
    for what, change in steps.items():
        after = [change(old or item) for old, item in zip(before, items, strict=True)]
        told = before if what != "again, unchanged" else [None] * len(items)
        if what == "removed":
            main.delete_all([(item["pk"], item["sk"]) for item in items], SYSTEM.monotonic() + 60)
        else:
            main.put_all([item for item in after if item], SYSTEM.monotonic() + 60)
        batch = [record(old, new) for old, new in zip(told, after, strict=True)]
        with metered(client) as spent[what]:
            assert projection.run(batch, SYSTEM.monotonic() + 120) == []
        before = after
    return spent


def copy_of(client: Any, deployed: str) -> Table:
    """An empty table with the keys of a deployed one, and no stream."""
    found = client.describe_table(TableName=deployed)["Table"]
    keys = {key["AttributeName"] for key in found["KeySchema"]}
    definitions = [each for each in found["AttributeDefinitions"] if each["AttributeName"] in keys]
    name = f"{deployed}-cost"
    client.create_table(
        TableName=name, KeySchema=found["KeySchema"], AttributeDefinitions=definitions, BillingMode="PAY_PER_REQUEST"
    )
    return Table(name, client)


@contextmanager
def metered(client: Any) -> Iterator[Counter[str]]:
    """Counts the requests of a client, and the capacity that DynamoDB says they took."""
    spent: Counter[str] = Counter()

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def answered(parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        spent["requests"] += 1
        told = parsed.get("ConsumedCapacity", [])
        if model.name != "BatchGetItem":
            for each in told if isinstance(told, list) else [told]:
                spent["write"] += each["CapacityUnits"]

    client.meta.events.register("before-parameter-build.dynamodb", ask)
    client.meta.events.register("after-call.dynamodb", answered)
    try:
        yield spent
    finally:
        client.meta.events.unregister("before-parameter-build.dynamodb", ask)
        client.meta.events.unregister("after-call.dynamodb", answered)


def name_of(instance: Instance, output: str) -> str:
    """An output of the root stack."""
    (stack,) = instance.client("cloudformation").describe_stacks(StackName=instance.outputs["stack"])["Stacks"]
    found: str = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}[output]
    return found


def local(instance: Instance) -> Any:
    """The functions' own kind of client, on the instance."""
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return dynamodb(endpoint_url=instance.outputs["aws"], region_name=instance.outputs["region"], **credentials)


if __name__ == "__main__":
    sys.exit(main())
