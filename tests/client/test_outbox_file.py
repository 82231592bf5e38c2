from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.errors import OutboxExpired, OutboxFull, OutboxLocked, OutboxUnusable, VersionConflict
from headwater.mutations import Mutation, Optimistic
from headwater.outbox_file import Entry, OutboxFile
from headwater.salvage import salvage

PROJECT = Path(__file__).parents[2]
ITEM = {"id": "mine", "text": "größer"}


def mutation(number: int, size: int = 10) -> Mutation:
    variables = {"input": {"text": "x" * size, "clientMutationId": f"m{number}"}}
    return Mutation(f"m{number}", "mutation", variables, "room:lobby", [Optimistic("room:lobby", "mine", ITEM)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "outbox"


@pytest.fixture
def file(path: Path) -> Iterator[OutboxFile]:
    opened = OutboxFile(path, 1000)
    assert opened.open() == []
    yield opened
    opened.close()


def reopened(path: Path) -> list[Entry]:
    again = OutboxFile(path, 1000)
    try:
        return again.open()
    finally:
        again.close()


def test_what_was_kept_is_there_again_in_order(file: OutboxFile, path: Path) -> None:
    first, second, third = (file.add(mutation(number), queued_at=1000 + number) for number in range(3))
    file.sent(second, 2000)
    file.remove(first)
    file.close()
    assert reopened(path) == [Entry(second.number, mutation(1), 1001, 2000), third]


def test_the_same_id_is_kept_once(file: OutboxFile, path: Path) -> None:
    first = file.add(mutation(1), 1000)
    file.sent(first, 2000)
    assert file.add(mutation(1), 3000) == Entry(first.number, mutation(1), 1000, 2000)
    file.close()
    assert len(reopened(path)) == 1


def test_failures_stay_until_they_are_removed(file: OutboxFile, path: Path) -> None:
    conflict = VersionConflict([{"errorType": "VersionConflict", "message": "m", "data": {"version": 7}}], {"a": None})
    refused, expired = file.add(mutation(1), 1000), file.add(mutation(2), 1000)
    file.failed(refused, conflict)
    file.failed(expired, OutboxExpired("m2"))
    file.close()
    first, second = (entry.failure for entry in reopened(path))
    assert isinstance(first, VersionConflict)
    assert (first.current, first.errors, first.data) == ({"version": 7}, conflict.errors, conflict.data)
    assert isinstance(second, OutboxExpired)
    assert second.id == "m2"


def test_it_holds_so_many_and_no_more(path: Path) -> None:
    file = OutboxFile(path, 2)
    file.open()
    first = file.add(mutation(1), 1000)
    file.add(mutation(2), 1000)
    with pytest.raises(OutboxFull, match="2 mutations"):
        file.add(mutation(3), 1000)
    file.add(mutation(1), 1000)
    file.remove(first)
    file.remove(first)
    results = file.together([lambda: file.add(mutation(4), 1000), lambda: file.add(mutation(5), 1000)])
    assert isinstance(results[0], Entry)
    assert isinstance(results[1], OutboxFull)
    file.close()
    assert [entry.mutation.id for entry in reopened(path)] == ["m2", "m4"]


def test_its_numbers_are_never_given_twice(file: OutboxFile, path: Path) -> None:
    first = file.add(mutation(1), 1000)
    file.remove(first)
    file.close()
    again = OutboxFile(path, 10)
    again.open()
    assert again.add(mutation(2), 1000).number > first.number
    again.close()


def test_one_at_a_time_has_it(file: OutboxFile, path: Path) -> None:
    with pytest.raises(OutboxLocked, match=str(path)):
        reopened(path)
    with pytest.raises(OutboxLocked):
        salvage(path)
    program = f"from headwater.outbox_file import *\nOutboxFile(Path({str(path)!r}), 1).open()"
    other = subprocess.run([sys.executable, "-c", program], cwd=PROJECT / "client", capture_output=True, text=True)
    assert "OutboxLocked" in other.stderr
    file.close()
    reopened(path)


def test_only_its_owner_may_read_it(file: OutboxFile, path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0


def test_nothing_but_the_file_is_left(file: OutboxFile, path: Path) -> None:
    file.add(mutation(1), 1000)
    file.close()
    assert {each.name for each in path.parent.iterdir()} - {"outbox-journal"} == {"outbox"}


@pytest.mark.parametrize("content", [b"", b"not a database, by far" * 400])
def test_what_is_no_outbox_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outbox"
    path.write_bytes(content)
    with pytest.raises(OutboxUnusable, match=str(path)):
        reopened(path)
    assert path.read_bytes() == content


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxUnusable):
        reopened(tmp_path / "file" / "outbox")


def test_a_full_disk_is_told_and_costs_nothing_that_was_kept(file: OutboxFile, path: Path) -> None:
    file.add(mutation(1), 1000)
    connection = file._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then answers as it does when the disk is full
    with pytest.raises(OutboxUnusable, match="full"):
        file.add(mutation(2, size=100_000), 1000)
    file.add(mutation(3), 1000)
    file.close()
    assert [entry.mutation.id for entry in reopened(path)] == ["m1", "m3"]


@pytest.mark.parametrize("seed", range(4))
def test_damage_is_told_and_never_passes_for_fewer_or_other_entries(tmp_path: Path, seed: int) -> None:
    """Whatever bytes are changed or cut off: the entries are all there as they were, or the file is refused."""
    chance = random.Random(seed)
    path = tmp_path / "outbox"
    file = OutboxFile(path, 1000)
    file.open()
    for number in range(40):
        entry = file.add(mutation(number, size=chance.randrange(600)), 1000 + number)
        if number % 3 == 0:
            file.sent(entry, 5000)
    file.close()
    Path(f"{path}-journal").unlink(missing_ok=True)
    kept, whole = reopened(path), path.read_bytes()
    refused = 0
    for attempt in range(60):
        damaged = bytearray(whole)
        if attempt % 3 == 0:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            for _ in range(chance.choice([1, 2, 50])):
                damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        copy = tmp_path / f"damaged{attempt}"
        copy.write_bytes(damaged)
        try:
            assert reopened(copy) == kept
        except OutboxUnusable:
            refused += 1
            assert copy.read_bytes() == damaged
    assert refused > 20


def test_a_damaged_file_is_put_aside_and_read_as_far_as_it_goes(file: OutboxFile, path: Path) -> None:
    entries = [file.add(mutation(number, size=3000), 1000) for number in range(40)]
    file.close()
    with pytest.raises(ValueError, match="not damaged"):
        salvage(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(OutboxUnusable):
        reopened(path)
    salvaged = salvage(path)
    assert salvaged.kept_as.read_bytes() == content
    assert len(salvaged.entries) >= 38
    assert all(entry in entries for entry in salvaged.entries)
    assert reopened(path) == []


KEEPER = """
import sys
from pathlib import Path
from headwater.mutations import Mutation
from headwater.outbox_file import OutboxFile
file = OutboxFile(Path(sys.argv[1]), 100_000)
held = file.open()
number = int(sys.argv[2])
while True:
    number += 1
    entry = file.add(Mutation(f"m{number}", "mutation", {"text": "x" * (number % 700)}), number)
    print("+", number, flush=True)
    if number % 3 == 0:
        file.remove(entry)
        print("-", number, flush=True)
"""


def test_what_was_told_to_be_kept_outlives_kill_9(path: Path) -> None:
    """The writer is killed again and again in mid-write; what it said is done is done."""
    chance = random.Random(11)
    kept: set[int] = set()
    last = 0
    for _ in range(8):
        writer = subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(path), str(last)],
            env={**os.environ, "PYTHONPATH": str(PROJECT / "client")},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        told = [writer.stdout.readline()]
        time.sleep(chance.uniform(0.01, 0.2))
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.read().splitlines()
        writer.stdout.close()
        writer.wait()
        for line in told:
            what, _, number = line.strip().partition(" ")
            kept = kept | {int(number)} if what == "+" else kept - {int(number)}
            last = int(number)
        found = {int(entry.mutation.id[1:]) for entry in reopened(path)}
        # The step under way may have happened too: one entry more than was told, or one fewer.
        assert kept - found <= ({last} if last % 3 == 0 else set())
        assert found - kept <= {last + 1}
        kept, last = found, max(found | {last})
    assert len(kept) > 50
