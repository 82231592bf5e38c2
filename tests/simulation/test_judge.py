"""The judge of a schedule catches each kind of defect."""

from __future__ import annotations

import pytest

from tests.simulation.judge import Diary, Owed, Seen, problems

KEY, ROOM = "k", "r"
OWED = [Owed("e1", "INSERT", "one", 1.0), Owed("e2", "MODIFY", "two", 2.0), Owed("e3", "REMOVE", None, 3.0)]
SEEN = [Seen(place, owed.event_id, owed.kind, KEY, owed.token, 10.0) for place, owed in enumerate(OWED, 1)]


def diary(*seen: Seen, live_at: float = 0.0, from_start: bool = True) -> Diary:
    return Diary("s", ROOM, from_start, live_at, list(seen))


def found(one: Diary, owed: list[Owed] = OWED, **options: frozenset[str]) -> list[str]:
    """The kinds of problems."""
    lines = problems({ROOM: {KEY: owed}}, [one], 86_400.0, **options)
    return sorted({line.removeprefix("s: ").split()[0] for line in lines})


def test_all_told_is_right() -> None:
    assert found(diary(*SEEN)) == []


@pytest.mark.parametrize(
    ("places", "kinds"),
    [
        ([0, 1], ["lost"]),
        ([1, 2], ["lost"]),
        ([0, 2], ["lost", "number"]),
        ([], ["lost"]),
        ([0, 0, 1, 2], ["duplicate", "number"]),
        ([0, 2, 1], ["number", "out"]),
    ],
)
def test_a_defect_is_found(places: list[int], kinds: list[str]) -> None:
    assert found(diary(*(SEEN[place] for place in places))) == kinds


def test_what_nobody_wrote_is_unknown() -> None:
    assert found(diary(*SEEN, Seen(4, "e9", "INSERT", KEY, "nine", 9.0))) == ["unknown"]
    assert found(diary(*SEEN, Seen(4, "e9", "INSERT", "other", "nine", 9.0))) == ["unknown"]


def test_a_wrong_text_is_found() -> None:
    assert found(diary(Seen(1, "e1", "INSERT", KEY, "two", 9.0), *SEEN[1:])) != []


def test_two_meanings_of_a_number_are_found() -> None:
    other = Diary("t", ROOM, False, 5.0, [Seen(1, "e2", "MODIFY", KEY, "two", 9.0)])
    lines = problems({ROOM: {KEY: OWED}}, [diary(*SEEN), other], 86_400.0)
    assert any("number 1 means" in line for line in lines)


def test_who_comes_late_is_owed_the_rest() -> None:
    assert found(diary(*SEEN[2:], live_at=2.5, from_start=False)) == []
    assert found(diary(live_at=2.5, from_start=False)) == ["lost"]


def test_of_a_state_only_the_last_is_owed() -> None:
    states = [Owed(each.event_id, each.kind, each.token, each.at, state_like=True) for each in OWED]
    assert found(diary(Seen(1, "e3", "REMOVE", KEY, None, 9.0)), states) == []
    assert found(diary(Seen(1, "e2", "MODIFY", KEY, "two", 9.0)), states) == ["lost"]


def test_starting_anew_is_excused_only_by_age() -> None:
    one = diary(*SEEN[:1])
    one.resync({}, 100_000.0)
    assert found(one) == []
    soon = diary(*SEEN[:1])
    soon.resync({}, 100.0)
    assert found(soon) == ["had"]


def test_what_was_given_up_is_not_owed() -> None:
    assert found(diary(SEEN[0], SEEN[2]), given_up=frozenset({"e2"})) == ["number"]
    late = [Seen(1, "e1", "INSERT", KEY, "one", 9.0), Seen(2, "e3", "REMOVE", KEY, None, 9.0)]
    assert found(diary(*late), exhausted=frozenset({"e2"})) == []
    assert found(diary(*late[:1]), exhausted=frozenset({"e2"})) == ["lost"]
