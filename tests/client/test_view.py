from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.view import MOST_TOLD, View


@dataclass(frozen=True)
class Told:
    key: str
    item: str | None
    kind: str = "MODIFY"


def shown(view: View[str]) -> list[tuple[str, str]]:
    return list(view.items.items())


def test_holds_items_in_the_order_in_which_they_came_and_updates_them_in_place() -> None:
    view: View[str] = View()
    view.replace([("a", "1"), ("b", "2")])
    view.apply(Told("c", "3", "INSERT"))
    view.apply(Told("a", "4"))
    view.apply(Told("b", None, "REMOVE"))
    assert shown(view) == [("a", "4"), ("c", "3")]


def test_sorts_by_an_order_and_moves_an_item_whose_rank_changes() -> None:
    view: View[str] = View(order=lambda item: item)
    view.replace([("a", "2"), ("b", "1")])
    assert list(view.items) == ["b", "a"]
    view.apply(Told("b", "3"))
    assert list(view.items) == ["a", "b"]


def test_keeps_the_newest_and_leaves_out_what_has_fallen_out() -> None:
    view: View[str] = View(keep=2, order=lambda item: item)
    view.replace([("a", "1"), ("b", "2"), ("c", "3")])
    view.apply(Told("c", None, "REMOVE"))
    view.apply(Told("a", "1 edited"))
    assert shown(view) == [("b", "2")]  # with "a" there would be a hole if the snapshot had begun between the two


def test_a_truncated_change_shows_no_old_content() -> None:
    view: View[str] = View()
    view.replace([("a", "1")])
    view.apply(Told("a", None, "MODIFY"))
    assert shown(view) == []


def test_a_mapping_handed_out_stays_as_it_is() -> None:
    view: View[str] = View()
    view.replace([("a", "1")])
    before = view.items
    view.apply(Told("b", "2"))
    assert list(before) == ["a"]
    assert view.items is view.items


def test_shows_an_insertion_last_until_the_change_comes_after_the_answer() -> None:
    view: View[str] = View()
    view.replace([("a", "1")])
    view.optimistic("m1", "mine", "hello")
    assert (shown(view), view.pending) == ([("a", "1"), ("mine", "hello")], frozenset({"mine"}))
    view.settle("m1", "b")
    assert (shown(view), view.pending) == ([("a", "1"), ("b", "hello")], frozenset())
    view.apply(Told("b", "hello!", "INSERT"))
    assert shown(view) == [("a", "1"), ("b", "hello!")]


def test_an_answer_shows_what_the_server_has_made_of_it() -> None:
    view: View[str] = View()
    view.replace([("a", "1")])
    view.optimistic("m1", "mine", "hello")
    view.optimistic("m2", "a", None)
    view.settle("m1", "b", "Hello")
    view.settle("m2", "a", "what was removed")
    assert shown(view) == [("b", "Hello")]


def test_an_insertion_whose_change_came_before_the_answer_leaves_with_the_answer() -> None:
    view: View[str] = View()
    view.optimistic("m1", "mine", "hello")
    view.apply(Told("b", "hello", "INSERT"))
    view.settle("m1", "b")
    assert shown(view) == [("b", "hello")]


def test_an_insertion_that_was_removed_before_the_answer_is_no_ghost() -> None:
    view: View[str] = View()
    view.optimistic("m1", "mine", "hello")
    view.apply(Told("b", "hello", "INSERT"))
    view.apply(Told("b", None, "REMOVE"))
    view.settle("m1", "b")
    assert shown(view) == []


def test_an_insertion_that_the_snapshot_holds_is_shown_once_and_as_the_server_has_it() -> None:
    view: View[str] = View()
    view.replace([("b", "Hello")])
    view.optimistic("m1", "mine", "hello")  # queued by a process that was killed before it had the answer
    view.settle("m1", "b")
    assert shown(view) == [("b", "Hello")]


def test_forgetting_of_which_keys_was_told_makes_no_ghost() -> None:
    view: View[str] = View(keep=10)
    view.optimistic("m1", "mine", "hello")
    view.apply(Told("b", "hello", "INSERT"))
    for number in range(MOST_TOLD + 1):
        view.apply(Told(f"other{number}", "x", "INSERT"))
    view.settle("m1", "b")
    assert "b" not in view.items
    assert "mine" not in view.items


def test_an_update_stands_in_place_and_rolls_back_to_the_newest_item() -> None:
    view: View[str] = View()
    view.replace([("a", "1"), ("b", "2")])
    view.optimistic("m1", "a", "mine")
    view.apply(Told("a", "theirs"))
    assert shown(view) == [("a", "mine"), ("b", "2")]
    view.roll_back("m1")
    assert shown(view) == [("a", "theirs"), ("b", "2")]


def test_a_removal_hides_until_it_fails() -> None:
    view: View[str] = View()
    view.replace([("a", "1")])
    view.optimistic("m1", "a", None)
    assert (shown(view), view.pending) == ([], frozenset({"a"}))
    view.roll_back("m1")
    assert shown(view) == [("a", "1")]


def test_a_removal_hides_from_the_answer_to_the_change() -> None:
    view: View[str] = View()
    view.replace([("a", "1")])
    view.optimistic("m1", "a", None)
    view.settle("m1", "a")
    assert shown(view) == []
    view.apply(Told("a", None, "REMOVE"))
    view.apply(Told("a", "again", "INSERT"))
    assert shown(view) == [("a", "again")]


def test_of_several_entries_the_last_is_shown_and_each_ends_by_itself() -> None:
    view: View[str] = View()
    view.replace([("a", "1")])
    view.optimistic("m1", "a", "2")
    view.optimistic("m2", "a", "3")
    view.roll_back("m1")
    assert shown(view) == [("a", "3")]
    view.roll_back("m2")
    assert shown(view) == [("a", "1")]


def test_a_snapshot_ends_settled_entries_and_keeps_pending_ones() -> None:
    view: View[str] = View()
    view.optimistic("m1", "x", "settled")
    view.optimistic("m2", "y", "pending")
    view.settle("m1", "a")
    view.replace([("a", "1")])
    assert shown(view) == [("a", "1"), ("y", "pending")]


def test_answers_without_changes_leave_nothing_behind() -> None:
    view: View[str] = View(keep=3)
    for number in range(10):
        view.optimistic(f"m{number}", f"k{number}", "x")
        view.settle(f"m{number}", f"s{number}")
    assert list(view.items) == ["s7", "s8", "s9"]
    without_items: View[str] = View(keep=0)
    without_items.optimistic("m", "k", "x")
    without_items.settle("m", "s")
    assert shown(without_items) == []


def test_unknown_ids_are_ignored() -> None:
    view: View[str] = View()
    view.settle("m1", "a")
    view.roll_back("m1")
    assert shown(view) == []


def test_refuses_to_keep_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="keep=-1"):
        View(keep=-1)


KEYS = st.sampled_from("abcdef")
ITEMS = st.sampled_from("123456789")
IDS = st.sampled_from(["m1", "m2", "m3"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, ITEMS),
        st.tuples(st.just("remove"), KEYS),
        st.tuples(st.just("replace"), st.dictionaries(KEYS, ITEMS)),
        st.tuples(st.just("optimistic"), IDS, KEYS, st.none() | ITEMS),
        st.tuples(st.just("settle"), IDS, st.none() | KEYS),
        st.tuples(st.just("roll back"), IDS),
    ),
    max_size=40,
)


def step(view: View[str], name: str, *arguments: object) -> None:
    match name, *arguments:
        case "put", str(key), str(item):
            view.apply(Told(key, item))
        case "remove", str(key):
            view.apply(Told(key, None, "REMOVE"))
        case "replace", dict(items):
            view.replace(items.items())
        case "optimistic", str(id_), str(key), item:
            view.optimistic(id_, key, None if item is None else str(item))
        case "settle", str(id_), key:
            view.settle(id_, None if key is None else str(key))
        case "roll back", str(id_):
            view.roll_back(id_)


def newest(items: dict[str, str], keep: int, order: Callable[[str], str] | None) -> list[tuple[str, str]]:
    listed = list(items.items())
    if order is not None:
        listed.sort(key=lambda pair: (order(pair[1]), pair[0]))
    return listed[max(0, len(listed) - keep) :]


@given(STEPS, st.booleans())
def test_without_entries_it_is_what_the_server_told(steps: list[tuple[object, ...]], sort: bool) -> None:
    """Unbounded, the view is a dictionary that is written as the changes say, sorted where an order is given."""
    order = (lambda item: item) if sort else None
    view: View[str] = View(order=order)
    model: dict[str, str] = {}
    for name, *arguments in steps:
        step(view, str(name), *arguments)
        match name, *arguments:
            case "put", str(key), str(item):
                model[key] = item
            case "remove", str(key):
                model.pop(key, None)
            case "replace", dict(items):
                model = dict(items)
    for id_ in ("m1", "m2", "m3"):
        view.roll_back(id_)
    # What had settled and waits for its change has no id that could be rolled back twice: nothing else is left.
    assert shown(view) == newest(model, len(model), order)


@given(STEPS, st.integers(0, 4))
def test_a_bounded_view_is_an_unbroken_run_of_the_newest(steps: list[tuple[object, ...]], keep: int) -> None:
    """Whatever comes, the items kept are exactly those of the whole that rank from the oldest kept upwards."""
    bounded: View[str] = View(keep, order=lambda item: item)
    whole: View[str] = View(order=lambda item: item)
    for name, *arguments in steps:
        if name in {"put", "remove", "replace"}:
            step(bounded, str(name), *arguments)
            step(whole, str(name), *arguments)
            kept, everything = shown(bounded), shown(whole)
            assert len(kept) <= keep
            assert kept == everything[len(everything) - len(kept) :]
            if name == "replace":
                assert len(kept) == min(keep, len(everything))


@given(STEPS)
def test_a_pending_entry_is_shown_and_an_ended_one_leaves_no_trace(steps: list[tuple[object, ...]]) -> None:
    view: View[str] = View()
    pending: dict[str, tuple[str, str | None]] = {}
    last_made = ""
    for name, *arguments in steps:
        step(view, str(name), *arguments)
        match name, *arguments:
            case "optimistic", str(id_), str(key), item:
                pending.pop(id_, None)
                pending[id_] = key, None if item is None else str(item)
                last_made = id_
            case (("settle" | "roll back"), str(id_), *_):
                pending.pop(id_, None)
        assert view.pending == {key for key, _ in pending.values()}
        if last_made in pending:
            key, item = pending[last_made]
            assert view.items.get(key) == item
    for key in "abcdef":
        view.apply(Told(key, "told", "INSERT"))
    for id_ in pending:
        view.roll_back(id_)
    assert set(view.items) == set("abcdef")
    assert set(view.items.values()) == {"told"}
