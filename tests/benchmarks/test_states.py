"""The judge of what clients say of themselves: it finds what is wrong, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cuts import states

Lines = list[dict[str, Any]]
S = states.SECOND


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One client with a window of 5 s, cut off from second 20 to 40; a value that was written at 10."""
    write(tmp_path / "writes-0.jsonl", [written("v", 10)])
    write(tmp_path / "troubles.jsonl", [{"subscriber": "a", "kind": "cut", "begun": 20 * S, "ended": 40 * S}])
    says(tmp_path, ("live", 1), ("stale", 24), ("live", 41))
    told(tmp_path, ("v", 11))
    return tmp_path


def write(path: Path, lines: Lines) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def written(value: str, at: int) -> dict[str, Any]:
    return {"topic": "t", "item": "i", "value": value, "begun": at * S, "ended": at * S, "outcome": "acknowledged"}


def says(folder: Path, *said: tuple[str, int]) -> None:
    head: Lines = [{"subscriber": "a", "window": 5.0}]
    write(folder / "states-a.jsonl", head + [{"state": state, "at": at * S} for state, at in said])


def told(folder: Path, *values: tuple[str, int]) -> None:
    head: Lines = [{"event": "subscribed", "subscriber": "a", "topic": "t", "from": "now"}, {"event": "live", "at": S}]
    called = [{"event": "callback", "item": "i", "value": value, "at": at * S} for value, at in values]
    write(folder / "callbacks-a.jsonl", [*head, *called, {"event": "end", "at": 60 * S}])


def verdict(folder: Path) -> list[str]:
    return [wrong.rule for wrong in states.judge(*states.read(folder))]


def test_who_says_stale_within_the_window_is_right(folder: Path) -> None:
    assert verdict(folder) == []
    assert states.main([str(folder)]) == 0


def test_live_behind_a_cut_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    says(folder, ("live", 1), ("stale", 26), ("live", 41))
    assert verdict(folder) == ["blind"]
    assert states.main([str(folder)]) == 1
    assert "live 1.00 s, 6.0 s into it" in capsys.readouterr().out


def test_live_while_a_change_is_missing_is_wrong(folder: Path) -> None:
    told(folder, ("v", 18))
    assert verdict(folder) == ["false"]


def test_late_is_right_where_nobody_said_live(folder: Path) -> None:
    says(folder, ("live", 1), ("catching-up", 12), ("live", 19), ("stale", 24), ("live", 41))
    told(folder, ("v", 18))
    assert verdict(folder) == []


def test_a_suspended_client_says_nothing_until_it_is_awake(folder: Path) -> None:
    suspended = {"subscriber": "a", "kind": "stop", "begun": 20 * S, "ended": 40 * S}
    write(folder / "troubles.jsonl", [suspended])
    write(folder / "writes-0.jsonl", [written("v", 25)])
    says(folder, ("live", 1), ("stale", 41), ("live", 43))
    told(folder, ("v", 42))
    assert verdict(folder) == []
    says(folder, ("live", 1), ("stale", 46))
    told(folder, ("v", 50))
    assert verdict(folder) == ["false"]


def test_half_written_files_prove_nothing(folder: Path) -> None:
    (folder / "states-a.jsonl").unlink()
    assert states.main([str(folder)]) == 2
