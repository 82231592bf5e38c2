"""The checker of the chaos benchmark: it catches each kind of defect, and takes nothing on trust."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos import checker
from tests.conftest import ROOT

Line = dict[str, Any]
TOPIC, ITEM = "t", "i"


def write(value: str | None, begun: int, **more: Any) -> Line:
    """An acknowledged write that took one nanosecond."""
    line = {"topic": TOPIC, "item": ITEM, "value": value, "begun": begun, "ended": begun + 1}
    return {**line, "outcome": "acknowledged", **more}


def callback(value: str | None, **more: Any) -> Line:
    return {"event": "callback", "item": ITEM, "value": value, "at": 0, **more}


def subscriber(*told: Line, live: int = 0, start: str = "now", topic: str = TOPIC) -> list[Line]:
    return [
        {"event": "subscribed", "subscriber": "s", "topic": topic, "from": start},
        {"event": "live", "at": live},
        *told,
        {"event": "end", "at": 99},
    ]


def save(folder: Path, name: str, lines: Sequence[Line]) -> None:
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


def verdict(folder: Path, writes: Sequence[Line], *subscribers: Sequence[Line]) -> Counter[str]:
    """How many defects there are of each kind."""
    save(folder, "writes-0.jsonl", writes)
    for number, lines in enumerate(subscribers):
        save(folder, f"callbacks-{number}.jsonl", lines)
    return Counter(defect.kind for defect in checker.judge(*checker.read(folder)))


def values(*names: str | None) -> list[Line]:
    return [write(name, 10 * number) for number, name in enumerate(names, 1)]


def told(*names: str | None) -> list[Line]:
    return [callback(name) for name in names]


def test_all_told_once_and_in_order_is_faultless(tmp_path: Path) -> None:
    assert verdict(tmp_path, values("a", "b", None, "c"), subscriber(*told("a", "b", None, "c"))) == {}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", "b"], {"lost": 1}),
        (["a", "c"], {"lost": 1}),
        (["b", "c"], {"lost": 1}),
        ([], {"lost": 3}),
        (["a", "b", "b", "c"], {"duplicated": 1}),
        (["a", "b", "c", "a"], {"duplicated": 1}),
        (["a", "c", "b"], {"out of order": 1}),
        (["c", "b", "a"], {"out of order": 2}),
        (["a", "b", "c", "d"], {"unknown": 1}),
        (["a", None, "b", "c"], {"unknown": 1}),
        (["c", "b", "b", "x"], {"lost": 1, "out of order": 1, "duplicated": 1, "unknown": 1}),
    ],
)
def test_each_kind_of_defect_is_found(tmp_path: Path, names: list[str | None], found: dict[str, int]) -> None:
    assert verdict(tmp_path, values("a", "b", "c"), subscriber(*told(*names))) == found


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", None, "b", None, "c"], {}),
        (["a", None, "b", "c"], {"lost": 1}),
        (["a", "b", None, "c"], {"lost": 1}),
        (["a", None, None, "b", None, "c"], {"duplicated": 1}),
        (["a", None, "b", None, "c", None], {"duplicated": 1}),
        (["a", "b", "c"], {"lost": 2}),
        (["a", None, "b", "c", None], {"out of order": 1}),
        ([None, "a", "b", None, "c"], {"out of order": 1}),
    ],
)
def test_removals_are_told_apart_by_what_is_around_them(
    tmp_path: Path, names: list[str | None], found: dict[str, int]
) -> None:
    writes = values("a", None, "b", None, "c")
    assert set(verdict(tmp_path, writes, subscriber(*told(*names)))) == set(found)


def test_items_do_not_wait_for_one_another(tmp_path: Path) -> None:
    writes = [write("a", 10), write("x", 11, item="j"), write("b", 12), write("y", 13, item="j")]
    mixed = [callback("x", item="j"), callback("a"), callback("b"), callback("y", item="j")]
    assert verdict(tmp_path, writes, subscriber(*mixed)) == {}


def test_who_comes_late_is_owed_what_began_after(tmp_path: Path) -> None:
    writes = values("a", "b", "c")
    assert verdict(tmp_path, writes, subscriber(*told("c"), live=25)) == {}
    assert verdict(tmp_path, writes, subscriber(live=25)) == {"lost": 1}
    # What it was told of earlier is the beginning of what it is owed.
    assert verdict(tmp_path, writes, subscriber(*told("a", "c"), live=25)) == {"lost": 1}
    assert verdict(tmp_path, writes, subscriber(*told("b", "c"), live=25)) == {}
    assert verdict(tmp_path, writes, subscriber(*told("c"), live=25, start="start")) == {"lost": 2}


def test_a_removal_before_its_time_is_not_taken_for_a_later_one(tmp_path: Path) -> None:
    writes = values("a", None, "b", None)
    assert verdict(tmp_path, writes, subscriber(*told(None, "b", None), live=25)) == {}
    assert verdict(tmp_path, writes, subscriber(*told("b", None), live=25)) == {}
    assert verdict(tmp_path, writes, subscriber(*told(None), live=25))["lost"] == 1


def test_an_unanswered_write_may_be_told_or_not(tmp_path: Path) -> None:
    writes = [write("a", 10), write("b", 20, outcome="unknown"), write("c", 30)]
    assert verdict(tmp_path, writes, subscriber(*told("a", "c"))) == {}
    assert verdict(tmp_path, writes, subscriber(*told("a", "b", "c"))) == {}
    assert verdict(tmp_path, writes, subscriber(*told("a", "b", "b", "c"))) == {"duplicated": 1}
    assert verdict(tmp_path, writes, subscriber(*told("a", "c", "b"))) == {"out of order": 1}


def test_a_new_item_whose_name_nobody_learned_may_be_told_once(tmp_path: Path) -> None:
    nameless = write("n", 15, item=None, outcome="unknown")
    writes = [*values("a", "b"), nameless]
    assert verdict(tmp_path, writes, subscriber(*told("a", "b"))) == {}
    named = callback("n", item="x")
    assert verdict(tmp_path, writes, subscriber(named, *told("a", "b"))) == {}
    assert verdict(tmp_path, writes, subscriber(named, named, *told("a", "b"))) == {"duplicated": 1}
    assert verdict(tmp_path, writes, subscriber(named, callback("n", item="y"), *told("a", "b"))) == {"unknown": 1}
    assert verdict(tmp_path, writes, subscriber(named, callback("m", item="x"), *told("a", "b"))) == {"unknown": 1}
    # An attempt that was answered in the end is the same write.
    answered = write("n", 15, item="x")
    assert verdict(tmp_path, [*writes, answered], subscriber(named, *told("a", "b"))) == {}
    assert verdict(tmp_path, [*writes, answered], subscriber(named, callback("n", item="y"), *told("a", "b"))) == {
        "unknown": 1
    }


def test_a_crash_excuses_what_was_answered_just_before_it(tmp_path: Path) -> None:
    save(tmp_path, "crashes.jsonl", [{"at": 35, "unsaved": 5}])
    writes = values("a", "b", "c", "d")
    assert verdict(tmp_path, writes, subscriber(*told("a", "b", "d"))) == {}
    assert verdict(tmp_path, writes, subscriber(*told("a", "d"))) == {"lost": 1}


def test_of_a_state_like_item_the_last_value_is_owed(tmp_path: Path) -> None:
    writes = [write(name, 10 * number, rule="last") for number, name in enumerate("abc", 1)]
    assert verdict(tmp_path, writes, subscriber(*told("c"))) == {}
    assert verdict(tmp_path, writes, subscriber(*told("a", "c"))) == {}
    assert verdict(tmp_path, writes, subscriber(*told("a", "b"))) == {"lost": 1}
    assert verdict(tmp_path, writes, subscriber(*told("b", "a", "c"))) == {"out of order": 1}
    assert verdict(tmp_path, writes, subscriber(*told("c", "c"))) == {"duplicated": 1}
    assert verdict(tmp_path, writes, subscriber()) == {"lost": 1}


def test_a_large_value_may_be_told_as_gone_once_it_was_removed(tmp_path: Path) -> None:
    gone = callback(None, gone=True)
    writes = [write("a", 10, rule="large"), write(None, 20)]
    assert verdict(tmp_path, writes, subscriber(gone, callback(None))) == {}
    assert verdict(tmp_path, writes, subscriber(*told("a", None))) == {}
    assert verdict(tmp_path, writes, subscriber(gone, gone, callback(None))) == {"duplicated": 1}
    assert verdict(tmp_path, writes, subscriber(callback(None))) == {"lost": 1}
    assert verdict(tmp_path, writes[:1], subscriber(gone)) == {"unknown": 1, "lost": 1}
    assert verdict(tmp_path, values("a", None), subscriber(gone, callback(None))) == {"unknown": 1, "lost": 1}


def test_who_starts_anew_is_not_owed_what_its_state_shows(tmp_path: Path) -> None:
    writes = values("a", "b", "c", "d")
    anew = {"event": "anew", "state": {ITEM: "c"}, "at": 35}
    assert verdict(tmp_path, writes, subscriber(callback("a"), anew, callback("d"))) == {}
    # The state is newer than where it goes on: told again would be twice only if it had been told.
    assert verdict(tmp_path, writes, subscriber(callback("a"), anew, callback("c"), callback("d"))) == {}
    assert verdict(tmp_path, writes, subscriber(callback("a"), {**anew, "state": {ITEM: "b"}}, callback("d"))) == {
        "lost": 1
    }
    assert verdict(tmp_path, writes, subscriber(callback("a"), anew, callback("a"), callback("d"))) == {"duplicated": 1}


def test_a_state_without_an_item_shows_its_removal(tmp_path: Path) -> None:
    anew = {"event": "anew", "state": {}, "at": 25}
    assert verdict(tmp_path, values("a", None), subscriber(callback("a"), anew)) == {}
    assert verdict(tmp_path, values("a", "b"), subscriber(callback("a"), anew)) == {"lost": 1}


def test_another_topics_change_is_unknown(tmp_path: Path) -> None:
    writes = [write("a", 10), write("z", 11, topic="other", item="z")]
    stranger = callback("z", item="z")
    assert verdict(tmp_path, writes, subscriber(callback("a"), stranger)) == {"unknown": 1}


def test_one_bad_subscriber_of_many_is_found(tmp_path: Path) -> None:
    good = subscriber(*told("a", "b"))
    assert verdict(tmp_path, values("a", "b"), good, good, subscriber(*told("b")), good) == {"lost": 1}


@pytest.mark.parametrize("seed", range(50))
def test_any_single_defect_in_a_long_run_is_found(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    writes, callbacks = [], []
    alive: dict[str, bool] = {}
    for number in range(200):
        item = f"i{chance.randint(0, 9)}"
        value = None if alive.get(item) and chance.random() < 0.3 else f"v{number}"
        alive[item] = value is not None
        writes.append(write(value, 10 * number, item=item))
        callbacks.append(callback(value, item=item))
    assert verdict(tmp_path, writes, subscriber(*callbacks, start="start")) == {}
    place = chance.randrange(200)
    of_item = [index for index, each in enumerate(callbacks) if each["item"] == callbacks[place]["item"]]
    match chance.choice(["lose", "double", "reorder", "invent"]):
        case "lose":
            del callbacks[place]
        case "double":
            callbacks.insert(chance.randint(place, 200), callbacks[place])
        case "reorder":
            other = chance.choice([index for index in of_item if index != place])
            callbacks[place], callbacks[other] = callbacks[other], callbacks[place]
            if callbacks[place]["value"] == callbacks[other]["value"]:
                del callbacks[place]  # two removals look alike
        case "invent":
            callbacks.insert(place, callback("never written", item=callbacks[place]["item"]))
    assert verdict(tmp_path, writes, subscriber(*callbacks, start="start")) != {}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("writes-0.jsonl", '{"topic": "t"}\n', "item is no text"),
        ("writes-0.jsonl", "{\n", "writes-0.jsonl:1"),
        ("writes-0.jsonl", json.dumps(write("a", 1)), "no whole object"),
        ("writes-0.jsonl", json.dumps(write("a", 1, outcome="perhaps")) + "\n", "not a write"),
        ("writes-0.jsonl", json.dumps(write("a", 1, ended=0)) + "\n", "not a write"),
        ("writes-0.jsonl", (json.dumps(write("a", 1)) + "\n") * 2, "two writes have one value"),
        ("writes-0.jsonl", "".join(json.dumps(write(v, t)) + "\n" for v, t in [("a", 5), ("b", 1)]), "in their order"),
        ("writes-1.jsonl", json.dumps(write("b", 50)) + "\n", "both write t i"),
        ("callbacks-0.jsonl", '{"event": "live", "at": 1}\n', "what was asked for"),
        ("callbacks-0.jsonl", "".join(json.dumps(line) + "\n" for line in subscriber()[:-1]), "to the end"),
        ("callbacks-0.jsonl", "".join(json.dumps(subscriber()[n]) + "\n" for n in (0, 2)), "was never live"),
        ("callbacks-0.jsonl", "".join(json.dumps(line) + "\n" for line in [*subscriber(), callback("a")]), "goes on"),
        ("callbacks-0.jsonl", json.dumps(subscriber()[0]) + '\n{"event": "callback"}\n', "callbacks-0.jsonl"),
    ],
)
def test_files_that_prove_nothing_are_refused(tmp_path: Path, name: str, text: str, why: str) -> None:
    save(tmp_path, "writes-0.jsonl", values("a"))
    save(tmp_path, "callbacks-0.jsonl", subscriber(*told("a")))
    (tmp_path / name).write_text(text)
    with pytest.raises(checker.Unusable, match=why):
        checker.read(tmp_path)


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """The checker as a process of its own, with nothing of the project on its path."""
    program = ROOT / "benchmarks" / "chaos" / "checker.py"
    return subprocess.run(
        [sys.executable, "-I", program, folder], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_exit_status_is_the_verdict(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 2
    verdict(tmp_path, values("a", "b"), subscriber(*told("a", "b")))
    good = run(tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    assert [line.split()[-1] for line in good.stdout.splitlines()[2:]] == ["0"] * 4
    verdict(tmp_path, values("a", "b"), subscriber(*told("a", "a")))
    bad = run(tmp_path)
    assert bad.returncode == 1
    assert "s: t i: 'b'" in bad.stdout
    assert "duplicated   1" in bad.stdout
