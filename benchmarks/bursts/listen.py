"""Subscribers of a room as a process of their own, which only count: the same for both ways of publishing.

    python -m benchmarks.bursts.listen STATE ROOM SUBSCRIBERS CHANGES

It prints `{"event": "live"}` when all are subscribed, and when each has all changes one line with the time of the last
delivery (`monotonicNs`) and the sizes of the frames that one subscriber got. It speaks AppSync's protocol itself and
reads no more of a frame than its numbers, so that the time is that of delivery and not of a client library.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import websockets

PATIENCE_SECONDS = 120.0
NUMBERS = re.compile(rb'"firstSeq": ?(\d+), ?"lastSeq": ?(\d+)')  # before the items
LIVE = """subscription ($room: ID!) { onMessages(roomId: $room) {
    roomId topic firstSeq lastSeq
    items { seq eventId kind at traceId key truncated
      message { id roomId author text sentAt version originalTime } } } }"""


async def listen(state: Path, room: str, subscribers: int, changes: int) -> None:
    """Subscribe, say so, and report when all has come."""
    outputs = json.loads((state / "outputs.json").read_text())
    live = asyncio.Barrier(subscribers + 1)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(PATIENCE_SECONDS):
        each = [tasks.create_task(_subscriber(outputs, room, changes, live)) for _ in range(subscribers)]
        await live.wait()
        _print({"event": "live"})
    _print({"event": "done", "monotonicNs": max(task.result()[0] for task in each), "sizes": each[0].result()[1]})


async def _subscriber(outputs: dict[str, Any], room: str, changes: int, live: asyncio.Barrier) -> tuple[int, list[int]]:
    authorization = {"host": outputs["graphql"].split("/")[2], "x-api-key": outputs["apiKey"]}
    header = base64.urlsafe_b64encode(json.dumps(authorization).encode()).decode().rstrip("=")
    subprotocols = [websockets.Subprotocol("graphql-ws"), websockets.Subprotocol(f"header-{header}")]
    async with websockets.connect(
        outputs["realtime"], subprotocols=subprotocols, max_size=None, compression=None
    ) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        data = json.dumps({"query": LIVE, "variables": {"room": room}})
        payload = {"data": data, "extensions": {"authorization": authorization}}
        await socket.send(json.dumps({"id": "1", "type": "start", "payload": payload}))
        while json.loads(await socket.recv())["type"] != "start_ack":
            pass
        await live.wait()
        missing, sizes = set(range(1, changes + 1)), list[int]()
        while missing:
            frame = await socket.recv(decode=False)
            if numbers := NUMBERS.search(frame, 0, 1000):
                missing.difference_update(range(int(numbers[1]), int(numbers[2]) + 1))
                sizes.append(len(frame))
        return time.monotonic_ns(), sizes


def _print(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    _, state, room, subscribers, changes = sys.argv
    asyncio.run(listen(Path(state), room, int(subscribers), int(changes)))
