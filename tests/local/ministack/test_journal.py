"""The journal's files: what a start reads from them, whatever ended the process before."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from local.ministack.journal import Journal, Operation, decode, encode, write_base
from tests.local.ministack.servers import PROJECT


def opened(directory: Path, base: int = 0) -> tuple[Journal, list[Operation]]:
    """A journal that is written to, and what its start read."""
    journal, operations = Journal(directory), list[Operation]()
    journal.replay(base, lambda operation: operations.append(operation))
    return journal, [operation for operation in operations if operation[0] != "format"]


def write(journal: Journal, *steps: Iterable[Operation]) -> None:
    """One line for each step."""
    for step in steps:
        with journal.step() as operations:
            operations += step


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    journal, nothing = opened(tmp_path)
    write(journal, [["a", 1], ["b", {"text": "\n\u2028\ud800 €"}]], [["c", 2**70]])

    assert nothing == []
    assert opened(tmp_path)[1] == [["a", 1], ["b", {"text": "\n\u2028\ud800 €"}], ["c", 2**70]]


def test_steps_inside_a_step_are_one_line_also_when_it_fails(tmp_path: Path) -> None:
    journal, _ = opened(tmp_path)

    def fail() -> None:
        with journal.step() as operations:
            operations.append(["a"])
            write(journal, [["b"]])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert decode((tmp_path / "00000000.log").read_bytes().splitlines(keepends=True)[-1]) == [["a"], ["b"]]


@pytest.mark.parametrize("left", [0, 1, 9, 20])
def test_a_line_that_was_cut_off_is_left_out_and_ended(tmp_path: Path, left: int) -> None:
    journal, _ = opened(tmp_path)
    write(journal, [["whole"]])
    with (tmp_path / "00000000.log").open("ab") as file:
        file.write(encode([["cut", "off"]])[:left])

    after, read = opened(tmp_path)
    write(after, [["later"]])

    assert read == [["whole"]]
    assert opened(tmp_path)[1] == [["whole"], ["later"]]


def test_damage_in_the_middle_costs_that_line_only_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal, _ = opened(tmp_path)
    write(journal, [["first"]], [["second"]], [["third"]])
    path = tmp_path / "00000000.log"
    path.write_bytes(path.read_bytes().replace(b"second", b"sEcond"))

    assert opened(tmp_path)[1] == [["first"], ["third"]]
    assert "00000000.log, line 3" in caplog.text


def test_a_base_replaces_the_logs_before_it(tmp_path: Path) -> None:
    journal, _ = opened(tmp_path)
    write(journal, [["a"]])
    generation = journal.rotate()
    write(journal, [["b"]])

    # Until a save names the new base, everything is read from before it.
    write_base(journal.base_path(generation), [[["everything", "a"]]])
    assert opened(tmp_path)[1] == [["a"], ["b"]]
    assert opened(tmp_path, generation)[1] == [["everything", "a"], ["b"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001.base", "00000001.log"]
    assert opened(tmp_path, generation)[0].generation == generation


def test_a_base_that_was_not_finished_is_removed(tmp_path: Path) -> None:
    journal, _ = opened(tmp_path)
    write(journal, [["a"]])
    generation = journal.rotate()
    assert not write_base(journal.base_path(generation), [[["half"]]], wanted=lambda: False)
    assert (tmp_path / "00000001.tmp").exists()

    assert opened(tmp_path)[1] == [["a"]]
    assert not (tmp_path / "00000001.tmp").exists()


def test_a_missing_base_is_told_and_the_rest_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal, _ = opened(tmp_path)
    generation = journal.rotate()
    write(journal, [["b"]])

    assert opened(tmp_path, generation)[1] == [["b"]]
    assert "00000001.base is missing" in caplog.text


def test_threads_write_whole_steps(tmp_path: Path) -> None:
    journal, _ = opened(tmp_path)

    def work(number: int) -> None:
        for _ in range(50):
            with journal.step() as operations:
                operations.append(["begin", number])
                operations.append(["end", number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, read = opened(tmp_path)
    assert len(read) == 400
    assert all(first[1] == second[1] for first, second in zip(read[::2], read[1::2], strict=True))


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from local.ministack.journal import Journal, JournalFull
journal = Journal(Path(sys.argv[1]))
journal.replay(0, lambda _: None)
def write(text):
    with journal.step() as operations:
        operations.append([text])
write("before")
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
for text in ("x" * 200, "waits"):
    try:
        write(text)
    except JournalFull:
        print("refused", journal.full)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
print(journal.full)
write("after")
journal.close()
"""


def test_what_a_full_disk_did_not_take_is_written_once_there_is_room(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    answer = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split("\n") == ["refused True", "refused True", "False", ""]
    assert [operation[0][0] for operation in opened(tmp_path)[1]] == ["b", "x", "w", "a"]
