"""`python -m local redrive` against a running instance: what is parked is listed, shown, replayed, discarded."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.explaining import command, put, put_message
from tests.stack.instance import PROJECT, Instance, eventually
from tests.stack.test_live_chat import RawSubscriber, new_room, raw_subscriber

pytestmark = pytest.mark.stack


def parked(instance: Instance, room: str) -> list[dict[str, Any]]:
    """What the command lists for a room."""
    result = command(instance, "redrive", "list", "--json")
    assert result.returncode == 0, result.stderr
    return [each for each in json.loads(result.stdout)["items"] if f"room:{room}" in each["topics"]]


def poison(instance: Instance, room: str) -> tuple[dict[str, Any], str]:
    """An item that cannot be shown, whose record is parked: its key, and the id under which it is."""
    key = put_message(instance, room, {"M": {}})
    [found] = eventually(lambda: parked(instance, room))
    return key, found["id"]


@pytest.fixture
def room(instance: Instance) -> Iterator[str]:
    name = new_room()
    yield name
    for each in parked(instance, name):
        while command(instance, "redrive", "discard", each["id"], "--yes").returncode == 1:
            pass


async def next_change(subscriber: RawSubscriber) -> dict[str, Any]:
    [change] = await subscriber.changes(1)
    return change


async def test_a_record_is_listed_shown_and_discarded_and_what_waited_behind_it_is_published(
    instance: Instance, room: str
) -> None:
    async with raw_subscriber(instance, room) as subscriber:
        key, identifier = await asyncio.to_thread(poison, instance, room)
        for text in ("second", "third"):
            await asyncio.to_thread(put, instance, key, text={"S": text}, author={"S": "an import"})
        shown = await asyncio.to_thread(_shown, instance, identifier, 3)
        assert [each["kind"] for each in shown["items"]] == ["INSERT", "MODIFY", "MODIFY"]
        listed = (await asyncio.to_thread(command, instance, "redrive")).stdout
        assert identifier in listed
        assert "WrongType" in listed
        page = (await asyncio.to_thread(command, instance, "redrive", "show", identifier)).stdout
        assert "waits behind the first" in page

        blocked = await asyncio.to_thread(command, instance, "redrive", "replay", identifier)
        assert blocked.returncode == 1
        assert f"blocked: {identifier} at event {shown['items'][0]['eventId']}" in blocked.stdout
        await subscriber.expect_silence(0.5)

        other = await asyncio.to_thread(command, instance, "redrive", "discard", identifier, "--event", "x", "--yes")
        assert other.returncode == 2
        assert "NotParked" in other.stderr
        discarded = await asyncio.to_thread(command, instance, "redrive", "discard", identifier, "--yes", "--json")
        assert discarded.returncode == 0, discarded.stderr
        total = json.loads(discarded.stdout)
        assert (total["discarded"], total["replayed"], total["lifted"]) == (1, 2, [identifier])
        texts = [change["message"]["text"] for change in await subscriber.changes(2)]
        assert texts == ["second", "third"]
        assert await asyncio.to_thread(parked, instance, room) == []
        # Its mark is lifted: the next change of the item goes the usual way.
        await asyncio.to_thread(put, instance, key, text={"S": "fourth"}, author={"S": "an import"})
        assert (await next_change(subscriber))["message"]["text"] == "fourth"


def _shown(instance: Instance, identifier: str, count: int) -> dict[str, Any]:
    """What the command shows of an item, once it has that many records."""

    def shown() -> dict[str, Any] | None:
        result = command(instance, "redrive", "show", identifier, "--json")
        assert result.returncode == 0, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        return found if len(found["items"]) == count else None

    found = eventually(shown)
    assert found is not None
    return found


async def test_what_a_mended_cause_had_parked_is_replayed_in_order(instance: Instance, room: str) -> None:
    async with raw_subscriber(instance, room) as subscriber:
        refusing = ("fault", "set", "refuse-publish", f"containing={room}")
        assert (await asyncio.to_thread(command, instance, *refusing)).returncode == 0
        try:
            key = await asyncio.to_thread(put_message, instance, room, {"S": "first"})
            await asyncio.to_thread(put, instance, key, text={"S": "second"}, author={"S": "an import"})
            [found] = await asyncio.to_thread(eventually, lambda: parked(instance, room), 30)
            await asyncio.to_thread(_shown, instance, found["id"], 2)
            blocked = await asyncio.to_thread(command, instance, "redrive", "replay", found["id"])
            assert blocked.returncode == 1, blocked.stdout
        finally:
            await asyncio.to_thread(command, instance, "fault", "clear", "refuse-publish")
        replayed = await asyncio.to_thread(command, instance, "redrive", "replay", found["id"])
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr
        assert replayed.stdout == "2 replayed; 1 items go on as before.\n"
        texts = [change["message"]["text"] for change in await subscriber.changes(2)]
        assert texts == ["first", "second"]


def test_the_same_command_works_on_aws(instance: Instance, room: str) -> None:
    """With a region it takes AWS's endpoints and the environment's credentials; here both lead to the local cloud."""
    poison(instance, room)
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": instance.outputs["aws"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "HEADWATER_STATE": os.devnull,
    }
    stack = ("--region", instance.outputs["region"], "--stack", instance.outputs["stack"])
    result = subprocess.run(
        [sys.executable, "-m", "local", "redrive", *stack, "list", "--json"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert any(f"room:{room}" in each["topics"] for each in json.loads(result.stdout)["items"])


def test_what_cannot_be_done_is_one_message(instance: Instance) -> None:
    unknown = command(instance, "redrive", "show", "nothing")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("headwater: ")
    assert command(instance, "redrive", "replay").returncode == 2
    assert command(instance, "redrive", "replay", "x", "--all").returncode == 2
    other = command(instance, "redrive", "--stack", "other", "list")
    assert other.returncode == 2
    assert "other" in other.stderr


def test_with_nothing_parked_everything_is_replayed(instance: Instance) -> None:
    result = command(instance, "redrive", "replay", "--all", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout)["blocked"] == []
