"""Reading lists of products: which columns are known, what is made up, what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.seed import EXAMPLE_PRODUCTS, made_up
from local.seed.products_csv import MalformedCsvError, ProductList, parse

GOODBOOKS = (
    "book_id,goodreads_book_id,books_count,isbn,authors,original_publication_year,title,language_code,average_rating,"
    "ratings_count,image_url\n"
    '1,99,272,439023483,"Suzanne Collins, A.  Other",2008.0,"The Hunger Games (The Hunger Games, #1)",eng,4.34,4780653,'
    "https://images.example/1.jpg\n"
)
PLAIN = "title;stock;id;author;price;category\nEmma;3;p-1;Jane Austen;12.5;Book / Old classics\n"


def products(text: str | bytes) -> list[dict[str, Any]]:
    found = parse(text.encode() if isinstance(text, str) else text)
    assert found.rejects == []
    return [dict(row.product) for row in found.rows]


def refusals(text: str) -> list[tuple[int, str, str]]:
    return [(each.line, each.id, each.reason) for each in parse(text.encode()).rejects]


def test_a_list_of_goodbooks_is_read_and_what_it_lacks_is_made_up_and_named() -> None:
    (product,) = products(GOODBOOKS)
    genre = made_up.genre("1")
    assert product == {
        "id": "book-1",
        "title": "The Hunger Games (The Hunger Games, #1)",
        "authors": ["Suzanne Collins", "A. Other"],
        "rating": 4.34,
        "ratingsCount": 4780653,
        "year": 2008,
        "language": "eng",
        "isbn": "0439023483",  # the file has lost its zero
        "imageUrl": "https://images.example/1.jpg",
        "category": genre.id,
        "description": product["description"],
        "price": made_up.price("1", 4.34, 4780653),
        "stock": made_up.stock("1"),
        "derived": ["category", "description", "price", "stock"],
    }
    assert "by Suzanne Collins and A. Other, first published in 2008." in product["description"]


def test_a_plain_list_is_read_by_the_names_of_its_columns() -> None:
    (product,) = products(PLAIN)
    assert product == {
        "id": "p-1", "title": "Emma", "authors": ["Jane Austen"], "price": 1250, "stock": 3,
        "category": "old-classics", "description": "Emma by Jane Austen.", "derived": ["description"],
    }  # fmt: skip
    assert [(each.id, each.name, each.parent) for each in parse(PLAIN.encode()).categories.values()] == [
        ("book", "Book", None),
        ("old-classics", "Old classics", "book"),
    ]


@pytest.mark.parametrize(
    "text", ["\ufeff" + PLAIN, PLAIN.replace("\n", "\r\n"), PLAIN.replace(";", "\t"), "\n" + PLAIN + "\n\n"]
)
def test_how_the_file_was_saved_makes_no_difference(text: str) -> None:
    assert products(text) == products(PLAIN)


@pytest.mark.parametrize(("written", "year"), [("-720.0", -720), ("2001", 2001), ("", None), ("0", 0)])
def test_years_may_be_before_our_era_or_missing(written: str, year: int | None) -> None:
    (product,) = products(f"id,title,year\n1,The Odyssey,{written}\n")
    assert product.get("year") == year
    assert ("720 BC" in product["description"]) is (year == -720)


def test_what_is_made_up_is_the_same_every_time_and_spread() -> None:
    keys = [str(number) for number in range(1, 10_001)]
    genres = Counter(made_up.genre(key).id for key in keys)
    assert genres.keys() == {genre.id for genre in made_up.GENRES}
    assert genres["fiction"] > 2500
    assert 20 < genres["poetry"] < 100
    stocks = [made_up.stock(key) for key in keys]
    assert (min(stocks), max(stocks)) == (0, 100)
    assert 300 < stocks.count(0) < 500
    prices = [made_up.price(key, 4.0, 1000) for key in keys]
    assert 300 < min(prices) < max(prices) < 5000
    assert [made_up.genre("1").id, made_up.price("1", None, None), made_up.stock("1")] == ["fiction", 1719, 33]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,Emma", "it has 2 fields, the header 6"),
        ("1,Emma,,,,,", "it has 7 fields, the header 6"),
        ("a b,Emma,,,,", "id: 'a b' is not 1 to 64 letters, digits or hyphens"),
        (",Emma,,,,", "id: '' is not 1 to 64 letters, digits or hyphens"),
        ("1, ,,,,", "it has no title"),
        ("1,Emma,twelve,,,", "price: 'twelve' is no amount such as 12.50"),
        ("1,Emma,-1,,,", "price: '-1' is no amount such as 12.50"),
        ("1,Emma,1.005,,,", "price: '1.005' is no amount such as 12.50"),
        ("1,Emma,nan,,,", "price: 'nan' is no amount such as 12.50"),
        ("1,Emma,1e99,,,", "price: '1e99' is no amount such as 12.50"),
        ("1,Emma,,1.5,,", "stock: '1.5' is no whole number"),
        ("1,Emma,,-1,,", "stock: '-1' is less than none"),
        ("1,Emma,,,6,", "rating: '6' is no rating from 0 to 5"),
        ("1,Emma,,,,a/-/b", "category: 'a/-/b' has a part without letters or digits"),
        (f"1,{'x' * 4001},,,,", "title has 4,001 characters; at most 4,000"),
    ],
)
def test_a_line_that_is_no_product_is_refused_with_its_number_and_the_reason(line: str, reason: str) -> None:
    text = f"id,title,price,stock,rating,category\n2,Before,,,,\n{line}\n3,After,,,,\n"
    ((number, _, told),) = refusals(text)
    assert (number, told) == (3, reason)
    assert [row.id for row in parse(text.encode()).rows] == ["2", "3"]


def test_the_same_id_again_is_refused() -> None:
    assert refusals('id,title\n1,"two\nlines"\n2,b\n1,c\n') == [(5, "1", "line 2 has this id already")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"id,title\n", "it has a header and no products"),
        (b"name,price\nEmma,1\n", "it has no column id or book_id, and none title; its first line reads: name, price"),
        (b"id,name\n1,Emma\n", "it has no column title"),
        (b"id,title,Title\n1,a,b\n", "it has the column title twice"),
        ("id,title\n1,Émile\n".encode("latin-1"), "line 2 is not UTF-8 (byte 0xc9): save it as UTF-8"),
        ("id,title\n1,Emma\n".encode("utf-16"), "it is UTF-16: save it as UTF-8"),
        (b"id,title\n1,a\0b\n", "it is not text"),
        (b'id,title\n1,a\n2,"b\n3,c\n', "the quotes from line 3 on do not fit"),
        (b'id,title\n1,"a"b\n', "the quotes from line 2 on do not fit"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_for_certain_is_refused_whole(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedCsvError) as refused:
        parse(data)
    assert reason in str(refused.value)


def test_a_huge_field_costs_its_line_only() -> None:
    text = f'id,title\n1,"{"x" * 1_000_000}"\n2,Emma\n'
    assert refusals(text) == [(2, "1", "title has 1,000,000 characters; at most 4,000")]


@given(
    st.binary(max_size=200)
    | st.text(alphabet='id,title\n"1;x\r\t ', max_size=80).map(lambda text: f"id,title\n{text}".encode())
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = parse(data)
    except MalformedCsvError:
        return
    assert isinstance(found, ProductList)
    assert found.rows or found.rejects


def test_the_examples_are_right() -> None:
    found = parse(EXAMPLE_PRODUCTS.read_bytes())
    assert (len(found.rows), found.rejects, found.made_up) == (30, [], {})
    assert {row.product["stock"] for row in found.rows} >= {0}
    assert {each.parent for each in found.categories.values()} == {None, "book", "classics"}
