"""One schedule from its seed to its verdict: writers, the publisher, subscribers, and whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import pytest
from gql import GraphQLRequest

from domain import changes, chat, chunks, envelopes, memory, parking, publishing
from domain.caller import ANONYMOUS
from domain.rooms import Rooms
from domain.table import Table, TableError
from headwater import backlog, clock, connection, feed, following, log, looks, realtime, subscription, subscriptions
from headwater import backoff as client_backoff
from headwater.credentials import Caller, Grant
from headwater.errors import Unreachable, failure
from headwater.generated import documents
from tests.simulation import honesty, judge
from tests.simulation.appsync import AppSync, Connection
from tests.simulation.clock import SimulatedClock
from tests.simulation.dynamodb import Client, DynamoDB
from tests.simulation.kernel import Host, Kernel, ProcessKilled, Stuck
from tests.simulation.mapping import Function, Lane, Mapping
from tests.simulation.network import Network
from tests.simulation.operators import Operator, StillParked
from tests.simulation.publishers import FUNCTION_ARN, PublishFunction, Surroundings
from tests.simulation.routes import Poison, routes
from tests.simulation.storage import Client as StorageClient
from tests.simulation.storage import Storage
from tests.simulation.stream import Stream
from tests.simulation.subscribers import Cursors, Subscriber, Tokens
from tests.simulation.weather import Weather, draw
from tests.simulation.writers import MAIN_TABLE, Ledger, Writer

CHANGE_LOG = "ChangeLog"
SENT_AT = "2027-01-15T08:00:00.000Z"
# How long things may take without faults: functions to thaw, and clients to come back.
DELIVERY_SECONDS, ABSENCE_SECONDS = 3600.0, 3 * 86_400.0
# How many of the client's looks at the log a lost last push may take to be found: a connection may be half-open.
CATCH_UP_SILENCES = 8


@dataclass(frozen=True)
class Shape:
    """The sizes of a schedule. Limits are small, so that few events cross blocks, chunks, envelopes and pages."""

    rooms: int
    shards: int
    lanes: int
    writers: int
    writes: int
    subscribers: int
    batch_size: int
    bisects: bool
    retention_seconds: int
    block_size: int
    chunk_bytes: int
    transaction_bytes: int
    remembered_ids: int
    page_bytes: int
    page_limit: int
    silence_seconds: float
    token_seconds: float
    most_waiting: int
    ends_at_expiry: bool
    longest_pause_seconds: float
    poisonous: float
    maximum_retries: float
    marks_at_once: int
    pause_before_redrive_seconds: float


def shape(chance: random.Random) -> Shape:
    """A schedule's sizes."""
    longest_pause_seconds = chance.choice([0.02, 1.0, 100.0, 90_000.0])
    # What clients do by the clock takes a schedule's time: in one that lasts for days they do it less often.
    slowly = 20.0 if longest_pause_seconds > 1000 else 1.0
    return Shape(
        rooms=chance.choice([1, 1, 2, 3]),
        shards=chance.choice([1, 2, 3]),
        lanes=chance.choice([1, 1, 2]),
        writers=chance.randint(1, 4),
        writes=chance.choice([5, 15, 30]),
        subscribers=chance.randint(1, 4),
        batch_size=chance.choice([1, 4, 4, 20, 100]),
        bisects=chance.random() < 0.7,
        retention_seconds=chance.choice([600, 86_400]),
        block_size=chance.choice([3, 10, 1000]),
        chunk_bytes=chance.choice([900, 3000, 230_000]),
        transaction_bytes=chance.choice([2000, 3_500_000]),
        remembered_ids=chance.choice([3, 20_000]),
        page_bytes=chance.choice([1500, 1_000_000]),
        page_limit=chance.choice([1, 3, 100]),
        silence_seconds=chance.choice([60.0, 60.0, 1000.0]) * slowly,
        token_seconds=chance.choice([math.inf, 100.0, 900.0, 3600.0]) * slowly,
        most_waiting=chance.choice([2, 1000]),
        ends_at_expiry=chance.random() < 0.3,
        longest_pause_seconds=longest_pause_seconds,
        poisonous=chance.choice([0.0, 0.1, 0.3]),
        maximum_retries=chance.choice([math.inf, math.inf, 2, 5]),
        marks_at_once=chance.choice([0, 1, 100]),
        pause_before_redrive_seconds=chance.choice([0.0, 0.0, 100.0, 5000.0]),
    )


@dataclass(frozen=True)
class Verdict:
    """How a schedule ended. `trace` is empty unless something is wrong; `digest` is the same for the same steps."""

    seed: int
    problems: Sequence[str]
    trace: str
    digest: str
    struck: dict[str, int]
    callbacks: int
    invocations: int

    def report(self) -> str:
        """For a reader who wants to know why."""
        return "\n".join([f"seed {self.seed}", *self.problems[:20], "", self.trace])


class World:
    """Everything of one schedule."""

    def __init__(self, seed: int) -> None:
        self.kernel = Kernel(seed)
        chance = self.kernel.random
        self.shape = shape(chance)
        self.weather: Weather = draw(chance)
        self.network = Network(self.kernel, self.weather)
        self.dynamodb = DynamoDB(self.kernel, self.weather, self.shape.page_bytes)
        self.appsync = AppSync(self.kernel, self.weather, lambda room_id: self.heads().get(room_id, 0))
        self.storage = Storage()
        self.poison = Poison(set(), self.appsync.refused, self.dynamodb.indigestible)
        self.stream = Stream(self.kernel, self.shape.shards)
        self.dynamodb.listen(MAIN_TABLE, self.stream.changed)
        self.function = Function(self.kernel, self.weather, lambda host: PublishFunction(self.surroundings(host)))
        mapping = Mapping(self.shape.lanes, self.shape.batch_size, self.shape.bisects, self.shape.maximum_retries)
        self.lanes = [
            Lane(
                shard, number, mapping, kernel=self.kernel, weather=self.weather, function=self.function,
                storage=self.storage, function_arn=FUNCTION_ARN,
            )
            for shard in self.stream.shards
            for number in range(self.shape.lanes)
        ]  # fmt: skip
        self.rooms = [f"room-{number}" for number in range(self.shape.rooms)]
        self.ledger = Ledger(self.kernel, self.dynamodb, self.stream, self.poison, large=self.shape.chunk_bytes - 400)
        self.operator = Operator("operator", self.kernel, self.weather, self.function, self.storage, self.ledger)
        self.subscribers = [self._subscriber(number) for number in range(self.shape.subscribers)]
        self.appsync.ends_at_expiry = self.shape.ends_at_expiry
        self.appsync.blocked = {each.caller for each in self.subscribers if self.weather.strikes("blocked")}
        self.honesty = honesty.Observer(self.kernel, self.appsync, self.subscribers)
        self._connections = 0

    def _subscriber(self, number: int) -> Subscriber:
        room_id = self.rooms[number % len(self.rooms)]
        after = self.kernel.random.choice([0, None])
        return Subscriber(
            f"subscriber-{number}", room_id, after,
            kernel=self.kernel, weather=self.weather, query=self.query,
            tokens=Tokens(self.kernel, self.weather, self.shape.token_seconds),
            cursors=self.kernel.random.choice([None, Cursors()]),
        )  # fmt: skip

    def surroundings(self, host: Host) -> Surroundings:
        """What code that runs on a host stands on."""
        return Surroundings(
            clock=SimulatedClock(self.kernel, host),
            kernel=self.kernel,
            network=self.network,
            appsync=self.appsync,
            change_log=self.table(CHANGE_LOG),
            storage=StorageClient(self.storage, self.network, self.kernel, self.weather),
            routes=routes(self.poison),
            retention_seconds=self.shape.retention_seconds,
        )

    def table(self, name: str) -> Table:
        """A table as a process sees it."""
        return Table(name, Client(self.dynamodb, self.network, self.kernel, self.weather))  # type: ignore[arg-type]

    def connection(self, url: str, caller: Caller, grant: Grant, _arguments: object) -> Connection:
        """Takes the place of the client's WebSocket transport."""
        self._connections += 1
        return Connection(self.appsync, f"connection-{self._connections}", url, caller, grant)

    async def query(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """A query, as `headwater.Client.query` runs it. The log is read through a resolver of its own."""
        kernel, strikes = self.kernel, self.weather.strikes
        await asyncio.sleep(kernel.random.expovariate(200.0))
        if strikes("query 500"):
            if kernel.random.random() < 0.5:
                raise Unreachable("simulated")
            raise failure([{"errorType": kernel.random.choice(["TryAgain", "Internal"]), "message": "simulated"}])
        if strikes("query slow"):
            await asyncio.sleep(kernel.random.random() * 20.0)
        if document == documents.MESSAGES:
            return {"messages": {"items": self._items(variables["roomId"]), "nextToken": None}}
        host = Host("resolver")
        here, main = self.surroundings(host), self.table(MAIN_TABLE)
        stands_on = chat.Chat(main, Rooms(main, here.retention_seconds), here.log, here.retention_seconds)
        room_id, after, limit = variables["roomId"], variables.get("after", 0), variables.get("limit", 1)
        now_ms = here.clock.now_ms()
        process = kernel.process(
            host,
            "resolver",
            lambda: chat.message_changes(
                stands_on, ANONYMOUS, room_id=room_id, after=after, limit=limit, now_ms=now_ms
            ),
        )
        await asyncio.wait({process.done})
        try:
            answer: dict[str, Any] = process.done.result()
        except TableError as error:
            raise failure([{"errorType": "TryAgain", "message": str(error)}]) from error
        except ProcessKilled as error:
            raise failure([{"errorType": "Lambda:Unhandled", "message": str(error)}]) from error
        if strikes("query slow"):
            await asyncio.sleep(kernel.random.random() * 20.0)
        return {"messageChanges": answer}

    async def main(self) -> None:
        """Storm, then calm until everyone has everything."""
        background = [asyncio.ensure_future(each.run()) for each in self.lanes]
        background += [asyncio.ensure_future(each.listen()) for each in self.subscribers]
        background.append(asyncio.ensure_future(self._expire()))
        writers = [
            Writer(
                f"writer-{number}", self.ledger, self.kernel, rooms=self.rooms, writes=self.shape.writes,
                longest_pause_seconds=self.shape.longest_pause_seconds, poisonous=self.shape.poisonous,
            )
            for number in range(self.shape.writers)
        ]  # fmt: skip
        looking_after = asyncio.ensure_future(self.operator.run())
        await asyncio.gather(*(writer.run() for writer in writers))
        self.weather.storm = False
        looking_after.cancel()
        self.kernel.trace("world", "the storm is over")
        await self._until(self._delivered, DELIVERY_SECONDS, background)
        await asyncio.sleep(self.shape.pause_before_redrive_seconds)
        self.poison.mend()
        await self.operator.clean_up()
        await self._until(self._present, ABSENCE_SECONDS, background)
        await self._until(self._caught_up, CATCH_UP_SILENCES * self.shape.silence_seconds, background)
        for each in background:
            each.cancel()
        await asyncio.gather(*background, return_exceptions=True)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(self.kernel.random.random() * 100_000.0)
            self.dynamodb.remove_expired(CHANGE_LOG, self.kernel.wall_ms() // 1000)

    async def _until(
        self, holds: Callable[[], bool], seconds: float, background: Sequence[asyncio.Future[None]]
    ) -> None:
        end = self.kernel.now + seconds
        pause = 0.5
        while not holds():
            for each in background:
                if each.done():
                    each.result()
            if self.kernel.now > end:
                raise Stuck(f"{holds.__name__}: not after {seconds:.0f} s without faults")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 3600.0)

    def _delivered(self) -> bool:
        return all(not lane.behind for lane in self.lanes) and not self.function.busy

    def _present(self) -> bool:
        return all(each.present for each in self.subscribers)

    def _caught_up(self) -> bool:
        heads = self.heads()
        return all(not each.busy and each.position == heads.get(each.diary.room_id, 0) for each in self.subscribers)

    def heads(self) -> dict[str, int]:
        """The newest number of each room that has one."""
        return {
            item["topic"]["S"].removeprefix("room:"): int(item["head"]["N"])
            for item in self.dynamodb.items(CHANGE_LOG)
            if "head" in item
        }

    def _items(self, room_id: str) -> list[dict[str, Any]]:
        """What a query for a room's items answers: all of them, in any order."""
        return [
            {"id": key, "roomId": room_id, "author": "a", "text": text, "sentAt": SENT_AT, "version": 1}
            for key, text in self.ledger.state(room_id).items()
        ]


# Parsing the same text again takes as long as some schedules.
@lru_cache
def _request(text: str, variables: tuple[tuple[str, str], ...]) -> GraphQLRequest:
    return GraphQLRequest(text, variable_values=dict(variables))


def _subscription_request(text: str, variable_values: dict[str, str]) -> GraphQLRequest:
    return _request(text, tuple(variable_values.items()))


class _NoSignature:
    """Signing takes longer than all else, and nobody checks."""

    def __init__(self, *_: object) -> None: ...

    def add_auth(self, request: object) -> None: ...


def run(seed: int) -> Verdict:
    """Run the schedule of a seed."""
    world = World(seed)
    sizes = world.shape
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "BLOCK_SIZE", sizes.block_size)
        patch.setattr(chunks, "MAX_CHUNK_BYTES", sizes.chunk_bytes)
        patch.setattr(chunks, "MAX_CHANGE_BYTES", sizes.chunk_bytes)
        patch.setattr(changes, "MAX_TRANSACTION_BYTES", sizes.transaction_bytes)
        patch.setattr(memory, "MOST_IDS_OF_A_TOPIC", sizes.remembered_ids)
        patch.setattr(parking, "_MOST_AT_ONCE", sizes.marks_at_once)
        patch.setattr(publishing, "SigV4Auth", _NoSignature)
        patch.setattr(envelopes, "MAX_BYTES", sizes.chunk_bytes + 1000)
        patch.setattr(log, "PAGE_LIMIT", sizes.page_limit)
        full_jitter = partial(client_backoff.full_jitter, chance=world.kernel.random.random)
        for module in (following, feed, subscriptions):
            patch.setattr(module, "full_jitter", full_jitter)
        patch.setattr(chat, "time", SimpleNamespace(monotonic=lambda: world.kernel.now))
        patch.setattr(clock, "now", lambda: world.kernel.now)
        patch.setattr(clock, "wall", lambda: world.kernel.wall_ms() / 1000)
        patch.setattr(looks, "SILENCE_SECONDS", sizes.silence_seconds)
        patch.setattr(following, "Looks", partial(looks.Looks, world.kernel.random.random))
        patch.setattr(following, "POLL_SECONDS", sizes.silence_seconds / 2)
        patch.setattr(following, "POLLING_SECONDS", 4 * sizes.silence_seconds)
        patch.setattr(following, "GraphQLRequest", _subscription_request)
        patch.setattr(connection, "PING_SECONDS", sizes.silence_seconds / 10)
        patch.setattr(connection, "WINDOW_SECONDS", sizes.silence_seconds / 4)
        patch.setattr(backlog, "MOST_WAITING", sizes.most_waiting)
        patch.setattr(subscription, "MAX_WAITING", sizes.most_waiting)
        patch.setattr(realtime, "AcknowledgedTransport", world.connection)
        logging.disable(logging.CRITICAL)
        try:
            world.kernel.run(world.main())
            found: list[str] = []
        except (Stuck, StillParked) as error:
            found = [f"stuck: {error}"]
        finally:
            logging.disable(logging.NOTSET)
    diaries = [each.diary for each in world.subscribers]
    exhausted = {event_id for lane in world.lanes for event_id in lane.exhausted}
    found += world.honesty.problems
    untold = world.ledger.given_up | exhausted
    for subscriber in world.subscribers if not found else []:
        found += judge.items_problems(
            subscriber.diary.name, subscriber.items, world.ledger.state(subscriber.diary.room_id),
            world.ledger.owed.get(subscriber.diary.room_id, {}), untold,
        )  # fmt: skip
    found += judge.problems(
        world.ledger.owed, diaries, sizes.retention_seconds, given_up=world.ledger.given_up, exhausted=exhausted
    )
    return Verdict(
        seed=seed,
        problems=found,
        trace=f"{world.shape}\n{world.weather.chances}\n{world.kernel.trace.text()}" if found else "",
        digest=world.kernel.trace.digest(),
        struck=world.weather.struck,
        callbacks=sum(len(diary.seen) for diary in diaries),
        invocations=world.function.invocations,
    )
