"""The change log against a model: whatever is delivered to whom and how often, each event has one number, in order."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import changes, chunks, memory, topics
from domain.changes import ChangeLog, Entry
from domain.table import Table
from tests.backend.domain.records import DriftingClock, Record, Wall, events, judge
from tests.conftest import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000
TOPIC = topics.room("lobby")
LARGE = 700
NEVER = float("inf")

# Of each delivery: the container, how far before the checkpoint it begins, how many records it has, how much time has
# passed, and how wrong the container's clock is by then, in seconds.
deliveries = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from([0, 0, 1, 3, 30]), st.integers(1, 12), st.sampled_from([0, 1, 400, 2500]),
        st.sampled_from([0, 0, -180, -1, 1, 180]),
    ),
    max_size=8,
)  # fmt: skip


@pytest.fixture(autouse=True)
def small_limits() -> Iterator[None]:
    """So that few events cross blocks, chunks and transactions, are too large, and are too many to remember."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "BLOCK_SIZE", 5)
        patch.setattr(chunks, "MAX_CHUNK_BYTES", 900)
        patch.setattr(chunks, "MAX_CHANGE_BYTES", LARGE)
        patch.setattr(changes, "MAX_TRANSACTION_BYTES", 1800)
        patch.setattr(memory, "MOST_IDS_OF_A_TOPIC", 9)
        yield


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deliveries=deliveries,
    limit=st.integers(1, 12),
    only_last_states=st.booleans(),
    keys=st.lists(st.integers(0, 2), min_size=60, max_size=60),
    large=st.sets(st.integers(0, 60), max_size=4),
)
def test_each_event_has_one_number(
    dynamodb_client: DynamoDBClient,
    deliveries: list[tuple[int, int, int, int, int]],
    limit: int,
    only_last_states: bool,
    keys: list[int],
    large: set[int],
) -> None:
    name = f"ChangeLog-{uuid.uuid4()}"
    dynamodb_client.create_table(TableName=name, **table_definition("ChangeLog"))
    wall = Wall(NOON)
    clocks = [DriftingClock(wall) for _ in range(3)]
    containers = [ChangeLog(Table(name, dynamodb_client), 10**6, clock) for clock in clocks]
    stream: list[Record] = []
    kept: dict[int, Entry] = {}

    for container, back, count, passed_ms, wrong_seconds in deliveries:
        wall.ms += passed_ms
        clocks[container].offset_ms = wrong_seconds * 1000
        start = max(0, len(stream) - back)
        for number in range(len(stream), start + count):
            size = LARGE if number in large else 0
            stream.append(Record(0, number, keys[number % len(keys)], wall.ms + number % 3, size))
        batch = events(stream[start : start + count], only_last_states)
        entries = containers[container].append(TOPIC, batch, NEVER)
        assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
        stood_for = {event_id for entry in entries for event_id in entry.ids}
        assert stood_for >= {event.event_id for event in batch}
        for entry in entries:
            assert kept.setdefault(entry.seq, entry) == entry, "what comes again is what was stored"

    seen: list[Entry] = []
    while True:
        page = containers[0].read(TOPIC, len(seen), limit, NEVER)
        assert not page.resync_required
        assert page.head_seq == len(kept)
        if not page.items:
            break
        assert len(page.items) <= limit
        assert len(page.items) == 1 or not any(entry.truncated for entry in page.items)
        seen += page.items
    assert seen == [kept[seq] for seq in sorted(kept)]
    judge(seen, stream, only_last_states)
    dynamodb_client.delete_table(TableName=name)
