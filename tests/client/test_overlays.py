"""What mutations under way are expected to do, in the views of feeds that come and go."""

from __future__ import annotations

import gc
from typing import Any
from weakref import ref

import pytest

from headwater.mutations import Mutation, Optimistic
from headwater.overlays import Overlays
from headwater.view import View

Item = dict[str, Any]


def mutation(id_: str, *shown: Optimistic) -> Mutation:
    return Mutation(id_, "mutation", {}, None, shown)


def view_of(overlays: Overlays, topic: str) -> View[Item]:
    view: View[Item] = View()
    overlays.attach(topic, view, lambda wire: {**wire, "parsed": True})
    return view


def test_every_feed_of_the_topic_shows_it_and_no_other() -> None:
    overlays = Overlays()
    lobby, also_lobby, other = (view_of(overlays, topic) for topic in ("room:lobby", "room:lobby", "room:other"))
    expected = mutation("m1", Optimistic("room:lobby", "k", {"id": "k"}))
    overlays.show(expected)
    assert dict(lobby.items) == dict(also_lobby.items) == {"k": {"id": "k", "parsed": True}}
    assert other.items == {}
    overlays.roll_back(expected)
    assert lobby.items == also_lobby.items == {}


def test_one_mutation_may_be_expected_to_do_several_things() -> None:
    overlays = Overlays()
    lobby, user = view_of(overlays, "room:lobby"), view_of(overlays, "user")
    lobby.replace([("gone", {"id": "gone"})])
    expected = mutation(
        "m1",
        Optimistic("room:lobby", "gone", None),
        Optimistic("room:lobby", "new", {"id": "new"}),
        Optimistic("user", "u", {"id": "u"}, answer_key=("nothing", "there")),
    )
    overlays.show(expected)
    assert (list(lobby.items), list(user.items)) == (["new"], ["u"])
    overlays.settle(expected, {"field": {"id": "named"}})
    assert (list(lobby.items), list(user.items)) == (["named"], [])
    assert lobby.pending == user.pending == frozenset()


def test_what_the_answer_has_of_the_item_is_shown_where_it_is_whole() -> None:
    overlays = Overlays()
    strict: View[str] = View()
    overlays.attach("room:lobby", strict, lambda wire: str(wire["text"]))
    for id_ in ("m1", "m2"):
        expected = mutation(id_, Optimistic("room:lobby", id_, {"text": "expected"}))
        overlays.show(expected)
        overlays.settle(expected, {"say": {"id": "whole", "text": "answered"} if id_ == "m1" else {"id": "part"}})
    assert dict(strict.items) == {"whole": "answered", "part": "expected"}


def test_a_feed_that_comes_later_shows_what_is_under_way_in_order() -> None:
    overlays = Overlays()
    first, second = (mutation(id_, Optimistic("user", "u", {"by": id_})) for id_ in ("m1", "m2"))
    overlays.show(first)
    overlays.show(second)
    assert view_of(overlays, "user").items["u"]["by"] == "m2"
    overlays.settle(second, {})
    assert view_of(overlays, "user").items["u"]["by"] == "m1"
    overlays.settle(first, {})
    assert view_of(overlays, "user").items == {}


def test_what_is_no_item_of_the_topic_is_refused_whole() -> None:
    overlays = Overlays()
    lobby = view_of(overlays, "room:lobby")
    strict: View[int] = View()
    overlays.attach("user", strict, lambda wire: int(wire["number"]))
    wrong = mutation("m1", Optimistic("room:lobby", "k", {"id": "k"}), Optimistic("user", "u", {"no": "number"}))
    with pytest.raises(KeyError):
        overlays.show(wrong)
    assert lobby.items == {}
    assert view_of(overlays, "room:lobby").items == {}


def test_a_feed_that_is_gone_is_not_kept_alive() -> None:
    overlays = Overlays()
    gone = ref(view_of(overlays, "room:lobby"))
    gc.collect()
    assert gone() is None
    expected = mutation("m1", Optimistic("room:lobby", "k", {"id": "k"}))
    overlays.show(expected)
    overlays.settle(expected, {"field": {"id": "k"}})
    view_of(overlays, "user")
    assert set(overlays._views) == {"user"}
