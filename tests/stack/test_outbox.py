"""Queued mutations against a running instance, judged from its table. `benchmarks/outbox.py` does it with 500."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.outbox import prove
from tests.stack.instance import Instance

pytestmark = pytest.mark.stack


def test_what_was_queued_is_applied_once_and_in_order_whenever_the_program_is_killed(
    instance: Instance, tmp_path: Path
) -> None:
    proof = prove(instance, tmp_path / "outbox", seed=3, mutations=60, items=3, kills=8)
    assert proof.holds, proof
    assert proof.kills > 2
