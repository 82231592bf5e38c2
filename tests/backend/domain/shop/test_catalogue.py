"""What sellers do, against a real table: rights, rules, versions, repeats, and what is left when it is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from domain.errors import (
    DomainError,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    OutOfStock,
    TryAgain,
    Unauthorized,
    VersionConflict,
)
from domain.shop import catalogue, product
from domain.shop.catalogue import Catalogue
from domain.table import Item, Put, Set, Table, Throttled, Unavailable
from tests.backend.domain.clocks import SetClock
from tests.backend.domain.shop.sellers import (
    DUNE,
    NOON,
    OTHERS,
    SELLER,
    catalogue_on,
    category_by_id,
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


def field_of(error: DomainError) -> str:
    assert error.info
    return str(error.info["field"])


# --- categories ---


def test_a_category_has_its_way_from_the_root(here: Catalogue) -> None:
    found = category_by_id(here, OTHERS[0], id="dragons")
    assert found == {"id": "dragons", "name": "Dragons", "parent": "fantasy", "path": ["book", "fantasy", "dragons"]}
    assert category_by_id(here, OTHERS[0], id="nowhere") is None
    assert category_by_id(here, OTHERS[0], id="x" * 5000) is None


def test_the_same_category_again_is_the_same_and_another_is_refused(here: Catalogue) -> None:
    again = partial(catalogue.create_category, here, SELLER, id="fantasy", parent="book")
    assert again(name="Fantasy")["path"] == ["book", "fantasy"]
    for change in ({"name": "Phantasy"}, {"name": "Fantasy", "parent": None}, {"name": "Fantasy", "parent": "film"}):
        with pytest.raises(InvalidInput) as refusal:
            again(**change)
        assert field_of(refusal.value) == "input.id"
    found = category_by_id(here, SELLER, id="fantasy")
    assert found
    assert found["name"] == "Fantasy"


BAD_CATEGORIES = [
    ({"id": ""}, "id"), ({"id": "Über"}, "id"), ({"id": "a/b"}, "id"), ({"id": "a" * 65}, "id"), ({"id": "a\n"}, "id"),
    ({"name": ""}, "name"), ({"name": "x" * 129}, "name"), ({"name": "a\nb"}, "name"), ({"name": "\ud800"}, "name"),
    ({"parent": "nowhere"}, "parent"), ({"parent": ""}, "parent"), ({"parent": "x" * 5000}, "parent"),
    ({"parent": "new"}, "parent"), ({"client_mutation_id": ""}, "clientMutationId"),
]  # fmt: skip


def test_a_category_refuses_what_breaks_a_rule(here: Catalogue) -> None:
    for arguments, field in BAD_CATEGORIES:
        with pytest.raises((InvalidInput, NotFound)) as refusal:
            catalogue.create_category(here, SELLER, **({"id": "new", "name": "New"} | arguments))
        assert field_of(refusal.value) == f"input.{field}", arguments
    assert category_by_id(here, SELLER, id="new") is None


def test_the_tree_is_of_eight_categories_at_most(here: Catalogue) -> None:
    parent = "dragons"
    for depth in range(4, 9):
        parent = catalogue.create_category(here, SELLER, id=f"d{depth}", name="D", parent=parent)["id"]
    with pytest.raises(InvalidInput, match=r"input.parent"):
        catalogue.create_category(here, SELLER, id="d9", name="D", parent=parent)


# --- products ---


def test_a_product_is_what_its_seller_says_of_it(here: Catalogue) -> None:
    members = {"description": "Sand.", "stock": 7, "rating": 4.256, "ratingsCount": 9, "year": 1965, "language": "eng",
               "isbn": "044100590X", "imageUrl": "https://example.com/dune.jpg"}  # fmt: skip
    made = create(here, **members)
    assert made == {
        **DUNE, **members, "id": made["id"], "path": ["book", "scifi"], "currency": "EUR", "rating": 4.26,
        "derived": [], "version": 1, "createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z",
    }  # fmt: skip
    assert len(made["id"]) == 26
    assert product_by_id(here, OTHERS[0], id=made["id"]) == made
    assert product_by_id(here, OTHERS[0], id="\u0000") is None


def test_what_is_null_in_a_new_product_is_as_left_out(here: Catalogue) -> None:
    nothing = dict.fromkeys(("authors", "description", "stock", "rating", "ratingsCount", "year", "isbn", "imageUrl"))
    made = create(here, **nothing)
    assert {name: made[name] for name in nothing} == nothing | {"authors": [], "stock": 0}


def test_a_seller_may_choose_an_id_that_is_free(here: Catalogue) -> None:
    assert create(here, id="book-1")["id"] == "book-1"
    with pytest.raises(InvalidInput, match=r"input.id is the id of a product"):
        create(here, id="book-1", title="Another")
    item = stored(here, "book-1")
    assert item
    assert item["title"] == "Dune"


LONG = "x" * 10_000_000
BAD_MEMBERS: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"), ({"title": None}, "title"), ({"title": LONG}, "title"), ({"title": "a\nb"}, "title"),
    ({"title": " a"}, "title"), ({"title": "\udfff"}, "title"),
    ({"authors": ["a"] * 101}, "authors"), ({"authors": ["a", ""]}, "authors[1]"), ({"authors": [LONG]}, "authors[0]"),
    ({"category": None}, "category"), ({"category": "nowhere"}, "category"), ({"category": LONG}, "category"),
    ({"category": "book#x"}, "category"), ({"category": ""}, "category"), ({"description": LONG}, "description"),
    ({"description": "a\ud83d"}, "description"), ({"rating": -0.01}, "rating"), ({"rating": 5.01}, "rating"),
    ({"rating": float("nan")}, "rating"), ({"rating": float("inf")}, "rating"), ({"ratingsCount": -1}, "ratingsCount"),
    ({"year": 10_000}, "year"), ({"language": ""}, "language"), ({"language": "english!"}, "language"),
    ({"language": LONG}, "language"), ({"isbn": "0-441-00590-X"}, "isbn"), ({"isbn": "1" * 14}, "isbn"),
    ({"imageUrl": "javascript:alert(1)"}, "imageUrl"), ({"imageUrl": "https://a b"}, "imageUrl"),
    ({"imageUrl": f"https://{LONG}"}, "imageUrl"), ({"imageUrl": ""}, "imageUrl"),
]  # fmt: skip
BAD_NUMBERS: list[tuple[dict[str, Any], str]] = [
    ({"price": -1}, "price"), ({"price": None}, "price"), ({"price": 10_000_001}, "price"), ({"stock": -1}, "stock"),
    ({"stock": 1_000_001}, "stock"),
]  # fmt: skip


def test_a_product_refuses_what_breaks_a_rule(here: Catalogue, all_items: Callable[[Table], list[Item]]) -> None:
    before = all_items(here.table)
    for members, field in [*BAD_MEMBERS, *BAD_NUMBERS]:
        with pytest.raises((InvalidInput, NotFound)) as refusal:
            create(here, client_mutation_id="once", **members)
        assert field_of(refusal.value) == f"input.{field}"
        assert len(refusal.value.message) < 300
    for product_id in ("", "a b", "ä", "x" * 65, "a#b", "a\n", LONG):
        with pytest.raises(InvalidInput, match=r"^input\.id "):
            create(here, id=product_id)
    assert all_items(here.table) == before


HOSTILE = "<script>alert(1)</script> '; DROP TABLE products; -- ${ctx} #{pk} \\u0000 :held_version"


def test_hostile_texts_are_texts(here: Catalogue) -> None:
    made = create(here, title=HOSTILE, authors=[HOSTILE], description=HOSTILE + "\n\u202e\u0007")
    again = product_by_id(here, SELLER, id=made["id"])
    assert again
    assert (again["title"], again["authors"], again["description"]) == (
        HOSTILE, [HOSTILE], HOSTILE + "\n\u202e\u0007",
    )  # fmt: skip


# --- edits ---


def test_an_edit_changes_what_it_names_and_takes_away_what_is_null(here: Catalogue) -> None:
    made = create(here, description="Sand.", year=1965, rating=4.5)
    edit = partial(catalogue.update_product, here, SELLER, id=made["id"])
    changed = edit(version=1, members={"title": "Dune Messiah", "year": None, "rating": None}, trace_id="1-abc")
    assert changed == made | {"title": "Dune Messiah", "year": None, "rating": None, "version": 2}
    item = stored(here, made["id"])
    assert item
    assert {"year", "rating"}.isdisjoint(item)
    assert (item["description"], item["traceId"]) == ("Sand.", "1-abc")


def test_a_move_takes_the_path_of_the_new_category(here: Catalogue) -> None:
    made = create(here)
    moved = catalogue.update_product(here, SELLER, id=made["id"], version=1, members={"category": "dragons"})
    assert (moved["category"], moved["path"]) == ("dragons", ["book", "fantasy", "dragons"])


def test_an_edit_refuses_what_breaks_a_rule(here: Catalogue) -> None:
    made = create(here)
    edit = partial(catalogue.update_product, here, SELLER, id=made["id"], version=1, client_mutation_id="once")
    for members, field in [*BAD_MEMBERS, ({"authors": None}, "authors")]:
        with pytest.raises((InvalidInput, NotFound)) as refusal:
            edit(members=members)
        assert field_of(refusal.value) == f"input.{field}"
    with pytest.raises(InvalidInput, match="must change something"):
        edit(members={})
    assert product_by_id(here, SELLER, id=made["id"]) == made


EDITS: list[Callable[..., dict[str, Any]]] = [
    partial(catalogue.update_product, members={"title": "Other"}),
    partial(catalogue.set_price, price=5),
    catalogue.delete_product,
]


def test_an_edit_of_a_stale_version_is_told_the_present_one(here: Catalogue) -> None:
    made = create(here)
    now = catalogue.set_price(here, SELLER, id=made["id"], price=999, version=1)
    for edit, version in itertools.product(EDITS, (1, 3, 0, -1)):
        with pytest.raises(VersionConflict) as refusal:
            edit(here, SELLER, id=made["id"], version=version, client_mutation_id="stale")
        assert refusal.value.data == now
        assert refusal.value.info == {"field": "input.version", "version": 2}
    assert product_by_id(here, SELLER, id=made["id"]) == now


def test_what_is_not_there_is_not_changed(here: Catalogue) -> None:
    for product_id in ("nothing", "", "x" * 5000, "#"):
        for edit in EDITS:
            with pytest.raises(NotFound, match=r"input\.id"):
                edit(here, SELLER, id=product_id, version=1)
        with pytest.raises(NotFound, match=r"input\.id"):
            catalogue.change_stock(here, SELLER, id=product_id, by=1)


def test_a_price_is_set_under_a_version(here: Catalogue) -> None:
    made = create(here)
    assert catalogue.set_price(here, SELLER, id=made["id"], price=0, version=1) == made | {"price": 0, "version": 2}
    for price in (-1, 10_000_001):
        with pytest.raises(InvalidInput, match=r"input\.price"):
            catalogue.set_price(here, SELLER, id=made["id"], price=price, version=2)


def test_what_a_seller_says_is_made_up_no_more(here: Catalogue) -> None:
    item = product.to_item("p", DUNE | {"path": ["book"], "derived": ["price", "description"]}, NOON, None)
    here.table.write([Put(item)])
    priced = catalogue.set_price(here, SELLER, id="p", price=1, version=1)
    assert priced["derived"] == ["description"]
    assert catalogue.update_product(here, SELLER, id="p", version=2, members={"description": "Mine."})["derived"] == []
    assert "derived" not in (stored(here, "p") or {})


def test_the_stock_changes_by_a_number_and_no_version(here: Catalogue) -> None:
    made = create(here, stock=3)
    change = partial(catalogue.change_stock, here, SELLER, id=made["id"])
    assert change(by=-3) == made | {"stock": 0}
    with pytest.raises(OutOfStock) as refusal:
        change(by=-1)
    assert refusal.value.info == {
        "field": "input.by", "lines": [{"productId": made["id"], "requested": 1, "available": 0}]
    }  # fmt: skip
    for by in (0, 1_000_001, -1_000_001):
        with pytest.raises(InvalidInput, match=r"input\.by"):
            change(by=by)
    change(by=1_000_000)
    with pytest.raises(InvalidInput, match=r"input\.by must leave at most 1000000, not 1000001"):
        change(by=1)
    assert change(by=-1)["stock"] == 999_999


def test_of_changes_of_a_stock_at_once_none_is_lost(here: Catalogue) -> None:
    made = create(here, stock=10)

    def take(_: int) -> int:
        try:
            return int(catalogue.change_stock(here, SELLER, id=made["id"], by=-1)["stock"])
        except OutOfStock:
            return -1

    with ThreadPoolExecutor(8) as pool:
        left = list(pool.map(take, range(16)))
    assert sorted(left) == [-1] * 6 + list(range(10)), "each answer is a stock that there was"
    assert (stored(here, made["id"]) or {})["stock"] == 0


def test_of_edits_at_once_under_one_version_one_happens(here: Catalogue) -> None:
    made = create(here)

    def price(cents: int) -> bool:
        try:
            priced = catalogue.set_price(here, SELLER, id=made["id"], price=cents, version=1)
        except VersionConflict:
            return False
        return bool(priced["version"] == 2)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(price, range(1, 9))) == 1


def test_a_deleted_product_is_answered_as_it_was(here: Catalogue) -> None:
    made = create(here)
    assert catalogue.delete_product(here, SELLER, id=made["id"], version=1) == made
    assert stored(here, made["id"]) is None
    with pytest.raises(NotFound):
        catalogue.delete_product(here, SELLER, id=made["id"], version=1)


def test_a_product_by_any_hand_can_be_edited(here: Catalogue) -> None:
    for version in (None, "seven", Decimal("1.5"), Decimal(-3), Decimal(7)):
        raw = {"pk": "PRODUCT#raw", "sk": "PRODUCT", "version": version, "stock": "many", "path": "book", "price": -5}
        here.table.write([Put(raw)])
        shown = product_by_id(here, SELLER, id="raw")
        assert shown
        seen = 7 if version == 7 else 1
        assert (shown["version"], shown["stock"], shown["price"], shown["path"]) == (seen, 0, None, [])
        assert catalogue.change_stock(here, SELLER, id="raw", by=2)["stock"] == 2
        priced = catalogue.set_price(here, SELLER, id="raw", price=100, version=seen)
        assert (priced["price"], priced["version"]) == (100, seen + 1)
        catalogue.delete_product(here, SELLER, id="raw", version=seen + 1)
        assert stored(here, "raw") is None


# --- once ---


def test_what_comes_again_happens_once_and_is_answered_the_same(here: Catalogue) -> None:
    first = create(here, client_mutation_id="c", stock=5)
    assert create(here, client_mutation_id="c", stock=5) == first
    calls: list[Callable[[], dict[str, Any]]] = [
        partial(catalogue.update_product, here, SELLER, id=first["id"], version=1, members={"title": "Two"},
                client_mutation_id="u"),
        partial(catalogue.set_price, here, SELLER, id=first["id"], price=1, version=2, client_mutation_id="p"),
        partial(catalogue.change_stock, here, SELLER, id=first["id"], by=-2, client_mutation_id="s"),
        partial(catalogue.delete_product, here, SELLER, id=first["id"], version=3, client_mutation_id="d"),
    ]  # fmt: skip
    answers = [call() for call in calls]
    assert [call() for call in calls] == answers
    assert [(answer["version"], answer["stock"]) for answer in answers] == [(2, 5), (3, 5), (3, 3), (3, 3)]
    assert create(here, client_mutation_id="c", stock=5) == first, "whatever became of it since"
    assert stored(here, first["id"]) is None


def test_an_id_of_a_mutation_is_of_one_input_and_one_field(here: Catalogue) -> None:
    first = create(here, client_mutation_id="c")
    with pytest.raises(IdempotencyConflict):
        create(here, client_mutation_id="c", title="Other")
    catalogue.set_price(here, SELLER, id=first["id"], price=1, version=1, client_mutation_id="c")
    with pytest.raises(IdempotencyConflict):
        catalogue.set_price(here, SELLER, id=first["id"], price=1, version=2, client_mutation_id="c")


@pytest.mark.parametrize("named", [True, False])
def test_a_write_whose_answer_was_lost_is_not_done_again(
    here: Catalogue, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    write, lost = here.table.write, 0

    def losing(writes: Any) -> None:
        nonlocal lost
        write(writes)
        lost += 1
        if lost % 2:
            raise Unavailable("the answer was lost")

    def once(name: str) -> dict[str, Any]:
        return {"client_mutation_id": name} if named else {}

    monkeypatch.setattr(here.table, "write", losing)
    made = create(here, **once("c"), id="p", stock=5)
    for change in (
        partial(catalogue.set_price, price=1, version=1, **once("p")),
        partial(catalogue.change_stock, by=-2, **once("s")),
        partial(catalogue.update_product, version=2, members={"title": "Two"}, **once("u")),
    ):
        lost = 0
        answer = change(here, SELLER, id="p")
        assert product_by_id(here, SELLER, id="p") == answer
    assert answer == made | {"price": 1, "stock": 3, "title": "Two", "version": 3}
    lost = 0
    assert catalogue.delete_product(here, SELLER, id="p", version=3, **once("d")) == answer
    assert stored(here, "p") is None


def test_a_table_that_stays_busy_means_try_again(here: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: Any) -> None:
        raise Throttled("busy")

    class Fast(SetClock):
        passed = 0.0

        def sleep(self, seconds: float) -> None:
            self.passed += seconds

        def monotonic(self) -> float:
            return self.passed

    monkeypatch.setattr(here.table, "write", busy)
    with pytest.raises(TryAgain):
        create(Catalogue(here.table, here.change_log, Fast(NOON), 60))


# --- rights ---


def test_only_sellers_sell(here: Catalogue) -> None:
    made = create(here)
    sales: list[Callable[..., dict[str, Any]]] = [
        partial(catalogue.create_category, id="new", name="New"),
        partial(catalogue.create_product, members=DUNE),
        partial(catalogue.change_stock, id=made["id"], by=1),
        *(partial(each, id=made["id"], version=1) for each in EDITS),
    ]
    for caller, sell in itertools.product(OTHERS, sales):
        with pytest.raises(Unauthorized):
            sell(here, caller)
    assert product_by_id(here, OTHERS[0], id=made["id"]) == made


def test_a_products_item_that_has_expired_makes_room(here: Catalogue) -> None:
    create(here, id="p")
    here.table.write([Set(product.key("p"), {"expiresAt": NOON // 1000})])
    assert product_by_id(here, SELLER, id="p") is None
    assert create(here, id="p", title="New")["version"] == 1
