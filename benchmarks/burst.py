"""Claim: a burst of 1,000 changes needs 1/20 of the AppSync requests of single publishes, and 1/3 of their time."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.bursts.measure import PARALLEL, Measured, one_by_one, through_the_publisher
from benchmarks.bursts.prices import bill
from tests.stack.instance import Instance

CHANGES = 1000
SUBSCRIBERS = 20
ROUNDS = 5
REQUESTS_AT_MOST = 1 / 20
TIME_AT_MOST = 1 / 3


def measure() -> tuple[list[Measured], list[Measured], list[Measured]]:
    """Each way, in turns on one instance, after a round of each that is not counted."""
    bursts, singles, written = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance(Path(folder) / "state")
        instance.start()
        try:
            for number in range(ROUNDS + 1):
                bursts.append(through_the_publisher(instance, f"burst-{number}", CHANGES, SUBSCRIBERS))
                singles.append(one_by_one(instance, f"single-{number}", CHANGES, SUBSCRIBERS))
                written.append(
                    through_the_publisher(
                        instance, f"written-{number}", CHANGES, SUBSCRIBERS, from_the_first_write=True
                    )
                )
        finally:
            instance.stop()
    return bursts[1:], singles[1:], written[1:]


def middle(rounds: list[Measured]) -> Measured:
    """The round with the median time."""
    return sorted(rounds, key=lambda each: each.seconds)[len(rounds) // 2]


def main() -> int:
    """Print the tables; the status says whether the claim held."""
    bursts, singles, written = measure()
    burst, single = middle(bursts), middle(singles)
    table = Table("", "publisher", f"{PARALLEL} parallel single publishes", "ratio", title=_title())
    most = max(each.usage.requests for each in bursts + written)
    requests = most / single.usage.requests
    seconds = statistics.median(each.seconds for each in bursts) / statistics.median(each.seconds for each in singles)
    table.add_row("AppSync requests, most of all rounds", str(most), str(single.usage.requests), f"{requests:.3f}")
    table.add_row("last delivery, s, median", f"{burst.seconds:.2f}", f"{single.seconds:.2f}", f"{seconds:.2f}")
    table.add_row("last delivery, s, all rounds", _times(bursts), _times(singles))
    table.add_row("the same from the first write on, s", _times(written), "")
    table.add_row("real-time updates of 5 KB", str(burst.usage.updates), str(single.usage.updates))
    table.add_row("DynamoDB write units, log", str(burst.usage.write_units), "0")
    table.add_row("DynamoDB read units, log", str(burst.usage.read_units), "0")
    costs = Table("$ for a million changes", "publisher", "single publishes", title="the bills (prices.py)")
    scale = 1e6 / CHANGES
    ours, theirs = bill(burst.usage), bill(single.usage)
    for name in ours.items:
        costs.add_row(name, f"{ours.items[name] * scale:.2f}", f"{theirs.items[name] * scale:.2f}")
    costs.add_row("all", f"{ours.total * scale:.2f}", f"{theirs.total * scale:.2f}")
    Console(width=120).print(table, costs)
    return 0 if requests <= REQUESTS_AT_MOST and seconds <= TIME_AT_MOST else 1


def _title() -> str:
    return f"{CHANGES} changes of one room to {SUBSCRIBERS} subscribers, {ROUNDS} rounds"


def _times(rounds: list[Measured]) -> str:
    return " ".join(f"{each.seconds:.2f}" for each in sorted(rounds, key=lambda each: each.seconds))


if __name__ == "__main__":
    sys.exit(main())
