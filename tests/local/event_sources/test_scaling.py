"""How many batches of a queue run at a time."""

from __future__ import annotations

from local.event_sources.scaling import FIRST_BATCHES, MOST_BATCHES, Scaling


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_it_begins_with_five_and_adds_five_a_second_while_there_is_more() -> None:
    clock = Clock()
    scaling = Scaling(None, clock)
    limits = [scaling.limit]
    for _ in range(3):
        clock.seconds += 1
        scaling.busy()
        limits.append(scaling.limit)
    assert limits == [5, 10, 15, 20]
    scaling.idle()
    assert scaling.limit == FIRST_BATCHES


def test_there_are_never_more_than_this_machine_runs() -> None:
    clock = Clock()
    scaling, wanting = Scaling(None, clock), Scaling(1000, clock)
    clock.seconds += 60
    for each in (scaling, wanting):
        each.busy()
        assert each.limit == MOST_BATCHES == 40


def test_the_maximum_of_the_mapping_is_kept() -> None:
    clock = Clock()
    scaling = Scaling(2, clock)
    clock.seconds += 60
    scaling.busy()
    scaling.succeeded()
    scaling.idle()
    assert scaling.limit == 2


def test_failures_reduce_and_successes_restore() -> None:
    scaling = Scaling(None, Clock())
    limits = []
    for _ in range(4):
        scaling.failed()
        limits.append(scaling.limit)
    assert limits == [2, 1, 1, 1]
    for _ in range(6):
        scaling.succeeded()
    assert scaling.limit == FIRST_BATCHES
