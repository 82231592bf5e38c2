"""What waits for a reader: all of it in order, bounded, and what was let go is found in the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import backlog
from headwater.backlog import Backlog
from headwater.changes import Change, Page, Resync

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def changes(first: int, last: int) -> list[Change[Any]]:
    numbers = range(first, last + 1)
    return [Change("t", seq, "INSERT", f"k{seq}", None, f"e{seq}", NOON, None, "push") for seq in numbers]


def page(first: int, last: int, head: int) -> Page[Any]:
    return Page(tuple(changes(first, last)), last, head, resync_required=False)


def taken(kept: Backlog[Any]) -> Iterator[int]:
    while kept:
        yield kept.take().position


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MOST_WAITING", 3)


def test_hands_out_in_order() -> None:
    kept: Backlog[Any] = Backlog(4)
    kept.put(changes(5, 7))
    assert list(taken(kept)) == [5, 6, 7]
    assert (kept.gap_after, kept.end) == (None, 7)


def test_what_is_too_much_is_read_from_the_log_after_what_was_kept() -> None:
    kept: Backlog[Any] = Backlog(0)
    kept.put(changes(1, 8))
    assert kept.gap_after is None, "first what is kept"
    assert list(taken(kept)) == [1, 2, 3]
    assert kept.gap_after == 3
    kept.put(changes(9, 9))
    assert kept.fill(page(4, 6, 9))
    assert list(taken(kept)) == [4, 5, 6]
    assert kept.fill(page(7, 10, 10))
    assert list(taken(kept)) == [7, 8, 9], "what comes after the end comes by itself"
    assert kept.gap_after is None
    kept.put(changes(10, 10))
    assert list(taken(kept)) == [10]


def test_a_page_that_brings_nothing_is_told() -> None:
    kept: Backlog[Any] = Backlog(0)
    kept.put(changes(1, 5))
    list(taken(kept))
    assert not kept.fill(Page((), 3, 5, resync_required=False))
    assert kept.gap_after == 3


def test_a_new_beginning_makes_a_gap_the_past() -> None:
    kept: Backlog[Any] = Backlog(0)
    kept.put(changes(1, 8))
    kept.resync(Resync("t", {}, 20))
    assert list(taken(kept)) == [1, 2, 3, 20]
    kept.put(changes(21, 22))
    assert list(taken(kept)) == [21, 22]
    assert kept.gap_after is None


@pytest.mark.parametrize(("head", "gap_after"), [(6, 6), (8, None), (9, None)])
def test_a_state_takes_the_place_of_a_gap_up_to_its_number(head: int, gap_after: int | None) -> None:
    kept: Backlog[Any] = Backlog(0)
    kept.put(changes(1, 8))
    list(taken(kept))
    kept.skip(Resync("t", {}, head))
    assert list(taken(kept)) == [head]
    assert kept.gap_after == gap_after
    if gap_after is None:
        kept.put(changes(9, 10))
        assert list(taken(kept)) == list(range(head + 1, 11))


@given(st.lists(st.tuples(st.sampled_from(["put", "take", "fill"]), st.integers(1, 5))))
def test_nothing_is_lost_doubled_or_out_of_order(steps: list[tuple[str, int]]) -> None:
    kept: Backlog[Any] = Backlog(0)
    end, seen = 0, []
    for what, count in steps:
        if what == "put":
            kept.put(changes(end + 1, end + count))
            end += count
        elif what == "take":
            for _ in range(min(count, len(kept._kept))):
                seen.append(kept.take().position)  # noqa: PERF401 - one at a time
        elif kept.gap_after is not None:
            kept.fill(page(kept.gap_after + 1, min(kept.gap_after + count, end), end))
        assert len(kept._kept) <= max(3, 5)
    while kept or kept.gap_after is not None:
        seen += taken(kept)
        if kept.gap_after is not None:
            kept.fill(page(kept.gap_after + 1, end, end))
    assert seen == list(range(1, end + 1))
