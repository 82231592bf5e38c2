"""Searching products: what is found, what it costs, and that the main table has the last word."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks import misspellings
from benchmarks.misspellings import Book
from benchmarks.search_quality import Outcome, outcome, share
from benchmarks.shelf import Reads, Shelf, filled
from domain.caller import ANONYMOUS
from domain.clock import SYSTEM
from domain.errors import InvalidInput
from domain.shop import candidates, product, ranking, search_index
from domain.shop.search import MAX_READ, Search, search_products
from domain.table import Delete, Put, Set, Table

ADJECTIVES = [
    "Burning", "Crimson", "Distant", "Fallen", "Gilded", "Hollow",
    "Ivory", "Midnight", "Nameless", "Restless", "Silent", "Winter",
]  # fmt: skip
NOUNS = [
    "Cathedral", "Daughter", "Emperor", "Garden", "Harbour", "Lantern",
    "Mountain", "Orchard", "Prophecy", "River", "Sparrow", "Témoin",
]  # fmt: skip
NAMES = ["Agatha Marlowe", "Boris Øvergård", "Chimamanda Okafor", "Émile Fournier", "J.R. Hathaway", "Yuki Tanabe"]
FEW = [
    Book("it", "It", ["Stephen King"]),
    Book("orwell", "1984", ["George Orwell"]),
    Book("potter-1", "Harry Potter and the Sorcerer's Stone (Harry Potter, #1)", ["J.K. Rowling", "Mary GrandPré"]),
    Book("potter-2", "Harry Potter and the Chamber of Secrets (Harry Potter, #2)", ["J.K. Rowling"]),
    Book("hugo", "Les Misérables", ["Victor Hugo"]),
    Book("stand", "The Stand", ["Stephen King"]),
    Book("blue", "الفيل الأزرق", ["أحمد مراد"]),
    Book("moon", "美少女戦士セーラームーン新装版 1", ["Naoko Takeuchi"]),
    Book("crime", "Преступление и наказание", ["Фёдор Достоевский"]),
]


def generated(count: int) -> list[Book]:
    """Books with titles as they are: some of one word, some with a series in brackets, words used again."""
    rng = random.Random(5)
    titles = [f"The {one} {two}" for one in ADJECTIVES for two in NOUNS]
    titles += [f"{one} of {two}s" for one in NOUNS for two in NOUNS] + ADJECTIVES + NOUNS
    chosen = rng.sample(titles, count)
    series = [f" ({rng.choice(ADJECTIVES)} Saga, #{number})" if number % 2 else "" for number in range(count)]
    return [Book(f"b-{at}", title + series[at], [rng.choice(NAMES)]) for at, title in enumerate(chosen)]


@pytest.fixture(scope="module")
def few() -> tuple[Shelf, Search]:
    """A few books, which no test changes."""
    return filled(FEW)


def found(search: Search, text: str, **arguments: Any) -> list[str]:
    """Ids, the best first."""
    return [each["product"]["id"] for each in search_products(search, ANONYMOUS, text=text, **arguments)]


def test_misspelled_titles_are_found() -> None:
    books = generated(250)
    shelf, search = filled(books)
    queries = misspellings.misspellings(books, seed=11, per_kind=12)

    def ask(text: str) -> Sequence[tuple[str, float]]:
        return [(each["product"]["id"], each["score"]) for each in search_products(search, ANONYMOUS, text=text)]

    outcomes: list[Outcome] = [outcome(query.text, query.book.id, ask, shelf) for query in queries]
    assert share(outcomes, 5) >= 0.95
    assert max(each.reads.requests for each in outcomes) <= candidates.MAX_REQUESTS + 1
    assert max(each.reads.items for each in outcomes) <= candidates.MAX_ITEMS + MAX_READ


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("harry pot", {"potter-1", "potter-2"}),
        ("rowling harry", {"potter-1", "potter-2"}),
        ("POTTER secrets", {"potter-2"}),
        ("grandpre", {"potter-1"}),
        ("les miserables", {"hugo"}),
        ("Lés Mîserablés", {"hugo"}),
        ("it", {"it"}),
        ("1948", {"orwell"}),
        ("the stnad", {"stand"}),
        ("thestand", {"stand"}),
        ("st and", {"stand"}),
        ("الفيل الازرق", {"blue"}),
        ("美少女", {"moon"}),
        ("セーラー", {"moon"}),
        ("преступлние", {"crime"}),
        ("достоевский", {"crime"}),
    ],
)
def test_what_people_type_finds_what_they_mean(few: tuple[Shelf, Search], text: str, expected: set[str]) -> None:
    assert set(found(few[1], text)[: len(expected)]) == expected


@pytest.mark.parametrize("text", [*misspellings.nonsense(3, 20), "!!!", "🙂", "\x00", "%", "x" * 256])
def test_nonsense_finds_nothing_or_little(few: tuple[Shelf, Search], text: str) -> None:
    assert all(each["score"] < ranking.FAIR for each in search_products(few[1], ANONYMOUS, text=text))


@pytest.mark.parametrize(
    "text",
    ["WORD#it", "GRAM#^it", "' OR 1=1 --", "it~", "#", "~", "00#it", "it\x00", "[(it)]", "{'pk': 'it'}", "\u202eit"],
)
def test_hostile_texts_are_texts(few: tuple[Shelf, Search], text: str) -> None:
    assert all(0 <= each["score"] <= 1 for each in search_products(few[1], ANONYMOUS, text=text))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \t\n"}, "text"),
        ({"text": "x" * 257}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"text": "x", "limit": 0}, "limit"),
        ({"text": "x", "limit": 51}, "limit"),
        ({"text": "x", "filter": {"price": {"between": [1]}}}, "filter.price.between"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(
    few: tuple[Shelf, Search], arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        search_products(few[1], ANONYMOUS, **arguments)
    assert (caught.value.info or {})["field"] == field


def test_blanks_around_a_text_do_not_count(few: tuple[Shelf, Search]) -> None:
    assert found(few[1], " " * 300 + "it ") == ["it"]


def test_as_many_as_asked_for_are_answered(few: tuple[Shelf, Search]) -> None:
    assert len(found(few[1], "harry potter", limit=1)) == 1


def test_reads_do_not_grow_with_the_products_that_have_a_word() -> None:
    def reads(count: int) -> Reads:
        shelf, search = filled(Book(f"p-{number:05}", "Common Words", ["Same Name"]) for number in range(count))
        shelf.reads = Reads()
        found(search, "comon words")
        return shelf.reads

    assert reads(3000).items <= reads(300).items


def test_a_title_of_words_that_many_have_is_found_among_them() -> None:
    crowd = [Book(f"p-{number:04}", f"Red River number{number} of the crowd", ["A. Name"]) for number in range(500)]
    _, search = filled([*crowd, Book("short", "Red River", ["B. Name"])])
    assert found(search, "red river")[0] == "short"
    assert found(search, "red river number77 of the crowd")[0] == "p-0077"


# --- on DynamoDB, where the index may lag ---


def stocked(main: Table, index: Table, *books: Book, **members: Any) -> Search:
    """Books with their index items."""
    for book in books:
        pk, sk = product.key(book.id)
        item = {"pk": pk, "sk": sk, "title": book.title, "authors": list(book.authors), **members}
        main.write([Put(item)])
        words = search_index.words_of(book.id, item)
        items = [
            *search_index.items_of(book.id, item),
            *(each for w in words for each in search_index.dictionary_items(w)),
        ]
        index.put_all(items, SYSTEM.monotonic() + 10)
    return Search(main, index, map, SYSTEM)


def test_what_the_index_has_and_the_products_have_not_is_left_out(main_table: Table, search_table: Table) -> None:
    search = stocked(main_table, search_table, Book("gone", "Silent River", []), Book("kept", "Silent Harbour", []))
    renamed = stocked(main_table, search_table, Book("renamed", "Silent Lantern", []))
    main_table.write([Delete(product.key("gone"))])
    main_table.write([Set(product.key("renamed"), {"title": "Something else"})])
    assert found(search, "silent") == ["kept"]
    assert found(renamed, "silnet lantern") == []


def test_a_filter_is_applied_to_the_products_as_they_are(main_table: Table, search_table: Table) -> None:
    search = stocked(main_table, search_table, Book("a", "Dune", ["Frank Herbert"]), price=500, stock=3, ratingsCount=7)
    stocked(main_table, search_table, Book("b", "Dune", ["Frank Herbert"]), price=900, stock=0, ratingsCount=9)
    assert found(search, "dnue") == ["b", "a"]
    assert found(search, "dnue", filter={"stock": {"gt": 0}}) == ["a"]
    main_table.write([Set(product.key("a"), {"stock": 0})])
    assert found(search, "dnue", filter={"stock": {"gt": 0}}) == []
    assert found(search, "dnue", filter={"price": {"lt": 5}, "and": [{"price": {"gt": 5}}]}) == []


def test_products_without_titles_are_found_by_their_authors(main_table: Table, search_table: Table) -> None:
    search = stocked(main_table, search_table, Book("nameless", "", ["Agatha Marlowe"]))
    assert found(search, "marlow") == ["nameless"]
