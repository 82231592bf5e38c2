"""Eight publishers on one topic as processes, which the kernel stops and kills wherever they happen to be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from domain import topics
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.table import Table
from tests.conftest import ROOT

TOPIC = topics.room("busy")
PUBLISHERS = 8
BATCHES, SIZE = 8, 6
TOTAL = PUBLISHERS * BATCHES * SIZE


class Reader:
    """Pages on from its cursor and demands that each page begins where the last one ended."""

    def __init__(self, table: Table) -> None:
        self._log = ChangeLog(table, 3600, SYSTEM)
        self.after = 0
        self.seen: list[str] = []

    def read(self) -> None:
        page = self._log.read(TOPIC, self.after, 17, time.monotonic() + 30)
        assert not page.resync_required
        assert [entry.seq for entry in page.items] == list(range(self.after + 1, page.last_seq + 1))
        self.seen += [entry.event_id for entry in page.items]
        self.after = page.last_seq

    def read_until(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not enough():
            assert time.monotonic() < deadline, f"stuck at {self.after} of {TOTAL}"
            self.read()


def test_processes_that_are_stopped_and_killed_leave_no_gap_and_no_double(
    aws_endpoint: str, change_log_table: Table
) -> None:
    chance = random.Random(7)
    path = os.pathsep.join([str(ROOT), str(ROOT / "backend")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}

    def start(name: str) -> subprocess.Popen[bytes]:
        arguments = [aws_endpoint, change_log_table.name, TOPIC.id, name, str(BATCHES), str(SIZE)]
        command = [sys.executable, "-m", "tests.backend.domain.appending", *arguments]
        return subprocess.Popen(command, env=environment | {"PYTHONPATH": path}, stdout=subprocess.DEVNULL)

    reader = Reader(change_log_table)
    running = {str(number): start(str(number)) for number in range(PUBLISHERS)}
    kills = stops = 0
    try:
        reader.read_until(lambda: reader.after > 0)
        while reader.after < TOTAL and kills + stops < 12:
            alive = [name for name, process in running.items() if process.poll() is None]
            if len(alive) < 2:
                break
            name = chance.choice(alive)
            if chance.random() < 0.5:
                running[name].kill()
                running[name].wait()
                running[name] = start(name)
                kills += 1
            else:
                # Stopped wherever it is, until others have taken numbers that it may think to be its own.
                running[name].send_signal(signal.SIGSTOP)
                passed, others = reader.after, [running[each] for each in alive if each != name]
                reader.read_until(
                    lambda passed=passed, others=others: (  # type: ignore[misc]
                        reader.after >= min(passed + 2 * SIZE, TOTAL) or all(each.poll() is not None for each in others)
                    )
                )
                running[name].send_signal(signal.SIGCONT)
                stops += 1
            reader.read_until(lambda passed=reader.after: reader.after > passed or reader.after == TOTAL)  # type: ignore[misc]
        reader.read_until(lambda: all(process.poll() is not None for process in running.values()))
        reader.read_until(lambda: reader.after >= TOTAL)
    finally:
        for process in running.values():
            process.kill()
            process.wait()

    assert kills > 0
    assert stops > 0
    assert [process.returncode for process in running.values()] == [0] * PUBLISHERS
    assert sorted(reader.seen) == sorted(
        f"{name}-{batch}-{number}" for name in running for batch in range(BATCHES) for number in range(SIZE)
    )
    for name in running:
        own = [tuple(map(int, seen.split("-")[1:])) for seen in reader.seen if seen.startswith(f"{name}-")]
        assert own == sorted(own), "a publisher's batches keep their order"
