"""The demo's result, as a table per run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich import box
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


# Every heading fits 80 columns with all its figures: what is piped into a file is as wide as that.
_COLUMNS: tuple[tuple[str, Callable[[Verdict], float]], ...] = (
    ("deliv-\nered", lambda verdict: verdict.delivered),
    ("pushes", lambda verdict: verdict.pushes),
    ("catch-\nups", lambda verdict: verdict.catch_ups),
    ("miss-\ning", lambda verdict: verdict.missing),
    ("dupli-\ncated", lambda verdict: verdict.duplicated),
    ("for-\neign", lambda verdict: verdict.foreign),
    ("out of\norder:\nroom", lambda verdict: verdict.out_of_order),
    ("out of\norder:\nwriter", lambda verdict: verdict.out_of_writers_order),
    ("p50\nms", lambda verdict: verdict.p50_ms),
    ("p99\nms", lambda verdict: verdict.p99_ms),
    ("drain\ns", lambda verdict: verdict.drain_seconds),
)


def show(run: Run, console: Console) -> None:
    """Print a run: a row per subscriber, and all together."""
    table = Table(
        title=escape(run.title), title_justify="left", box=box.SIMPLE, padding=0, show_edge=False,
        show_footer=True,
    )  # fmt: skip
    table.add_column("client", footer="all")
    for heading, figure in _COLUMNS:
        table.add_column(heading, footer=_cell(figure(run.total)), justify="right", no_wrap=True)
    for number, verdict in enumerate(run.each, 1):
        table.add_row(str(number), *(_cell(figure(verdict)) for _, figure in _COLUMNS))
    console.print(table)
    console.print(_summary(run))
    for reason in run.failed[:MOST_FAILURES_NAMED]:
        console.print(f"[red]not sent:[/] {escape(reason)}", highlight=False)
    console.print("[green]faultless[/]" if run.faultless else "[red]not faultless[/]")
    console.print()


def _summary(run: Run) -> str:
    rate = run.entries / run.send_seconds if run.send_seconds else math.inf
    return (
        f"lines read {run.lines_read:,}, messages {run.entries:,}, stored {run.stored:,}, "
        f"not taken {len(run.failed):,}; "
        f"sent in {run.send_seconds:.1f} s, {rate:.0f} a second"
    )


def _cell(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "-"
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{decimals}f}"
