"""Products beside a product: which, in what order, and what of a derived table that lags."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.caller import ANONYMOUS
from domain.clock import SYSTEM
from domain.shop import product, sort_items
from domain.shop.related import SHOWN, Shelves, related
from domain.table import Put, Table

NOW = 1_800_000_000_000


@pytest.fixture
def shelves(main_table: Table, search_table: Table) -> Shelves:
    return Shelves(main_table, search_table)


def put(shelves: Shelves, product_id: str, price: int | None = 1000, category: str = "poetry", **more: Any) -> None:
    """A product with the sort items that `streams/project` makes of it."""
    pk, sk = product.key(product_id)
    item = {
        "pk": pk,
        "sk": sk,
        "title": product_id,
        "category": category,
        "path": ["book", category],
        "price": price,
        **more,
    }
    shelves.table.write([Put(item)])
    shelves.search.put_all(sort_items.items_of(product_id, item), SYSTEM.monotonic() + 10)


def ids(shelves: Shelves, product_id: str = "self", **given: Any) -> list[str]:
    return [each["id"] for each in related(shelves, ANONYMOUS, product_id=product_id, now_ms=NOW, **given)]


def test_the_nearest_in_price_come_first_and_of_these_the_best_rated(shelves: Shelves) -> None:
    put(shelves, "self", 1000)
    for each, price in (("dear", 1500), ("less", 990), ("more", 1020), ("free", 0)):
        put(shelves, each, price)
    put(shelves, "same", 1000, rating=Decimal(3))
    put(shelves, "better", 1000, rating=Decimal("4.5"))
    put(shelves, "elsewhere", 1000, category="crime")
    assert ids(shelves, category="poetry", price=1000) == ["better", "same", "less", "more", "dear", "free"]


def test_what_the_page_could_not_read_is_read(shelves: Shelves) -> None:
    put(shelves, "self", 1000)
    put(shelves, "other", 1100)
    assert ids(shelves) == ["other"]
    assert ids(shelves, "unknown") == []
    assert ids(shelves, "no id") == []


def test_there_are_only_so_many(shelves: Shelves) -> None:
    for number in range(3 * SHOWN):
        put(shelves, f"p{number}", 100 * number)
    found = ids(shelves, "p9", category="poetry", price=900)
    assert len(found) == SHOWN
    assert set(found) == {"p6", "p7", "p8", "p10", "p11", "p12"}


def test_without_a_price_the_best_rated_are_shown(shelves: Shelves) -> None:
    put(shelves, "self", None)
    put(shelves, "good", 10, rating=Decimal(5))
    put(shelves, "bad", 10, rating=Decimal(1))
    put(shelves, "unknown", 10)
    assert ids(shelves) == ["good", "bad", "unknown"]


def test_what_the_main_table_says_counts(shelves: Shelves) -> None:
    put(shelves, "self", 1000)
    put(shelves, "gone", 1000)
    put(shelves, "moved", 1000)
    put(shelves, "dearer", 1000)
    put(shelves, "near", 1001)
    pk, sk = product.key("gone")
    shelves.table.delete_all([(pk, sk)], SYSTEM.monotonic() + 10)
    for each, path, price in (("moved", ["book", "crime"], 1000), ("dearer", ["book", "poetry"], 2000)):
        pk, sk = product.key(each)
        shelves.table.write([Put({"pk": pk, "sk": sk, "path": path, "category": path[-1], "price": price})])
    assert ids(shelves, category="poetry", price=1000) == ["near", "dearer"]
