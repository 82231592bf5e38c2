"""The plan of the chaos benchmark: reproducible, complete, and something that an instance can carry out."""

from __future__ import annotations

from itertools import chain

import pytest

from benchmarks.chaos.plan import FAULTS, plan
from local.fault_switches import SWITCHES, switch

SECONDS = 120.0


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(7, SECONDS) == plan(7, SECONDS)
    assert plan(7, SECONDS) != plan(8, SECONDS)


def test_every_fault_that_an_instance_has_is_drawn() -> None:
    assert set(FAULTS) == set(SWITCHES)
    drawn = {
        step.name for step in chain.from_iterable(plan(seed, SECONDS) for seed in range(5)) if step.kind == "fault"
    }
    assert drawn == set(SWITCHES)


@pytest.mark.parametrize("seed", range(20))
def test_every_step_can_be_carried_out(seed: int) -> None:
    steps = plan(seed, SECONDS)
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert all(0 <= step.at < SECONDS for step in steps)
    for step in steps:
        if step.kind == "fault":
            switch(step.name).read(step.options)
    assert [step.kind for step in steps if step.kind in {"restart", "kill instance"}] == ["restart", "kill instance"]


@pytest.mark.parametrize("seed", range(20))
def test_poison_has_time_to_be_saved_before_a_kill(seed: int) -> None:
    poison = False
    ended = -SECONDS
    for step in plan(seed, SECONDS):
        if step.kind == "poison":
            poison, ended = step.name == "poison on", step.at
        elif step.kind == "kill instance" or step.name == "kill-ministack":
            assert not poison
            assert step.at - ended >= 0.1 * SECONDS
