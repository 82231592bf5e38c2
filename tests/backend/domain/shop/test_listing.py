"""Lists of products against brute force, what a page costs, and what pages do while products change."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from domain import page_tokens
from domain.caller import ANONYMOUS
from domain.errors import InvalidInput, InvalidPageToken
from domain.shop import listing, product, sort_items
from domain.shop.listing import SORTS, Lists
from domain.table import Delete, Set, Table
from tests.backend.domain.shop import brute_force, shelves
from tests.backend.domain.shop.read_meter import metered
from tests.conftest import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
PRODUCTS = shelves.generated(150)

# Every order is in half of the rounds, with and without a category; benchmarks/catalogue_reads.py has all of them.
ROUNDS = [
    [("PRICE_ASC", None, 100), ("RATING_DESC", "fantasy", 37), ("TITLE_ASC", None, 64), ("OLDEST", "books", 23)],
    [("PRICE_DESC", "books", 23), ("RATING_ASC", None, 100), ("TITLE_DESC", "fantasy", 11), ("NEWEST", None, 64)],
]


def tables(client: DynamoDBClient) -> Lists:
    """Empty tables."""
    made = []
    for logical_id in ("MainTable", "Search"):
        name = f"{logical_id}-{uuid.uuid4()}"
        client.create_table(TableName=name, **table_definition(logical_id))
        made.append(Table(name, client))
    return Lists(*made)


@pytest.fixture(scope="module")
def lists(dynamodb_client: DynamoDBClient) -> Lists:
    """A catalogue that no test changes."""
    made = tables(dynamodb_client)
    shelves.fill(made.table, made.search, PRODUCTS)
    return made


@pytest.fixture
def empty(dynamodb_client: DynamoDBClient) -> Lists:
    """A catalogue to fill."""
    return tables(dynamodb_client)


def pages(lists: Lists, **arguments: Any) -> Iterator[list[str]]:
    """The ids of each page."""
    token: str | None = None
    while True:
        items, token = listing.products(lists, ANONYMOUS, **arguments, next_token=token, now_ms=NOON)
        yield [each["id"] for each in items]
        if token is None:
            return


def all_pages(lists: Lists, **arguments: Any) -> list[str]:
    """The ids on all pages together."""
    return [each for page in pages(lists, **arguments) for each in page]


def stock(lists: Lists, count: int, **members: Any) -> list[str]:
    """Products that cost 0, 1, 2 and so on, unless told otherwise; their ids."""
    made = [
        {"id": f"p{number:04d}", "title": "x", "path": ["books"], "price": number, "stock": 1, **members}
        for number in range(count)
    ]
    shelves.fill(lists.table, lists.search, made)
    return [each["id"] for each in made]


@pytest.mark.parametrize("number", range(len(shelves.FILTERS)))
def test_all_pages_of_a_filter_are_what_brute_force_says(lists: Lists, number: int) -> None:
    for sort, category, limit in ROUNDS[number % 2]:
        found = list(pages(lists, category=category, filter=shelves.FILTERS[number], sort=sort, limit=limit))
        expected = [each["id"] for each in brute_force.listed(PRODUCTS, category, shelves.FILTERS[number], sort)]
        assert [each for page in found for each in page] == expected
        assert max(map(len, found)) <= limit


def test_a_page_shows_products_as_they_are(lists: Lists) -> None:
    (found, *_), _ = listing.products(lists, ANONYMOUS, sort="PRICE_DESC", now_ms=NOON)
    (true,) = (each for each in PRODUCTS if each["id"] == found["id"])
    assert {name: found.get(name) for name in true} == true


def test_without_arguments_it_is_all_products_by_title(lists: Lists) -> None:
    items, token = listing.products(lists, ANONYMOUS, now_ms=NOON)
    expected = brute_force.listed(PRODUCTS, None, None, "TITLE_ASC")
    assert [each["id"] for each in items] == [each["id"] for each in expected[:50]]
    assert token is not None


def test_the_last_page_says_that_it_is_the_last(empty: Lists) -> None:
    ids = stock(empty, 4)
    assert list(pages(empty, limit=2)) == [ids[:2], ids[2:]]
    assert list(pages(empty, sort="TITLE_DESC", limit=3)) == [ids[:0:-1], ids[:1]]


def test_an_empty_catalogue_has_one_empty_page(empty: Lists) -> None:
    assert list(pages(empty, category="books", sort="NEWEST")) == [[]]


@pytest.mark.parametrize(
    ("sort", "given"),
    [
        ("PRICE_ASC", {"price": {"gt": 5}, "and": [{"price": {"lt": 3}}]}),
        ("TITLE_ASC", {"year": {"eq": 1, "gt": 1}}),
        ("RATING_DESC", {"rating": {"gt": 5}}),
        ("TITLE_DESC", {"title": {"beginsWith": "a"}, "and": [{"title": {"beginsWith": "b"}}]}),
        ("NEWEST", {"language": {"in": []}}),
    ],
)
def test_a_contradiction_is_answered_without_a_read(
    lists: Lists, dynamodb_client: DynamoDBClient, sort: str, given: Any
) -> None:
    with metered(dynamodb_client) as reads:
        assert listing.products(lists, ANONYMOUS, filter=given, sort=sort, now_ms=NOON) == ([], None)
    assert reads.requests == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"sort": "TITLE_ASC"},
        {"sort": "NEWEST", "category": "books"},
        {"sort": "PRICE_ASC", "filter": {"price": {"ge": 700}}},
        {"sort": "PRICE_DESC", "filter": {"price": {"lt": 3000}}, "category": "books"},
        {"sort": "RATING_DESC", "filter": {"rating": {"between": [2, 4]}}},
    ],
)
def test_a_page_that_an_index_serves_reads_what_it_shows(
    lists: Lists, dynamodb_client: DynamoDBClient, arguments: dict[str, Any]
) -> None:
    with metered(dynamodb_client) as reads:
        items, _ = listing.products(lists, ANONYMOUS, **arguments, limit=10, now_ms=NOON)
    assert len(items) == 10
    assert reads.requests == 2
    assert reads.items == 11 + 10  # a sort item more, to know whether this is the last page


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that few products reach."""
    monkeypatch.setattr(listing, "MAX_EXAMINED", 120)
    monkeypatch.setattr(listing, "MAX_READ", 60)


@pytest.mark.usefixtures("small")
def test_what_nothing_matches_is_looked_for_within_bounds(empty: Lists, dynamodb_client: DynamoDBClient) -> None:
    stock(empty, 140, path=[])
    found = []
    token = None
    for _ in range(2):
        with metered(dynamodb_client) as reads:
            items, token = listing.products(
                empty, ANONYMOUS, filter={"title": {"eq": "y"}}, sort="PRICE_ASC", next_token=token, now_ms=NOON
            )
        found.append((len(items), reads.items, token is None))
    assert found == [(0, 120, False), (0, 20, True)]


@pytest.mark.usefixtures("small")
def test_what_only_products_tell_is_read_within_bounds(empty: Lists, dynamodb_client: DynamoDBClient) -> None:
    ids = stock(empty, 80, path=[])
    empty.table.write([Set(product.key(ids[-1]), {"stock": 0})])
    sold_out: dict[str, Any] = {"filter": {"stock": {"eq": 0}}, "sort": "PRICE_ASC"}
    for limit in (50, 1):
        with metered(dynamodb_client) as reads:
            items, token = listing.products(empty, ANONYMOUS, **sold_out, limit=limit, now_ms=NOON)
        assert items == []
        assert token is not None
        assert reads.items <= 120 + 60
        assert reads.requests <= 6  # however few are wanted
    assert all_pages(empty, **sold_out) == ids[-1:]


def test_the_bounds_are_those_of_the_docs() -> None:
    assert (listing.MAX_EXAMINED, listing.MAX_READ) == (500, 200)


def test_more_that_match_than_are_wanted_wait_for_the_next_page(empty: Lists) -> None:
    ids = stock(empty, 40, path=[])
    empty.table.write([Set(product.key(ids[0]), {"stock": 0})])
    found = list(pages(empty, filter={"stock": {"gt": 0}}, sort="PRICE_ASC", limit=3))
    assert [each for page in found for each in page] == ids[1:]
    assert max(map(len, found)) == 3


def test_one_match_far_away_is_found_by_a_page_of_one(empty: Lists) -> None:
    ids = stock(empty, 150, path=[])
    assert all_pages(empty, filter={"year": {"ne": 1}, "price": {"in": [0, 149]}}, sort="TITLE_ASC", limit=1) == [
        ids[0], ids[149],
    ]  # fmt: skip


def test_what_moved_is_shown_where_it_is_or_not_yet(empty: Lists) -> None:
    ids = stock(empty, 5)
    empty.table.write([Set(product.key(ids[1]), {"price": 9})])  # its sort items are not there yet
    assert all_pages(empty, sort="PRICE_ASC") == [ids[0], *ids[2:]]
    assert all_pages(empty, sort="TITLE_ASC") == ids
    empty.search.put_all(sort_items.items_of(ids[1], empty.table.get(product.key(ids[1]), 0) or {}), deadline())
    assert all_pages(empty, sort="PRICE_ASC") == [ids[0], *ids[2:], ids[1]]  # the old ones are still there


def test_what_left_a_category_or_is_gone_is_not_shown(empty: Lists) -> None:
    ids = stock(empty, 4)
    empty.table.write([Set(product.key(ids[1]), {"path": ["games"]})])
    empty.table.write([Delete(product.key(ids[2]))])
    assert all_pages(empty, category="books", limit=1) == [ids[0], ids[3]]
    assert all_pages(empty, category="books", limit=1, sort="TITLE_DESC") == [ids[3], ids[0]]


def test_what_matches_no_more_is_not_shown(empty: Lists) -> None:
    ids = stock(empty, 3)
    empty.table.write([Set(product.key(ids[1]), {"year": 2001})])
    assert all_pages(empty, filter={"year": {"ne": 2001}}) == [ids[0], ids[2]]


@pytest.mark.parametrize(("sort", "step"), [("PRICE_ASC", 1), ("PRICE_DESC", -1)])
def test_changes_behind_and_before_a_page_neither_double_nor_skip_others(empty: Lists, sort: str, step: int) -> None:
    ids = stock(empty, 20)[::step]
    walk = pages(empty, sort=sort, limit=4)
    seen = next(walk)
    gone, last = ids[3], ids[19]  # the one at which the page ended, and one that comes later
    for each in (gone, last):
        item = empty.table.get(product.key(each), 0) or {}
        empty.table.write([Delete(product.key(each))])
        empty.search.delete_all([(old["pk"], old["sk"]) for old in sort_items.items_of(each, item)], deadline())
    new = {"id": "new", "title": "x", "path": ["books"], "price": 10, "stock": 1}
    shelves.fill(empty.table, empty.search, [new])
    seen += [each for page in walk for each in page]
    assert [each for each in seen if each != "new"] == [each for each in ids if each != last]
    assert seen.count("new") == 1


def test_a_page_ends_before_it_is_too_large_for_an_answer(empty: Lists) -> None:
    ids = stock(empty, 16, description="\x00" * 100_000)  # six bytes each in JSON
    found = list(pages(empty))
    assert [each for page in found for each in page] == ids
    assert [len(page) for page in found] == [6, 6, 4]


def test_a_token_is_of_its_list_only(lists: Lists) -> None:
    arguments: dict[str, Any] = {"category": "books", "filter": {"price": {"gt": 1}}, "sort": "PRICE_ASC", "limit": 2}
    _, token = listing.products(lists, ANONYMOUS, **arguments, now_ms=NOON)
    listing.products(lists, ANONYMOUS, **arguments | {"limit": 5}, next_token=token, now_ms=NOON)
    others: list[dict[str, Any]] = [{"category": None}, {"filter": {"price": {"gt": 2}}}, {"sort": "PRICE_DESC"}]
    for other in others:
        with pytest.raises(InvalidPageToken):
            listing.products(lists, ANONYMOUS, **arguments | other, next_token=token, now_ms=NOON)


@pytest.mark.parametrize("position", ["x", "#", "1#" + "a" * 65, "ü" * 999 + "#a", "1#a#b\n", "1#ä"])
def test_a_token_made_by_hand_is_refused(lists: Lists, position: str) -> None:
    token = page_tokens.encode(position, "Query.products", "", "PRICE_ASC", "null")
    with pytest.raises(InvalidPageToken):
        listing.products(lists, ANONYMOUS, sort="PRICE_ASC", next_token=token, now_ms=NOON)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("position", ["\x00#a", "\U0010ffff#z", "\U0010ffff\U0010ffff#z", "~#0"])
def test_a_token_made_by_hand_reads_within_its_list(lists: Lists, sort: str, position: str) -> None:
    token = page_tokens.encode(position, "Query.products", "", sort, "null")
    items, _ = listing.products(lists, ANONYMOUS, sort=sort, limit=1, next_token=token, now_ms=NOON)
    assert len(items) <= 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"sort": "COLOUR"}, "sort"),
        ({"category": ""}, "category"),
        ({"category": "a#b"}, "category"),
        ({"category": "x" * 65}, "category"),
        ({"filter": {"and": [{"price": {"between": [1]}}]}}, "filter.and[0].price.between"),
    ],
)
def test_bad_input_is_named(lists: Lists, arguments: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        listing.products(lists, ANONYMOUS, **arguments, now_ms=NOON)
    assert refused.value.info == {"field": field}


def test_the_first_products_of_a_category_go_on_with_its_list(lists: Lists) -> None:
    items, token = listing.of_category(lists, ANONYMOUS, "fantasy", sort="NEWEST", now_ms=NOON)
    assert len(items) == 10
    more, _ = listing.products(lists, ANONYMOUS, category="fantasy", sort="NEWEST", next_token=token, now_ms=NOON)
    expected = [each["id"] for each in brute_force.listed(PRODUCTS, "fantasy", None, "NEWEST")]
    assert [each["id"] for each in items + more] == expected[:60]


def test_the_first_products_of_a_category_stay_small(empty: Lists) -> None:
    ids = stock(empty, 3, description="x" * 30_000)
    items, token = listing.of_category(empty, ANONYMOUS, "books", now_ms=NOON)
    assert [each["id"] for each in items] == ids[:1]
    stock(empty, 3, description="x" * 50_000)
    items, token = listing.of_category(empty, ANONYMOUS, "books", now_ms=NOON)
    assert items == []
    more, _ = listing.products(empty, ANONYMOUS, category="books", next_token=token, now_ms=NOON)
    assert [each["id"] for each in more] == ids


def deadline() -> float:
    return time.monotonic() + 30
