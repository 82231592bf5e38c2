"""The change log against a model: whatever is delivered to whom and how often, each event has one number, in order."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import chunks, topics
from domain.changes import ChangeLog, Event
from domain.clock import SYSTEM
from domain.table import Table
from tests.conftest import table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOPIC = topics.room("lobby")

# Which container gets which events, as a stream with redeliveries, splits and several shards may bring them.
deliveries = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(0, 25), min_size=1, max_size=9, unique=True)), max_size=8
)


@pytest.fixture(autouse=True)
def small_limits() -> Iterator[None]:
    """So that few events cross blocks and transactions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "BLOCK_SIZE", 5)
        yield


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=deliveries, limit=st.integers(1, 12))
def test_each_event_has_one_number(
    dynamodb_client: DynamoDBClient, deliveries: list[tuple[int, list[int]]], limit: int
) -> None:
    name = f"ChangeLog-{uuid.uuid4()}"
    dynamodb_client.create_table(TableName=name, **table_definition("ChangeLog"))
    table = Table(name, dynamodb_client)
    containers = [ChangeLog(table, 3600, SYSTEM) for _ in range(3)]
    numbers: dict[str, int] = {}

    for container, ids in deliveries:
        events = [Event(f"e{number}", "INSERT", str(number), f'{{"n":{number}}}') for number in ids]
        for event in events:
            numbers.setdefault(event.event_id, len(numbers) + 1)
        entries = containers[container].append(TOPIC, events, time.monotonic() + 10)
        assert {entry.event_id: entry.seq for entry in entries} == {
            event.event_id: numbers[event.event_id] for event in events
        }
        assert [entry.seq for entry in entries] == sorted(entry.seq for entry in entries)

    seen: list[str] = []
    while True:
        page = containers[0].read(TOPIC, len(seen), limit, time.monotonic() + 10)
        assert not page.resync_required
        assert page.head_seq == len(numbers)
        if not page.items:
            break
        assert len(page.items) <= limit
        seen += [entry.event_id for entry in page.items]
    assert seen == list(numbers)
    dynamodb_client.delete_table(TableName=name)
