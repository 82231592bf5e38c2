"""The explanation as people read it: what is wrong at all, the last changes, and the last of them stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from local.explain.facts import Facts
from local.explain.stages import STAGES, Stage, Way
from local.explain.ways import problems

_MARKS = {"ok": ("✓", "green"), "stopped": ("✗", "red"), "waiting": ("…", "yellow"), "unknown": ("?", "dim")}
_PEOPLE = {"subscriptions": "missed", "delivery": "receivers"}


def show(console: Console, facts: Facts, found: Sequence[Way]) -> None:
    """Print the page."""
    console.print(Group(*_page(facts, found)))


def _page(facts: Facts, found: Sequence[Way]) -> list[RenderableType]:
    parts: list[RenderableType] = [_head(facts), *(Text(each, style="yellow") for each in problems(facts))]
    for parked in (facts.publisher or {}).get("parked", []):
        key = " ".join(map(str, parked["key"].values()))
        parts.append(
            Text(f"Parked since {_time(parked['parkedAt'])}, {parked['records']} of its records: {key}", style="yellow")
        )
    if not found:
        parts.append(Text(_nothing(facts)))
        return parts
    if len(found) > 1:
        parts.append(_overview(found))
    parts += [_detail(found[0]), _conclusion(found[0], facts)]
    return parts


def _head(facts: Facts) -> Text:
    publisher = facts.publisher or {}
    head = f", last number {publisher['headSeq']}" if publisher.get("headSeq") else ""
    client = f", for the client {facts.asked.client}" if facts.asked.client is not None else ""
    return Text(f"{facts.asked.topic}{head}{client}", style="bold")


def _nothing(facts: Facts) -> str:
    if facts.asked.change is not None:
        return f"None of its last changes is called {facts.asked.change}."
    if (facts.publisher or {}).get("mutation") is None:
        return "So there is nothing to follow."
    return f"Nothing was ever written that {facts.asked.topic} is told of, or it is too long ago."


def _overview(found: Sequence[Way]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", expand=True)
    for column in ("number", "kind", "key", "written", "way"):
        table.add_column(column, no_wrap=True, max_width=26)
    table.add_column("ended", overflow="ellipsis", no_wrap=True, ratio=1)
    for way in found:
        marks = Text()
        for stage in way.stages:
            marks.append(*_MARKS[stage.verdict])
        ended = way.ended
        told = f"{ended.name}: {ended.text}" if ended is not None else way.stages[-1].text
        table.add_row(str(way.seq or "-"), way.kind or "", Text(way.key or ""), _time(way.at), marks, Text(told))
    return table


def _detail(way: Way) -> Table:
    number = f"number {way.seq}" if way.seq is not None else "no number"
    trace = f", trace {way.trace_id}" if way.trace_id else ""
    title = Text(f"\n{way.kind or 'change'} of {way.key or '?'}, {number}, event {way.event_id}{trace}", style="bold")
    table = Table(box=None, pad_edge=False, show_header=False, title=title, title_justify="left")
    for style in (None, None, "dim"):
        table.add_column(style=style, no_wrap=True)
    table.add_column(overflow="fold")
    for stage in way.stages:
        table.add_row(Text(*_MARKS[stage.verdict]), stage.name, _time(stage.at), _stage(stage))
    for name in STAGES[len(way.stages) :]:
        table.add_row("", Text(name, style="dim"), "", "")
    return table


def _stage(stage: Stage) -> Text:
    text = Text(stage.text)
    for line in stage.details.get("log", []) if stage.name == "publisher" else []:
        text.append(f"\n{line}", style="dim")
    for line in _people(stage.details.get(_PEOPLE.get(stage.name, ""), ())):
        text.append(f"\n{line}", style="dim")
    return text


def _people(subscribers: Sequence[Mapping[str, Any]], most: int = 5) -> list[str]:
    """A line for each of the subscribers that a stage tells of."""
    lines = [
        f"{each['verdict']}: {each['connection'][:8]} {each.get('subscription') or ''} {each.get('identity') or ''}"
        f" {each.get('library') or ''}: {each['reason']}"
        for each in subscribers
    ]
    more = len(lines) - most
    return [" ".join(line.split()) for line in lines[:most]] + ([f"... and {more} more"] if more > 0 else [])


def _conclusion(way: Way, facts: Facts) -> Text:
    ended = way.ended
    if ended is None:
        whom = "the client" if facts.asked.client is not None else "everyone who asked for it"
        if any(stage.verdict == "unknown" for stage in way.stages[-2:]):
            return Text("\nWhat became of it at the end is not known any more.", style="bold")
        return Text(f"\nIt was delivered to {whom}.", style="bold green")
    word = "It waits at" if ended.verdict == "waiting" else "It ended at"
    return Text(
        f"\n{word} {ended.name}: {ended.text}.", style="bold red" if ended.verdict == "stopped" else "bold yellow"
    )


def _time(at: str | None) -> str:
    """The time of day in UTC, for what is asked about was a moment ago. The stream dates its records to the second."""
    return at[11:23].removesuffix("Z").removesuffix(".000") if at else ""


def show_clients(console: Console, clients: Sequence[Mapping[str, Any]]) -> None:
    """Print every connection with its subscriptions."""
    if not clients:
        console.print("No client has connected since the instance started.")
        return
    table = Table()
    for column in ("connection", "client", "connected", "subscription", "identity", "field", "since", "state"):
        table.add_column(column, overflow="fold")
    for client in clients:
        state = client["why"] or ("refused" if client["refused"] else f"open, {client['unreadBytes']} bytes unread")
        row = [client["connection"], client["library"], _time(client["connectedAt"])]
        if not client["subscriptions"]:
            table.add_row(*row, "", "", "", "", Text(state))
        for each in client["subscriptions"]:
            field = f"{each['field'] or ''} {each['arguments'] or ''}".strip()
            told = each["why"] or ("live" if each["liveAt"] else "starting")
            cells = (each["subscription"], each["identity"] or "", field, _time(each["liveAt"]), told)
            table.add_row(*map(Text, (*row, *cells)))
            row = ["", "", ""]
    console.print(table)
