"""The change log: numbers without gap or double, whoever appends and however often, and pages that miss nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from domain import chunks, topics
from domain.changes import ChangeLog, Event, Page
from domain.errors import InvalidInput
from domain.table import Key, Table
from domain.topics import Topic
from tests.backend.domain.clocks import SetClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000
RETENTION_SECONDS = 3600
TOPIC = topics.room("lobby")


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def publisher(change_log_table: Table, clock: SetClock) -> Callable[[], ChangeLog]:
    """Makes one container's view of the log after the other."""
    return lambda: ChangeLog(change_log_table, RETENTION_SECONDS, clock)


@pytest.fixture
def log(publisher: Callable[[], ChangeLog]) -> ChangeLog:
    return publisher()


@pytest.fixture
def delete(change_log_table: Table, dynamodb_client: DynamoDBClient) -> Callable[[Key], None]:
    """Removes an item of the log."""

    def remove(key: Key) -> None:
        dynamodb_client.delete_item(
            TableName=change_log_table.name, Key={"pk": {"S": key[0]}, "sk": {"N": str(key[1])}}
        )

    return remove


def soon() -> float:
    return time.monotonic() + 10


def events(*names: object, size: int = 0) -> list[Event]:
    return [
        Event(f"event-{name}", "INSERT", f"key-{name}", json.dumps({"text": f"{name}{'x' * size}"})) for name in names
    ]


def append(log: ChangeLog, *names: object, topic: Topic = TOPIC) -> list[int]:
    return [entry.seq for entry in log.append(topic, events(*names), soon())]


def read(log: ChangeLog, after: int, limit: int = 100, topic: Topic = TOPIC) -> Page:
    return log.read(topic, after, limit, soon())


def keys(page: Page) -> list[str]:
    return [json.loads(entry.text)["key"].removeprefix("key-") for entry in page.items]


def test_numbers_begin_at_one_and_go_on(log: ChangeLog) -> None:
    assert append(log, "a") == [1]
    assert append(log, "b", "c") == [2, 3]


def test_every_topic_counts_for_itself(log: ChangeLog) -> None:
    assert append(log, "a", topic=topics.room("a")) == [1]
    assert append(log, "a", "b", topic=topics.room("a#1")) == [1, 2]
    assert keys(read(log, 0, topic=topics.room("a"))) == ["a"]


def test_what_was_appended_is_read_back(log: ChangeLog) -> None:
    appended = [
        *events("a"),
        Event("event-b", "MODIFY", "key-b", '{"text":"é\\n","n":1}', "1-5759e988-bd862e3fe1be46a994272793"),
        Event("event-c", "REMOVE", "key-c", None),
    ]
    entries = log.append(TOPIC, appended, soon())
    assert [entry.event_id for entry in entries] == ["event-a", "event-b", "event-c"]
    assert json.loads(entries[1].text) == {
        "seq": 2, "at": "2026-11-21T12:00:00.000Z", "eventId": "event-b", "kind": "MODIFY",
        "traceId": "1-5759e988-bd862e3fe1be46a994272793", "key": "key-b", "truncated": False,
        "message": {"text": "é\n", "n": 1},
    }  # fmt: skip
    assert read(log, 0) == Page(entries, 3, 3, resync_required=False)


@pytest.mark.parametrize("same_container", [True, False])
def test_a_redelivered_event_keeps_its_number(publisher: Callable[[], ChangeLog], same_container: bool) -> None:
    log = publisher()
    assert append(log, "a", "b") == [1, 2]
    again = log if same_container else publisher()
    assert append(again, "a", "b") == [1, 2]
    assert append(again, "a", "c", "b", "d") == [1, 2, 3, 4]
    assert keys(read(log, 0)) == ["a", "b", "c", "d"]


def test_a_batch_larger_than_a_transaction(log: ChangeLog, publisher: Callable[[], ChangeLog]) -> None:
    assert append(log, *range(100)) == list(range(1, 101))
    assert append(publisher(), *range(120)) == list(range(1, 121))
    assert keys(read(log, 0, 1000)) == [str(number) for number in range(120)]


def test_a_publisher_that_slept_looks_again(publisher: Callable[[], ChangeLog]) -> None:
    sleeper, other = publisher(), publisher()
    append(sleeper, "a")
    append(other, "b", "c")
    assert append(sleeper, "d") == [4]
    assert append(other, "c", "e") == [3, 5]


def test_times_never_go_back_although_clocks_do(log: ChangeLog, clock: SetClock) -> None:
    append(log, "a")
    clock.ms -= 5000
    append(log, "b")
    clock.ms += 6000
    append(log, "c")
    assert [entry.at - NOON for entry in read(log, 0).items] == [0, 0, 1000]


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_pages_meet_without_gap_across_blocks(log: ChangeLog, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "BLOCK_SIZE", 5)
    append(log, *range(23))
    found, after = [], 0
    while True:
        page = read(log, after, limit)
        assert page.head_seq == 23
        assert len(page.items) <= limit
        if not page.items:
            break
        found += [entry.seq for entry in page.items]
        after = page.last_seq
    assert found == list(range(1, 24))


def test_a_page_is_bounded_by_its_size_too(log: ChangeLog) -> None:
    log.append(TOPIC, events(*range(10), size=50_000), soon())
    assert [entry.seq for entry in read(log, 0).items] == [1, 2, 3, 4]
    log.append(topics.room("big"), events("huge", "large", size=200_000), soon())
    assert keys(read(log, 0, topic=topics.room("big"))) == ["huge"]


def test_nothing_new_is_an_empty_page(log: ChangeLog) -> None:
    assert read(log, 0) == Page([], 0, 0, resync_required=False)
    append(log, "a")
    assert read(log, 1) == Page([], 1, 1, resync_required=False)


def test_a_cursor_from_before_the_retention_must_resync(log: ChangeLog, clock: SetClock) -> None:
    append(log, "a")
    clock.ms += 1000
    append(log, "b")
    clock.ms = NOON + RETENTION_SECONDS * 1000 - 1
    assert keys(read(log, 0)) == ["a", "b"]
    clock.ms += 1
    assert read(log, 0) == Page([], 0, 2, resync_required=True)  # although the table still holds it
    assert keys(read(log, 1)) == ["b"]
    clock.ms += 1000
    assert read(log, 1).resync_required
    assert not read(log, 2).resync_required


def test_what_is_gone_must_resync_too(log: ChangeLog, delete: Callable[[Key], None]) -> None:
    append(log, "a")
    append(log, "b")
    delete((f"CHUNK#0#{TOPIC}", 1))
    assert read(log, 0).resync_required
    assert keys(read(log, 1)) == ["b"]


def test_a_cursor_from_the_future_must_resync(log: ChangeLog) -> None:
    append(log, "a")
    assert read(log, 2) == Page([], 2, 1, resync_required=True)
    assert read(log, 5, topic=topics.room("unknown")) == Page([], 5, 0, resync_required=True)


def test_a_negative_cursor_is_refused(log: ChangeLog) -> None:
    with pytest.raises(InvalidInput):
        read(log, -1)


def test_a_page_ends_before_a_number_that_is_not_to_be_seen_yet(log: ChangeLog, delete: Callable[[Key], None]) -> None:
    append(log, "a")
    append(log, "b")
    append(log, "c")
    delete((f"CHUNK#0#{TOPIC}", 2))
    assert keys(read(log, 0)) == ["a"]


def test_the_log_holds_what_its_documentation_says(
    log: ChangeLog, change_log_table: Table, all_items: Callable[[Table], list[dict[str, Any]]]
) -> None:
    append(log, "a")
    items = {(item["pk"], int(item["sk"])): item for item in all_items(change_log_table)}
    assert items == {
        ("HEAD#room:lobby", 0): {"pk": "HEAD#room:lobby", "sk": 0, "topic": "room:lobby", "head": 1, "at": NOON},
        ("CHUNK#0#room:lobby", 1): {
            "pk": "CHUNK#0#room:lobby", "sk": 1, "first": 1, "at": NOON, "expiresAt": NOON // 1000 + 48 * 3600,
            "origins": "[[null,[]]]",
            "changes": '[{"seq":1,"at":"2026-11-21T12:00:00.000Z","eventId":"event-a","kind":"INSERT","traceId":null,'
            '"key":"key-a","truncated":false,"message":{"text": "a"}}]',
        },
    }  # fmt: skip
