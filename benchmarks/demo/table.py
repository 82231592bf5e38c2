"""The demo's result, as a table per run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.demo.verdict import Verdict

MOST_FAILURES_NAMED = 5


@dataclass(frozen=True)
class Run:
    """One replay and its verdicts. `entries` are the messages to send, `stored` how many of them the room has after."""

    title: str
    lines_read: int
    entries: int
    stored: int
    failed: Sequence[str]
    send_seconds: float
    each: Sequence[Verdict]
    total: Verdict

    @property
    def faultless(self) -> bool:
        """Whether every message was stored once and arrived everywhere once and in order."""
        return self.total.faultless and not self.failed and self.stored == self.entries


def show(run: Run, console: Console) -> None:
    """Print a run: a row per subscriber, and their sum."""
    table = Table(
        title=escape(run.title), title_justify="left", show_footer=True, caption=_caption(run), caption_justify="left"
    )
    total = run.total
    columns: list[tuple[str, int | float]] = [
        ("delivered", total.delivered),
        ("pushes", total.pushes),
        ("catch-ups", total.catch_ups),
        ("missing", total.missing),
        ("duplicated", total.duplicated),
        ("foreign", total.foreign),
        ("out of order\nin the room", total.out_of_order),
        ("out of order\nof its writer", total.out_of_writers_order),
        ("p50 ms", total.p50_ms),
        ("p99 ms", total.p99_ms),
        ("drain s", total.drain_seconds),
    ]
    table.add_column("subscriber", footer="all")
    for heading, footer in columns:
        table.add_column(heading, footer=_cell(footer), justify="right")
    for number, one in enumerate(run.each, 1):
        table.add_row(
            str(number),
            *map(
                _cell,
                (
                    one.delivered,
                    one.pushes,
                    one.catch_ups,
                    one.missing,
                    one.duplicated,
                    one.foreign,
                    one.out_of_order,
                    one.out_of_writers_order,
                    one.p50_ms,
                    one.p99_ms,
                    one.drain_seconds,
                ),
            ),
        )
    console.print(table)
    for reason in run.failed[:MOST_FAILURES_NAMED]:
        console.print(f"[red]not sent:[/] {escape(reason)}", highlight=False)
    console.print("[green]faultless[/]" if run.faultless else "[red]not faultless[/]")
    console.print()


def _caption(run: Run) -> str:
    rate = run.entries / run.send_seconds if run.send_seconds else math.inf
    return (
        f"lines read {run.lines_read:,}, messages {run.entries:,}, stored {run.stored:,}, "
        f"not taken {len(run.failed):,}; "
        f"sent in {run.send_seconds:.1f} s, {rate:.0f} a second"
    )


def _cell(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if math.isnan(value) else f"{value:,.1f}" if value >= 10 else f"{value:.2f}"
