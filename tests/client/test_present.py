"""Presence on simulated time, against a room that forgets whoever is silent for two intervals."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater import Presence, Present, connect, is_grey
from headwater.errors import (
    HeadwaterError,
    Internal,
    InvalidInput,
    TooManyRequests,
    TryAgain,
    Unauthorized,
    Unreachable,
    failure,
)
from headwater.generated import documents

BEAT = 30
GREY_AFTER = 22 * BEAT
BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = {documents.JOIN_ROOM: "join", documents.HEARTBEAT: "heartbeat", documents.LEAVE_ROOM: "leave"}


class _Selector(selectors.DefaultSelector):
    """Waits in no time at all."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing is left to happen"
        self.waited += max(0.0, timeout)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """asyncio whose timers are due when nothing else is left to do."""

    def __init__(self) -> None:
        self.waits = _Selector()
        super().__init__(self.waits)

    def time(self) -> float:
        return 1000.0 + self.waits.waited


class Room:
    """A server with one room, the way to it, and the machine whose clock the clients have."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}  # by client
        self.asked: list[tuple[str, float]] = []
        self.times: dict[str, list[float]] = {}  # of what was answered
        self.errors: list[HeadwaterError] = []  # what to answer first
        self.cut = False
        self.swallows = False
        self.slept = 0.0
        self.random = random.Random(7)
        self.returned = asyncio.Event()

    def now(self) -> float:
        return asyncio.get_running_loop().time() + self.slept

    def present(self, client_id: str | None = None, name: str | None = None) -> Present:
        chance = self.random.random
        return Present(
            self.execute, self.wait, "lobby", name=name, client_id=client_id, now=self.now, chance=chance
        )  # fmt: skip

    async def wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.returned.wait()
        except TimeoutError:
            pass

    def restore(self) -> None:
        self.cut = False
        self.returned.set()

    def is_here(self, client_id: str) -> bool:
        heard = self.heard.get(client_id)
        return heard is not None and self.now() < heard + 2 * BEAT

    async def execute(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        what, given = NAMES[document], variables["input"]
        self.asked.append((what, self.now()))
        await asyncio.sleep(0.05)
        if self.cut:
            raise Unreachable("cut")
        if self.swallows:
            await asyncio.sleep(35)
            raise Unreachable("no answer")
        if self.errors:
            raise self.errors.pop(0)
        client_id, now = given["clientId"], self.now()
        at = (BEGAN + timedelta(seconds=now)).isoformat().replace("+00:00", "Z")
        if what == "leave":
            self.heard.pop(client_id, None)
            return {"leaveRoom": {"roomId": "lobby", "id": f"id-{client_id}"}}
        if what == "heartbeat" and not self.is_here(client_id):
            raise failure([{"errorType": "NotFound", "message": "no presence"}])
        self.heard[client_id] = now
        self.times.setdefault(client_id, []).append(now)
        if what == "heartbeat":
            return {"heartbeat": {"lastSeen": at, "heartbeatSeconds": BEAT}}
        shown = {"id": f"id-{client_id}", "roomId": "lobby", "userId": None, "name": given.get("name", "api-key"),
                 "joinedAt": at, "lastSeen": at, "absent": False}  # fmt: skip
        return {"joinRoom": {"presence": shown, "heartbeatSeconds": BEAT, "greyAfterSeconds": GREY_AFTER}}

    def count(self, what: str) -> int:
        return sum(asked == what for asked, _ in self.asked)


def simulate(scene: Callable[[Room], Awaitable[None]]) -> None:
    async def run() -> None:
        await scene(Room())

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(run())


def refused() -> HeadwaterError:
    return failure([{"errorType": "Unauthorized", "message": "no right"}])


def test_it_joins_beats_in_the_rhythm_and_leaves() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a", name="ada") as here:
            assert here.presence is not None
            assert here.presence.name == "ada"
            await asyncio.sleep(3600)
            assert here.is_present
            assert here.presence.last_seen > here.presence.joined_at
        assert room.count("join") == room.count("leave") == 1
        gaps = [later - earlier for earlier, later in zip(room.times["a"], room.times["a"][1:], strict=False)]
        assert BEAT * 0.8 < min(gaps) < BEAT * 0.88, gaps  # none within half an interval, which would cost a token
        assert BEAT * 0.92 < max(gaps) < BEAT, gaps
        assert "a" not in room.heard
        assert not here.is_present
        assert here.error is None
        beats = room.count("heartbeat")
        await asyncio.sleep(600)
        assert room.count("heartbeat") == beats

    simulate(scene)


def test_two_devices_have_ids_of_their_own() -> None:
    async def scene(room: Room) -> None:
        async with room.present() as one, room.present() as other:
            assert one.client_id != other.client_id
            await asyncio.sleep(300)
            assert room.is_here(one.client_id)
            assert room.is_here(other.client_id)
            await one.close()
            assert set(room.heard) == {other.client_id}
            await asyncio.sleep(300)
            assert room.is_here(other.client_id)

    simulate(scene)


def test_a_presence_that_is_gone_is_joined_again() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a"):
            await asyncio.sleep(70)
            room.heard.clear()  # expelled and let in again, or lost
            await asyncio.sleep(BEAT)
            assert room.is_here("a")
            assert room.count("join") == 2
            await asyncio.sleep(300)
            assert room.count("join") == 2

    simulate(scene)


def test_a_join_that_fails_after_not_found_is_repeated_as_a_join() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a"):
            not_found = failure([{"errorType": "NotFound"}])
            room.errors = [not_found, TryAgain([{"errorType": "TryAgain"}])]
            await asyncio.sleep(BEAT)
            assert [what for what, _ in room.asked] == ["join", "heartbeat", "join", "join"]

    simulate(scene)


def test_it_vanishes_with_the_network_and_is_back_with_it() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a") as here:
            room.cut = True
            await asyncio.sleep(20 * BEAT)
            assert not room.is_here("a")
            assert not here.is_present
            tries = len(room.asked)
            assert 30 < tries < 120, tries  # full jitter, up to 20 s
            room.restore()
            await asyncio.sleep(0.2)
            assert room.is_here("a")
            assert here.is_present
            assert here.error is None

    simulate(scene)


def test_a_short_outage_ends_nothing() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a") as here:
            await asyncio.sleep(20)
            room.swallows = True
            await asyncio.sleep(12)  # over the time of the heartbeat
            room.swallows = False
            restored_at = room.now()
            await asyncio.sleep(8)  # no request is waited for longer
            assert room.heard["a"] > restored_at
            assert room.count("join") == 1
            assert here.is_present

    simulate(scene)


def test_a_machine_that_slept_joins_again_within_a_second() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a") as here:
            await asyncio.sleep(40)
            room.slept += 3600
            assert not here.is_present  # before anything has run
            await asyncio.sleep(1.2)
            assert room.is_here("a")
            assert room.asked[-1][0] == "join"
            assert here.is_present

    simulate(scene)


def test_who_loses_the_right_is_told_and_stops() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a") as here:
            room.errors = [refused()]
            await asyncio.sleep(BEAT)
            assert isinstance(here.error, Unauthorized)
            assert not here.is_present
            asked = len(room.asked)
            await asyncio.sleep(600)
        assert len(room.asked) == asked  # not even to leave

    simulate(scene)


@pytest.mark.parametrize(
    "error", [refused(), failure([{"errorType": "InvalidInput"}]), Unreachable("down")], ids=lambda error: type(error)
)
def test_entering_raises_what_keeps_it_from_joining(error: HeadwaterError) -> None:
    async def scene(room: Room) -> None:
        room.errors = [error]
        with pytest.raises((Unauthorized, InvalidInput, Unreachable)) as raised:
            async with room.present("a"):
                raise AssertionError
        assert raised.value is error
        assert room.count("join") == 1

    simulate(scene)


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    async def scene(room: Room) -> None:
        room.errors = [
            TryAgain([{"errorType": "TryAgain"}]),
            TooManyRequests([{"errorType": "TooManyRequests", "errorInfo": {"retryAfterMs": 5000}}]),
            Internal([{"errorType": "Internal"}]),
        ]
        async with room.present("a"):
            times = [at for _, at in room.asked]
        assert times[2] - times[1] >= 5
        assert times[3] - times[0] < 8

    simulate(scene)


def test_leaving_takes_two_seconds_at_most() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a") as here:
            room.swallows = True
            left_at = room.now()
        assert room.now() - left_at < 2.1
        assert room.asked[-1][0] == "leave"
        with pytest.raises(RuntimeError, match="begins once"):
            await here.__aenter__()

    simulate(scene)


def test_what_is_closed_while_it_joins_leaves_and_says_so() -> None:
    async def scene(room: Room) -> None:
        here = room.present("a")
        entering = asyncio.create_task(here.__aenter__())
        await asyncio.sleep(0.02)
        await here.close()
        with pytest.raises(Unreachable, match="closed"):
            await entering
        assert [what for what, _ in room.asked] == ["join", "leave"]

    simulate(scene)


def test_grey_goes_by_the_servers_time() -> None:
    async def scene(room: Room) -> None:
        async with room.present("a") as here:
            assert here.presence is not None
            other = here.presence.model_copy(update={"id": "other"})
            await asyncio.sleep(GREY_AFTER - 5)
            assert not here.is_grey(other)
            assert here.is_grey(other.model_copy(update={"absent": True}))
            await asyncio.sleep(10)
            assert here.is_grey(other)
            assert not here.is_grey(here.presence)

    simulate(scene)


def test_is_grey() -> None:
    shown = Presence(
        id="p", room_id="lobby", user_id=None, name="ada", joined_at=BEGAN, last_seen=BEGAN, absent=False
    )  # fmt: skip
    assert not is_grey(shown, BEGAN + timedelta(seconds=660), 660)
    assert is_grey(shown, BEGAN + timedelta(seconds=661), 660)
    assert is_grey(shown.model_copy(update={"absent": True}), BEGAN, 660)


async def test_a_client_without_a_server_says_so_and_closes() -> None:
    async with connect(url="http://127.0.0.1:9/graphql", api_key="da2-key") as hw:
        with pytest.raises(Unreachable):
            async with hw.present("lobby"):
                raise AssertionError
