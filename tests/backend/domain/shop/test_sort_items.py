"""Sort items: keys that sort as the values do, and the part of an order that a filter leaves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.shop import product, sort_items
from domain.shop.filters import parse
from domain.shop.sort_items import By
from tests.backend.domain.shop import brute_force, inputs

IDS = st.text("09AZaz-", min_size=1, max_size=3)
ITEM: dict[str, Any] = {
    "title": "Dune", "authors": ["Frank Herbert"], "price": 999, "path": ["books", "sf"], "stock": 4,
    "createdAt": "2026-11-21T12:00:00.000Z",
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(By), st.dictionaries(IDS, inputs.items, max_size=8))
def test_keys_sort_as_the_values_do(by: By, items: dict[str, dict[str, Any]]) -> None:
    found = [product.from_item(f"PRODUCT#{product_id}", item) for product_id, item in items.items()]
    by_key = sorted(found, key=lambda each: sort_items.sort_key(by, each).encode())  # as DynamoDB compares texts
    by_value = sorted(found, key=lambda each: (brute_force.rank(each, by.value), each["id"]))
    assert by_key == by_value
    assert [sort_items.id_of(sort_items.sort_key(by, each)) for each in by_key] == [each["id"] for each in by_value]


@given(st.floats(0, 5), st.floats(0, 5))
def test_any_two_ratings_sort(one: float, other: float) -> None:
    texts = sort_items.encode_rating(one), sort_items.encode_rating(other)
    assert (texts[0] < texts[1], texts[0] == texts[1]) == (one < other, one == other)
    assert sort_items.encode_rating(None) < min(texts)


@given(st.text(), st.text())
def test_a_title_that_begins_with_a_text_is_sorted_where_the_text_is(beginning: str, rest: str) -> None:
    whole, part = sort_items.normalised(beginning + rest), sort_items.normalised(beginning)
    assert whole.startswith(part)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(By), inputs.items, inputs.filters, IDS)
def test_a_filter_leaves_the_keys_of_all_that_match(
    by: By, item: dict[str, Any], given_filter: dict[str, Any], product_id: str
) -> None:
    found: Any = product.from_item(f"PRODUCT#{product_id}", item)
    keys, sk = sort_items.keys(by, parse(given_filter)), sort_items.sort_key(by, found)
    if brute_force.wanted(found, given_filter):
        assert keys.low.encode() <= sk.encode() <= keys.high.encode()


@pytest.mark.parametrize(
    ("by", "given_filter", "inside", "outside"),
    [
        (By.PRICE, {"price": {"gt": 5, "lt": 8}}, [6, 7], [None, 0, 5, 8]),
        (By.PRICE, {"price": {"le": 5}}, [0, 5], [None, 6]),
        (By.PRICE, {"price": {"in": [7, 5]}}, [5, 6, 7], [4, 8]),
        (By.PRICE, {"and": [{"price": {"ge": 2**31 - 1}}]}, [2**31 - 1], [2**31 - 2]),
        (By.PRICE, {"price": {"ne": 5}}, [None, 5], []),
        (By.RATING, {"rating": {"lt": 4.34}}, [0.0, 4.33], [None, 4.34]),
        (By.RATING, {"rating": {"between": [1, 4.34]}}, [1, 4.34], [0.99, 4.35]),
        (By.TITLE, {"title": {"eq": "Été"}}, ["Été", "ete"], ["et", "etee", "ete "]),
        (By.TITLE, {"title": {"beginsWith": "Été"}}, ["ÉTÉ", "etes"], ["et", "etf"]),
        (By.TITLE, {"title": {"in": ["b", "d"]}}, ["B", "c", "d"], ["a", "da"]),
        (By.TITLE, {"title": {"contains": "x"}}, ["", "z"], []),
        (By.NEWEST, {"price": {"eq": 5}}, ["2026-11-21T12:00:00.000Z", None], []),
    ],
)
def test_the_keys_that_a_filter_leaves(by: By, given_filter: Any, inside: list[Any], outside: list[Any]) -> None:
    member = {By.PRICE: "price", By.RATING: "rating", By.TITLE: "title", By.NEWEST: "createdAt"}[by]
    keys = sort_items.keys(by, parse(given_filter))

    def is_inside(value: Any) -> bool:
        return keys.low <= sort_items.sort_key(by, product.from_item("PRODUCT#zz", {member: value})) <= keys.high

    assert [value for value in inside if not is_inside(value)] == []
    assert [value for value in outside if is_inside(value)] == []


@pytest.mark.parametrize(
    ("by", "given_filter"),
    [
        (By.PRICE, {"price": {"gt": 5, "lt": 5}}),
        (By.PRICE, {"price": {"lt": 0}}),
        (By.RATING, {"rating": {"gt": 5}}),
        (By.RATING, {"rating": {"eq": 10**400}}),
        (By.TITLE, {"title": {"beginsWith": "a", "eq": "b"}}),
        (By.TITLE, {"title": {"in": []}}),
    ],
)
def test_an_empty_part_is_seen(by: By, given_filter: Any) -> None:
    assert sort_items.keys(by, parse(given_filter)).is_empty


@given(st.sampled_from(By), st.dictionaries(IDS, inputs.items, min_size=2, max_size=8))
def test_nothing_is_between_a_key_and_its_neighbours(by: By, items: dict[str, dict[str, Any]]) -> None:
    found = [product.from_item(f"PRODUCT#{product_id}", item) for product_id, item in items.items()]
    for lower, upper in pairwise(sorted(sort_items.sort_key(by, each) for each in found)):
        assert lower < sort_items.after(lower) <= upper
        assert lower <= sort_items.before(upper) < upper


def test_a_product_has_an_item_for_each_order_of_each_category_above_it() -> None:
    items = sort_items.items_of("p1", ITEM)
    scopes = ("ALL", "IN#books", "IN#sf")
    assert {item["pk"] for item in items} == {f"SORT#{scope}#{by.value}" for scope in scopes for by in By}
    assert len(items) == 12
    assert {item["sk"] for item in items if item["pk"].endswith("PRICE")} == {"10000000999#p1"}


def test_a_sale_changes_no_item() -> None:
    assert sort_items.items_of("p1", ITEM) == sort_items.items_of("p1", ITEM | {"stock": 3, "updatedAt": "later"})


def test_what_is_too_long_for_an_item_is_unknown_and_not_missing() -> None:
    (first, *_) = sort_items.items_of("p1", ITEM | {"title": "x" * 501, "authors": ["y" * 300, "z" * 300]})
    values = sort_items.values(first)
    assert "title" not in values
    assert "authors" not in values
    assert values["language"] is None
    assert values["price"] == 999
    assert len(first["sk"].encode()) < 1024


def test_keys_stay_below_the_limit_of_dynamodb() -> None:
    (longest,) = {
        item["sk"] for item in sort_items.items_of("p" * 64, ITEM | {"title": "日" * 999}) if "TITLE" in item["pk"]
    }
    assert len(longest.encode()) < 1000


@pytest.mark.parametrize("given_filter", [None, {"title": {"beginsWith": "x"}}])
def test_the_last_character_of_all_is_in_the_list_too(given_filter: Any) -> None:
    found = product.from_item("PRODUCT#p1", ITEM | {"title": f"{'x' if given_filter else ''}\U0010ffff!"})
    keys, sk = sort_items.keys(By.TITLE, parse(given_filter)), sort_items.sort_key(By.TITLE, found)
    assert keys.low.encode() <= sk.encode() <= keys.high.encode()


def test_an_id_that_no_product_can_have_is_in_no_list() -> None:
    assert sort_items.items_of("a#b", ITEM) == []


def test_a_product_is_where_its_items_say_until_it_moves() -> None:
    found = product.from_item("PRODUCT#p1", ITEM)
    (item,) = (each for each in sort_items.items_of("p1", ITEM) if each["pk"] == "SORT#IN#sf#PRICE")
    assert sort_items.is_at(found, "sf", By.PRICE, item["sk"])
    assert sort_items.is_at(found, None, By.PRICE, item["sk"])
    assert not sort_items.is_at(found, "games", By.PRICE, item["sk"])
    assert not sort_items.is_at(product.from_item("PRODUCT#p1", ITEM | {"price": 1}), "sf", By.PRICE, item["sk"])
