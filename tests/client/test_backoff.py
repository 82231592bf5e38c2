"""Waiting times spread over the whole interval, which doubles up to a bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.backoff import FIRST_SECONDS, MOST_SECONDS, full_jitter


def test_the_interval_doubles_with_every_attempt() -> None:
    assert [full_jitter(attempt, chance=lambda: 1.0) for attempt in range(4)] == [
        FIRST_SECONDS,
        FIRST_SECONDS * 2,
        FIRST_SECONDS * 4,
        FIRST_SECONDS * 8,
    ]


def test_the_wait_is_spread_from_zero() -> None:
    assert full_jitter(3, chance=lambda: 0.0) == 0.0


@given(st.integers(0, 10_000))
def test_no_wait_exceeds_the_bound(attempt: int) -> None:
    assert 0 <= full_jitter(attempt) <= MOST_SECONDS
