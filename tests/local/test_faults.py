"""The switches themselves: what they take, when they strike, what is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.control import Control
from local.control_client import ControlClient, ControlError
from local.fault_switches import COMMON, SWITCHES, FaultError
from local.faults import REMEMBERED, Faults


async def told(faults: Faults) -> Any:
    """What kill-ministack did, once it did something."""
    while not (last := state(faults, "kill-ministack")["last"]):  # noqa: ASYNC110  nothing announces it
        await asyncio.sleep(0)
    return last


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def state(faults: Faults, name: str) -> Any:
    return next(fault["set"] for fault in faults.listed() if fault["name"] == name)


def test_nothing_strikes_unless_it_is_set() -> None:
    faults = Faults()
    assert not faults.active
    assert faults.strike("drop-push") is None
    faults.set("duplicate-push")
    assert faults.active
    assert faults.strike("drop-push") is None
    assert faults.strike("duplicate-push") is not None
    faults.clear()
    assert not faults.active
    assert faults.strike("duplicate-push") is None


def test_a_count_is_used_up() -> None:
    faults = Faults()
    faults.set("drop-push", count=2)
    assert [faults.strike("drop-push") is not None for _ in range(4)] == [True, True, False, False]
    assert state(faults, "drop-push")["spent"]
    faults.set("drop-push", count=1)  # counts anew
    assert faults.strike("drop-push") is not None


def test_what_came_to_nothing_does_not_count() -> None:
    faults = Faults()
    faults.set("kill-worker", count=1)
    strike = faults.strike("kill-worker", function="publish")
    assert strike is not None
    strike.missed()
    assert faults.strike("kill-worker", function="publish") is not None


def test_a_duration_ends_it_and_what_it_left_behind() -> None:
    clock = Clock()
    faults = Faults(clock)
    faults.set("drop-after-start-ack", duration=10)
    clock.now = 9.9
    strike = faults.strike("drop-after-start-ack")
    assert strike is not None
    assert strike.stands
    clock.now = 10.0
    assert not strike.stands
    assert faults.strike("drop-after-start-ack") is None


def test_clearing_ends_what_it_left_behind() -> None:
    faults = Faults()
    faults.set("drop-after-start-ack")
    strike = faults.strike("drop-after-start-ack")
    assert strike is not None
    faults.clear("drop-after-start-ack")
    assert not strike.stands


def test_a_seed_repeats_the_chances_and_is_told_when_it_was_not_given() -> None:
    def struck(**options: object) -> list[bool]:
        faults = Faults()
        faults.set("drop-push", probability=0.3, **options)
        chances = [faults.strike("drop-push") is not None for _ in range(1000)]
        seeds.append(state(faults, "drop-push")["options"]["seed"])
        return chances

    seeds: list[int] = []
    first = struck()
    assert first == struck(seed=seeds[0])
    assert first != struck(seed=seeds[0] + 1)
    assert 200 < sum(first) < 400


@pytest.mark.parametrize(
    ("name", "options", "about", "strikes"),
    [
        ("drop-push", {"subscription": "onRoom"}, {"subscription": "onRoom"}, True),
        ("drop-push", {"subscription": "onRoom"}, {"subscription": "onRoomer"}, False),
        ("drop-push", {"containing": "ä1"}, {"containing": '{"id":"ä1"}'.encode()}, True),
        ("drop-push", {"containing": "ä1"}, {"containing": b'{"id":"1"}'}, False),
        ("drop-push", {"containing": "ä1"}, {}, False),
        ("drop-push", {"containing": "1", "subscription": "a"}, {"containing": b"1", "subscription": "b"}, False),
        ("half-open", {"subscriber": "ada"}, {"subscriber": ("bob", "ada")}, True),
        ("half-open", {"subscriber": "ada"}, {"subscriber": ()}, False),
        ("expired-token", {"user": "ann"}, {"user": ("1-2-3", "ann")}, True),
        ("expired-token", {"user": "an"}, {"user": ("1-2-3", "ann")}, False),
        ("expired-token", {"at": "connect"}, {"at": "operation"}, False),
        ("kill-worker", {"function": "publish"}, {"function": "headwater-publish-X1"}, True),
        ("slow-resolver", {"field": "Query.room", "seconds": 1}, {"field": "Query.rooms"}, False),
    ],
)
def test_a_target_is_what_it_strikes(
    name: str, options: dict[str, object], about: Mapping[str, Any], strikes: bool
) -> None:
    faults = Faults()
    faults.set(name, **options)
    assert (faults.strike(name, **about) is not None) == strikes


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("drop-pushes", {}, "there is no fault 'drop-pushes'; there are drop-after-start-ack, drop-push"),
        ("drop-push", {"cuont": 1}, "drop-push has no option 'cuont'; it has .*count"),
        ("drop-push", {"name": "x", "self": 1}, "drop-push has no option 'name'"),
        ("drop-push", {"count": 0}, "count=0: it takes a whole number from 1 on"),
        ("drop-push", {"count": "1.5"}, "count='1.5': it takes a whole number"),
        ("drop-push", {"count": 1.5}, "count=1.5: it takes a whole number"),
        ("drop-push", {"count": True}, "count=True: it takes a whole number"),
        ("drop-push", {"count": None}, "count=None: it takes a whole number"),
        ("drop-push", {"probability": "1.1"}, "probability=1.1: it takes a number from 0 to 1"),
        ("drop-push", {"duration": "nan"}, "duration=nan: it takes a number"),
        ("drop-push", {"containing": ""}, "containing is empty: it takes a text"),
        ("drop-push", {"containing": {}}, "it takes a text"),
        ("appsync-5xx", {"status": "501"}, "status=501: it takes one of 500, 502, 503, 504"),
        ("appsync-5xx", {"when": "during"}, "when=during: it takes one of before, after"),
        ("slow-resolver", {}, "slow-resolver needs field and seconds"),
    ],
)
def test_what_a_switch_does_not_take_is_named(name: str, options: dict[str, object], message: str) -> None:
    faults = Faults()
    with pytest.raises(FaultError, match=message):
        faults.set(name, **options)
    assert not faults.active


def test_values_from_a_command_line_are_texts() -> None:
    faults = Faults()
    faults.set("drop-after-start-ack", seconds="0.5", pushes="3", count="2", probability="1")
    options = state(faults, "drop-after-start-ack")["options"]
    assert (options["seconds"], options["pushes"], options["count"], options["probability"]) == (0.5, 3, 2, 1.0)


def test_the_last_strikes_are_listed() -> None:
    faults = Faults()
    faults.set("drop-push")
    for number in range(REMEMBERED + 5):
        strike = faults.strike("drop-push")
        assert strike is not None
        strike.did(f"dropped {number}")
    listed = state(faults, "drop-push")
    assert (listed["struck"], listed["outcomes"], len(listed["last"])) == (REMEMBERED + 5, REMEMBERED + 5, REMEMBERED)
    assert listed["last"][-1]["what"] == f"dropped {REMEMBERED + 4}"


async def test_an_act_is_performed_when_it_is_set() -> None:
    faults = Faults()
    done = asyncio.Event()

    async def act(options: Mapping[str, Any]) -> str:
        done.set()
        return f"waited {options['after']:g} s"

    faults.performs("kill-ministack", act)
    faults.set("kill-ministack", after=0.01)
    async with asyncio.timeout(5):
        await done.wait()
        last = await told(faults)
    assert last[0]["what"] == "waited 0.01 s"


async def test_clearing_calls_an_act_off_but_not_one_that_has_begun() -> None:
    faults = Faults()
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def act(_: Mapping[str, Any]) -> str:
        begun.set()
        await may_end.wait()
        ended.set()
        return ""

    faults.performs("kill-ministack", act)
    faults.set("kill-ministack", after=1000)
    faults.clear()
    assert not begun.is_set()
    faults.set("kill-ministack")
    async with asyncio.timeout(5):
        await begun.wait()
        faults.clear()
        may_end.set()
        await ended.wait()


async def test_an_act_that_fails_says_so() -> None:
    faults = Faults()

    async def act(_: Mapping[str, Any]) -> str:
        raise OSError("no")

    faults.performs("kill-ministack", act)
    faults.set("kill-ministack", every=1)
    async with asyncio.timeout(5):
        last = await told(faults)
    assert last[0]["what"] == "failed: no"


async def test_the_control_socket_lists_sets_and_clears(tmp_path: Path) -> None:
    faults, control = Faults(), Control(tmp_path)
    faults.serve(control)
    await control.start()
    client = ControlClient(tmp_path, seconds=5)
    try:
        listed = (await asyncio.to_thread(client.get, "/faults"))["faults"]
        assert [fault["name"] for fault in listed] == list(SWITCHES)
        assert all(fault["set"] is None and fault["options"] and fault["imitates"] for fault in listed)

        await asyncio.to_thread(client.post, "/faults/drop-push", {"count": "3"})
        assert state(faults, "drop-push")["options"]["count"] == 3
        await asyncio.to_thread(client.post, "/faults/half-open")
        await asyncio.to_thread(client.delete, "/faults/drop-push")
        assert state(faults, "drop-push") is None
        await asyncio.to_thread(client.delete, "/faults")
        assert not faults.active

        for method, path, body in (
            ("POST", "/faults/nothing", {}),
            ("POST", "/faults/drop-push", {"count": -1}),
            ("POST", "/faults/drop-push", []),
            ("DELETE", "/faults/nothing", None),
        ):
            with pytest.raises(ControlError) as refused:
                await asyncio.to_thread(client.request, method, path, body)
            assert (refused.value.code, refused.value.status) == ("BadFault", 400)
    finally:
        await control.stop()


def test_the_documentation_names_every_fault_with_its_options() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "faults.md").read_text()
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5 and cells[1].startswith("`"):
            rows[cells[1].strip("`")] = [option.strip("` ") for option in cells[2].split(",")]
    assert rows == {name: [option.name for option in switch.options] for name, switch in SWITCHES.items()}
    assert all(f"| `{option.name}` |" in text for option in COMMON)
