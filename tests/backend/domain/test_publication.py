"""Batches of the stream: what goes out, what is parked, what must come again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pytest

from domain import message, topics
from domain.events import Entry, Event
from domain.routing import Route
from domain.table import Rejected
from domain.topics import Topic, TopicKind
from tests.backend.domain.publishers import POISON, Deployment, never, record


@pytest.fixture
def deployment(aws_endpoint: str) -> Iterator[Deployment]:
    made = Deployment(aws_endpoint)
    yield made
    made.close()


def test_a_batch_is_one_request_per_topic(deployment: Deployment) -> None:
    container = deployment.container()
    assert container.run([record(1), record(2, room="other"), record(3)]) == []
    assert deployment.appsync.told() == [(1, "1"), (2, "3")]
    assert deployment.appsync.told("room:other") == [(1, "2")]
    assert deployment.appsync.requests == 2
    assert deployment.counted["Published"] == 3


def test_topics_go_out_side_by_side_each_in_its_order(deployment: Deployment) -> None:
    container = deployment.container(threads=8)
    rooms = [f"room-{number % 20}" for number in range(200)]
    assert container.run(record(number, room=room) for number, room in enumerate(rooms)) == []
    for place in range(20):
        keys = [str(number) for number in range(place, 200, 20)]
        assert deployment.appsync.told(f"room:room-{place}") == list(enumerate(keys, 1))
    assert deployment.appsync.requests == 20


def test_nothing_parked_costs_one_read(deployment: Deployment) -> None:
    container = deployment.container()
    container.run([record(1)])
    before = deployment.steps
    container.run(record(number) for number in range(2, 50))
    assert deployment.steps - before == 2 * 2  # the query for marks and the transaction, a step at either end


@pytest.mark.parametrize("kind", ["INSERT", "MODIFY"])
def test_a_record_that_cannot_be_shown_stops_only_its_item(deployment: Deployment, kind: str) -> None:
    container = deployment.container()
    batch = [
        record(1), record(2, "bad", POISON, kind=kind), record(3), record(4, "bad", kind="MODIFY"),
        record(5, room="other"),
    ]  # fmt: skip
    assert container.run(batch) == []
    assert deployment.appsync.told() == [(1, "1"), (2, "3")]
    assert deployment.appsync.told("room:other") == [(1, "5")]
    (parked,) = container.parked()
    assert parked["topics"] == ["room:lobby"]
    assert parked["key"] == {"pk": "MESSAGES#lobby#2026112104#0", "sk": "1795236682123#bad"}
    assert parked["reason"]["type"] == "WrongType"
    assert (parked["records"], parked["eventId"]) == (2, batch[1]["eventID"])
    shown = container.redrive.show(parked["id"], 10, None)["items"]
    assert [each["record"] for each in shown] == [batch[1], batch[3]]
    assert [each["reason"] and each["reason"]["type"] for each in shown] == ["WrongType", None]
    assert deployment.messages() == 1


def test_later_records_of_a_parked_item_park_behind_it(deployment: Deployment) -> None:
    container = deployment.container()
    container.run([record(1, "bad", POISON)])
    for number in (2, 3):
        assert deployment.container().run([record(number, "bad"), record(10 + number)]) == []
    assert [key for _, key in deployment.appsync.told()] == ["12", "13"]
    assert container.parked()[0]["records"] == 3
    assert deployment.messages() == 1


def test_what_is_delivered_again_is_parked_once(deployment: Deployment) -> None:
    container = deployment.container()
    batch = [record(1, "bad", POISON), record(2, "bad"), record(3)]
    container.run(batch)
    objects = deployment.objects()
    for again in (batch, batch[1:], batch[:1]):
        assert deployment.container().run(again) == []
    assert deployment.objects() == objects
    assert container.parked()[0]["records"] == 2
    assert deployment.appsync.told() == [(1, "3")]


def test_a_change_that_appsync_refuses_is_found_among_a_thousand(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.appsync.refuses = lambda change: change["key"] == "617"
    batch = [*(record(number) for number in range(1000)), record(1000, "617")]
    assert container.run(batch) == []
    told = deployment.appsync.told()
    assert [key for _, key in told] == [str(number) for number in range(1000) if number != 617]
    # It has its number, and those who catch up get it; the push left out that one only.
    assert [seq for seq, _ in told] == [seq for seq in range(1, 1001) if seq != 618]
    (parked,) = container.parked()
    assert parked["reason"]["message"] == "error: Variable 'text' has an invalid value."
    shown = container.redrive.show(parked["id"], 10, None)["items"]
    assert [each["numbers"] for each in shown] == [{"room:lobby": 618}, {"room:lobby": 1001}]
    # Two requests for each halving, and one for each envelope.
    assert deployment.appsync.requests <= 2 * math.log2(1000) + 5


def test_several_refused_changes_in_one_batch(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.appsync.refuses = lambda change: change["key"].endswith("7")
    assert container.run(record(number) for number in range(100)) == []
    assert [key for _, key in deployment.appsync.told()] == [str(n) for n in range(100) if n % 10 != 7]
    assert len(container.parked()) == 10


def test_what_is_no_records_fault_is_reported_and_comes_again(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.appsync.is_down = lambda envelope: str(envelope.topic) == "room:other"
    batch = [record(1), record(2, room="other"), record(3), record(4, room="other")]
    assert container.run(batch) == [1, 3]
    assert deployment.appsync.told() == [(1, "1"), (2, "3")]
    assert container.parked() == []
    deployment.appsync.is_down = never
    assert container.run(batch[1:]) == []
    assert deployment.appsync.told("room:other") == [(1, "2"), (2, "4")]
    assert deployment.appsync.told() == [(1, "1"), (2, "3")]


def test_with_both_kinds_of_failure_nothing_is_lost_and_the_order_holds(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.appsync.is_down = lambda envelope: str(envelope.topic) == "room:other"
    batch = [
        record(1, "bad", POISON), record(2, room="other"), record(3, "late", POISON), record(4, "bad"),
        record(5, "late"),
    ]  # fmt: skip
    assert container.run(batch) == [1]
    # What comes after the failed one is delivered again, and parked then.
    assert [each["key"]["sk"].partition("#")[2] for each in container.parked()] == ["bad"]
    deployment.appsync.is_down = never
    assert container.run(batch[1:]) == []
    assert sorted(each["records"] for each in container.parked()) == [2, 2]
    assert deployment.appsync.told() == []


def test_without_the_bucket_a_poison_record_comes_again(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.s3.delete_bucket(Bucket=deployment.bucket_name)
    assert container.run([record(1), record(2, "bad", POISON), record(3)], seconds=7) == [1]
    assert [key for _, key in deployment.appsync.told()] == ["1", "3"]
    deployment.s3.create_bucket(Bucket=deployment.bucket_name)
    assert container.run([record(2, "bad", POISON), record(3)]) == []
    assert len(container.parked()) == 1


def test_without_the_queue_a_poison_record_is_parked_all_the_same(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.sqs.delete_queue(QueueUrl=deployment.queue_url)
    assert container.run([record(1, "bad", POISON)]) == []
    assert len(container.parked()) == 1


def test_without_the_table_everything_comes_again(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.dynamodb.delete_table(TableName=deployment.table_name)
    assert container.run([record(1), record(2)], seconds=1) == [0, 1]
    assert deployment.appsync.requests == 0


def test_more_marks_than_are_read_at_once(deployment: Deployment) -> None:
    container = deployment.container()
    assert container.run(record(number, f"bad-{number}", POISON) for number in range(120)) == []
    assert len(container.parked()) == 120
    assert container.run([record(200 + number, f"bad-{number}") for number in range(120)] + [record(400)]) == []
    assert [each["records"] for each in container.parked()] == [2] * 120
    assert [key for _, key in deployment.appsync.told()] == ["400"]


def test_the_list_of_parked_items_comes_in_pages(deployment: Deployment) -> None:
    container = deployment.container()
    container.run(record(number, f"bad-{number}", POISON) for number in range(7))
    found: list[str] = []
    token: str | None = None
    while True:
        page = container.redrive.list(3, token)
        found += [each["id"] for each in page["items"]]
        token = page["nextToken"]
        if token is None:
            break
    assert len(found) == len(set(found)) == 7


def test_a_record_of_400_kb_with_both_images_is_parked_whole(deployment: Deployment) -> None:
    container = deployment.container()
    large = record(1, "large", POISON, kind="MODIFY")
    for image in ("OldImage", "NewImage"):
        large["dynamodb"][image]["junk"] = {"B": "A" * 530_000}
        large["dynamodb"][image]["more"] = {"S": "é\u2028" * 2000}
    assert container.run([large, record(2)]) == []
    (parked,) = container.parked()
    (shown,) = container.redrive.show(parked["id"], 10, None)["items"]
    assert shown["record"] == large
    assert deployment.objects() == [shown["object"]]


def test_unchanged_items_are_skipped_and_counted(deployment: Deployment) -> None:
    container = deployment.container()
    assert container.run([record(1, kind="MODIFY", text="before")]) == []
    assert deployment.appsync.requests == 0
    assert deployment.counted["Skipped"] == 1


def test_an_oversized_change_goes_out_as_a_pointer_and_is_counted(deployment: Deployment) -> None:
    container = deployment.container()
    assert container.run([record(1, text="x" * 300_000), record(2)]) == []
    assert [change["truncated"] for change in deployment.appsync.changes] == [True, False]
    assert deployment.appsync.changes[0]["message"] is None
    assert deployment.counted["Truncated"] == 1


# --- several topics per item, and items of which only the last state matters ------------------------------------------

SHELF = TopicKind("shelf", mutation="publishMessages", id_field="roomId", item_field="message")


def _key(_pk: str, sk: str) -> str:
    return sk.partition("#")[2]


BY_ROOM = Route("MESSAGES#", lambda _pk, _sk, _item: [topics.room("lobby")], _key, message.to_publish)
BY_SHELF = Route("MESSAGES#", lambda _pk, _sk, _item: [Topic(SHELF, "red")], _key, message.to_publish)
LAST_STATES = Route(
    "MESSAGES#", lambda _pk, _sk, _item: [topics.room("lobby")], _key, message.to_publish, state_like=True
)


def test_a_topic_that_has_heard_of_a_parked_record_does_not_hear_of_it_again(aws_endpoint: str) -> None:
    deployment = Deployment(aws_endpoint, [BY_ROOM, BY_SHELF])
    container = deployment.container()
    deployment.appsync.refuses = lambda change: change["topic"] == "shelf:red" and change["message"]["text"] == "no"
    batch = [record(1, "1", "no"), record(2, "1", "after", kind="MODIFY"), record(3)]
    assert container.run(batch) == []
    assert [key for _, key in deployment.appsync.told()] == ["1", "1", "3"]
    assert [key for _, key in deployment.appsync.told("shelf:red")] == ["3"]
    (parked,) = container.parked()
    assert parked["topics"] == ["room:lobby", "shelf:red"]
    shown = container.redrive.show(parked["id"], 10, None)["items"]
    assert [each["published"] for each in shown] == [["room:lobby"], ["room:lobby"]]
    assert [each["numbers"] for each in shown] == [{"shelf:red": 1}, {"shelf:red": 2}]
    deployment.appsync.refuses = never
    before = len(deployment.appsync.changes)
    assert container.replay()["lifted"] == [parked["id"]]
    assert {change["topic"] for change in deployment.appsync.changes[before:]} == {"shelf:red"}
    assert deployment.appsync.texts("1", "shelf:red") == ["no", "after"]
    deployment.close()


def test_a_record_that_two_topics_refuse_is_parked_once_and_replayed_in_both(aws_endpoint: str) -> None:
    deployment = Deployment(aws_endpoint, [BY_ROOM, BY_SHELF])
    container = deployment.container(threads=4)
    deployment.appsync.refuses = lambda change: change["key"] == "1"
    assert container.run([record(1, "1"), record(2, "1", kind="MODIFY"), record(3)]) == []
    (parked,) = container.parked()
    assert (parked["records"], parked["topics"]) == (2, ["room:lobby", "shelf:red"])
    shown = container.redrive.show(parked["id"], 10, None)["items"]
    assert [each["numbers"] for each in shown] == [{"room:lobby": n, "shelf:red": n} for n in (1, 2)]
    # Still refused in one of them: the other hears of it, and only once.
    deployment.appsync.refuses = lambda change: change["key"] == "1" and change["topic"] == "shelf:red"
    assert [each["transient"] for each in container.replay()["blocked"]] == [False]
    deployment.appsync.refuses = never
    assert container.replay()["lifted"] == [parked["id"]]
    for topic in ("room:lobby", "shelf:red"):
        assert deployment.appsync.texts("1", topic) == ["text 1", "text 2"]
    deployment.close()


def test_of_state_like_items_a_batch_tells_the_last_state(aws_endpoint: str) -> None:
    deployment = Deployment(aws_endpoint, [LAST_STATES])
    container = deployment.container()
    batch = [
        record(1, "a", "first"), record(2, "b"), record(3, "a", "second", kind="MODIFY"),
        record(4, "a", "third", kind="MODIFY"),
    ]  # fmt: skip
    assert container.run(batch) == []
    assert deployment.appsync.texts("a") == ["third"]
    assert [key for _, key in deployment.appsync.told()] == ["b", "a"]
    assert deployment.counted["Coalesced"] == 2
    # Delivered again, with other borders: no number is given twice, and nothing is told that is older.
    for again in (batch, batch[2:], batch[:3]):
        assert deployment.container().run(again) == []
    assert [seq for seq, _ in deployment.appsync.told()] == [1, 2]
    deployment.close()


def test_of_a_refused_last_state_only_that_is_parked(aws_endpoint: str) -> None:
    deployment = Deployment(aws_endpoint, [LAST_STATES])
    container = deployment.container()
    deployment.appsync.refuses = lambda change: change["key"] == "a"
    batch = [record(1, "a", "first"), record(2, "a", "second", kind="MODIFY"), record(3)]
    assert container.run(batch) == []
    (parked,) = container.parked()
    assert (parked["records"], parked["eventId"]) == (1, batch[1]["eventID"])
    deployment.appsync.refuses = never
    container.replay()
    assert deployment.appsync.texts("a") == ["second"]
    assert deployment.appsync.told() == [(2, "3"), (1, "a")]
    deployment.close()


def test_a_state_that_was_numbered_with_a_later_one_is_replayed_with_its_number(aws_endpoint: str) -> None:
    deployment = Deployment(aws_endpoint, [LAST_STATES])
    container = deployment.container()
    batch = [record(1, "a", "first"), record(2, "a", "second", kind="MODIFY")]
    deployment.appsync.is_down = lambda _: True
    assert container.run(batch, seconds=6) == [0, 1], "numbered as one, and not published"
    deployment.appsync.is_down, deployment.appsync.refuses = never, lambda change: change["key"] == "a"
    assert container.run(batch[:1]) == container.run(batch[1:]) == [], "parked one by one"
    (parked,) = container.parked()
    deployment.appsync.refuses = never
    assert container.replay()["lifted"] == [parked["id"]]
    assert deployment.appsync.texts("a") == ["second"]
    assert {seq for seq, _ in deployment.appsync.told()} == {1}
    deployment.close()


def test_a_state_that_the_table_refuses_is_parked_with_those_that_it_covers(
    aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = Deployment(aws_endpoint, [LAST_STATES])
    container = deployment.container()
    append = container.log.append

    def refusing(topic: Topic, events: Sequence[Event], deadline: float) -> list[Entry]:
        if any("no" in (event.item or "") for event in events):
            raise Rejected("an item that no table takes")
        return append(topic, events, deadline)

    batch = [record(1, "a", "first"), record(2, "a", "no", kind="MODIFY")]
    with monkeypatch.context() as patch:
        patch.setattr(container.log, "append", refusing)
        assert container.run(batch) == []
    (parked,) = container.parked()
    assert parked["records"] == 2
    assert container.replay()["lifted"] == [parked["id"]]
    # What was covered comes again, alone: the log knows that it is told.
    assert deployment.container().run(batch[:1]) == []
    assert deployment.appsync.texts("a") == ["no"]
    assert {seq for seq, _ in deployment.appsync.told()} == {1}
    deployment.close()
