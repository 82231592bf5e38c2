"""What loading products did, as a table; and the lines that were refused, as a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.seed.load import SeedError
from local.seed.products import Loaded
from local.seed.products_csv import Reject

MOST_REJECTS_NAMED = 8


def report_products(loaded: Loaded, rejects: Path, console: Console) -> None:
    """Print what became of every product, and write `rejects` if any was refused. Raises SeedError."""
    found = loaded.file.list
    table = Table(title=f"{escape(str(loaded.file.path))} -> the shop", title_justify="left")
    table.add_column("products in the file", justify="left")
    table.add_column(f"{len(found.rows) + len(found.rejects):,}", justify="right")
    table.add_row("new", f"{loaded.created:,}")
    table.add_row("changed", f"{loaded.updated:,}")
    table.add_row("there already, the same", f"{loaded.unchanged:,}")
    table.add_row("refused", f"{len(loaded.rejects):,}")
    if loaded.skipped:
        table.add_row("of these loaded by an earlier run, which ended early", f"{loaded.skipped:,}")
    table.add_row("categories", f"{len(found.categories):,}")
    for member, products in sorted(found.made_up.items()):
        table.add_row(f"  {member}: made up, the file has none", f"{products:,}")
    table.add_row("seconds", f"{loaded.seconds:,.1f}")
    console.print(table)
    if not loaded.rejects:
        return
    for each in loaded.rejects[:MOST_REJECTS_NAMED]:
        console.print(f"line {each.line}, {escape(each.id) or 'without an id'}: {escape(each.reason)}", soft_wrap=True)
    if len(loaded.rejects) > MOST_REJECTS_NAMED:
        console.print(f"and {len(loaded.rejects) - MOST_REJECTS_NAMED:,} more")
    write_rejects(rejects, loaded.rejects)
    console.print(f"The refused ones are in {escape(str(rejects))}", soft_wrap=True)


def write_rejects(file: Path, rejects: Sequence[Reject]) -> None:
    """Write a CSV of line, id and reason. Raises SeedError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(["line", "id", "reason"])
            writer.writerows([each.line, each.id, each.reason] for each in rejects)
    except OSError as error:
        raise SeedError(f"the refused products cannot be written to {file}: {error.strerror}") from error
