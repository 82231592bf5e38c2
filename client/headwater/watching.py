"""Print a topic's changes, each once and in order, until Ctrl-C, over whatever happens to the connection.

With --json, lines of `event` "live", "change", "resync" and "state". `monotonicNs` is the machine's monotonic clock
when the change was handed out, which on Linux and macOS all of its processes share.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from headwater.changes import Change, Resync
from headwater.client import Client
from headwater.cursors import FileCursors
from headwater.feed import Feed
from headwater.lines import wire, write_change, write_json
from headwater.states import State


async def watch(connect: Callable[[], Client], given: argparse.Namespace) -> None:
    """Print the topic's changes for each of some subscribers until cancelled.

    Raises:
        ExceptionGroup: of the HeadwaterErrors that ended a subscriber, and with it all.
    """
    async with asyncio.TaskGroup() as tasks:
        for number in range(given.subscribers):
            tasks.create_task(_subscriber(number, connect, given))


async def _subscriber(number: int, connect: Callable[[], Client], given: argparse.Namespace) -> None:
    cursor = None if given.cursor is None else FileCursors(given.cursor)
    async with (
        connect() as client,
        client.live(given.topic, after=given.after, snapshot=False, cursor=cursor, lease=given.lease) as feed,
    ):
        telling = asyncio.create_task(_tell_states(number, feed, as_json=given.json))
        try:
            await _tell_events(number, feed, as_json=given.json)
        finally:
            telling.cancel()


async def _tell_events(number: int, feed: Feed[Any], *, as_json: bool) -> None:
    if as_json:
        write_json({"event": "live", "subscriber": number, "topic": feed.topic, "position": feed.position})
    async for event in feed:
        called_back_at = time.monotonic_ns()
        if not as_json:
            _show(event)
        elif isinstance(event, Change):
            write_json(_change(number, event, called_back_at))
        else:
            write_json(_resync(number, event))


async def _tell_states(number: int, feed: Feed[Any], *, as_json: bool) -> None:
    before: State = "live"
    async for state in feed.states():
        if as_json:
            write_json({"event": "state", "subscriber": number, "state": state, "transport": feed.transport})
        elif "live" in (state, before) and state != before:
            print(f"-- {state}", file=sys.stderr)
        before = state


def _show(event: Change[Any] | Resync[Any]) -> None:
    if isinstance(event, Change):
        write_change(event)
    else:
        print(f"-- the log no longer has what came before {event.position}; it goes on from there", file=sys.stderr)


def _change(number: int, change: Change[Any], monotonic_ns: int) -> dict[str, Any]:
    return {
        "event": "change",
        "subscriber": number,
        "topic": change.topic,
        "seq": change.seq,
        "kind": change.kind,
        "key": change.key,
        "source": change.source,
        "monotonicNs": monotonic_ns,
        "eventId": change.event_id,
        "at": change.at.isoformat(),
        "traceId": change.trace_id,
        "truncated": change.truncated,
        "item": wire(change.item),
    }


def _resync(number: int, event: Resync[Any]) -> dict[str, Any]:
    items = {key: wire(item) for key, item in event.items.items()}
    return {"event": "resync", "subscriber": number, "topic": event.topic, "position": event.position, "items": items}
