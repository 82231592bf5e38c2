"""A publisher as a process of its own, for test_changes_processes.py: appends its batches and says when each is done.

    python -m tests.backend.domain.appending ENDPOINT TABLE TOPIC SHARD BATCHES SIZE CREATED_MS OFFSET_MS only-last|all

Started again after a kill, it begins with its first record again, as a stream delivers what was not acknowledged.
"""

from __future__ import annotations

import sys
import time

from domain import topics
from domain.changes import ChangeLog
from domain.clock import SystemClock
from domain.table import Table, dynamodb
from tests.backend.domain.records import Record, events
from tests.conftest import CREDENTIALS


class ShiftedClock(SystemClock):
    """A clock that is always wrong by the same time."""

    def __init__(self, offset_ms: int) -> None:
        self._offset_ms = offset_ms

    def now_ms(self) -> int:
        return super().now_ms() + self._offset_ms


def records(shard: int, batches: int, size: int, created_ms: int) -> list[Record]:
    """What the shard's stream holds: changes of two items."""
    return [Record(shard, number, number % 2, created_ms) for number in range(batches * size)]


def main(
    endpoint: str, table: str, topic: str, numbers: tuple[int, int, int, int, int], only_last_states: bool
) -> None:
    shard, batches, size, created_ms, offset_ms = numbers
    client = dynamodb(endpoint_url=endpoint, **CREDENTIALS)
    log = ChangeLog(Table(table, client), 3600, ShiftedClock(offset_ms))
    stream = records(shard, batches, size, created_ms)
    for start in range(0, len(stream), size):
        batch = events(stream[start : start + size], only_last_states)
        log.append(topics.room(topic), batch, time.monotonic() + 120)
        print(start, flush=True)


if __name__ == "__main__":
    _, endpoint, table, topic, *numbers, mode = sys.argv
    shard, batches, size, created_ms, offset_ms = map(int, numbers)
    main(endpoint, table, topic, (shard, batches, size, created_ms, offset_ms), mode == "only-last")
