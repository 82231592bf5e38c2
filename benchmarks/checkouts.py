"""Claim: of 50 users who order the last 10 pieces of a product at once, 10 get one each, and the others hear why not.

`.venv/bin/python -m benchmarks.checkouts`: over GraphQL, on an instance of its own, in several rounds. No piece is sold
twice, the stock is 0 in the end, whoever got none is told `OutOfStock` with the line, and nobody waits for long.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.stack.explaining import main_table
from tests.stack.instance import Instance
from tests.stack.test_orders import ALL, CHECKOUT, Shelf
from tests.stack.users import User, sign_up

BUYERS, PIECES, ROUNDS = 50, 10, 5
AT_MOST_SECONDS = 15.0  # what a checkout waits for others, and some


def round_of(instance: Instance, buyers: list[User], threads: ThreadPoolExecutor) -> dict[str, Any]:
    """All order at once. Returns what came of it."""
    pen = Shelf(instance, main_table(instance), stock=PIECES)
    versions = list(threads.map(pen.fill, buyers))
    before = sum(threads.map(orders_of, buyers))
    begin = threading.Barrier(len(buyers))

    def order(user: User, version: int) -> tuple[str, float]:
        begin.wait()
        started = time.perf_counter()
        answer = user.ask(CHECKOUT, input={"version": version})
        seconds = time.perf_counter() - started
        if "errors" not in answer:
            return "ordered", seconds
        (error,) = answer["errors"]
        lacking = [{"productId": pen.id, "requested": 1, "available": 0}]
        told = error["errorType"] == "OutOfStock" and error["errorInfo"]["lines"] == lacking
        return "OutOfStock" if told else str(error), seconds

    outcomes = list(threads.map(order, buyers, versions))
    seconds = sorted(each for _, each in outcomes)
    found = {
        "outcomes": Counter(kind for kind, _ in outcomes),
        "orders": sum(threads.map(orders_of, buyers)) - before,
        "stock": pen.stock(),
        "median": statistics.median(seconds),
        "slowest": seconds[-1],
    }
    pen.put(stock=BUYERS)  # so that the next round begins with empty carts
    for user, version, (kind, _) in zip(buyers, versions, outcomes, strict=True):
        if kind != "ordered":
            user.data(CHECKOUT, input={"version": version})
    return found


def orders_of(user: User) -> int:
    """How many orders a user has."""
    return len(user.data(ALL)["items"])


def holds(found: dict[str, Any]) -> bool:
    """Whether a round went as claimed."""
    expected = {"ordered": PIECES, "OutOfStock": BUYERS - PIECES}
    sold = (found["outcomes"], found["orders"], found["stock"]) == (expected, PIECES, 0)
    return sold and found["slowest"] < AT_MOST_SECONDS


def main() -> int:
    """Print the table; the status says whether the claim held."""
    table = Table("round", "ordered", "none left", "else", "stock", "median s", "slowest s", "holds")
    good = True
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(BUYERS) as threads:
        instance = Instance(Path(folder) / "state")
        instance.start()
        try:
            with ThreadPoolExecutor(4) as few:
                buyers = list(few.map(lambda _: sign_up(instance), range(BUYERS)))
            for number in range(1, ROUNDS + 1):
                found = round_of(instance, buyers, threads)
                kinds = found["outcomes"]
                others = sum(kinds.values()) - kinds["ordered"] - kinds["OutOfStock"]
                good &= holds(found)
                table.add_row(
                    str(number), str(kinds["ordered"]), str(kinds["OutOfStock"]), str(others), str(found["stock"]),
                    f"{found['median']:.2f}", f"{found['slowest']:.2f}", "yes" if holds(found) else "NO",
                )  # fmt: skip
        finally:
            instance.stop()
    Console().print(table)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
