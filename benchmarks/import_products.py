"""Claim: `python -m local seed` loads 10,000 products in minutes, and a second run changes nothing.

On an instance of its own, with the command itself. How long it takes is mostly how long the local cloud takes to store
the products and all that is derived from them, so its processor time is told beside it, which other work on the machine
does not change, and how long it takes until the index has them all.

    python -m benchmarks.import_products --books .../books.csv
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from tests.stack.instance import PROJECT, Instance, eventually

MOST_SECONDS = 600


def main() -> int:
    """Print the table; the status says whether the claim held."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--books", type=Path, required=True, help="the file of books")
    options.add_argument("--count", type=int, default=10_000, help="how many of them")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        books = Path(folder) / "books.csv"
        with chosen.books.open(encoding="utf-8") as whole:  # a book may be several lines; in this file none is
            books.write_text("".join(line for line, _ in zip(whole, range(chosen.count + 1), strict=False)))
        instance = Instance(Path(folder) / "state")
        instance.start()
        try:
            cloud = cloud_process(instance)
            before = processor_seconds(cloud)
            first = load(instance, books)
            loaded = processor_seconds(cloud) - before
            began = time.monotonic()
            eventually(lambda: is_up_to_date(instance), MOST_SECONDS)
            lag = time.monotonic() - began
            again = load(instance, books)
        finally:
            instance.stop()
    grid = Grid("", "first run", "second run", title=f"{chosen.count:,} products")
    for name in ("new", "changed", "there already, the same", "refused", "seconds"):
        grid.add_row(name, first[name], again[name])
    grid.add_row("processor seconds of the local cloud meanwhile", f"{loaded:.0f}", "")
    grid.add_row("seconds until the index had them all", f"{lag:.1f}", "")
    Console().print(grid)
    kept = number(again["there already, the same"]) == chosen.count - number(first["refused"])
    holds = number(first["seconds"]) < MOST_SECONDS and kept
    Console().print("The claim holds." if holds else "The claim does not hold.")
    return 0 if holds else 1


def load(instance: Instance, books: Path) -> dict[str, str]:
    """Run the command; what it reports, by row."""
    environment = {**os.environ, **instance.environment, "COLUMNS": "200"}
    command = [sys.executable, "-m", "local", "seed", str(books)]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    return dict(re.findall(r"│ (\S.*?)\s+│\s+([\d.,]+) │", done.stdout))


def number(text: str) -> float:
    return float(text.replace(",", ""))


def is_up_to_date(instance: Instance) -> bool:
    """Whether the index has every product as it is, by the deployed function's own answer."""
    environment = {**os.environ, **instance.environment}
    command = [sys.executable, "-m", "local", "index"]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, check=False).returncode == 0


def cloud_process(instance: Instance) -> int:
    """The id of the instance's MiniStack: the child that runs its module."""
    assert instance.process
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_text()
            except OSError:  # it has ended meanwhile
                continue
            if parent == instance.process.pid and "local.ministack" in command:
                return int(entry.name)
    raise AssertionError("the instance has no local cloud")


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
