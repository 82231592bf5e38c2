"""What a client starts with on a running instance: all in one answer, and nothing missed between that and pushes."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stack.channels import CLIENT_CHANGES, DISMISS, ME, MESSAGE_CHANGES, ON_MESSAGES, START, device, notify
from tests.stack.instance import Instance, eventually
from tests.stack.private_rooms import create
from tests.stack.users import Listener, User, operator, sign_up

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def people(instance: Instance) -> Iterator[list[User]]:
    with ThreadPoolExecutor(3) as threads:
        yield [*threads.map(lambda _: sign_up(instance), range(2)), operator(instance)]


@pytest.fixture
def ann(people: list[User]) -> User:
    return people[0]


@pytest.fixture
def bob(people: list[User]) -> User:
    return people[1]


@pytest.fixture
def op(people: list[User]) -> User:
    return people[2]


def test_one_answer_has_all_that_a_client_needs(instance: Instance, ann: User, bob: User, op: User) -> None:
    den, hall = create(ann, "Den"), f"room-{uuid.uuid4()}"
    foreign = create(bob, "Private")
    den.send(ann, "mine")
    instance.send(hall, "hello")
    sent = notify(op, userId=ann.id)
    eventually(
        lambda: any(
            each["room"]["id"] == den.id for each in ann.data("{ memberships { items { room { id } } } }")["items"]
        )
    )
    found = ann.data(START, input={}, rooms=[hall, foreign.id, "nowhere"])
    start = found["bootstrap"]
    assert start["client"] == {key: found["client"][key] for key in ("id", "lease")}
    assert {"room", "user", "client"} <= set(start["features"]["topics"])
    rooms = {each["roomId"]: each for each in start["rooms"]}
    assert [each["text"] for each in rooms[hall]["messages"]["items"]] == ["hello"]
    assert (rooms[den.id]["standing"], rooms[den.id]["messages"]["items"][0]["text"]) == ("OWNER", "mine")
    assert (rooms[foreign.id]["problem"], rooms[foreign.id]["messages"]) == ({"errorType": "Unauthorized"}, None)
    assert (rooms["nowhere"]["headSeq"], rooms["nowhere"]["room"]) == (0, None)
    assert sent["id"] in [each["id"] for each in start["userNotices"]["items"]]
    assert start["clientNotices"] == {"topic": f"client:{found['client']['id']}", "headSeq": 0, "items": []}
    assert ann.data(ME, id=found["client"]["id"]) == {"me": {"id": ann.id}}
    ann.data(DISMISS, id=sent["id"])


def test_a_guest_has_no_me_and_all_the_rest(instance: Instance) -> None:
    answer = instance.graphql(START, input={}, rooms=["lobby"])
    assert "errors" not in answer
    start = answer["data"]["registerClient"]["bootstrap"]
    assert start["userNotices"] is None
    assert [each["roomId"] for each in start["rooms"]] == ["lobby"]
    answer = instance.graphql(ME, id=start["client"]["id"])
    assert answer["data"] == {"bootstrap": {"me": None}}
    assert [each["errorType"] for each in answer["errors"]] == ["Unauthorized"]


async def test_who_starts_subscribes_and_fills_up_misses_nothing(instance: Instance, ann: User, op: User) -> None:
    """Under writers who never stop: each message and each notice is in the answer, or after its number."""
    room, phone = f"room-{uuid.uuid4()}", device(instance, ann)
    stop = asyncio.Event()
    written: dict[str, list[str]] = {"room": [], "client": []}

    async def write(kind: str, work: Callable[[int], str]) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            written[kind].append(await asyncio.to_thread(work, number))

    writers = [
        asyncio.create_task(write("room", lambda number: str(instance.send(room, str(number))["id"]))),
        asyncio.create_task(write("room", lambda number: str(instance.send(room, f"b{number}")["id"]))),
        asyncio.create_task(write("client", lambda _: str(notify(op, clientId=phone.id)["id"]))),
    ]
    try:
        for _ in range(5):
            found = await asyncio.to_thread(
                ann.data, START, input={"clientId": phone.id, "lease": phone.lease}, rooms=[room]
            )
            start = found["bootstrap"]
            (in_room,) = [each for each in start["rooms"] if each["roomId"] == room]
            async with phone.listening((ON_MESSAGES, {"room": room})) as listener:
                behind = await asyncio.to_thread(ann.data, MESSAGE_CHANGES, room=room, after=in_room["headSeq"])
                missed = await asyncio.to_thread(
                    ann.data, CLIENT_CHANGES, id=phone.id, after=start["clientNotices"]["headSeq"]
                )
                marks = {kind: len(ids) for kind, ids in written.items()}
                await _until_pushed(listener, written, marks, (room, behind, in_room), (missed, start["clientNotices"]))
    finally:
        stop.set()
        await asyncio.gather(*writers)
    assert len(written["room"]) > 10
    assert len(written["client"]) > 5


async def _until_pushed(
    listener: Listener,
    written: dict[str, list[str]],
    marks: dict[str, int],
    of_room: tuple[str, Any, Any],
    of_client: tuple[Any, Any],
) -> None:
    """Everything written up to a moment is in the answer, in the catch-up, or pushed; numbers leave no gap."""
    _, behind, in_room = of_room
    missed, notices = of_client
    have = {
        "room": {each["id"] for each in in_room["messages"]["items"]}
        | {each["message"]["id"] for each in behind["items"]},
        "client": {each["id"] for each in notices["items"]} | {each["key"] for each in missed["items"]},
    }
    last = {
        "room": max((each["seq"] for each in behind["items"]), default=in_room["headSeq"]),
        "client": max((each["seq"] for each in missed["items"]), default=notices["headSeq"]),
    }
    # Beyond its page the backlog goes on with `messages`; what is older than the page is not missed.
    oldest = min((each["id"] for each in in_room["messages"]["items"]), default="")
    wanted = {
        "room": {each for each in written["room"][: marks["room"]] if each >= oldest},
        "client": set(written["client"][: marks["client"]]) if len(notices["items"]) < 50 else set(),
    }
    while not all(wanted[kind] <= have[kind] for kind in wanted):
        envelope = await listener.pushed()
        kind = "room" if envelope["topic"].startswith("room:") else "client"
        assert envelope["firstSeq"] <= last[kind] + 1, "a gap"
        for each in envelope["items"]:
            if each["seq"] > last[kind]:
                have[kind].add(each["message"]["id"] if kind == "room" else each["key"])
                last[kind] = each["seq"]
