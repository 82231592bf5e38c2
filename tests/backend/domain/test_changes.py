"""The change log: numbers without gap or double, whoever appends and however often, and pages that miss nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from domain import changes, chunks, memory, topics
from domain.changes import ChangeLog, Entry, Event, Page, TooLate, coalesced
from domain.errors import InvalidInput
from domain.memory import Head
from domain.table import Key, Put, Table
from domain.topics import Topic
from tests.backend.domain.clocks import SetClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000
RETENTION_SECONDS = 3600
TOPIC = topics.room("lobby")

MakeLog = Callable[[], ChangeLog]
Scan = Callable[[Table], list[dict[str, Any]]]


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def container(change_log_table: Table, clock: SetClock) -> MakeLog:
    """Makes one container's view of the log after the other."""
    return lambda: ChangeLog(change_log_table, RETENTION_SECONDS, clock)


@pytest.fixture
def log(container: MakeLog) -> ChangeLog:
    return container()


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


def event(name: object, size: int = 0, **known: Any) -> Event:
    return Event(f"event-{name}", "INSERT", f"key-{name}", json.dumps({"text": f"{name}{'x' * size}"}), **known)


def append(log: ChangeLog, *names: object, topic: Topic = TOPIC, since_ms: int = 0, size: int = 0) -> list[int]:
    events = [event(name, size, since_ms=since_ms) for name in names]
    return [entry.seq for entry in log.append(topic, events, soon())]


def read(log: ChangeLog, after: int, limit: int = 100, topic: Topic = TOPIC) -> Page:
    return log.read(topic, after, limit, soon())


def keys(entries: Page | list[Entry]) -> list[str]:
    items = entries.items if isinstance(entries, Page) else entries
    return [json.loads(entry.text)["key"].removeprefix("key-") for entry in items]


def numbers(page: Page) -> list[int]:
    return [entry.seq for entry in page.items]


class TestNumbers:
    def test_begin_at_one_and_go_on(self, log: ChangeLog) -> None:
        assert append(log, "a") == [1]
        assert append(log, "b", "c") == [2, 3]

    def test_are_each_topics_own(self, log: ChangeLog) -> None:
        assert append(log, "a", topic=topics.room("a")) == [1]
        assert append(log, "a", "b", topic=topics.room("a#1")) == [1, 2]
        assert keys(read(log, 0, topic=topics.room("a"))) == ["a"]

    def test_are_not_given_for_nothing(self, log: ChangeLog) -> None:
        assert log.append(TOPIC, [], soon()) == []

    @pytest.mark.parametrize("same_container", [True, False])
    def test_stay_with_an_event_that_comes_again(self, container: MakeLog, same_container: bool) -> None:
        log = container()
        assert append(log, "a", "b") == [1, 2]
        again = log if same_container else container()
        assert append(again, "a", "b") == [1, 2]
        assert append(again, "a", "c", "b", "d") == [1, 2, 3, 4]
        assert keys(read(log, 0)) == ["a", "b", "c", "d"]

    def test_are_looked_up_by_a_publisher_that_slept(self, container: MakeLog) -> None:
        sleeper, other = container(), container()
        append(sleeper, "a", since_ms=NOON)
        append(other, "b", "c", since_ms=NOON)
        assert append(sleeper, "d", since_ms=NOON) == [4]
        assert append(other, "c", "e", since_ms=NOON) == [3, 5]

    def test_go_on_in_a_topic_whose_changes_are_of_the_time_before_chunks(
        self, log: ChangeLog, change_log_table: Table
    ) -> None:
        old_layout(change_log_table)
        assert append(log, "a") == [42]
        assert append(log, "a", "b", since_ms=NOON) == [42, 43]

    def test_cross_blocks_and_transactions(
        self, container: MakeLog, monkeypatch: pytest.MonkeyPatch, all_items: Scan, change_log_table: Table
    ) -> None:
        monkeypatch.setattr(chunks, "BLOCK_SIZE", 5)
        monkeypatch.setattr(changes, "MAX_TRANSACTION_BYTES", 2_000)
        assert append(container(), *range(23)) == list(range(1, 24))
        assert append(container(), *range(30)) == list(range(1, 31))
        assert keys(read(container(), 0)) == [str(number) for number in range(30)]
        stored = sorted((int(item["first"]), int(item["sk"])) for item in all_items(change_log_table) if item["sk"])
        assert [first for first, _ in stored[1:]] == [last + 1 for _, last in stored[:-1]]
        assert all(first // 5 == last // 5 for first, last in stored)

    def test_of_more_than_one_transaction_takes(
        self, log: ChangeLog, container: MakeLog, all_items: Scan, change_log_table: Table
    ) -> None:
        names = range(40)
        assert append(log, *names, size=100_000) == list(range(1, 41))  # 4 MB
        assert append(container(), *names, size=100_000) == list(range(1, 41))
        sizes = [len(item["changes"].encode()) for item in all_items(change_log_table) if item["sk"]]
        assert sum(sizes) > 3_500_000
        assert max(sizes) <= chunks.MAX_CHUNK_BYTES
        page = read(log, 0)
        assert [json.loads(entry.text)["message"]["text"] for entry in page.items] == [
            f"{name}{'x' * 100_000}" for name in (0, 1)
        ]


class TestTexts:
    def test_come_back_as_they_were_appended(self, log: ChangeLog) -> None:
        appended = [
            event("a"),
            Event("event-b", "MODIFY", "key-b", '{"text":"é\\n","n":1}', "1-5759e988-bd862e3fe1be46a994272793"),
            Event("event-c", "REMOVE", "key-c", None, position="111000000000000000001"),
        ]
        entries = log.append(TOPIC, appended, soon())
        assert [entry.event_id for entry in entries] == ["event-a", "event-b", "event-c"]
        assert [json.loads(entry.text) for entry in entries[1:]] == [
            {
                "seq": 2, "at": "2026-11-21T12:00:00.000Z", "eventId": "event-b", "kind": "MODIFY",
                "traceId": "1-5759e988-bd862e3fe1be46a994272793", "key": "key-b", "truncated": False,
                "message": {"text": "é\n", "n": 1},
            },
            {
                "seq": 3, "at": "2026-11-21T12:00:00.000Z", "eventId": "event-c", "kind": "REMOVE", "traceId": None,
                "key": "key-c", "truncated": False, "message": None,
            },
        ]  # fmt: skip
        assert read(log, 0) == Page(entries, 3, 3, resync_required=False)

    @pytest.mark.parametrize("same_container", [True, False])
    def test_of_an_event_that_comes_again_are_those_that_were_stored(
        self, container: MakeLog, clock: SetClock, same_container: bool
    ) -> None:
        log = container()
        first = log.append(TOPIC, [event("a", since_ms=NOON - 1000)], soon())
        clock.ms += 60_000
        changed = replace(event("a", since_ms=NOON - 1000), item='{"text":"as another version projects it"}')
        again = (log if same_container else container()).append(TOPIC, [changed], soon())
        assert again == first

    def test_take_a_trace_of_any_length(self, log: ChangeLog) -> None:
        (entry,) = log.append(TOPIC, [event("a", trace_id="t" * 300_000)], soon())
        assert json.loads(entry.text)["traceId"] == "t" * 128
        assert not entry.truncated


class TestPointers:
    REFERENCE = ("MESSAGES#lobby#2026112112#0", "1795262400000#a")

    def test_stand_for_what_is_too_large(self, log: ChangeLog, container: MakeLog) -> None:
        (entry,) = log.append(TOPIC, [event("a", 230_000, reference=self.REFERENCE)], soon())
        assert (entry.truncated, entry.reference) == (True, self.REFERENCE)
        content = json.loads(entry.text)
        assert (content["key"], content["truncated"], content["message"]) == ("key-a", True, None)
        assert container().append(TOPIC, [event("a")], soon()) == [entry]
        assert read(log, 0).items == [entry]

    def test_need_no_reference(self, log: ChangeLog) -> None:
        log.append(TOPIC, [event("a", 230_000)], soon())
        (entry,) = read(log, 0).items
        assert (entry.truncated, entry.reference) == (True, None)

    def test_come_alone_in_a_page(self, log: ChangeLog) -> None:
        sizes = {"a": 0, "b": 230_000, "c": 230_000, "d": 0, "e": 0}
        log.append(TOPIC, [event(name, size, reference=self.REFERENCE) for name, size in sizes.items()], soon())
        assert [keys(read(log, after)) for after in range(5)] == [["a"], ["b"], ["c"], ["d", "e"], ["e"]]

    def test_what_just_fits_is_none(self, log: ChangeLog) -> None:
        (entry,) = log.append(TOPIC, [event("a", 229_500)], soon())
        assert not entry.truncated

    def test_stand_for_what_only_its_many_covered_records_make_too_large(self, log: ChangeLog) -> None:
        covers = tuple(f"{number:032x}" for number in range(6000))
        (entry,) = log.append(TOPIC, [event("a", 220_000, covers=covers)], soon())
        assert entry.truncated
        assert read(log, 0).items[0].covers == covers


class TestCovered:
    """Records that a later one of the same item replaces."""

    def states(self, *names: str) -> Event:
        return coalesced([event(name, since_ms=NOON + index) for index, name in enumerate(names)])

    def test_records_are_the_last_with_all_ids_and_both_ends_of_the_time(self) -> None:
        event_ = coalesced([self.states("a", "b"), event("c", since_ms=NOON - 5)])
        assert (event_.event_id, event_.covers) == ("event-c", ("event-b", "event-a"))
        assert (event_.since_ms, event_.latest_ms) == (NOON - 5, NOON + 1)

    @pytest.mark.parametrize("same_container", [True, False])
    def test_records_that_come_again_alone_are_answered_by_what_covered_them(
        self, container: MakeLog, same_container: bool
    ) -> None:
        log = container()
        first = log.append(TOPIC, [self.states("a", "b", "c")], soon())
        again = log if same_container else container()
        assert again.append(TOPIC, [event("a", since_ms=NOON)], soon()) == first
        assert again.append(TOPIC, [self.states("a", "b")], soon()) == first
        assert again.append(TOPIC, [event("c", since_ms=NOON + 2), event("d", since_ms=NOON)], soon())[0] == first[0]

    def test_records_that_had_a_number_go_out_again_before_what_covers_them_now(self, container: MakeLog) -> None:
        (old,) = container().append(TOPIC, [event("a", since_ms=NOON)], soon())
        entries = container().append(TOPIC, [self.states("a", "b")], soon())
        assert [(entry.seq, entry.ids) for entry in entries] == [(1, ("event-a",)), (2, ("event-b", "event-a"))]
        assert entries[0] == old

    def test_records_are_found_although_the_clocks_that_stamped_them_disagree(
        self, container: MakeLog, clock: SetClock
    ) -> None:
        clock.ms = NOON - 60_000
        earlier, later = event("a", since_ms=NOON + 9000), event("b", since_ms=NOON)
        container().append(TOPIC, [coalesced([earlier, later])], soon())
        assert [entry.seq for entry in container().append(TOPIC, [earlier], soon())] == [1]
        assert [entry.seq for entry in container().append(TOPIC, [later], soon())] == [1]


class TestTimes:
    def test_never_go_back_although_clocks_do(self, log: ChangeLog, clock: SetClock) -> None:
        append(log, "a")
        clock.ms -= 5000
        append(log, "b")
        clock.ms += 6000
        append(log, "c")
        assert [entry.at - NOON for entry in read(log, 0).items] == [0, 0, 1000]

    def test_are_never_before_the_events(self, log: ChangeLog, clock: SetClock) -> None:
        clock.ms = NOON - 600_000
        append(log, "a", since_ms=NOON)
        assert [entry.at for entry in read(log, 0).items] == [NOON]

    @pytest.mark.parametrize("minutes", [-30, -1, 0, 1, 30])
    def test_of_any_clock_let_an_event_be_found_again(self, change_log_table: Table, minutes: int) -> None:
        """Each publisher's clock is minutes off, and the first one's goes back."""
        first, second = SetClock(NOON), SetClock(NOON + minutes * 60_000)
        logs = [ChangeLog(change_log_table, RETENTION_SECONDS, clock) for clock in (first, second)]
        for number in range(6):
            first.ms += 700 if number != 3 else -120_000
            created = NOON + number * 700 // 1000 * 1000 - 1000
            assert append(logs[number % 2], number, since_ms=created) == [number + 1]
        for number in range(6):
            created = NOON + number * 700 // 1000 * 1000 - 1000
            assert append(ChangeLog(change_log_table, 60, first), number, since_ms=created) == [number + 1]

    def test_bound_what_a_new_container_remembers(
        self, container: MakeLog, clock: SetClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(memory, "MOST_IDS_OF_A_TOPIC", 3)
        log = container()
        for number in range(10):
            clock.ms += 1000
            assert append(log, number, since_ms=clock.ms - 1000) == [number + 1]
        for number in range(10):
            since = NOON + number * 1000
            assert append(log, number, f"new-{number}", since_ms=since) == [number + 1, 11 + number]

    def test_are_not_given_to_what_was_suspended_past_its_deadline(
        self, container: MakeLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read_head = ChangeLog._read_head

        def given_up(log: ChangeLog, topic: str) -> Head:
            monkeypatch.undo()
            assert append(container(), 2) == [1]  # a later change, by another container
            time.sleep(max(0.0, deadline - time.monotonic()))
            return read_head(log, topic)

        monkeypatch.setattr(ChangeLog, "_read_head", given_up)
        deadline = time.monotonic() + 0.2
        with pytest.raises(TooLate):
            container().append(TOPIC, [event(1)], deadline)
        assert [entry.seq for entry in container().tail(TOPIC, 0, soon())] == [1]


class TestPages:
    @pytest.mark.parametrize("limit", [1, 2, 7, 1000])
    @pytest.mark.parametrize("batch", [1, 4, 23])
    def test_meet_without_gap_across_chunks_and_blocks(
        self, log: ChangeLog, limit: int, batch: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chunks, "BLOCK_SIZE", 5)
        for start in range(0, 23, batch):
            append(log, *range(start, min(start + batch, 23)))
        found, after = [], 0
        while True:
            page = read(log, after, limit)
            assert page.head_seq == 23
            assert len(page.items) <= limit
            if not page.items:
                break
            found += numbers(page)
            after = page.last_seq
        assert found == list(range(1, 24))

    def test_are_bounded_by_their_size_too(self, log: ChangeLog) -> None:
        append(log, *range(10), size=50_000)
        assert numbers(read(log, 0)) == [1, 2, 3, 4]
        append(log, "huge", "large", size=200_000, topic=topics.room("big"))
        assert keys(read(log, 0, topic=topics.room("big"))) == ["huge"]

    def test_are_empty_when_there_is_nothing_new(self, log: ChangeLog) -> None:
        assert read(log, 0) == Page([], 0, 0, resync_required=False)
        append(log, "a")
        assert read(log, 1) == Page([], 1, 1, resync_required=False)

    def test_of_a_cursor_from_before_the_retention_demand_a_resync(self, log: ChangeLog, clock: SetClock) -> None:
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

    def test_of_what_is_gone_demand_a_resync(self, log: ChangeLog, delete: Callable[[Key], None]) -> None:
        append(log, "a")
        append(log, "b")
        delete((f"CHUNK#0#{TOPIC}", 1))
        assert read(log, 0).resync_required
        assert keys(read(log, 1)) == ["b"]

    def test_of_a_cursor_from_the_future_demand_a_resync(self, log: ChangeLog) -> None:
        append(log, "a")
        assert read(log, 2) == Page([], 2, 1, resync_required=True)
        assert read(log, 5, topic=topics.room("unknown")) == Page([], 5, 0, resync_required=True)

    def test_of_the_time_before_chunks_demand_a_resync(self, log: ChangeLog, change_log_table: Table) -> None:
        old_layout(change_log_table)
        assert read(log, 0) == Page([], 0, 41, resync_required=True)
        assert read(log, 40) == Page([], 40, 41, resync_required=True)
        assert read(log, 41) == Page([], 41, 41, resync_required=False)
        append(log, "a")
        assert read(log, 40).resync_required
        assert numbers(read(log, 41)) == [42]

    def test_of_a_negative_cursor_are_refused(self, log: ChangeLog) -> None:
        with pytest.raises(InvalidInput):
            read(log, -1)

    def test_end_before_a_number_that_is_not_to_be_seen(self, log: ChangeLog, delete: Callable[[Key], None]) -> None:
        append(log, "a")
        append(log, "b")
        append(log, "c")
        delete((f"CHUNK#0#{TOPIC}", 2))
        assert keys(read(log, 0)) == ["a"]


class TestTail:
    def test_is_what_was_numbered_since(self, log: ChangeLog, clock: SetClock) -> None:
        for name in "abc":
            append(log, name, f"{name}{name}", since_ms=clock.ms)
            clock.ms += 1000
        assert keys(log.tail(TOPIC, NOON + 1000, soon())) == ["b", "bb", "c", "cc"]
        assert keys(log.tail(TOPIC, 0, soon())) == ["a", "aa", "b", "bb", "c", "cc"]
        assert log.tail(TOPIC, NOON + 2001, soon()) == []
        assert log.tail(topics.room("unknown"), 0, soon()) == []


def test_the_log_holds_what_its_documentation_says(log: ChangeLog, change_log_table: Table, all_items: Scan) -> None:
    reference = ("MESSAGES#lobby#2026112112#0", "1795262400000#b")
    known = {"position": "7", "covers": ("event-0",), "reference": reference}
    log.append(TOPIC, [event("a", since_ms=5), event("b", 230_000, since_ms=4, **known)], soon())
    items = {(item.pop("pk"), int(item.pop("sk"))): item for item in all_items(change_log_table)}
    assert items == {
        ("HEAD#room:lobby", 0): {"topic": "room:lobby", "head": 2, "at": NOON, "newest": 5},
        ("CHUNK#0#room:lobby", 2): {
            "first": 1, "at": NOON, "newest": 5, "expiresAt": NOON // 1000 + 48 * 3600,
            "origins": '[[null,[]],["7",["event-0"]]]',
            "references": '{"2":["MESSAGES#lobby#2026112112#0","1795262400000#b"]}',
            "changes": '[{"seq":1,"at":"2026-11-21T12:00:00.000Z","eventId":"event-a","kind":"INSERT","traceId":null,'
            '"key":"key-a","truncated":false,"message":{"text": "a"}},\n'
            '{"seq":2,"at":"2026-11-21T12:00:00.000Z","eventId":"event-b","kind":"INSERT","traceId":null,'
            '"key":"key-b","truncated":true,"message":null}]',
        },
    }  # fmt: skip


def old_layout(table: Table) -> None:
    """A topic as the log before chunks left it: entries and markers under other keys do not count."""
    table.write([Put({"pk": f"HEAD#{TOPIC}", "sk": 0, "topic": str(TOPIC), "head": 41, "at": NOON})])
    table.write([Put({"pk": f"LOG#0#{TOPIC}", "sk": 41, "at": NOON, "eventId": "event-a", "kind": "REMOVE"})])
