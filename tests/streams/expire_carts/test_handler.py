"""The function behind the schedule of carts, as EventBridge calls it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from domain.shop import cart
from domain.table import Put, Table
from tests.deployed import Context, deployed

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
EVENT = {
    "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
    "source": "aws.events", "account": "123456789012", "time": "2026-11-21T12:00:00Z", "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/expire-carts"], "detail": {},
}  # fmt: skip


@pytest.fixture
def function(main_table: Table, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    with deployed("streams/expire_carts", aws_endpoint, monkeypatch, {"MAIN_TABLE": main_table.name}) as module:
        yield module
        module.threads_here().shutdown()


def put(table: Table, owner: str, seconds: int) -> None:
    """A cart that expires so many seconds from now."""
    write = cart.changed(cart.held(owner, None, 0), {}, time.time_ns() // 1_000_000 - 3_600_000, 3600 + seconds, None)
    table.write([Put(write.item)])


def metrics(text: str) -> dict[str, Any]:
    """The metrics in embedded metric format among lines of a log."""
    lines = [json.loads(line) for line in text.splitlines() if '"_aws"' in line]
    return {name: line[name] for line in lines for name in ("ExpiredCarts", "CartExpiryLateness") if name in line}


def test_what_is_due_is_removed_and_counted(
    function: ModuleType, main_table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        put(main_table, f"u{number}", -90)
    put(main_table, "later", 90)
    done = function.handler(EVENT, Context("expire_carts", 50))
    assert done["removed"] == 20
    assert 90_000 <= done["latestMs"] < 120_000
    assert metrics(capsys.readouterr().out) == {"ExpiredCarts": [20.0], "CartExpiryLateness": [done["latestMs"]]}
    assert function.handler(EVENT, Context("expire_carts", 50)) == {"removed": 0, "latestMs": 0}
    assert metrics(capsys.readouterr().out) == {}
    assert main_table.get(cart.key("later"), 0)


def test_without_time_left_it_leaves_all_to_the_next_run(function: ModuleType, main_table: Table) -> None:
    put(main_table, "ann", -90)
    assert function.handler(EVENT, Context("expire_carts", 1))["removed"] == 0
    assert function.handler(EVENT, Context("expire_carts", 50))["removed"] == 1
