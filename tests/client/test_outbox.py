from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import (
    HeadwaterError,
    InvalidInput,
    NotQueueable,
    OutboxExpired,
    OutboxFull,
    OutboxLocked,
    TooManyRequests,
    TryAgain,
    Unreachable,
    failure,
)
from headwater.mutations import Mutation, Optimistic
from headwater.outbox import Outbox, Queued
from headwater.outbox_file import Entry
from headwater.overlays import Overlays
from headwater.view import View

HOUR = 3600.0


class Server:
    """Applies each id once and answers a repeat as the first time, over a network that may be cut."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self.attempts: list[str] = []
        self.cut = False
        self.lost_answers = 0
        self.errors: dict[str, list[HeadwaterError]] = {}  # by id, what to answer first
        self.under_way = 0
        self.most_under_way = 0
        self.hold: asyncio.Event | None = None
        self.returned = asyncio.Event()

    async def send(self, mutation: Mutation) -> dict[str, Any]:
        self.attempts.append(mutation.id)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)
            if self.hold is not None:
                await self.hold.wait()
            return self._answer(mutation)
        finally:
            self.under_way -= 1

    def _answer(self, mutation: Mutation) -> dict[str, Any]:
        if self.cut:
            raise Unreachable("cut")
        if self.errors.get(mutation.id):
            raise self.errors[mutation.id].pop(0)
        if mutation.id not in self.applied:
            self.applied.append(mutation.id)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unreachable("the answer was lost")
        return {"send": {"id": f"server-{mutation.id}"}}

    async def wait(self, seconds: float) -> bool:
        """For the network: `restore` ends it."""
        try:
            await asyncio.wait_for(self.returned.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def restore(self) -> None:
        self.cut = False
        self.returned.set()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@asynccontextmanager
async def opened(
    path: Path, server: Server, overlays: Overlays | None = None, **settings: Any
) -> AsyncIterator[Outbox]:
    outbox = Outbox(path, **settings)
    await outbox.open(server.send, server.wait, overlays or Overlays())
    try:
        yield outbox
    finally:
        await outbox.close()


def mutation(id_: str, ordering: str | None = "item", optimistic: Optimistic | None = None) -> Mutation:
    return Mutation(id_, "mutation", {"id": id_}, ordering, [] if optimistic is None else [optimistic])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def add(outbox: Outbox, id_: str, ordering: str | None = "item") -> Queued[dict[str, Any]]:
    return await outbox.add(mutation(id_, ordering), dict)


async def test_a_mutation_is_kept_sent_and_answered(path: Path, server: Server) -> None:
    async with opened(path, server) as outbox:
        queued = await add(outbox, "m1")
        assert await queued == {"send": {"id": "server-m1"}}
        assert queued.done()
        assert (server.applied, len(outbox)) == (["m1"], 0)


async def test_mutations_of_an_item_go_in_order_and_one_by_one(path: Path, server: Server) -> None:
    ids = [f"m{number}" for number in range(20)]
    async with opened(path, server) as outbox:
        for queued in await asyncio.gather(*(add(outbox, id_) for id_ in ids)):
            await queued
    assert server.attempts == ids
    assert server.most_under_way == 1


async def test_mutations_of_different_items_go_side_by_side_up_to_a_bound(path: Path, server: Server) -> None:
    server.hold = asyncio.Event()
    async with opened(path, server, parallel=3) as outbox:
        for number in range(10):
            await add(outbox, f"m{number}", ordering=f"item{number}" if number % 2 else None)
        await until(lambda: server.under_way == 3)
        server.hold.set()
        await outbox.drained()
    assert server.most_under_way == 3
    assert len(server.applied) == 10


async def test_what_was_queued_is_sent_by_the_next_process_in_order(path: Path, server: Server) -> None:
    server.cut = True
    async with opened(path, server) as outbox:
        queued = [await add(outbox, f"m{number}") for number in range(5)]
    with pytest.raises(Unreachable, match="still queued"):
        await queued[0]
    server.restore()
    async with opened(path, server) as outbox:
        assert len(outbox) == 5
        await outbox.drained()
    assert server.applied == [f"m{number}" for number in range(5)]


async def test_a_lost_answer_is_asked_for_again_with_the_same_id(path: Path, server: Server) -> None:
    server.lost_answers = 3
    server.returned.set()
    async with opened(path, server) as outbox:
        await (await add(outbox, "m1"))
    assert (server.attempts, server.applied) == (["m1"] * 4, ["m1"])


async def test_the_return_of_the_network_is_used_at_once(path: Path, server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr("headwater.sender.full_jitter", lambda _: 60.0)
    server.cut = True
    async with opened(path, server) as outbox:
        queued = [await add(outbox, f"m{number}", f"item{number}") for number in range(3)]
        await until(lambda: server.attempts != [] and server.under_way == 0)
        server.restore()
        async with asyncio.timeout(2):
            await asyncio.gather(*queued)


async def test_a_request_that_the_network_has_swallowed_is_made_anew_when_it_returns(
    path: Path, server: Server, monkeypatch: Any
) -> None:
    monkeypatch.setattr("headwater.sender.SLOW_SECONDS", 0.05)
    server.hold = asyncio.Event()
    async with opened(path, server) as outbox:
        queued = await add(outbox, "m1")
        await until(lambda: server.attempts == ["m1"])
        await asyncio.sleep(0.2)
        assert (server.attempts, server.under_way) == (["m1"], 1)  # slow is no reason to ask twice
        server.hold = None
        server.restore()
        async with asyncio.timeout(2):
            await queued
    assert (server.attempts, server.applied) == (["m1", "m1"], ["m1"])


async def test_it_can_be_woken(path: Path, server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr("headwater.sender.full_jitter", lambda _: 60.0)
    server.errors["m2"] = [failure({"errorType": "TryAgain"})]
    server.cut = True
    async with opened(path, server) as outbox:
        first = await add(outbox, "m1")
        await until(lambda: server.attempts == ["m1"] and server.under_way == 0)
        server.cut = False
        outbox.wake()
        await first
        second = await add(outbox, "m2")
        await until(lambda: server.attempts[-1] == "m2" and server.under_way == 0)
        outbox.wake()
        async with asyncio.timeout(2):
            await second


async def test_one_asks_for_all_while_the_server_cannot_be_reached(path: Path, server: Server) -> None:
    server.cut = True
    server.returned.set()  # the network returns again and again, and the server never answers
    async with opened(path, server, parallel=8) as outbox:
        for number in range(8):
            await add(outbox, f"m{number}", f"item{number}")
        await until(lambda: len(server.attempts) > 30)
        server.most_under_way, seen = 0, len(server.attempts)
        await until(lambda: len(server.attempts) > seen + 30)
        assert server.most_under_way == 1
        # Not the same one each time: an answer that none gets must not hold up the others.
        assert len(set(server.attempts[-16:])) == 8


async def test_an_entry_that_never_gets_through_does_not_hold_up_other_items(path: Path, server: Server) -> None:
    server.errors["poison"] = [Unreachable("it hung up") for _ in range(10_000)]
    server.returned.set()
    async with opened(path, server) as outbox:
        await add(outbox, "poison", "poisoned")
        others = [await add(outbox, f"m{number}", f"item{number}") for number in range(10)]
        async with asyncio.timeout(10):
            await asyncio.gather(*others)
        assert [entry.mutation.id for entry in outbox.entries()] == ["poison"]


async def test_what_passes_is_tried_again_in_order(path: Path, server: Server) -> None:
    server.errors["m0"] = [failure({"errorType": "TryAgain"}), failure({"errorType": "InternalFailure"})]
    async with opened(path, server) as outbox:
        queued = [await add(outbox, f"m{number}") for number in range(3)]
        await asyncio.gather(*queued)
    assert server.attempts == ["m0", "m0", "m0", "m1", "m2"]


async def test_too_many_requests_hold_all_back_for_as_long_as_the_server_says(path: Path, server: Server) -> None:
    refusal = failure({"errorType": "TooManyRequests", "errorInfo": {"retryAfterMs": 400}})
    assert isinstance(refusal, TooManyRequests)
    server.errors["m0"] = [refusal]
    async with opened(path, server) as outbox:
        queued = await add(outbox, "m0", "item0")
        await until(lambda: server.attempts == ["m0"] and server.under_way == 0)
        refused_at = asyncio.get_running_loop().time()
        other = await add(outbox, "m1", "item1")
        await asyncio.gather(queued, other)
        assert asyncio.get_running_loop().time() - refused_at > 0.35
    assert server.attempts.count("m1") == 1


async def test_an_error_that_lasts_ends_its_entry_and_the_next_goes_on(path: Path, server: Server) -> None:
    server.errors["m0"] = [failure({"errorType": "InvalidInput", "errorInfo": {"field": "input.text"}})]
    async with opened(path, server) as outbox:
        refused, fine = await add(outbox, "m0"), await add(outbox, "m1")
        with pytest.raises(InvalidInput):
            await refused
        await fine
        assert server.attempts == ["m0", "m1"]
    async with opened(path, server) as outbox:
        assert outbox.failed() == []  # who awaited the error has it


async def _all(outbox: Outbox) -> list[tuple[str, str]]:
    return [(entry.mutation.id, str(entry.failure)) async for entry in outbox.failures()]


async def test_an_error_that_nobody_took_is_told_to_the_next_process(path: Path, server: Server) -> None:
    server.errors = {id_: [failure({"errorType": "InvalidInput", "message": id_})] for id_ in ("m0", "m1")}
    async with opened(path, server) as outbox:
        for number in range(3):
            await add(outbox, f"m{number}")
        await outbox.drained()
    async with opened(path, server) as outbox:
        failures = outbox.failures()
        entry = await anext(failures)
        assert (entry.mutation.id, type(entry.failure)) == ("m0", InvalidInput)
        # Killed while it deals with it: not taken.
        await failures.aclose()  # type: ignore[attr-defined]
    async with opened(path, server) as outbox:
        told = asyncio.create_task(_all(outbox))
        await until(lambda: outbox.failed() == [])
    assert await told == [("m0", "m0"), ("m1", "m1")]
    async with opened(path, server) as outbox:
        assert outbox.failed() == []


async def test_failures_count_until_they_are_taken(path: Path, server: Server) -> None:
    server.errors["m0"] = [failure({"errorType": "InvalidInput"})]
    async with opened(path, server, limit=1) as outbox:
        queued = await add(outbox, "m0")
        await outbox.drained()
        with pytest.raises(OutboxFull):
            await add(outbox, "m1")
        with pytest.raises(InvalidInput):
            await queued
        await (await add(outbox, "m1"))


async def test_an_entry_is_not_sent_again_after_the_server_may_have_forgotten_its_id(
    path: Path, server: Server
) -> None:
    server.lost_answers = 1
    async with opened(path, server, wall=lambda: 0.0) as outbox:
        await add(outbox, "m0")
        await until(lambda: server.applied == ["m0"])
    server.applied.clear()  # as the server's marker expires
    async with opened(path, server, wall=lambda: 24 * HOUR) as outbox:
        queued = await add(outbox, "m1")
        await queued
        failed = await anext(outbox.failures())
        assert (failed.mutation.id, type(failed.failure)) == ("m0", OutboxExpired)
    assert server.applied == ["m1"]


async def test_an_entry_that_was_never_sent_does_not_expire(path: Path, server: Server) -> None:
    server.hold = asyncio.Event()
    async with opened(path, server, wall=lambda: 0.0) as outbox:
        await add(outbox, "m0")
        await add(outbox, "m1")
        await until(lambda: server.attempts == ["m0"])
    server.hold = None
    async with opened(path, server, wall=lambda: 1000 * HOUR) as outbox:
        await outbox.drained()
    assert server.applied == ["m1"]


async def test_a_clock_that_went_back_makes_an_attempt_s_age_unknown(path: Path, server: Server) -> None:
    server.cut = True
    async with opened(path, server, wall=lambda: 1000 * HOUR) as outbox:
        await add(outbox, "m0")
        await until(lambda: server.attempts != [])
    server.restore()
    async with opened(path, server, wall=lambda: 0.0) as outbox:
        assert isinstance((await anext(outbox.failures())).failure, OutboxExpired)
    assert server.applied == []


async def test_it_is_bounded(path: Path, server: Server) -> None:
    server.cut = True
    async with opened(path, server, limit=3) as outbox:
        for number in range(3):
            await add(outbox, f"m{number}")
        with pytest.raises(OutboxFull):
            await add(outbox, "m3")
        assert [entry.mutation.id for entry in outbox.entries()] == ["m0", "m1", "m2"]


async def test_the_same_id_is_queued_once(path: Path, server: Server) -> None:
    server.hold = asyncio.Event()
    async with opened(path, server) as outbox:
        first, again = await add(outbox, "m0"), await add(outbox, "m0")
        with pytest.raises(NotQueueable, match="another mutation"):
            await outbox.add(Mutation("m0", "mutation", {"other": 1}), dict)
        server.hold.set()
        assert await first == await again
    assert server.attempts == ["m0"]


async def test_one_client_at_a_time(path: Path, server: Server) -> None:
    async with opened(path, server) as outbox:
        with pytest.raises(OutboxLocked):
            await Outbox(path).open(server.send, server.wait, Overlays())
        await (await add(outbox, "m0"))


async def test_a_closed_one_queues_nothing_and_is_not_opened_again(path: Path, server: Server) -> None:
    async with opened(path, server) as outbox:
        pass
    with pytest.raises(Unreachable):
        await add(outbox, "m0")
    with pytest.raises(OutboxLocked, match="once"):
        await outbox.open(server.send, server.wait, Overlays())


async def test_who_gives_up_waiting_while_it_is_queued_loses_nothing(path: Path, server: Server) -> None:
    async with opened(path, server) as outbox:
        adding = asyncio.create_task(add(outbox, "m0"))
        await asyncio.sleep(0)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)
        await until(lambda: server.applied == ["m0"])
        await outbox.drained()


async def test_a_disk_that_refuses_for_a_while_delays_and_loses_nothing(path: Path, server: Server) -> None:
    async with opened(path, server) as outbox:
        real = outbox._writer._file._connection
        assert real is not None
        server.hold = asyncio.Event()
        queued = await add(outbox, "m0")
        await until(lambda: server.attempts == ["m0"])
        real.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
        server.hold.set()
        await until(lambda: len(server.attempts) > 1)
        assert not queued.done()
        real.set_authorizer(None)
        async with asyncio.timeout(10):
            await queued
    assert server.applied == ["m0"]


async def test_salvaged_entries_keep_their_ids_and_the_times_of_their_attempts(path: Path, server: Server) -> None:
    old, fresh = Entry(7, mutation("m0"), 0, sent_at=1), Entry(8, mutation("m1"), 0)
    async with opened(path, server, wall=lambda: 48 * HOUR) as outbox:
        for entry in (old, fresh):
            await outbox.restore(entry)
        await outbox.drained()
        assert (await anext(outbox.failures())).mutation.id == "m0"
    assert server.applied == ["m1"]


# --- what is shown ---


def room(overlays: Overlays) -> View[dict[str, Any]]:
    view: View[dict[str, Any]] = View()
    overlays.attach("room:lobby", view, dict)
    return view


def said(id_: str) -> Mutation:
    return mutation(id_, optimistic=Optimistic("room:lobby", id_, {"id": id_, "text": "hello"}))


async def test_a_queued_mutation_is_shown_until_its_change_has_come(path: Path, server: Server) -> None:
    overlays = Overlays()
    view = room(overlays)
    server.hold = asyncio.Event()
    async with opened(path, server, overlays) as outbox:
        queued = await outbox.add(said("m0"), dict)
        assert (dict(view.items), view.pending) == ({"m0": {"id": "m0", "text": "hello"}}, frozenset({"m0"}))
        later = room(overlays)
        assert later.items == view.items
        server.hold.set()
        await queued
        assert (list(view.items), view.pending) == (["server-m0"], frozenset())
        assert later.items == view.items


async def test_a_failed_mutation_is_shown_no_more(path: Path, server: Server) -> None:
    overlays = Overlays()
    view = room(overlays)
    server.errors["m0"] = [failure({"errorType": "InvalidInput"})]
    async with opened(path, server, overlays) as outbox:
        queued = await outbox.add(said("m0"), dict)
        with pytest.raises(InvalidInput):
            await queued
        assert view.items == {}


async def test_what_an_earlier_process_queued_is_shown_too(path: Path, server: Server) -> None:
    server.cut = True
    async with opened(path, server) as outbox:
        await outbox.add(said("m0"), dict)
    overlays = Overlays()
    async with opened(path, server, overlays):
        view = room(overlays)
        assert list(view.items) == ["m0"]


async def test_what_cannot_be_kept_or_read_is_not_shown(path: Path, server: Server) -> None:
    overlays = Overlays()
    view: View[int] = View()
    overlays.attach("room:lobby", view, lambda item: int(item["number"]))
    server.cut = True
    async with opened(path, server, overlays, limit=1) as outbox:
        with pytest.raises(NotQueueable, match="no item of its topic"):
            await outbox.add(said("m0"), dict)
        fine = mutation("m1", optimistic=Optimistic("room:lobby", "k", {"number": 1}))
        await outbox.add(fine, dict)
        with pytest.raises(OutboxFull):
            await outbox.add(mutation("m2", optimistic=Optimistic("room:lobby", "l", {"number": 2})), dict)
        assert dict(view.items) == {"k": 1}
    stricter: View[int] = View()
    overlays = Overlays()
    async with opened(path, server, overlays):
        overlays.attach("room:lobby", stricter, lambda item: int(item["renamed"]))
        assert stricter.items == {}


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_fails_each_is_applied_once_and_in_order(path: Path, seed: int) -> None:
    """Random cuts, lost answers, transient errors and restarts: from the table's view, nothing of it happened."""
    chance = random.Random(seed)
    server = Server()
    server.returned.set()
    ids = [(f"m{number}", f"item{chance.randrange(4)}") for number in range(60)]
    waiting = list(ids)
    async with asyncio.timeout(60):
        while waiting or server.applied != server.applied[:60] or len(server.applied) < len(ids):
            async with opened(path, server) as outbox:
                for _ in range(chance.randrange(1, 12)):
                    match chance.randrange(6):
                        case 0:
                            server.cut = not server.cut
                        case 1:
                            server.lost_answers += 1
                        case 2 if outbox.entries():
                            unlucky = chance.choice(outbox.entries()).mutation.id
                            server.errors[unlucky] = [TryAgain([{"errorType": "TryAgain"}])]
                        case _ if waiting:
                            await add(outbox, *waiting.pop(0))
                    await asyncio.sleep(chance.random() * 0.02)
            server.cut = server.cut and bool(waiting)
    assert sorted(server.applied) == sorted(id_ for id_, _ in ids)
    for item in {item for _, item in ids}:
        of_item = [id_ for id_, of in ids if of == item]
        assert [id_ for id_ in server.applied if id_ in of_item] == of_item
