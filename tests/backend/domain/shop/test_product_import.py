"""Imports: each product by itself, whatever becomes of the others, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from domain.errors import InvalidInput, TryAgain, Unauthorized
from domain.shop import catalogue, product
from domain.shop.catalogue import Catalogue
from domain.shop.product_import import import_products
from domain.table import Item, Put, Set, Table, Throttled
from tests.backend.domain.clocks import SetClock
from tests.backend.domain.shop.sellers import (
    DUNE,
    NOON,
    OTHERS,
    SELLER,
    catalogue_on,
    create,
    product_by_id,
    shelve,
    stored,
)


@pytest.fixture
def here(main_table: Table, change_log_table: Table) -> Catalogue:
    made = catalogue_on(main_table, change_log_table)
    shelve(made)
    return made


def book(number: int, **members: Any) -> dict[str, Any]:
    return DUNE | {"id": f"book-{number}", "title": f"Dune {number}", "stock": number, "rating": 4.25} | members


def load(here: Catalogue, *products: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    with ThreadPoolExecutor(8) as pool:
        return import_products(here, SELLER, pool.map, products=products, **arguments)


def counts(created: int = 0, updated: int = 0, unchanged: int = 0) -> dict[str, Any]:
    return {"created": created, "updated": updated, "unchanged": unchanged, "rejected": []}


def test_products_are_made_once(here: Catalogue) -> None:
    books = [book(number, derived=["price", "stock"]) for number in range(50)]
    assert load(here, *books, trace_id="1-abc") == counts(created=50)
    made = product_by_id(here, SELLER, id="book-7")
    assert made
    assert (made["title"], made["stock"], made["rating"], made["path"], made["derived"], made["version"]) == (
        "Dune 7", 7, 4.25, ["book", "scifi"], ["price", "stock"], 1,
    )  # fmt: skip
    assert (stored(here, "book-7") or {})["traceId"] == "1-abc"


def test_what_is_so_already_is_not_written(here: Catalogue, all_items: Callable[[Table], list[Item]]) -> None:
    books = [book(1), book(2, description="Sand.", year=1965), book(3, authors=[], derived=[])]
    load(here, *books)
    before = all_items(here.table)
    later = catalogue_on(here.table, here.change_log._table, NOON + 1000)
    assert load(later, *books) == counts(unchanged=3)
    assert all_items(here.table) == before


def test_a_product_that_is_there_becomes_what_is_given_but_for_its_stock(here: Catalogue) -> None:
    load(here, book(1, description="Sand.", derived=["price"]))
    catalogue.change_stock(here, SELLER, id="book-1", by=-1)
    later = catalogue_on(here.table, here.change_log._table, NOON + 1000)
    assert load(later, book(1, title="Dune One", category="film", stock=99)) == counts(updated=1)
    now = product_by_id(here, SELLER, id="book-1")
    assert now
    assert (now["title"], now["stock"], now["path"], now["description"], now["derived"], now["version"]) == (
        "Dune One", 0, ["film"], None, [], 2,
    )  # fmt: skip
    assert (now["createdAt"], now["updatedAt"]) == ("2026-11-21T12:00:00.000Z", "2026-11-21T12:00:01.000Z")


def test_what_is_null_is_as_left_out(here: Catalogue) -> None:
    nothing = dict.fromkeys(("authors", "description", "stock", "rating", "derived", "language"))
    assert load(here, book(1, **nothing)) == counts(created=1)
    assert load(here, {name: value for name, value in book(1, **nothing).items() if value is not None}) == counts(
        unchanged=1
    )


def test_a_raw_item_becomes_a_product(here: Catalogue) -> None:
    here.table.write([Put({"pk": "PRODUCT#book-1", "sk": "PRODUCT", "version": "?", "title": Decimal(7)})])
    assert load(here, book(1)) == counts(updated=1)
    now = product_by_id(here, SELLER, id="book-1")
    assert now
    assert (now["title"], now["version"], now["stock"]) == ("Dune 1", 2, 0)


def test_what_is_refused_costs_the_others_nothing(here: Catalogue) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({"price": -1}, "price"), ({"category": "nowhere"}, "category"), ({"category": "Ä#"}, "category"),
        ({"title": "x" * 10_000_000}, "title"), ({"id": "a b"}, "id"), ({"id": "book-0"}, "id"),
        ({"stock": -1}, "stock"), ({"derived": ["title", "title"]}, "derived[1]"), ({"derived": ["id"]}, "derived[0]"),
        ({"imageUrl": "data:text/html,x"}, "imageUrl"), ({"authors": ["\ud800"]}, "authors[0]"),
    ]  # fmt: skip
    good = [book(0), *(book(number) for number in range(100, 110))]
    books = [good[0]]
    for index, (members, _) in enumerate(bad):
        books += [book(index + 1, **members), *good[index + 1 : index + 2]]
    answer = load(here, *books)
    assert answer["created"] == len(good)
    told = [(each["index"], each["id"], each["field"]) for each in answer["rejected"]]
    expected = [(index, given["id"]) for index, given in enumerate(books) if given not in good]
    assert told == [
        (index, product_id, f"input.products[{index}].{field}")
        for (index, product_id), (_, field) in zip(expected, bad, strict=True)
    ]
    assert all(each["message"].startswith(("input.", "There is nothing")) for each in answer["rejected"])
    assert all(len(each["message"]) < 300 for each in answer["rejected"])
    assert load(here, *good) == counts(unchanged=len(good))
    assert stored(here, "book-1") is None


@pytest.mark.parametrize("number", [0, 51])
def test_a_list_has_1_to_50_products(here: Catalogue, number: int) -> None:
    with pytest.raises(InvalidInput, match=r"input\.products must have 1 to 50"):
        load(here, *(book(each) for each in range(number)))


def test_only_sellers_import(here: Catalogue) -> None:
    for caller in OTHERS:
        with pytest.raises(Unauthorized):
            import_products(here, caller, map, products=[book(1)])
    with pytest.raises(InvalidInput, match=r"input\.clientMutationId"):
        load(here, book(1), client_mutation_id="")
    assert stored(here, "book-1") is None


def test_imports_and_sales_at_once_lose_nothing(here: Catalogue) -> None:
    """A stock is what is left, whatever is imported meanwhile; and of two imports at once one comes last, whole."""
    create(here, id="book-1", stock=20)
    one, two = (book(1, title=name, description=name) for name in ("One", "Two"))
    tasks: list[Callable[[], object]] = [
        partial(catalogue.change_stock, here, SELLER, id="book-1", by=-1) if each % 2
        else partial(import_products, here, SELLER, map, products=[one if each % 4 else two])
        for each in range(20)
    ]  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()
    now = product_by_id(here, SELLER, id="book-1")
    assert now
    assert now["stock"] == 10
    assert now["title"] == now["description"]


def test_what_was_written_before_a_failure_is_not_lost_or_written_twice(
    here: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, failures = here.table.write, [Throttled("busy"), Throttled("busy")]

    def failing(writes: Any) -> None:
        write(writes)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(here.table, "write", failing)
    answer = import_products(here, SELLER, map, products=[book(1), book(2), book(3)])
    assert answer == counts(created=1, unchanged=2)
    assert {(stored(here, f"book-{number}") or {})["version"] for number in (1, 2, 3)} == {1}


def test_a_table_that_stays_busy_means_try_again(here: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fast(SetClock):
        passed = 0.0

        def sleep(self, seconds: float) -> None:
            self.passed += seconds

        def monotonic(self) -> float:
            return self.passed

    def busy(_: Any) -> None:
        raise Throttled("busy")

    monkeypatch.setattr(here.table, "write", busy)
    with pytest.raises(TryAgain):
        import_products(Catalogue(here.table, here.change_log, Fast(NOON), 60), SELLER, map, products=[book(1)])


def test_an_item_that_has_expired_is_as_none(here: Catalogue) -> None:
    load(here, book(1))
    here.table.write([Set(product.key("book-1"), {"expiresAt": NOON // 1000})])
    assert load(here, book(1, stock=3)) == counts(created=1)
    assert (stored(here, "book-1") or {}).get("expiresAt") is None
