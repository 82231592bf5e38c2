"""Which of the queues that event source mappings poll have messages to receive, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Queue = Mapping[str, Any]


class QueueWatch:
    """Announces a queue when a message can be received from it: sent, no longer delayed, or visible again.

    `queues` gives the queues that are polled, by ARN. `look_soon` may be called from any thread, once the loop is
    known.
    """

    def __init__(self, queues: Callable[[], Iterable[tuple[str, Queue]]], announce: Callable[[str], None]) -> None:
        self._queues = queues
        self._announce = announce
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending = False
        self._seen: dict[str, tuple[int, int]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def look_soon(self, *, anew: bool = False) -> None:
        """Look at the queues in this turn of the loop. `anew`: what is visible may have changed in any of them."""
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is None:
                return  # nobody has used a queue yet
        if anew:
            self._seen.clear()
        if not self._pending:
            self._pending = True
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._pending = False
        for arn, queue in self._queues():
            messages = queue["messages"]
            # Any DynamoDB or Kinesis record leads here too: a queue that is as it was costs next to nothing.
            sight = (len(messages), id(messages[-1]) if messages else 0)
            if self._seen.get(arn) != sight:
                self._seen[arn] = sight
                self._look_at(arn, queue)

    def _look_at(self, arn: str, queue: Queue) -> None:
        now = time.time()
        timer = self._timers.pop(arn, None)
        if timer is not None:
            timer.cancel()
        if is_receivable(queue, now):
            self._announce(arn)
        hidden = [message["visible_at"] for message in queue["messages"] if message.get("visible_at", 0) > now]
        if hidden and self._loop is not None:
            self._timers[arn] = self._loop.call_later(min(hidden) - now + 0.001, self._again, arn)

    def _again(self, arn: str) -> None:
        self._seen.pop(arn, None)
        self._timers.pop(arn, None)
        self._look()


def is_receivable(queue: Queue, now: float) -> bool:
    """Whether ReceiveMessage would return something. A FIFO queue's groups wait for what is in flight of them."""
    blocked: set[str] = set()
    if queue["is_fifo"]:
        blocked = {
            message["group_id"]
            for message in queue["messages"]
            if message.get("visible_at", 0) > now and message.get("receive_count", 0) > 0
        }
    return any(
        message.get("visible_at", 0) <= now and message.get("group_id") not in blocked for message in queue["messages"]
    )
