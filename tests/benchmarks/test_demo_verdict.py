"""The verdict of the demo finds what was lost, doubled or reordered, and nothing where all is well."""

from __future__ import annotations

import math

import pytest

from benchmarks.demo.verdict import Delivery, Sent, Verdict, judge, judge_all, percentile

MS = 1_000_000

# Two writers, alternating: m1 m3 m5 are the first one's, m2 m4 m6 the other's.
SENT = [Sent(f"m{n}", (n - 1) % 2, n * 10 * MS, (n * 10 + 2) * MS) for n in range(1, 7)]
LOG = {n: f"m{n}" for n in range(1, 7)}


def got(*numbers: int, source: str = "push", late_ms: int = 5) -> list[Delivery]:
    return [Delivery(n, f"m{n}", "INSERT", source, (n * 10 + late_ms) * MS) for n in numbers]


def verdict(*numbers: int) -> Verdict:
    return judge(SENT, LOG, got(*numbers))


def test_a_faultless_delivery() -> None:
    found = verdict(1, 2, 3, 4, 5, 6)
    assert found.faultless
    assert (found.delivered, found.pushes, found.catch_ups) == (6, 6, 0)
    assert (found.p50_ms, found.p99_ms) == (5.0, 5.0)
    assert found.drain_seconds == pytest.approx(0.003)


def test_a_lost_message_is_missing() -> None:
    found = verdict(1, 2, 4, 5, 6)
    assert (found.missing, found.duplicated, found.out_of_order) == (1, 0, 0)
    assert not found.faultless


def test_nothing_delivered_is_all_missing() -> None:
    found = verdict()
    assert found.missing == 6
    assert math.isnan(found.p50_ms)
    assert math.isnan(found.drain_seconds)


def test_a_message_that_never_reached_the_log_is_missing() -> None:
    found = judge(SENT, {n: f"m{n}" for n in range(1, 6)}, got(1, 2, 3, 4, 5))
    assert found.missing == 1


def test_a_number_of_the_log_that_did_not_arrive_is_missing() -> None:
    found = judge(SENT, LOG | {7: "m1"}, got(1, 2, 3, 4, 5, 6))
    assert found.missing == 1


def test_a_repeated_number_is_duplicated() -> None:
    found = verdict(1, 2, 2, 3, 4, 5, 6)
    assert (found.missing, found.duplicated, found.out_of_order) == (0, 1, 0)


def test_a_message_under_two_numbers_is_duplicated() -> None:
    twice = [*got(1, 2, 3, 4, 5, 6), Delivery(7, "m6", "INSERT", "push", 70 * MS)]
    assert judge(SENT, LOG | {7: "m6"}, twice).duplicated == 1


def test_a_modification_of_a_message_is_no_duplicate() -> None:
    modified = [*got(1, 2, 3, 4, 5, 6), Delivery(7, "m6", "MODIFY", "push", 70 * MS)]
    assert judge(SENT, LOG | {7: "m6"}, modified).faultless


def test_a_number_after_a_higher_one_is_out_of_order() -> None:
    found = verdict(1, 3, 2, 4, 5, 6)
    assert (found.missing, found.duplicated, found.out_of_order, found.out_of_writers_order) == (0, 0, 1, 0)


def test_numbers_in_order_can_break_a_writers_order() -> None:
    swapped = [Delivery(seq, f"m{n}", "INSERT", "push", 90 * MS) for seq, n in enumerate([3, 2, 1, 4, 5, 6], start=1)]
    found = judge(SENT, {delivery.seq: delivery.message_id for delivery in swapped}, swapped)
    assert (found.out_of_order, found.out_of_writers_order) == (0, 1)


def test_a_message_that_nobody_sent_is_foreign() -> None:
    stray = [*got(1, 2, 3, 4, 5, 6), Delivery(7, "x", "INSERT", "push", 70 * MS)]
    found = judge(SENT, LOG, stray)
    assert found.foreign == 1
    assert not found.faultless


def test_pushes_and_catch_ups_are_counted_apart() -> None:
    found = judge(SENT, LOG, [*got(1, 2), *got(3, source="catch-up"), *got(4, 5, 6)])
    assert (found.pushes, found.catch_ups) == (5, 1)
    assert found.faultless


def test_all_subscribers_together() -> None:
    each, total = judge_all(SENT, LOG, [got(1, 2, 3, 4, 5, 6), got(1, 2, 3, 4, 5, late_ms=9)])
    assert [one.missing for one in each] == [0, 1]
    assert (total.delivered, total.missing) == (11, 1)
    assert (total.p50_ms, total.p99_ms) == (5.0, 9.0)


@pytest.mark.parametrize(("percent", "value"), [(50, 50.0), (99, 99.0), (100, 100.0), (1, 1.0)])
def test_percentiles_are_nearest_ranks(percent: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == value
