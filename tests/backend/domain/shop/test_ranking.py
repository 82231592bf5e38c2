"""How well products match queries."""

from __future__ import annotations

import pytest

from domain.shop import ranking, search_index
from domain.shop.ranking import Wanted

STONE = search_index.texts_of("Harry Potter and the Sorcerer's Stone (Harry Potter, #1)", ["J.K. Rowling"])
HUNGER = search_index.texts_of("The Hunger Games (The Hunger Games, #1)", ["Suzanne Collins"])


def score(query: str, texts: search_index.Texts = STONE) -> float:
    return Wanted(query).match(texts).score


@pytest.mark.parametrize(
    "query",
    [
        "Harry Potter and the Sorcerer's Stone (Harry Potter, #1)",
        "harry potter and the sorcerers stone",
        "HARRY POTTER AND THE SORCERER’S STONE",
    ],
)
def test_the_same_words_score_1(query: str) -> None:
    assert score(query) == pytest.approx(1)


@pytest.mark.parametrize(
    "query",
    [
        "hary potter and the sorcerers stnoe",
        "harrypotter and the sorcerersstone",
        "harry potter and the sorce rers stone",
        "stone sorcerers the and potter harry",
        "harry potter sorcerers stone",
    ],
)
def test_what_is_meant_but_for_a_slip_is_good(query: str) -> None:
    assert score(query) >= ranking.GOOD


@pytest.mark.parametrize("query", ["harry pot", "rowling harry", "potter rowling", "sorcerers sto"])
def test_a_part_of_it_is_fair(query: str) -> None:
    assert score(query) >= ranking.FAIR


@pytest.mark.parametrize("query", ["qzxv wkjf", "hunger games", "zzzzzzzzzzzzzzz"])
def test_what_is_not_meant_is_no_match(query: str) -> None:
    assert score(query) < ranking.LEAST


def test_more_of_the_title_is_better() -> None:
    assert score("the hunger games", HUNGER) > score("hunger games", HUNGER) > score("hunger", HUNGER)


def test_a_query_is_complete_when_all_its_words_are_there() -> None:
    assert Wanted("rowling stone").match(STONE).is_complete
    assert not Wanted("rowling stoned").match(STONE).is_complete


@pytest.mark.parametrize("query", ["", "!!!", "🙂"])
def test_no_words_match_nothing(query: str) -> None:
    assert score(query) == 0
    assert Wanted("x").match(search_index.Texts("", "", "")).score == 0
