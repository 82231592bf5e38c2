"""Eight publishers on one topic, stopped at any step of an append: killed, or suspended while their batch comes again.

A schedule decides at each call to DynamoDB, before it is sent and after it was answered, who goes on and who does not.
So every interleaving of calls can happen, one seed is one schedule, and nothing depends on the machine's speed.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from domain import topics
from domain.changes import ChangeLog, Event
from domain.clock import SYSTEM
from domain.table import Table, dynamodb
from tests.conftest import CREDENTIALS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOPIC = topics.room("busy")
SHARDS = 8
RETENTION_SECONDS = 3600


class Killed(BaseException):
    """Ends a publisher where it stands; no code of ours catches it."""


class Delivery(threading.Thread):
    """One invocation of a publisher with a batch, which runs from one call to DynamoDB to the next when told to."""

    def __init__(self, log: ChangeLog, batch: list[Event]) -> None:
        super().__init__(daemon=True)
        self._log, self.batch = log, batch
        self._go, self._stands = threading.Semaphore(0), threading.Semaphore(0)
        self._killed = False
        self.numbers: list[int] | None = None

    def run(self) -> None:
        _here.delivery = self
        try:
            self.pause()
            self.numbers = [entry.seq for entry in self._log.append(TOPIC, self.batch, time.monotonic() + 60)]
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

    def begin(self) -> None:
        self.start()
        assert self._stands.acquire(timeout=60)

    def advance(self) -> bool:
        """Go on to the next step; False when it is over."""
        self._go.release()
        assert self._stands.acquire(timeout=60)
        return self.numbers is None

    def kill(self) -> None:
        self._killed = True
        self.advance()
        self.join(60)


_here = threading.local()


def stop_at_each_step(**_: Any) -> None:
    delivery: Delivery | None = getattr(_here, "delivery", None)
    if delivery:
        delivery.pause()


@pytest.fixture(scope="module")
def stepping_client(aws_endpoint: str) -> Iterator[DynamoDBClient]:
    client = dynamodb(endpoint_url=aws_endpoint, **CREDENTIALS)
    for event in ("before-call.dynamodb", "after-call.dynamodb"):
        client.meta.events.register(event, stop_at_each_step)
    yield client
    client.close()


@dataclass
class Shard:
    """A shard of the stream: its batches go one after the other, each until it succeeds."""

    batches: list[list[Event]]
    log: ChangeLog
    delivery: Delivery | None = None


@dataclass
class Reader:
    """Pages on from its cursor all the while."""

    log: ChangeLog
    after: int = 0
    seen: list[str] = field(default_factory=list)

    def read(self, limit: int) -> bool:
        page = self.log.read(TOPIC, self.after, limit, time.monotonic() + 10)
        assert not page.resync_required
        assert [entry.seq for entry in page.items] == list(range(self.after + 1, page.last_seq + 1))
        self.seen += [entry.event_id for entry in page.items]
        self.after = page.last_seq
        return bool(page.items)


def batches_of(shard: int, schedule: random.Random) -> list[list[Event]]:
    # A few need two transactions.
    sizes = [60 if schedule.random() < 0.1 else schedule.randint(1, 6) for _ in range(4)]
    return [
        [Event(f"{shard}-{batch}-{number}", "INSERT", f"{number}", "{}") for number in range(size)]
        for batch, size in enumerate(sizes)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_numbers_have_no_gap_and_no_double_and_no_reader_misses_one(
    seed: int, change_log_table: Table, stepping_client: DynamoDBClient
) -> None:
    schedule = random.Random(seed)
    stepping = Table(change_log_table.name, stepping_client)

    def container() -> ChangeLog:
        return ChangeLog(stepping, RETENTION_SECONDS, SYSTEM)

    shards = [Shard(batches_of(number, schedule), container()) for number in range(SHARDS)]
    expected = [event.event_id for shard in shards for batch in shard.batches for event in batch]
    reader = Reader(ChangeLog(change_log_table, RETENTION_SECONDS, SYSTEM))
    suspended: list[Delivery] = []
    interrupted = 0

    while waiting := [shard for shard in shards if shard.batches]:
        shard = schedule.choice(waiting)
        if shard.delivery is None:
            shard.delivery = Delivery(shard.log, shard.batches[0])
            shard.delivery.begin()
        fate = schedule.random()
        if fate < 0.03:
            shard.delivery.kill()
            shard.delivery, shard.log = None, container()
            interrupted += 1
        elif fate < 0.06:
            # The function's time is over: the batch is delivered again, although this one still lives.
            suspended.append(shard.delivery)
            shard.delivery, shard.log = None, container()
            interrupted += 1
        elif suspended and fate < 0.2:
            zombie = schedule.choice(suspended)
            if not zombie.advance():
                suspended.remove(zombie)
        elif not shard.delivery.advance():
            shard.batches.pop(0)
            shard.delivery = None
        if schedule.random() < 0.3:
            reader.read(schedule.randint(1, 40))
    for zombie in suspended:
        while zombie.advance():
            reader.read(schedule.randint(1, 40))
    while reader.read(1000):
        pass

    assert interrupted > 0
    assert sorted(reader.seen) == sorted(expected)
    for prefix in {event_id.rpartition("-")[0] for event_id in expected}:
        numbers = [int(seen.rpartition("-")[2]) for seen in reader.seen if seen.rpartition("-")[0] == prefix]
        assert numbers == sorted(numbers), "a batch keeps its order"
