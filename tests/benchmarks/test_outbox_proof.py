"""The judge of the outbox benchmark can say no."""

from __future__ import annotations

import pytest

from benchmarks.outbox import Proof

FINE = {0: [0, 2, 4], 1: [1, 3, 5]}


def test_each_once_and_in_order_holds() -> None:
    assert Proof(6, 2, rooms=FINE).holds


@pytest.mark.parametrize(
    ("rooms", "words"),
    [
        ({0: [0, 2], 1: [1, 3, 5]}, "5 of 6 once, 0 twice, 0 of 2 items out of order"),
        ({0: [0, 2, 2, 4], 1: [1, 3, 5]}, "5 of 6 once, 1 twice, 0 of 2 items out of order"),
        ({0: [0, 4, 2], 1: [1, 3, 5]}, "6 of 6 once, 0 twice, 1 of 2 items out of order"),
        ({0: [0, 2, 4, 1], 1: [3, 5]}, "6 of 6 once, 0 twice, 1 of 2 items out of order"),
        ({}, "0 of 6 once"),
    ],
)
def test_anything_else_does_not(rooms: dict[int, list[int]], words: str) -> None:
    proof = Proof(6, 2, rooms=rooms)
    assert not proof.holds
    assert str(proof).startswith(words)
