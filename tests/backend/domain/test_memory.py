"""What a container remembers of the log: bounded, and never more certain than it is."""

from __future__ import annotations

import pytest

from domain import memory
from domain.chunks import Chunk, draft
from domain.events import Event
from domain.memory import Head, Memory, View


def chunk(first: int, *ids: str, newest: int, covers: tuple[str, ...] = ()) -> Chunk:
    drafts = [draft(Event(each, "INSERT", "key", "{}", covers=covers), "message") for each in ids]
    return Chunk(tuple(each.numbered(seq, 0) for seq, each in enumerate(drafts, first)), newest)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_IDS_OF_A_TOPIC", 3)
    monkeypatch.setattr(memory, "MOST_IDS", 6)
    monkeypatch.setattr(memory, "MOST_TOPICS", 4)


def test_a_view_excludes_what_it_would_know() -> None:
    view = View(Head(0, 0, 0), horizon=100)
    view.add(chunk(1, "a", "b", newest=150))
    assert view.head == Head(2, 0, 150)
    assert view.excludes({"c"}, 100)
    assert not view.excludes({"c"}, 99)
    assert not view.excludes({"c", "a"}, 100)


def test_covered_ids_are_known_too() -> None:
    view = View(Head(0, 0, 0), horizon=100)
    view.add(chunk(1, "b", newest=150, covers=("a",)))
    assert not view.excludes({"a"}, 100)


def test_what_is_forgotten_moves_the_horizon_beyond_it() -> None:
    view = View(Head(0, 0, 0), horizon=100)
    view.add(chunk(1, "a", "b", newest=150))
    view.add(chunk(3, "c", "d", newest=150))
    assert view.ids == {"c", "d"}
    assert not view.excludes({"a"}, 150)
    assert view.excludes({"e"}, 151)


def test_older_chunks_are_forgotten_first_in_whatever_order_they_come() -> None:
    view = View(Head(6, 0, 300), horizon=0)
    for each in (chunk(5, "e", "f", newest=300), chunk(3, "c", "d", newest=200), chunk(1, "a", "b", newest=100)):
        view.add_below(each)
    assert (view.ids, view.horizon) == ({"e", "f"}, 201)


def test_one_chunk_of_more_than_the_limit_leaves_nothing() -> None:
    view = View(Head(0, 0, 0), horizon=0)
    view.add(chunk(1, "a", "b", "c", "d", newest=100))
    assert (view.ids, view.horizon, view.head.seq) == (set(), 101, 4)


def test_a_view_belongs_to_who_took_it() -> None:
    held = Memory()
    view = View(Head(1, 0, 0), horizon=0)
    held.keep("a", view)
    assert held.take("a") is view
    assert held.take("a") is None


def test_topics_not_used_for_longest_are_forgotten() -> None:
    held = Memory()
    for number, topic in enumerate("abcde"):
        held.keep(topic, View(Head(number, 0, 0), horizon=0))
    assert held.take("a") is None
    assert [bool(held.take(topic)) for topic in "bcde"] == [True] * 4


def test_ids_of_all_topics_together_are_bounded() -> None:
    held = Memory()
    for topic in ("a", "b", "b", "c"):
        view = View(Head(0, 0, 0), horizon=0)
        view.add(chunk(1, "1", "2", "3", newest=0))
        held.keep(topic, view)
    assert held.take("a") is None
    assert [bool(held.take(topic)) for topic in "bc"] == [True, True]
