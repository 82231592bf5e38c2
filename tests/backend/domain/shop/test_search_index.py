"""What the search index keeps of products."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.shop import search_index
from domain.shop.search_index import Texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Hunger-Games!", "the hunger games"),
        ("Ender’s Game", "enders game"),
        ("Les Misérables", "les miserables"),
        ("STRASSE Straße", "strasse strasse"),
        ("Łódź, Ørsted & Æsop", "lodz orsted aesop"),
        ("الفيل الأزرق", "الفيل الازرق"),
        ("ガラス", "カラス"),
        ("①②", "12"),
        ("?!…", ""),
    ],
)
def test_normalising_keeps_what_people_type(text: str, expected: str) -> None:
    assert search_index.normalise(text) == expected


def test_scripts_without_blanks_are_found_by_each_two_characters_in_a_row() -> None:
    assert search_index.words("naruto 美少女戦 x巻1") == ["naruto", "美少", "少女", "女戦", "x", "巻", "1"]


def test_what_a_title_has_in_brackets_is_apart() -> None:
    texts = search_index.texts_of("The Hunger Games (The Hunger Games, #1)", ["Suzanne Collins"])
    assert texts == Texts("the hunger games", "the hunger games 1", "suzanne collins")


@pytest.mark.parametrize("title", ["(untitled)", "[REC]"])
def test_a_title_that_is_all_in_brackets_is_a_title(title: str) -> None:
    assert search_index.texts_of(title, []).title == search_index.normalise(title)


def test_a_product_is_found_by_the_words_that_say_something() -> None:
    texts = search_index.texts_of("The Lord of the Rings (Middle Earth, #2)", ["J.R.R. Tolkien"])
    assert search_index.found_by(texts) == ["lord", "rings", "middle", "earth", "tolkien"]


@pytest.mark.parametrize(("title", "words"), [("It", ["it"]), ("The Stand", ["the", "stand"]), ("V.", ["v"])])
def test_common_words_count_where_a_title_has_hardly_others(title: str, words: list[str]) -> None:
    assert search_index.found_by(search_index.texts_of(title, [])) == words


def test_postings_have_what_is_compared_and_short_titles_come_first() -> None:
    items = search_index.items_of("p-1", {"title": "Dune Messiah (Dune, #2)", "authors": ["Frank Herbert"]})
    texts = {"t": "dune messiah", "s": "dune 2", "a": "frank herbert"}
    assert items == [
        {"pk": f"WORD#{word}", "sk": "02#p-1", **texts} for word in ("dune", "messiah", "frank", "herbert")
    ]


@pytest.mark.parametrize("item", [{}, {"title": Decimal(1), "authors": "x"}, {"title": "", "authors": []}])
def test_an_item_that_lacks_everything_has_few_postings_and_breaks_nothing(item: dict[str, object]) -> None:
    assert [each["pk"] for each in search_index.items_of("p", item)] == (["WORD#1"] if item.get("title") else [])


def test_hostile_texts_make_bounded_items() -> None:
    items = search_index.items_of("p", {"title": "x" * 100_000 + " #|" * 9_999, "authors": ["é " * 9_999] * 50})
    assert len(items) <= search_index.MAX_WORDS
    assert all(len(str(item)) < 2_000 for item in items)
    many = search_index.items_of("p", {"title": " ".join(f"word{number}" for number in range(1000))})
    assert len(many) == search_index.MAX_WORDS


def test_grams_overlap_and_short_words_have_their_two_ends() -> None:
    assert search_index.grams("potter") == ["^po", "pot", "ott", "tte", "ter", "er$"]
    assert search_index.grams("dune") == ["^du", "dun", "une", "ne$", "d~e"]
    assert search_index.grams("it") == ["^it", "it$"]
    assert search_index.grams("v") == ["^v$"]


def test_the_marker_of_a_word_is_written_last() -> None:
    items = search_index.dictionary_items("it")
    assert [(item["pk"], item["sk"]) for item in items] == [
        ("GRAM#^it", "02#it"),
        ("GRAM#it$", "02#it"),
        search_index.marker_key("it"),
    ]


def test_characters_that_are_found_by_their_neighbours_are_not_in_the_dictionary() -> None:
    assert search_index.words_of("p", {"title": "NARUTO ナルト"}) == ["naruto"]


def test_grams_far_apart_are_read_first() -> None:
    first, later = search_index.spread(search_index.grams("potters"), 3)
    assert (first, later) == (["^po", "tte", "rs$"], ["pot", "ott", "ter", "ers"])
    assert search_index.spread(["^it", "it$"], 3) == (["^it", "it$"], [])
