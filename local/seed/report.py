"""What loading a log did, as a table."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.seed.load import Summary

MOST_LINES_NAMED = 8


def report(summary: Summary, console: Console) -> None:
    """Print where every line of the file went."""
    log = summary.file.log
    table = Table(title=f"{escape(str(summary.file.path))} -> room {escape(summary.file.room)}", title_justify="left")
    table.add_column("lines read", justify="left")
    table.add_column(f"{log.lines:,}", justify="right")
    table.add_row("messages stored", f"{summary.stored:,}")
    if summary.already_there:
        table.add_row("messages stored by an earlier run", f"{summary.already_there:,}")
    table.add_row("  said", f"{log.said:,}")
    table.add_row("  actions (* nick does)", f"{log.done:,}")
    if log.split_texts:
        table.add_row("  over-long texts, split", f"{log.split_texts:,}")
    table.add_row("service lines (=== ...), left out", f"{log.service:,}")
    table.add_row("blank lines", f"{log.blank:,}")
    table.add_row("lines that say nothing, left out", f"{len(log.empty):,}")
    table.add_row("lines of no known form, left out", f"{len(log.unknown):,}")
    table.add_row("bytes not UTF-8, read as Windows-1252", f"{log.undecodable_bytes:,}")
    console.print(table)
    if log.unknown:
        named = ", ".join(str(number) for number in log.unknown[:MOST_LINES_NAMED])
        more = f" and {len(log.unknown) - MOST_LINES_NAMED} more" if len(log.unknown) > MOST_LINES_NAMED else ""
        console.print(f"Left out, of no known form: lines {named}{more}")
