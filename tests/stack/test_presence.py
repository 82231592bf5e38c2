"""Who is in a room, on a running instance with a short rhythm: by raw sockets, with devices that vanish."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.stack.instance import PROJECT, Instance, eventually
from tests.stack.judge import Breakable
from tests.stack.private_rooms import PrivateRoom, create
from tests.stack.users import User, sign_up

pytestmark = pytest.mark.stack

BEAT = 2
GONE = 2 * BEAT
AGAIN = 10
# For the queue, which counts whole seconds and is asked by polling, the stream, and a busy machine.
DELIVERY = 5.0
SHOWN = "id roomId userId name joinedAt lastSeen absent"
CHANGE = f"seq eventId kind at traceId key truncated presence {{ {SHOWN} }}"
JOIN = f"""mutation ($input: JoinRoomInput!) {{
    joinRoom(input: $input) {{ presence {{ {SHOWN} }} heartbeatSeconds greyAfterSeconds }} }}"""
HEARTBEAT = "mutation ($input: HeartbeatInput!) { heartbeat(input: $input) { lastSeen heartbeatSeconds } }"
LEAVE = "mutation ($input: LeaveRoomInput!) { leaveRoom(input: $input) { roomId id } }"
PRESENCE = f"""query ($room: ID!, $token: String) {{ presence(roomId: $room, limit: 20, nextToken: $token) {{
    items {{ {SHOWN} }} nextToken greyAfterSeconds }} }}"""
CHANGES = f"""query ($room: ID!) {{ presenceChanges(roomId: $room, after: 0, limit: 1000) {{
    topic headSeq resyncRequired items {{ {CHANGE} }} }} }}"""
LIVE = f"subscription ($room: ID!) {{ onPresence(roomId: $room) {{ topic firstSeq lastSeq items {{ {CHANGE} }} }} }}"
COPIED = ("template.yaml", "schema.graphql", "stacks", "resolvers", "streams", "backend", "layers")

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance whose clients give a sign of life every two seconds."""
    folder = tmp_path_factory.mktemp("presence")
    project = folder / "project"
    project.mkdir()
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / name)
    template, stack = project / "template.yaml", project / "stacks/presence.yaml"
    replace(
        template,
        "HeartbeatSeconds:\n    Type: Number\n    Default: 30",
        f"HeartbeatSeconds:\n    Type: Number\n    Default: {BEAT}",
    )
    # What a killed function had taken comes again after that; as long as the function may run at least.
    replace(stack, "VisibilityTimeout: 60", f"VisibilityTimeout: {AGAIN}")
    instance = Instance(folder / "state", arguments=("--template", str(template)))
    instance.start()
    yield instance
    instance.stop()


def replace(path: Path, what: str, by: str) -> None:
    text = path.read_text()
    assert text.count(what) == 1
    path.write_text(text.replace(what, by))


def queue(instance: Instance) -> str:
    return instance.resources("AWS::SQS::Queue")["PresenceQueue"]


def waiting(instance: Instance) -> int:
    """How many questions wait, or are being asked."""
    names = [f"ApproximateNumberOfMessages{each}" for each in ("", "Delayed", "NotVisible")]
    found = instance.client("sqs").get_queue_attributes(QueueUrl=queue(instance), AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))


def new_room() -> str:
    return f"room-{uuid.uuid4()}"


class Watcher:
    """All changes that are pushed to a subscriber, with when they came."""

    def __init__(self) -> None:
        self.changes: list[dict[str, Any]] = []
        self.at: list[float] = []
        self.closed = False

    async def run(self, socket: websockets.ClientConnection) -> None:
        try:
            async for message in socket:
                frame = json.loads(message)
                if frame["type"] == "data":
                    pushed = frame["payload"]["data"]["onPresence"]
                    self.changes += pushed["items"]
                    self.at += [time.monotonic()] * len(pushed["items"])
        except websockets.ConnectionClosed:
            pass
        self.closed = True

    def kinds(self, key: str) -> list[str]:
        """What was pushed of one presence."""
        return [
            "ABSENT" if change["presence"] and change["presence"]["absent"] else change["kind"]
            for change in self.changes
            if change["key"] == key
        ]

    async def until(self, probe: Callable[[], object], seconds: float = 15.0) -> None:
        """Wait until something is true of what was pushed."""
        deadline = time.monotonic() + seconds
        while not probe():
            assert time.monotonic() < deadline, [(each["kind"], each["presence"]) for each in self.changes]
            await asyncio.sleep(0.02)


@asynccontextmanager
async def watching(instance: Instance, room: str, user: User | None = None) -> AsyncIterator[Watcher]:
    """A live subscription to who is in a room, with the API key or a user's token."""
    authorization = {"host": instance.outputs["graphql"].split("/")[2]}
    authorization |= {"authorization": user.access} if user else {"x-api-key": instance.outputs["apiKey"]}
    header = base64.urlsafe_b64encode(json.dumps(authorization).encode()).decode().rstrip("=")
    subprotocols = [websockets.Subprotocol("graphql-ws"), websockets.Subprotocol(f"header-{header}")]
    async with websockets.connect(instance.outputs["realtime"], subprotocols=subprotocols) as socket:
        data = json.dumps({"query": LIVE, "variables": {"room": room}})
        payload = {"data": data, "extensions": {"authorization": authorization}}
        for sent, answer in (
            ({"type": "connection_init"}, "connection_ack"),
            ({"id": "1", "type": "start", "payload": payload}, "start_ack"),
        ):
            await socket.send(json.dumps(sent))
            while (frame := json.loads(await asyncio.wait_for(socket.recv(), 10)))["type"] == "ka":
                pass
            assert frame["type"] == answer, frame
        watcher = Watcher()
        task = asyncio.ensure_future(watcher.run(socket))
        try:
            yield watcher
        finally:
            task.cancel()


class Device:
    """A client in a room: what it sends, by whoever asks (the API key, or a user)."""

    def __init__(self, ask: Ask, room: str, name: str | None = None) -> None:
        self.ask = ask
        self.given = {"roomId": room, "clientId": str(uuid.uuid4())}
        self.name = name
        self.id = ""

    def join(self) -> dict[str, Any]:
        answer = self.ask(JOIN, input={**self.given, "name": self.name})
        assert "errors" not in answer, answer
        found: dict[str, Any] = answer["data"]["joinRoom"]["presence"]
        self.id = found["id"]
        return found

    def beat(self) -> str | None:
        """The errorType of a heartbeat; None when it was taken."""
        answer = self.ask(HEARTBEAT, input=self.given)
        return answer["errors"][0]["errorType"] if "errors" in answer else None

    def leave(self) -> None:
        answer = self.ask(LEAVE, input=self.given)
        assert answer["data"]["leaveRoom"] == {"roomId": self.given["roomId"], "id": self.id}, answer


def present(ask: Ask, room: str) -> dict[str, dict[str, Any]]:
    """Who is in a room, page by page."""
    token, found = None, dict[str, dict[str, Any]]()
    while True:
        page = ask(PRESENCE, room=room, token=token)["data"]["presence"]
        found |= {each["id"]: each for each in page["items"]}
        if (token := page["nextToken"]) is None:
            return found


def caught_up(ask: Ask, room: str) -> list[dict[str, Any]]:
    """All changes, as catch-up answers them."""
    page = ask(CHANGES, room=room)["data"]["presenceChanges"]
    assert (page["topic"], page["resyncRequired"]) == (f"presence:{room}", False)
    assert page["headSeq"] == len(page["items"])
    found: list[dict[str, Any]] = page["items"]
    return found


async def run(work: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(work, *arguments)


@asynccontextmanager
async def beating(*devices: Device) -> AsyncIterator[None]:
    """Heartbeats in the rhythm of some devices."""

    async def beats(device: Device) -> None:
        while True:
            began = time.monotonic()
            assert await run(device.beat) is None
            await asyncio.sleep(max(0.0, BEAT - (time.monotonic() - began)))

    tasks = [asyncio.ensure_future(beats(each)) for each in devices]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in done), done


@pytest.fixture(scope="module")
def people(quick: Instance) -> list[User]:
    with ThreadPoolExecutor(3) as threads:
        return list(threads.map(lambda _: sign_up(quick), range(3)))


async def test_two_devices_of_a_user_are_two_presences_of_one(quick: Instance, people: list[User]) -> None:
    ann, room = people[0], new_room()
    phone, laptop = Device(ann.ask, room, "ignored"), Device(ann.ask, room)
    async with watching(quick, room) as watcher:
        joined = await run(phone.join)
        assert (joined["userId"], joined["name"], joined["absent"]) == (ann.id, ann.name, False)
        await run(laptop.join)
        assert phone.id != laptop.id
        assert (await run(phone.join))["joinedAt"] == joined["joinedAt"]
        await watcher.until(lambda: len(watcher.changes) == 2)
        shown = {each["key"]: each["presence"]["userId"] for each in watcher.changes}
        assert shown == {phone.id: ann.id, laptop.id: ann.id}
        await run(phone.leave)
        await watcher.until(lambda: watcher.kinds(phone.id) == ["INSERT", "REMOVE"])
        assert set(await run(present, quick.graphql, room)) == {laptop.id}
        await run(phone.leave)
        await run(laptop.leave)
        await watcher.until(lambda: watcher.kinds(laptop.id) == ["INSERT", "REMOVE"])
        assert watcher.kinds(phone.id) == ["INSERT", "REMOVE"]
        assert await run(caught_up, quick.graphql, room) == watcher.changes


async def test_whoever_vanishes_is_absent_then_gone_within_two_heartbeats_and_may_return(quick: Instance) -> None:
    room = new_room()
    device = Device(quick.graphql, room, "ada")
    async with watching(quick, room) as watcher:
        await run(device.join)
        await watcher.until(lambda: watcher.kinds(device.id) == ["INSERT", "ABSENT"])
        assert await run(device.beat) is None
        last = time.monotonic()
        await watcher.until(lambda: watcher.kinds(device.id)[2:] == ["MODIFY"], 2)
        await watcher.until(lambda: watcher.kinds(device.id)[3:] == ["ABSENT", "REMOVE"])
        assert GONE - 0.5 <= watcher.at[-1] - last <= GONE + DELIVERY
        absent = watcher.changes[-2]["presence"]
        assert datetime.fromisoformat(absent["lastSeen"]) > datetime.fromisoformat(absent["joinedAt"])
        assert await run(present, quick.graphql, room) == {}
        assert await run(device.beat) == "NotFound"
        await run(device.join)
        await watcher.until(lambda: watcher.kinds(device.id)[5:] == ["INSERT"])
        await run(device.leave)
        await watcher.until(lambda: watcher.kinds(device.id)[6:] == ["REMOVE"])
        assert [each["seq"] for each in watcher.changes] == list(range(1, 8))
        assert await run(caught_up, quick.graphql, room) == watcher.changes


async def test_whoever_keeps_the_rhythm_is_told_of_once(quick: Instance) -> None:
    room = new_room()
    device = Device(quick.graphql, room, "ada")
    async with watching(quick, room) as watcher:
        first = (await run(device.join))["lastSeen"]
        async with beating(device):
            await asyncio.sleep(5 * BEAT)
            shown = (await run(present, quick.graphql, room))[device.id]
        assert watcher.kinds(device.id) == ["INSERT"]
        assert shown["absent"] is False
        assert datetime.fromisoformat(shown["lastSeen"]) > datetime.fromisoformat(first)
        await run(device.leave)


async def test_an_expelled_member_is_gone_at_once_and_hears_no_more(quick: Instance, people: list[User]) -> None:
    ann, bob, eve = people
    den: PrivateRoom = await run(create, ann, "Den")
    await run(den.bring, bob)
    devices = [Device(ann.ask, den.id), Device(bob.ask, den.id), Device(bob.ask, den.id)]
    async with watching(quick, den.id, ann) as watcher, watching(quick, den.id, bob) as his:
        for device in devices:
            await run(device.join)
        await watcher.until(lambda: len(watcher.changes) == 3)
        began = time.monotonic()
        await run(den.expel, bob)
        mine, *bobs = (each.id for each in devices)
        await watcher.until(lambda: all(watcher.kinds(each)[-1] == "REMOVE" for each in bobs), BEAT)
        assert watcher.at[-1] - began < BEAT, "not by the chain of questions"
        await his.until(lambda: his.closed)
        assert all(change["kind"] != "REMOVE" for change in his.changes)
        assert [await run(each.beat) for each in devices] == [None, "Unauthorized", "Unauthorized"]
        assert set(await run(present, ann.ask, den.id)) == {mine}
        for stranger in (bob.ask, eve.ask, quick.graphql):
            for query in (PRESENCE, CHANGES):
                assert (await run(lambda: stranger(query, room=den.id)))["errors"][0]["errorType"] == "Unauthorized"  # noqa: B023
            answer = await run(lambda: stranger(JOIN, input=devices[1].given))  # noqa: B023
            assert answer["errors"][0]["errorType"] == "Unauthorized"
        await run(devices[0].leave)


@pytest.mark.parametrize("how", ["signOut", "deleteUser"])
async def test_whoever_signs_out_or_is_deleted_is_gone_from_all_rooms(quick: Instance, how: str) -> None:
    user = await run(sign_up, quick)
    rooms = [new_room(), new_room()]
    async with watching(quick, rooms[0]) as here, watching(quick, rooms[1]) as there:
        devices = [Device(user.ask, room) for room in rooms]
        for device in devices:
            await run(device.join)
        for watcher, device in zip((here, there), devices, strict=True):
            await watcher.until(lambda: watcher.kinds(device.id) == ["INSERT"])  # noqa: B023
        assert await run(user.data, f"mutation {{ {how} {{ userId }} }}") == {"userId": user.id}
        for watcher, device in zip((here, there), devices, strict=True):
            await watcher.until(lambda: "REMOVE" in watcher.kinds(device.id), 3)  # noqa: B023
            assert await run(device.beat) == "Unauthorized"


async def test_fifty_members_of_whom_half_vanish(quick: Instance) -> None:
    room = new_room()
    devices = [Device(quick.graphql, room, f"member {number}") for number in range(50)]
    async with watching(quick, room) as watcher:

        async def lives(device: Device, until: float) -> None:
            await run(device.join)
            while (began := time.monotonic()) < until:
                await asyncio.sleep(max(0.0, BEAT * 0.8 - (time.monotonic() - began)))
                if await run(device.beat) == "NotFound":
                    await run(device.join)

        until = time.monotonic() + 12
        staying = [asyncio.ensure_future(lives(each, until + 18)) for each in devices[:25]]
        await asyncio.gather(*(lives(each, until) for each in devices[25:]))
        vanished = {each.id for each in devices[25:]}
        await watcher.until(lambda: all(watcher.kinds(each)[-1:] == ["REMOVE"] for each in vanished), GONE + DELIVERY)
        assert set(await run(present, quick.graphql, room)) == {each.id for each in devices[:25]}
        await asyncio.gather(*staying)
        for device in devices[:25]:
            await run(device.leave)
        await watcher.until(lambda: all(watcher.kinds(each.id)[-1:] == ["REMOVE"] for each in devices))
        assert [each["seq"] for each in watcher.changes] == list(range(1, len(watcher.changes) + 1))
        assert await run(caught_up, quick.graphql, room) == watcher.changes
        assert {each["presence"]["name"] for each in watcher.changes if each["presence"]} == {
            each.name for each in devices
        }


@pytest.mark.parametrize("at", ["start", "call", "answer", "end"])
async def test_the_chain_outlives_its_worker(quick: Instance, at: str) -> None:
    """Its second call writes the turn, its third one sends the next question."""
    room = new_room()
    broken = Breakable(quick)
    device = Device(quick.graphql, room, "ada")
    await run(eventually, lambda: waiting(quick) == 0, 90)  # first questions of those that left wait half a minute
    worker = quick.resources("AWS::Lambda::Function")["ExpirePresenceFunction"]
    options = {"call": 2} if at in {"call", "answer"} else {}
    async with watching(quick, room) as watcher:
        await run(lambda: broken.set("kill-worker", count=2, at=at, function=worker, **options))
        await run(device.join)
        async with beating(device):
            await run(eventually, lambda: broken.struck("kill-worker") == 2, 60)
            await run(broken.clear)
            await asyncio.sleep(AGAIN + 2)  # what was taken comes again
            assert await run(present, quick.graphql, room) != {}
        last = time.monotonic()
        await watcher.until(lambda: watcher.kinds(device.id)[-1] == "REMOVE", 20)
        assert watcher.at[-1] - last <= GONE + DELIVERY
    await run(eventually, lambda: waiting(quick) == 0, 90)


async def test_what_any_hand_writes_is_told(quick: Instance) -> None:
    room = new_room()
    table, dynamodb = quick.resources("AWS::DynamoDB::Table")["MainTable"], quick.client("dynamodb")
    key = {"pk": {"S": f"PRESENCE#{room}"}, "sk": {"S": "bot"}}
    async with watching(quick, room) as watcher:
        await run(lambda: dynamodb.put_item(TableName=table, Item={**key, "name": {"S": "Bot"}}))
        await watcher.until(lambda: watcher.kinds("bot") == ["INSERT"])
        assert (await run(present, quick.graphql, room))["bot"]["name"] == "Bot"
        await run(lambda: dynamodb.delete_item(TableName=table, Key=key))
        await watcher.until(lambda: watcher.kinds("bot") == ["INSERT", "REMOVE"])
        assert await run(caught_up, quick.graphql, room) == watcher.changes


def test_arguments_are_checked_and_the_rhythm_is_told(quick: Instance) -> None:
    room = new_room()
    for given, field in (
        ({"roomId": "", "clientId": "x"}, "input.roomId"),
        ({"roomId": room, "clientId": ""}, "input.clientId"),
        ({"roomId": room, "clientId": "x" * 129}, "input.clientId"),
        ({"roomId": room, "clientId": "x", "name": " ada"}, "input.name"),
        ({"roomId": room, "clientId": "x", "clientMutationId": "x" * 129}, "input.clientMutationId"),
    ):
        [error] = quick.graphql(JOIN, input=given)["errors"]
        assert (error["errorType"], error["errorInfo"]) == ("InvalidInput", {"field": field})
    answer = quick.graphql(JOIN, input={"roomId": room, "clientId": "x"})["data"]["joinRoom"]
    assert (answer["heartbeatSeconds"], answer["greyAfterSeconds"]) == (BEAT, 22 * BEAT)
    assert answer["presence"]["name"] == "anonymous"
