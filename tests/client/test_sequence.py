"""The sequence hands out every change once and in order, whatever the socket and the log do to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.changes import Change, Envelope, Page
from headwater.sequence import Sequence

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def change(seq: int) -> Change[Any]:
    return Change("t:1", seq, "INSERT", f"m{seq}", None, f"e{seq}", NOON, None, "push")


def push(first: int, last: int) -> Envelope[Any]:
    return Envelope(first, last, tuple(change(seq) for seq in range(first, last + 1)))


def page(first: int, last: int, head: int) -> Page[Any]:
    items = tuple(replace(change(seq), source="catch-up") for seq in range(first, last + 1))
    return Page(items, last, head, resync_required=False)


def numbers(changes: list[Change[Any]]) -> list[int]:
    return [change.seq for change in changes]


def sources(changes: list[Change[Any]]) -> list[str]:
    return [change.source for change in changes]


def test_hands_out_what_follows() -> None:
    sequence: Sequence[Any] = Sequence(after=4)
    assert numbers(sequence.push(push(5, 7))) == [5, 6, 7]
    assert sequence.position == 7
    assert sequence.fetch_after is None


def test_drops_what_was_handed_out_before() -> None:
    sequence: Sequence[Any] = Sequence(after=0)
    sequence.push(push(1, 3))
    assert sequence.push(push(1, 3)) == []
    assert numbers(sequence.push(push(2, 5))) == [4, 5]


def test_a_jump_asks_for_the_log_from_the_last_change() -> None:
    sequence: Sequence[Any] = Sequence(after=2)
    assert sequence.push(push(5, 6)) == []
    assert sequence.fetch_after == 2


def test_the_log_fills_the_hole_and_frees_what_waited_behind_it() -> None:
    sequence: Sequence[Any] = Sequence(after=2)
    sequence.push(push(5, 6))
    filled = sequence.fill(page(3, 6, head=6))
    assert numbers(filled) == [3, 4, 5, 6]
    assert sources(filled) == ["catch-up", "catch-up", "push", "push"]
    assert sequence.fetch_after is None
    assert sequence.held == 0


def test_a_late_push_fills_the_hole_too() -> None:
    sequence: Sequence[Any] = Sequence(after=2)
    sequence.push(push(4, 4))
    assert numbers(sequence.push(push(3, 3))) == [3, 4]
    assert sequence.fetch_after is None


def test_a_page_below_the_head_asks_for_the_next() -> None:
    sequence: Sequence[Any] = Sequence(after=0)
    assert numbers(sequence.fill(page(1, 2, head=5))) == [1, 2]
    assert sequence.fetch_after == 2
    assert numbers(sequence.fill(page(3, 5, head=5))) == [3, 4, 5]
    assert sequence.fetch_after is None


def test_an_empty_page_at_the_head_asks_for_nothing() -> None:
    sequence: Sequence[Any] = Sequence(after=9)
    assert sequence.fill(Page((), 9, 9, resync_required=False)) == []
    assert sequence.fetch_after is None


def test_an_envelope_that_lacks_an_item_is_a_jump() -> None:
    sequence: Sequence[Any] = Sequence(after=0)
    assert numbers(sequence.push(Envelope(1, 3, (change(1), change(3))))) == [1]
    assert sequence.fetch_after == 1


def test_an_envelope_that_names_more_than_it_carries_is_a_jump() -> None:
    sequence: Sequence[Any] = Sequence(after=0)
    assert numbers(sequence.push(Envelope(1, 3, (change(1), change(2))))) == [1, 2]
    assert sequence.fetch_after == 2


def test_a_page_with_a_hole_is_taken_up_to_the_hole() -> None:
    sequence: Sequence[Any] = Sequence(after=0)
    holed = Page((change(1), change(3)), 3, 3, resync_required=False)
    assert numbers(sequence.fill(holed))[:1] == [1]
    assert sequence.fetch_after == 1


def test_a_pointer_is_a_hole_that_the_log_fills_with_the_whole() -> None:
    sequence: Sequence[Any] = Sequence(after=0)
    pointer = replace(change(2), truncated=True)
    assert numbers(sequence.push(Envelope(1, 3, (change(1), pointer, change(3))))) == [1]
    assert sequence.fetch_after == 1
    filled = sequence.fill(page(2, 2, head=3))
    assert [(each.seq, each.source, each.truncated) for each in filled] == [(2, "catch-up", False), (3, "push", False)]
    assert sequence.fetch_after is None
    assert sequence.push(Envelope(2, 2, (pointer,))) == []
    assert sequence.fetch_after is None


def test_a_pointer_that_the_log_cannot_replace_is_handed_out() -> None:
    sequence: Sequence[Any] = Sequence(after=0)
    pointer = replace(change(1), truncated=True)
    assert sequence.push(Envelope(1, 1, (pointer,))) == []
    (given,) = sequence.fill(Page((replace(pointer, source="catch-up"),), 1, 1, resync_required=False))
    assert given.truncated
    assert sequence.fetch_after is None


def test_what_waits_is_bounded_and_what_was_let_go_is_read_from_the_log() -> None:
    sequence: Sequence[Any] = Sequence(after=0, max_held=3)
    sequence.push(push(2, 10))
    assert sequence.held == 3
    filled = sequence.fill(page(1, 6, head=10))
    assert numbers(filled) == [1, 2, 3, 4, 5, 6]
    assert sequence.fetch_after == 6
    assert numbers(sequence.fill(page(7, 10, head=10))) == [7, 8, 9, 10]


def test_a_negative_cursor_is_refused() -> None:
    with pytest.raises(ValueError, match="after=-1"):
        Sequence(after=-1)


@st.composite
def disturbed_pushes(draw: st.DrawFn) -> tuple[int, int, list[Envelope[Any]]]:
    """Envelopes of a gap-free log, some lost, some doubled, in any order."""
    after = draw(st.integers(0, 5))
    sizes = draw(st.lists(st.integers(1, 4), max_size=12))
    envelopes: list[Envelope[Any]] = []
    head = 0
    for size in sizes:
        envelopes.append(push(head + 1, head + size))
        head += size
    kept = [envelope for envelope in envelopes for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2])))]
    return after, head, draw(st.permutations(kept))


@given(disturbed_pushes(), st.integers(1, 5), st.integers(1, 4), st.data())
def test_every_change_is_handed_out_once_and_in_order(
    disturbed: tuple[int, int, list[Envelope[Any]]], max_held: int, page_size: int, data: st.DataObject
) -> None:
    after, head, envelopes = disturbed
    after = min(after, head)
    sequence: Sequence[Any] = Sequence(after, max_held=max_held)
    out: list[int] = []

    def read_log() -> None:
        start = sequence.position
        out.extend(numbers(sequence.fill(page(start + 1, min(start + page_size, head), head=head))))

    for envelope in envelopes:
        out.extend(numbers(sequence.push(envelope)))
        assert sequence.held <= max_held
        if sequence.fetch_after is not None and data.draw(st.booleans()):
            read_log()
    # The last pushes may be lost as well: the log is asked once more, as at every new subscription.
    read_log()
    while sequence.fetch_after is not None:
        read_log()
    assert out == list(range(after + 1, head + 1))
    assert sequence.held == 0
