"""Carts that nobody has changed for so long are removed on time, in runs that a schedule begins once a minute.

DynamoDB's own removal of what has expired may come days late, and who has the cart open is to be told. Reads treat a
cart as absent from the second on in which it expires, whether or not a run has come to it.

A run that is late, doubled or killed does no harm: each cart is removed on the condition that it is still due, and
what is left over is found by the next.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from domain.clock import Clock
from domain.shop import cart
from domain.table import ConditionFailed, Delete, Table, TableError
from domain.threads import Threads

logger = logging.getLogger("headwater.cart_expiry")

# Of one run, as nobody waits for the carts: 16,000 a minute of all shards.
MOST_OF_A_SHARD = 1_000
_PAGE = 100


@dataclass(frozen=True)
class Run:
    """What a run has done: how many carts it removed, and how many milliseconds late the latest of them was."""

    removed: int
    latest_ms: int


def expire(table: Table, clock: Clock, deadline: float, *, threads: Threads = map, most: int = MOST_OF_A_SHARD) -> Run:
    """Remove carts that are due, until none is left, the time is over, or each shard has had its share.

    Args:
        table: the main table.
        clock: tells the time.
        deadline: `clock.monotonic()` from which on no removal begins.
        threads: for the shards, which are looked through side by side.
        most: how many carts of a shard.

    Raises:
        TableError: the table did not answer for a shard; the others were looked through nevertheless.
    """
    failures: list[TableError] = []

    def of_shard(shard: int) -> list[int]:
        late: list[int] = []
        try:
            _expire_shard(table, clock, deadline, shard, most, late.append)
        except TableError as error:
            failures.append(error)
        return late

    late = [each for found in threads(of_shard, range(cart.SHARDS)) for each in found]
    run = Run(len(late), max(late, default=0))
    if failures:
        logger.warning("%d carts were removed, %d shards failed", run.removed, len(failures))
        raise failures[0]
    return run


def _expire_shard(
    table: Table, clock: Clock, deadline: float, shard: int, most: int, removed: Callable[[int], None]
) -> None:
    now = clock.now_ms() // 1000
    until = {":until": cart.due_key(now + 1)}
    due = table.query(cart.listing(shard), "GSI1SK < :until", until, now=0, index=cart.INDEX, page_size=_PAGE)
    for number, item in enumerate(due):
        if number >= most or clock.monotonic() >= deadline:
            return
        # The index may be behind: a cart that was changed meanwhile is not due any more, and one may be gone.
        still = Delete((str(item["pk"]), str(item["sk"])), "#expiresAt <= :now", {":now": now})
        try:
            table.write([still])
        except ConditionFailed:
            continue
        removed(clock.now_ms() - int(item["expiresAt"]) * 1000)
