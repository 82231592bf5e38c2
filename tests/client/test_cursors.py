from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headwater import CursorsUnreadable, FileCursors
from tests.conftest import ROOT


def test_cursors_outlive_their_program(tmp_path: Path) -> None:
    file = tmp_path / "state" / "cursors.json"
    cursors = FileCursors(file)
    assert cursors.load("room:lobby") is None
    cursors.save("room:lobby", 7)
    cursors.save("room:löbby \n", 8)
    cursors.save("room:lobby", 9)
    again = FileCursors(file)
    assert (again.load("room:lobby"), again.load("room:löbby \n"), again.load("user")) == (9, 8, None)
    assert os.listdir(file.parent) == ["cursors.json"]  # noqa: PTH208


@pytest.mark.parametrize("content", ["", "{", "[]", '{"t": "7"}', '{"t": null}', '{"t": true}', '{"t": -1}'])
def test_a_file_that_holds_something_else_is_no_beginning(tmp_path: Path, content: str) -> None:
    (tmp_path / "cursors").write_text(content)
    with pytest.raises(CursorsUnreadable):
        FileCursors(tmp_path / "cursors").load("t")


def test_what_cannot_be_read_is_no_beginning(tmp_path: Path) -> None:
    with pytest.raises(CursorsUnreadable):
        FileCursors(tmp_path).load("t")


def test_feeds_with_stores_of_their_own_keep_their_cursors_in_one_file(tmp_path: Path) -> None:
    one, other = FileCursors(tmp_path / "cursors"), FileCursors(tmp_path / "cursors")
    assert one.load("room:a") is other.load("room:b") is None
    one.save("room:a", 1)
    other.save("room:b", 2)
    one.save("room:a", 3)
    assert (FileCursors(tmp_path / "cursors").load("room:a"), one.load("room:b")) == (3, 2)


def test_a_kill_leaves_the_old_cursor_or_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "cursors"
    program = (
        "import sys; from headwater import FileCursors; cursors = FileCursors(sys.argv[1])\n"
        "for seq in range(10**9): cursors.save('t', seq); print(seq, flush=True)"
    )
    command = [sys.executable, "-c", program, str(file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "client")}
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            for _ in range(50):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            told = process.stdout.read().split()
        kept = FileCursors(file).load("t")
        assert kept is not None
        assert kept >= (int(told[-2]) if told[1:] else 49), "the last line may be cut off"
