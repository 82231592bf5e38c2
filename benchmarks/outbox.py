"""Claim: 500 queued mutations, with their program killed again and again, end applied exactly once, in order per item.

`.venv/bin/python -m benchmarks.outbox [--seed N] [--mutations N] [--items N] [--kills N]`: a fresh instance, and a
program that queues messages to some rooms and sends them (`outbox_program.py`). It is killed (SIGKILL) at points drawn
from the seed, while it queues, sends, or both, and started again, now with a network and now without. At the end the
table is read: each message once, each room's in the order in which they were queued. Ends with 0 if so.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.outbox_program import item_of
from headwater.outbox_file import OutboxFile
from tests.stack.explaining import main_table
from tests.stack.instance import PROJECT, Instance

LIFE_SECONDS = 120.0
"""After so long a program that should have ended, or queued more, is stuck."""


@dataclass
class Proof:
    """What was done, and what the table holds.

    Attributes:
        kills: how often the program was killed.
        in_doubt: over all kills, how many mutations had been sent without an answer.
        rooms: the numbers of the messages of each room, in the order of the table.
    """

    mutations: int
    items: int
    kills: int = 0
    in_doubt: int = 0
    seconds: float = 0.0
    rooms: dict[int, list[int]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether each is there once, and in order."""
        expected: dict[int, list[int]] = {item: [] for item in range(self.items)}
        for number in range(self.mutations):
            expected[item_of(number, self.items)].append(number)
        return self.rooms == expected

    def __str__(self) -> str:
        found = [number for numbers in self.rooms.values() for number in numbers]
        once = sum(found.count(number) == 1 for number in range(self.mutations))
        disordered = sum(numbers != sorted(numbers) for numbers in self.rooms.values())
        return (
            f"{once} of {self.mutations} once, {len(found) - len(set(found))} twice, "
            f"{disordered} of {self.items} items out of order; "
            f"{self.kills} kills with {self.in_doubt} mutations in doubt, {self.seconds:.0f} s"
        )


def prove(instance: Instance, outbox: Path, *, seed: int, mutations: int, items: int, kills: int) -> Proof:
    """Queue, kill (so many times at most), start again until all is sent; then read the table.

    Raises:
        AssertionError: the program ended by itself with an error, or got stuck.
    """
    chance, run, proof = random.Random(seed), f"outbox-{os.urandom(4).hex()}", Proof(mutations, items)
    queued, begun = 0, time.monotonic()
    with _nothing_listens() as nowhere:
        while True:
            death = _death(chance, mutations) if proof.kills < kills else None
            has_network = death is None or queued == mutations or chance.random() < 0.5
            url = instance.outputs["graphql"] if has_network else nowhere
            told, done = _live(instance, outbox, url, run, mutations, items, queued, death)
            queued += told
            if done:
                break
            proof.kills += 1
            proof.in_doubt += _in_doubt(outbox)
    proof.seconds = time.monotonic() - begun
    proof.rooms = _rooms(instance, run, items)
    return proof


@dataclass(frozen=True)
class _Death:
    """Killed so many seconds after it has told of so many queued mutations, or after all that it queued."""

    after_queued: int
    seconds: float


def _death(chance: random.Random, mutations: int) -> _Death:
    if chance.random() < 0.7:
        return _Death(chance.randrange(mutations // 10 + 2), chance.choice([0.0, 0.001, 0.01, 0.03, 0.1, 0.4]))
    return _Death(0, chance.uniform(0.0, 2.0))


def _live(
    instance: Instance, outbox: Path, url: str, run: str, mutations: int, items: int, first: int, death: _Death | None
) -> tuple[int, bool]:
    """One life of the program: how many more it said were queued, and whether all are sent."""
    program = subprocess.Popen(
        [
            sys.executable, "-m", "benchmarks.outbox_program",
            url, instance.outputs["apiKey"], str(outbox), run, str(mutations), str(items), str(first),
        ],
        cwd=PROJECT, env={**os.environ, "PYTHONPATH": f"{PROJECT}:{PROJECT / 'client'}"},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdout is not None
    stuck = threading.Timer(LIFE_SECONDS, program.kill)
    stuck.start()
    queued, killer, done = 0, None, False
    try:
        for line in program.stdout:
            what = line.strip()
            queued += what == "queued"
            done = done or what == "done"
            if death is not None and killer is None and (queued >= death.after_queued or first + queued == mutations):
                killer = threading.Timer(death.seconds, program.kill)
                killer.start()
        status = program.wait()
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
        assert stuck.is_alive(), f"the program was stuck after it had queued {first + queued}"
        for timer in filter(None, (killer, stuck)):
            timer.cancel()
            timer.join()
    assert done or status == -9, f"the program ended with {status}"
    return queued, done


def _in_doubt(outbox: Path) -> int:
    """What a life leaves: the file is whole, and says what was sent and not answered."""
    file = OutboxFile(outbox, 0)
    try:
        return sum(entry.sent_at is not None for entry in file.open())
    finally:
        file.close()


@contextmanager
def _nothing_listens() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/graphql"


def _rooms(instance: Instance, run: str, items: int) -> dict[int, list[int]]:
    """From the table alone: what was stored in each room, in order of its sort keys."""
    pages = instance.client("dynamodb").get_paginator("scan").paginate(
        TableName=main_table(instance), ConsistentRead=True,
        FilterExpression="begins_with(pk, :pk)", ExpressionAttributeValues={":pk": {"S": f"MESSAGES#{run}-"}},
    )  # fmt: skip
    stored: list[dict[str, Any]] = sorted(
        (item for page in pages for item in page["Items"]), key=lambda item: item["sk"]["S"]
    )
    rooms: dict[int, list[int]] = {item: [] for item in range(items)}
    for item in stored:
        rooms[int(item["roomId"]["S"].rpartition("-")[2])].append(int(item["text"]["S"]))
    return rooms


def main() -> None:
    """Run the proof on an instance of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutations", type=int, default=500)
    parser.add_argument("--items", type=int, default=8, help="rooms, each with an order of its own")
    parser.add_argument("--kills", type=int, default=60, help="at most")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headwater-outbox-") as folder:
        instance = Instance(Path(folder) / "state")
        instance.start()
        try:
            proof = prove(
                instance, Path(folder) / "outbox",
                seed=given.seed, mutations=given.mutations, items=given.items, kills=given.kills,
            )  # fmt: skip
        finally:
            instance.stop()
    print(f"seed {given.seed}: {proof}")
    sys.exit(0 if proof.holds else 1)


if __name__ == "__main__":
    main()
