"""Products beside a product: which, in what order, and what of a derived table that lags."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.caller import ANONYMOUS
from domain.clock import SYSTEM
from domain.shop import product, sort_items
from domain.shop.listing import Lists
from domain.shop.related import SHOWN, related
from domain.table import Put, Table

NOW = 1_800_000_000_000


@pytest.fixture
def lists(main_table: Table, search_table: Table) -> Lists:
    return Lists(main_table, search_table)


def put(lists: Lists, product_id: str, price: int | None = 1000, category: str = "poetry", **more: Any) -> None:
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
    lists.table.write([Put(item)])
    lists.search.put_all(sort_items.items_of(product_id, item), SYSTEM.monotonic() + 10)


def ids(lists: Lists, product_id: str = "self", **given: Any) -> list[str]:
    return [each["id"] for each in related(lists, ANONYMOUS, product_id=product_id, now_ms=NOW, **given)]


def test_the_nearest_in_price_come_first_and_of_these_the_best_rated(lists: Lists) -> None:
    put(lists, "self", 1000)
    for each, price in (("dear", 1500), ("less", 990), ("more", 1020), ("free", 0)):
        put(lists, each, price)
    put(lists, "same", 1000, rating=Decimal(3))
    put(lists, "better", 1000, rating=Decimal("4.5"))
    put(lists, "elsewhere", 1000, category="crime")
    assert ids(lists, category="poetry", price=1000) == ["better", "same", "less", "more", "dear", "free"]


def test_what_the_page_could_not_read_is_read(lists: Lists) -> None:
    put(lists, "self", 1000)
    put(lists, "other", 1100)
    assert ids(lists) == ["other"]
    assert ids(lists, "unknown") == []
    assert ids(lists, "no id") == []


def test_there_are_only_so_many(lists: Lists) -> None:
    for number in range(3 * SHOWN):
        put(lists, f"p{number}", 100 * number)
    found = ids(lists, "p9", category="poetry", price=900)
    assert len(found) == SHOWN
    assert set(found) == {"p6", "p7", "p8", "p10", "p11", "p12"}


def test_without_a_price_the_best_rated_are_shown(lists: Lists) -> None:
    put(lists, "self", None)
    put(lists, "good", 10, rating=Decimal(5))
    put(lists, "bad", 10, rating=Decimal(1))
    put(lists, "unknown", 10)
    assert ids(lists) == ["good", "bad", "unknown"]


def test_what_the_main_table_says_counts(lists: Lists) -> None:
    put(lists, "self", 1000)
    put(lists, "gone", 1000)
    put(lists, "moved", 1000)
    put(lists, "dearer", 1000)
    put(lists, "near", 1001)
    pk, sk = product.key("gone")
    lists.table.delete_all([(pk, sk)], SYSTEM.monotonic() + 10)
    for each, path, price in (("moved", ["book", "crime"], 1000), ("dearer", ["book", "poetry"], 2000)):
        pk, sk = product.key(each)
        lists.table.write([Put({"pk": pk, "sk": sk, "path": path, "category": path[-1], "price": price})])
    assert ids(lists, category="poetry", price=1000) == ["near", "dearer"]
