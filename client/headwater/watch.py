"""`python -m headwater.watch ROOM`: a room's changes as JSON lines, for eyes, pipes and measurements.

    {"event":"live","subscriber":0,"position":12}
    {"event":"change","subscriber":0,"seq":13,"kind":"INSERT","key":"01J...","source":"push", ...}

It runs until SIGTERM or Ctrl-C. `monotonicNs` is `time.monotonic_ns()` at the callback: on Linux and macOS all
processes of a machine share that clock. With `--subscribers N` there are N clients, each with its own connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from typing import Any

from headwater.changes import Change
from headwater.client import connect
from headwater.errors import HeadwaterError


async def watch(room_id: str, after: int | None, subscribers: int) -> None:
    """Print the room's changes for each of some subscribers until cancelled.

    Raises:
        ExceptionGroup: of the HeadwaterErrors that ended a subscriber, and with it all.
    """
    async with asyncio.TaskGroup() as tasks:
        for number in range(subscribers):
            tasks.create_task(_subscriber(number, room_id, after))


async def _subscriber(number: int, room_id: str, after: int | None) -> None:
    async with connect() as client, client.live(f"room:{room_id}", after=after, snapshot=False) as room:
        _print({"event": "live", "subscriber": number, "position": room.position})
        async for change in room:
            called_back_at = time.monotonic_ns()
            if isinstance(change, Change):
                _print(_change_line(number, change, called_back_at))


def _change_line(number: int, change: Change[Any], monotonic_ns: int) -> dict[str, Any]:
    return {
        "event": "change",
        "subscriber": number,
        "seq": change.seq,
        "kind": change.kind,
        "key": change.key,
        "source": change.source,
        "monotonicNs": monotonic_ns,
        "eventId": change.event_id,
        "at": change.at.isoformat(),
        "author": change.item.author if change.item else None,
        "text": change.item.text if change.item else None,
    }


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


async def _until_told_to_stop(arguments: argparse.Namespace) -> None:
    watching = asyncio.ensure_future(watch(arguments.room, arguments.after, arguments.subscribers))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, watching.cancel)
    try:
        await watching
    except asyncio.CancelledError:
        return


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m headwater.watch", description="A room's changes as JSON lines.")
    parser.add_argument("room", help="the id of the room")
    parser.add_argument("--after", type=int, help="resume after this number; by default only what is new")
    parser.add_argument("--subscribers", type=int, default=1, help="how many clients listen (default 1)")
    arguments = parser.parse_args()
    try:
        asyncio.run(_until_told_to_stop(arguments))
    except* (HeadwaterError, BrokenPipeError) as errors:
        reasons = sorted({f"{type(error).__name__}: {error}" for error in errors.exceptions})
        print(*reasons, sep="\n", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
