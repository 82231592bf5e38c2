"""Eight publishers on one topic, stopped at any step of an append: killed, or suspended while their batch comes again.

A schedule decides at each call to DynamoDB, before it is sent and after it was answered, who goes on and who does not,
and whose call is lost or its answer. Queries miss what a head's read has seen already; clocks are minutes apart and go
back. So every interleaving of calls can happen, one seed is one schedule, and nothing depends on the machine's speed.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from domain import changes, chunks, topics
from domain.changes import ChangeLog, Entry, Event
from domain.table import Table, dynamodb
from tests.backend.domain.records import DriftingClock, Record, Wall, events, judge
from tests.conftest import CREDENTIALS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOPIC = topics.room("busy")
SHARDS = 8
RECORDS = 14  # of each shard
NOON = 1_795_262_400_000
RETENTION_SECONDS = 10**6
NEVER = float("inf")


class Killed(BaseException):
    """Ends a publisher where it stands; no code of ours catches it."""


class Delivery(threading.Thread):
    """One invocation of a publisher with a batch, which runs from one call to DynamoDB to the next when told to."""

    def __init__(self, log: ChangeLog, batch: list[Event]) -> None:
        super().__init__(daemon=True)
        self._log, self.batch = log, batch
        self._go, self._stands = threading.Semaphore(0), threading.Semaphore(0)
        self._killed = self._lost = False
        self.entries: list[Entry] | None = None

    def run(self) -> None:
        _here.delivery = self
        try:
            self.pause()
            self.entries = self._log.append(TOPIC, self.batch, NEVER)
        except Killed:
            pass
        finally:
            _here.delivery = None
            self._stands.release()

    def pause(self) -> None:
        """Called at each step, in the delivery's own thread."""
        self._stands.release()
        assert self._go.acquire(timeout=60)
        if self._killed:
            raise Killed
        if self._lost:
            self._lost = False
            raise ReadTimeoutError(endpoint_url="dynamodb")

    def begin(self) -> None:
        self.start()
        assert self._stands.acquire(timeout=60)

    def advance(self, lost: bool = False) -> bool:
        """Go on to the next step, or find that the call or its answer is lost; False when the append is over."""
        self._lost = lost and self._inside
        self._go.release()
        assert self._stands.acquire(timeout=60)
        self._inside = True
        return self.entries is None

    _inside = False  # a call: the first step is before any

    def kill(self) -> None:
        self._killed = True
        self.advance()
        self.join(60)


_here = threading.local()


def stop_at_each_step(**_: Any) -> None:
    delivery: Delivery | None = getattr(_here, "delivery", None)
    if delivery:
        delivery.pause()


@pytest.fixture
def stepping_client(aws_endpoint: str, schedule: random.Random) -> Iterator[DynamoDBClient]:
    """Stops its caller at each step. Its queries miss any items, as if their transactions were still at work."""

    def hide(parsed: dict[str, Any], **_: Any) -> None:
        if schedule.random() < 0.3:
            parsed["Items"] = [item for item in parsed["Items"] if schedule.random() < 0.6]

    client = dynamodb(endpoint_url=aws_endpoint, **CREDENTIALS)
    for name in ("before-call.dynamodb", "after-call.dynamodb"):
        client.meta.events.register(name, stop_at_each_step)
    client.meta.events.register("after-call.dynamodb.Query", hide)
    yield client
    client.close()


@pytest.fixture
def schedule(seed: int) -> random.Random:
    return random.Random(seed)


@dataclass
class Shard:
    """A shard of the stream: its batches go one after the other, each until it succeeds, with other borders then."""

    number: int
    log: ChangeLog
    done: int = 0
    written: list[Record] = field(default_factory=list)
    delivery: Delivery | None = None
    until: int = 0

    def deliver(self, schedule: random.Random, wall: Wall, only_last_states: bool) -> Delivery:
        """Begin with the next batch; what it holds has been written by now."""
        self.until = min(RECORDS, self.done + (RECORDS if schedule.random() < 0.1 else schedule.randint(1, 6)))
        while len(self.written) < self.until:
            size = 900 if schedule.random() < 0.1 else 0
            self.written.append(Record(self.number, len(self.written), schedule.randrange(2), wall.ms, size))
        self.delivery = Delivery(self.log, events(self.written[self.done : self.until], only_last_states))
        self.delivery.begin()
        return self.delivery


class Reader:
    """Pages on from its cursor all the while."""

    def __init__(self, log: ChangeLog) -> None:
        self._log = log
        self.seen: list[Entry] = []

    def read(self, limit: int) -> bool:
        page = self._log.read(TOPIC, len(self.seen), limit, NEVER)
        assert not page.resync_required
        assert [entry.seq for entry in page.items] == list(range(len(self.seen) + 1, page.last_seq + 1))
        self.seen += page.items
        return bool(page.items)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that batches cross blocks, chunks and transactions, and that some items are too large."""
    monkeypatch.setattr(chunks, "BLOCK_SIZE", 9)
    monkeypatch.setattr(chunks, "MAX_CHUNK_BYTES", 900)
    monkeypatch.setattr(chunks, "MAX_CHANGE_BYTES", 900)
    monkeypatch.setattr(changes, "MAX_TRANSACTION_BYTES", 1500)


@pytest.mark.parametrize("only_last_states", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_numbers_have_no_gap_and_no_double_and_no_reader_misses_one(
    only_last_states: bool, schedule: random.Random, change_log_table: Table, stepping_client: DynamoDBClient
) -> None:
    wall = Wall(NOON)
    container = containers(Table(change_log_table.name, stepping_client), wall, schedule)
    shards = [Shard(number, container()) for number in range(SHARDS)]
    reader = Reader(container())
    suspended: list[Delivery] = []
    interrupted = lost = 0

    while waiting := [shard for shard in shards if shard.done < RECORDS]:
        wall.ms += schedule.choice([0, 1, 50, 700])
        shard = schedule.choice(waiting)
        delivery = shard.delivery or shard.deliver(schedule, wall, only_last_states)
        fate = schedule.random()
        if fate < 0.03:
            delivery.kill()
            shard.delivery, shard.log = None, container()
            interrupted += 1
        elif fate < 0.06:
            # The function's time is over: the batch is delivered again, although this one still lives.
            suspended.append(delivery)
            shard.delivery, shard.log = None, container()
            interrupted += 1
        elif suspended and fate < 0.2:
            zombie = schedule.choice(suspended)
            if not zombie.advance():
                suspended.remove(zombie)
        elif not walk(delivery, schedule, lost=fate > 0.97):
            shard.delivery = None
            # A batch may fail after it was numbered: then it comes again.
            if schedule.random() < 0.9:
                shard.done = shard.until
        lost += fate > 0.97
        if schedule.random() < 0.2:
            reader.read(schedule.randint(1, 40))
    for zombie in suspended:
        while zombie.advance():
            reader.read(schedule.randint(1, 40))
    while reader.read(1000):
        pass

    assert interrupted > 0
    assert lost > 0
    assert any(entry.truncated for entry in reader.seen)
    judge(reader.seen, [record for shard in shards for record in shard.written], only_last_states)


def walk(delivery: Delivery, schedule: random.Random, lost: bool) -> bool:
    """Go on by some steps, the first of which may be lost; False when the append is over."""
    goes_on = delivery.advance(lost)
    for _ in range(schedule.choice([0, 0, 1, 3, 10])):
        if not goes_on:
            break
        goes_on = delivery.advance()
    return goes_on


def containers(table: Table, wall: Wall, schedule: random.Random) -> Callable[[], ChangeLog]:
    """Makes logs of one table whose clocks are up to five minutes off."""
    return lambda: ChangeLog(table, RETENTION_SECONDS, DriftingClock(wall, schedule.randint(-300_000, 300_000)))
