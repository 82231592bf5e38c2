"""Eight publishers on one topic as processes, which the kernel stops and kills wherever they happen to be.

Their clocks are minutes apart, and one that is started again gets another clock and batches of another size.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from domain import topics
from domain.changes import ChangeLog, Entry
from domain.clock import SYSTEM
from domain.table import Table
from tests.backend.domain.appending import records
from tests.backend.domain.records import judge
from tests.conftest import ROOT

TOPIC = topics.room("busy")
PUBLISHERS = 8
BATCHES, SIZE = 8, 6


class Reader:
    """Pages on from its cursor and demands that each page begins where the last one ended."""

    def __init__(self, table: Table) -> None:
        # However far ahead the publishers' clocks are, and far behind.
        self._log = ChangeLog(table, 24 * 3600, SYSTEM)
        self.seen: list[Entry] = []

    @property
    def after(self) -> int:
        return len(self.seen)

    def read(self) -> None:
        page = self._log.read(TOPIC, self.after, 17, time.monotonic() + 30)
        assert not page.resync_required
        assert [entry.seq for entry in page.items] == list(range(self.after + 1, page.last_seq + 1))
        self.seen += page.items

    def read_until(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not enough():
            assert time.monotonic() < deadline, f"stuck at {self.after}"
            self.read()


@pytest.mark.parametrize("mode", ["all", "only-last"])
def test_processes_that_are_stopped_and_killed_leave_no_gap_and_no_double(
    aws_endpoint: str, change_log_table: Table, mode: str
) -> None:
    chance = random.Random(7)
    path = os.pathsep.join([str(ROOT), str(ROOT / "backend")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    created_ms = SYSTEM.now_ms()

    def start(shard: int, batches: int = BATCHES, size: int = SIZE) -> subprocess.Popen[bytes]:
        numbers = [shard, batches, size, created_ms, chance.randint(-300_000, 300_000)]
        command = [
            sys.executable,
            "-m",
            "tests.backend.domain.appending",
            aws_endpoint,
            change_log_table.name,
            TOPIC.id,
        ]
        return subprocess.Popen(
            [*command, *map(str, numbers), mode], env=environment | {"PYTHONPATH": path}, stdout=subprocess.DEVNULL
        )

    reader = Reader(change_log_table)
    running = {shard: start(shard) for shard in range(PUBLISHERS)}

    def living() -> list[int]:
        return [shard for shard, process in running.items() if process.poll() is None]

    kills = stops = 0
    try:
        reader.read_until(lambda: reader.after > 0)
        while kills + stops < 12 and len(alive := living()) > 1:
            shard = chance.choice(alive)
            if chance.random() < 0.5:
                running[shard].kill()
                running[shard].wait()
                size = chance.choice([2, 3, 6, 12, 24])
                running[shard] = start(shard, BATCHES * SIZE // size, size)
                kills += 1
            else:
                # Stopped wherever it is, until others have taken numbers that it may think to be its own.
                running[shard].send_signal(signal.SIGSTOP)
                passed, others = reader.after, [running[each] for each in alive if each != shard]
                reader.read_until(
                    lambda passed=passed, others=others: (  # type: ignore[misc]
                        reader.after >= passed + SIZE or all(each.poll() is not None for each in others)
                    )
                )
                running[shard].send_signal(signal.SIGCONT)
                stops += 1
            reader.read_until(lambda passed=reader.after: reader.after > passed or len(living()) < 2)  # type: ignore[misc]
        reader.read_until(lambda: not living())
        before = -1
        while before < reader.after:
            before = reader.after
            reader.read()
    finally:
        for process in running.values():
            process.kill()
            process.wait()

    assert kills > 0
    assert stops > 0
    assert [process.returncode for process in running.values()] == [0] * PUBLISHERS
    delivered = [record for shard in running for record in records(shard, BATCHES, SIZE, created_ms)]
    judge(reader.seen, delivered, mode == "only-last")
