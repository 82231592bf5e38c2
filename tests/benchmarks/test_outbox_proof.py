"""The judge of the outbox benchmark can say no."""

from __future__ import annotations

import pytest

from benchmarks.outbox import Proof

FINE = {0: [0, 1, 2, 6], 1: [3, 4, 5]}


def test_each_once_and_in_order_holds() -> None:
    assert Proof(7, 2, rooms=FINE).holds


@pytest.mark.parametrize(
    ("rooms", "words"),
    [
        ({0: [0, 2, 6], 1: [3, 4, 5]}, "6 of 7 once, 0 twice, 0 of 2 items out of order"),
        ({0: [0, 1, 1, 2, 6], 1: [3, 4, 5]}, "6 of 7 once, 1 twice, 0 of 2 items out of order"),
        ({0: [0, 2, 1, 6], 1: [3, 4, 5]}, "7 of 7 once, 0 twice, 1 of 2 items out of order"),
        ({0: [0, 1, 2, 3, 6], 1: [4, 5]}, "7 of 7 once, 0 twice, 0 of 2 items out of order"),
        ({}, "0 of 7 once"),
    ],
)
def test_anything_else_does_not(rooms: dict[int, list[int]], words: str) -> None:
    proof = Proof(7, 2, rooms=rooms)
    assert not proof.holds
    assert str(proof).startswith(words)
