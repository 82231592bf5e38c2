"""What the log costs: calls, bytes and encodings per change are the same for any number of changes and topics."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from domain import chunks, topics
from domain.changes import ChangeLog, Event
from domain.envelopes import pack
from domain.table import Put, Table, dynamodb
from domain.topics import Topic
from tests.backend.domain.clocks import SetClock
from tests.conftest import CREDENTIALS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000
RETENTION_SECONDS = 3600
FIRST = 100_000  # the head before the first change: all numbers of a test have as many digits
ITEM = json.dumps({"id": "0" * 26, "text": "x" * 150})


class Wire:
    """Every request that a client sends, by operation, and what it puts."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.calls: Counter[str] = Counter()
        self.put: list[dict[str, Any]] = []
        self.items_read = 0
        client.meta.events.register("before-call.dynamodb", self._sent)
        client.meta.events.register("after-call.dynamodb", self._answered)

    def _sent(self, model: Any, params: dict[str, Any], **_: object) -> None:
        self.calls[model.name] += 1
        for write in json.loads(params["body"]).get("TransactItems", []):
            if "Put" in write:
                self.put.append(write["Put"]["Item"])

    def _answered(self, parsed: dict[str, Any], **_: object) -> None:
        self.items_read += len(parsed.get("Items", []))

    def clear(self) -> None:
        self.calls.clear()
        self.put.clear()
        self.items_read = 0

    def chunks(self) -> list[tuple[int, int]]:
        """Of each chunk that was put: how many changes, and the bytes of its values."""
        return [
            (int(item["sk"]["N"]) - int(item["first"]["N"]) + 1, sum(map(size, item.values())))
            for item in self.put
            if "changes" in item
        ]


def size(value: dict[str, str]) -> int:
    """The bytes of an attribute's value: a text, or a number with its digits."""
    (text,) = value.values()
    return len(text.encode())


@pytest.fixture(scope="module")
def counted_client(aws_endpoint: str) -> Iterator[DynamoDBClient]:
    client = dynamodb(endpoint_url=aws_endpoint, **CREDENTIALS)
    yield client
    client.close()


@pytest.fixture
def wire(counted_client: DynamoDBClient) -> Iterator[Wire]:
    wire = Wire(counted_client)
    yield wire
    counted_client.meta.events.unregister("before-call.dynamodb", wire._sent)
    counted_client.meta.events.unregister("after-call.dynamodb", wire._answered)


@pytest.fixture
def table(change_log_table: Table, counted_client: DynamoDBClient) -> Table:
    return Table(change_log_table.name, counted_client)


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts, in its one element, every call of JSON's encoder, botocore's too."""
    count = [0]
    encode = json.JSONEncoder.encode

    def counted(self: json.JSONEncoder, o: object) -> str:
        count[0] += 1
        return encode(self, o)

    monkeypatch.setattr(json.JSONEncoder, "encode", counted)
    return count


def topic_at(table: Table, number: int, seq: int = FIRST) -> Topic:
    """A topic with a past that nobody needs any more."""
    topic = topics.room(f"{number:06d}")
    table.write(
        [
            Put(
                {
                    "pk": f"HEAD#{topic}",
                    "sk": 0,
                    "topic": str(topic),
                    "head": seq,
                    "at": NOON - 60_000,
                    "newest": NOON - 60_000,
                }
            )
        ]
    )
    return topic


def events(count: int, first: int = 0, since_ms: int = NOON) -> list[Event]:
    return [
        Event(f"{number:032x}", "INSERT", f"{number:026d}", ITEM, since_ms=since_ms, position=f"{number:021d}")
        for number in range(first, first + count)
    ]


def soon() -> float:
    return time.monotonic() + 60


# A transaction takes 3.5 MB, a block 1,000 numbers: 10,000 changes of about 400 bytes are 4 MB and 11 blocks.
@pytest.mark.parametrize(
    ("changes", "transactions", "pieces"), [(10, 1, 1), (100, 1, 1), (1000, 1, 3), (10_000, 2, 22)]
)
def test_per_change_in_one_topic(
    table: Table, wire: Wire, encodings: list[int], changes: int, transactions: int, pieces: int
) -> None:
    log = ChangeLog(table, RETENTION_SECONDS, SetClock(NOON))
    topic, batch = topic_at(table, 0), events(changes)
    per_change, per_chunk = cost_of_bytes(topic)
    wire.clear()
    encodings[0] = 0
    entries = log.append(topic, batch, soon())
    assert [entry.seq for entry in entries] == list(range(FIRST + 1, FIRST + 1 + changes))
    # The container knew nothing, and the head's time tells that there is nothing to look through.
    assert wire.calls == {"GetItem": 1, "TransactWriteItems": transactions}
    sizes = wire.chunks()
    assert (len(sizes), sum(count for count, _ in sizes)) == (pieces, changes)
    assert sizes == [(count, count * per_change + per_chunk) for count, _ in sizes]
    # Each change once, each chunk's origins once, and botocore each request once.
    assert encodings[0] == changes + pieces + sum(wire.calls.values())

    encodings[0] = 0
    envelopes = list(pack(topic, entries))
    texts = [envelope.text for envelope in envelopes]
    assert encodings[0] == 1 + len(envelopes)  # the topic's name, for its size and in each
    assert sum(map(len, texts)) == (
        sum(len(entry.text) + 1 for entry in entries) + sum(len(envelope_frame(topic)) - 1 for _ in envelopes)
    )


def cost_of_bytes(topic: Topic) -> tuple[int, int]:
    """What a change adds to a chunk, and what a chunk has besides, counted on the change's text itself."""
    (draft,) = (chunks.draft(event, "message") for event in events(1))
    text = draft.numbered(FIRST + 1, NOON).text
    origin = f'["{0:021d}",[]]'
    change = len(text) + len(",\n") + len(origin) + len(",")
    frame = sum(
        len(value)
        for value in (
            f"CHUNK#100#{topic}",
            "100001",
            "100001",
            str(NOON),
            str(NOON),
            str(NOON // 1000 + 48 * 3600),
            "[]",
            "[]",
        )
    )
    return change, frame - len(",\n") - len(",")


def envelope_frame(topic: Topic) -> str:
    return f'{{"roomId": "{topic.id}", "topic": "{topic}","firstSeq":100001,"lastSeq":100001,"items":[]}}'


@pytest.mark.parametrize("count", [1, 10, 100, 1000])
def test_per_change_in_many_topics(table: Table, wire: Wire, encodings: list[int], count: int) -> None:
    log = ChangeLog(table, RETENTION_SECONDS, SetClock(NOON))
    places = [topic_at(table, number) for number in range(count)]
    for place in places:
        log.append(place, events(1), soon())
    wire.clear()
    encodings[0] = 0
    for place in places:
        log.append(place, events(10, 1), soon())
    assert wire.calls == {"TransactWriteItems": count}
    assert encodings[0] == count * (10 + 1 + 1)
    per_change, per_chunk = cost_of_bytes(places[0])
    assert wire.chunks() == [(10, 10 * per_change + per_chunk)] * count


def test_a_batch_that_comes_again_reads_only_what_was_numbered_since_its_creation(table: Table, wire: Wire) -> None:
    clock = SetClock(NOON)
    log, topic = ChangeLog(table, RETENTION_SECONDS, clock), topic_at(table, 0)
    for number in range(200):
        clock.ms += 1000
        log.append(topic, events(1, number, clock.ms - 1000), soon())
    last = events(3, 197, clock.ms - 3000)
    for container in (log, ChangeLog(table, RETENTION_SECONDS, clock)):
        wire.clear()
        assert [entry.seq for entry in container.append(topic, last, soon())] == [FIRST + 198, FIRST + 199, FIRST + 200]
        assert wire.calls == {"GetItem": 1, "Query": 1}
        assert wire.items_read == 8


@pytest.mark.parametrize("older", [20, 100, 3000])
def test_a_new_container_reads_no_older_changes_than_it_must(table: Table, wire: Wire, older: int) -> None:
    clock = SetClock(NOON)
    log, topic = ChangeLog(table, RETENTION_SECONDS, clock), topic_at(table, 0)
    for start in range(0, older, 10):
        log.append(topic, events(min(10, older - start), start), soon())
    clock.ms += 10_000
    log.append(topic, events(5, 10_000, clock.ms), soon())
    wire.clear()
    ChangeLog(table, RETENTION_SECONDS, clock).append(topic, events(5, 20_000, clock.ms), soon())
    assert wire.calls == {"GetItem": 1, "Query": 1, "TransactWriteItems": 1}
    assert wire.items_read <= 8


@pytest.mark.parametrize("older", [0, 1000, 5000])
@pytest.mark.parametrize("others", [0, 20])
def test_a_page_costs_what_it_holds(table: Table, wire: Wire, older: int, others: int) -> None:
    log = ChangeLog(table, RETENTION_SECONDS, SetClock(NOON))
    for number in range(others):
        log.append(topics.room(f"other-{number}"), events(50), soon())
    topic = topic_at(table, 0)
    if older:
        log.append(topic, events(older), soon())
    for number in range(10):
        log.append(topic, events(10, 20_000 + 10 * number), soon())
    wire.clear()
    page = log.read(topic, FIRST + older, 100, soon())
    assert [entry.seq for entry in page.items] == list(range(FIRST + older + 1, FIRST + older + 101))
    assert wire.calls == {"GetItem": 1, "Query": 1}
    assert wire.items_read == 10
