"""Replaying what is parked: in order, once, whoever dies, whoever else is at it, whatever else arrives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from domain import redrive
from domain.clock import SYSTEM, SystemClock
from domain.parking import id_of
from domain.routing import Unpublishable
from domain.table import Item
from tests.backend.domain.publishers import CREATED, FUNCTION_ARN, POISON, Container, Deployment, never, record

ROOM_PK = "MESSAGES#lobby#2026112104#0"


@pytest.fixture
def deployment(aws_endpoint: str) -> Iterator[Deployment]:
    made = Deployment(aws_endpoint)
    yield made
    made.close()


def refuse(deployment: Deployment, *keys: str) -> None:
    deployment.appsync.refuses = lambda change: change["key"] in keys


def item_id(key: str) -> str:
    return id_of((ROOM_PK, f"1795236682123#{key}"))


def parked_run(deployment: Deployment, length: int = 4) -> Container:
    """An item whose first change is refused, and what waits behind it, in batches of two."""
    container = deployment.container()
    refuse(deployment, "bad")
    batch = [record(number, "bad", kind="MODIFY") for number in range(1, length + 1)]
    for start in range(0, length, 2):
        assert container.run([*batch[start : start + 2], record(100 + start)]) == []
    deployment.appsync.refuses = never
    return container


def nothing_is_left(deployment: Deployment, messages: int = 0) -> None:
    assert deployment.container().parked() == []
    assert deployment.objects("parked/") == []
    assert deployment.objects("aws/") == []
    assert deployment.messages() <= messages


def test_what_waited_is_delivered_in_order(deployment: Deployment) -> None:
    container = parked_run(deployment)
    answer = container.replay()
    assert (answer["replayed"], answer["lifted"], answer["blocked"]) == (4, [item_id("bad")], [])
    assert deployment.appsync.texts("bad") == [f"text {number}" for number in (1, 2, 3, 4)]
    nothing_is_left(deployment)
    assert container.run([record(5, "bad", kind="MODIFY")]) == []
    assert deployment.appsync.texts("bad")[-1] == "text 5"


def test_numbers_have_no_gap_after_a_replay(deployment: Deployment) -> None:
    parked_run(deployment).replay()
    assert sorted(seq for seq, _ in deployment.appsync.told()) == list(range(1, 7))


def test_what_is_still_refused_stays_and_the_rest_behind_it(deployment: Deployment) -> None:
    container = parked_run(deployment)
    container.run([record(50, "fine", POISON)])
    refuse(deployment, "bad")
    answer = container.replay([item_id("bad")])
    (blocked,) = answer["blocked"]
    assert (blocked["id"], blocked["transient"]) == (item_id("bad"), False)
    assert blocked["eventId"] == record(1)["eventID"]
    assert deployment.appsync.texts("bad") == []
    assert len(container.parked()) == 2


def test_a_replay_goes_on_with_other_items(deployment: Deployment) -> None:
    container = parked_run(deployment)
    container.run(record(number, f"poison-{number}", POISON) for number in range(50, 60))
    answer = container.replay()
    assert answer["lifted"] == [item_id("bad")]
    assert len(answer["blocked"]) == 10
    assert deployment.messages() == 10


def test_a_replay_ends_where_it_gets_stuck_and_goes_on_from_there(deployment: Deployment) -> None:
    container = deployment.container()
    refuse(deployment, "bad")
    container.run(record(number, "bad", kind="MODIFY") for number in range(1, 7))
    deployment.appsync.refuses = lambda change: change["message"]["text"] == "text 4"
    answer = container.replay()
    assert (answer["replayed"], answer["blocked"][0]["eventId"]) == (3, record(4)["eventID"])
    assert container.redrive.show(item_id("bad"), 1, None)["parked"]["eventId"] == record(4)["eventID"]
    refuse(deployment)
    assert container.replay()["replayed"] == 3
    assert deployment.appsync.texts("bad") == [f"text {number}" for number in range(1, 7)]


def test_an_obstacle_that_is_no_records_fault_ends_the_replay(deployment: Deployment) -> None:
    container = parked_run(deployment)
    deployment.appsync.is_down = lambda _: True
    answer = container.replay()
    assert [each["transient"] for each in answer["blocked"]] == [True]
    assert answer["pages"] == 1
    deployment.appsync.is_down = never
    assert container.replay()["lifted"] == [item_id("bad")]


def test_discarding_skips_one_and_goes_on_with_those_behind_it(deployment: Deployment) -> None:
    container = deployment.container()
    container.run([record(1, "bad", POISON), record(2, "bad", kind="MODIFY"), record(3, "bad", kind="MODIFY")])
    with pytest.raises(redrive.NotParked, match=r"is 0{31}1, not"):
        container.redrive.discard(item_id("bad"), record(2)["eventID"], SYSTEM.monotonic() + 20)
    answer = container.redrive.discard(item_id("bad"), record(1)["eventID"], SYSTEM.monotonic() + 20)
    assert (answer["discarded"], answer["replayed"], answer["lifted"]) == (1, 2, [item_id("bad")])
    assert deployment.appsync.texts("bad") == ["text 2", "text 3"]
    (name,) = deployment.objects("discarded/")
    kept = json.loads(deployment.s3.get_object(Bucket=deployment.bucket_name, Key=name)["Body"].read())
    assert kept["record"] == record(1, "bad", POISON)
    nothing_is_left(deployment)


def test_records_come_in_pages(deployment: Deployment) -> None:
    container = parked_run(deployment, length=10)
    found: list[str] = []
    token: str | None = None
    while True:
        page = container.redrive.show(item_id("bad"), 3, token)
        found += [each["eventId"] for each in page["items"]]
        token = page["nextToken"]
        if token is None:
            break
    assert found == [record(number)["eventID"] for number in range(1, 11)]


def test_a_page_of_large_records_ends_before_it_is_too_large_for_an_answer(deployment: Deployment) -> None:
    container = deployment.container()
    for number in range(1, 9):
        large = record(number, "bad", POISON)
        large["dynamodb"]["NewImage"]["junk"] = {"S": "x" * 1_300_000}
        container.run([large])
    page = container.redrive.show(item_id("bad"), 100, None)
    assert len(page["items"]) == 3
    assert page["nextToken"] is not None
    huge = record(20, "huge", POISON)
    huge["dynamodb"]["NewImage"]["junk"] = {"S": "é" * 1_000_000}
    container.run([huge])
    (item,) = container.redrive.show(item_id("huge"), 100, None)["items"]
    assert item["record"] is None
    assert item["object"] in deployment.objects()


# --- whoever dies -----------------------------------------------------------------------------------------------------


def test_a_publisher_that_dies_at_any_step_of_parking_loses_nothing(deployment: Deployment) -> None:
    """Between object, message and mark, before and after each request. The stream then delivers the batch again."""
    steps = 0
    while True:
        place = f"bad-{steps}"
        batch = [
            record(10 * steps + 1, place, POISON), record(10 * steps + 2, place, kind="MODIFY"),
            record(10 * steps + 3, f"fine-{steps}"),
        ]  # fmt: skip
        before = deployment.steps
        with deployment.killed_after(steps):
            deployment.container().run(batch)
        if deployment.steps - before < steps:
            break
        # Again, after a part of it went through with other borders.
        container = deployment.container()
        assert container.run(batch[:1]) == []
        assert container.run(batch) == []
        (parked,) = [each for each in container.parked() if each["id"] == item_id(place)]
        assert parked["records"] == 2
        shown = container.redrive.show(parked["id"], 10, None)["items"]
        events = [each["eventId"] for each in shown]
        assert list(dict.fromkeys(events)) == [each["eventID"] for each in batch[:2]] == sorted(events)
        steps += 1
    assert steps > 10


def test_a_replay_that_dies_at_any_step_is_gone_on_with(deployment: Deployment) -> None:
    steps = 0
    while True:
        container = deployment.container()
        key = f"bad-{steps}"
        base = 1000 * (steps + 1)
        refuse(deployment, key)
        for start in (0, 2):
            container.run(record(base + start + each, key, kind="MODIFY") for each in (0, 1))
        deployment.appsync.refuses = never
        before = deployment.steps
        with deployment.killed_after(steps):
            deployment.container().replay()
        finished = deployment.steps - before < steps
        # Something more may arrive before the next attempt.
        assert deployment.container().run([record(base + 4, key, kind="MODIFY")]) == []
        deployment.container().replay()
        assert deployment.appsync.texts(key) == [f"text {base + each}" for each in range(5)]
        # Who dies while he takes back a message leaves it hidden for seconds.
        nothing_is_left(deployment, messages=10)
        steps += 1
        if finished:
            break
    assert steps > 20


def test_two_replays_at_once_and_a_stream_that_goes_on(deployment: Deployment) -> None:
    container = deployment.container()
    refuse(deployment, "bad")
    for number in range(1, 60, 3):
        container.run(record(number + each, "bad", kind="MODIFY") for each in range(3))
    deployment.appsync.refuses = never
    failures: list[BaseException] = []

    def work(go_on: Any) -> None:
        try:
            go_on()
        except BaseException as error:  # noqa: BLE001 - the test fails with it
            failures.append(error)

    def stream() -> None:
        mine = deployment.container()
        for number in range(61, 91):
            while mine.run([record(number, "bad", kind="MODIFY")]):
                pass

    workers = [threading.Thread(target=work, args=(deployment.container().replay,)) for _ in range(2)]
    workers.append(threading.Thread(target=work, args=(stream,)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    deployment.container().replay()
    assert deployment.appsync.texts("bad") == [f"text {number}" for number in range(1, 91)]
    nothing_is_left(deployment)


def test_what_is_delivered_again_while_it_is_parked_and_after_has_one_number(deployment: Deployment) -> None:
    container = parked_run(deployment, length=2)
    batch = [record(number, "bad", kind="MODIFY") for number in (1, 2)]
    container.run(batch)
    container.replay()
    deployment.container().run(batch)
    container.replay()
    assert deployment.appsync.texts("bad") == ["text 1", "text 2"]
    assert sorted(seq for seq, _ in deployment.appsync.told()) == [1, 2, 3]


def test_a_mark_without_records_is_lifted(deployment: Deployment) -> None:
    container = parked_run(deployment)
    for name in deployment.objects("parked/"):
        deployment.s3.delete_object(Bucket=deployment.bucket_name, Key=name)
    assert container.replay()["lifted"] == [item_id("bad")]


def test_an_object_that_no_mark_knows_is_not_replayed(deployment: Deployment) -> None:
    """Left by a publisher that died before the mark, while the next delivery of its records went well."""
    steps = 0
    while not deployment.objects("parked/"):
        with deployment.killed_after(steps):
            deployment.container().run([record(1, "bad", POISON)])
        steps += 1
    container = deployment.container()
    assert container.parked() == []
    assert container.run([record(1, "bad", "repaired"), record(2, "bad", kind="MODIFY")]) == []
    container.run([record(3, "bad", POISON), record(4, "bad", kind="MODIFY")])
    container.redrive.discard(item_id("bad"), record(3)["eventID"], SYSTEM.monotonic() + 20)
    assert deployment.appsync.texts("bad") == ["repaired", "text 2", "text 4"]
    nothing_is_left(deployment)


# --- much of it -------------------------------------------------------------------------------------------------------


def test_ten_thousand_records_behind_one_are_replayed_in_pages(deployment: Deployment) -> None:
    container = deployment.container()
    refuse(deployment, "bad")
    for start in range(0, 10_000, 1000):
        container.run(record(start + each, "bad", kind="MODIFY") for each in range(1000))
    deployment.appsync.refuses = never
    assert container.parked()[0]["records"] == 10_000
    before = deployment.appsync.requests
    answer = container.replay(seconds=1)
    assert answer["replayed"] == 10_000
    assert answer["pages"] > 1
    assert deployment.appsync.texts("bad") == [f"text {number}" for number in range(10_000)]
    assert deployment.appsync.requests - before < 200
    nothing_is_left(deployment)


def test_many_items_are_replayed_in_pages(deployment: Deployment) -> None:
    container = deployment.container(threads=8)
    deployment.appsync.refuses = lambda _: True
    container.run(record(number) for number in range(60))
    deployment.appsync.refuses = never
    answer = container.replay(seconds=0.1)
    assert len(answer["lifted"]) == len(set(answer["lifted"])) == 60
    assert answer["pages"] > 1
    nothing_is_left(deployment)


# --- what the event source mapping left -------------------------------------------------------------------------------


def test_a_batch_that_the_function_did_not_survive_is_taken_in_and_replayed(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.leave([record(1, "a"), record(2, "b"), record(3, "a", kind="MODIFY")])
    assert container.redrive.list(10, None)["leftovers"] == 1
    answer = container.replay()
    assert (answer["takenIn"], answer["replayed"], answer["superseded"]) == (3, 3, 0)
    assert deployment.appsync.texts("a") == ["text 1", "text 3"]
    nothing_is_left(deployment)


def test_what_was_overtaken_is_superseded(deployment: Deployment) -> None:
    """A later state of the item has been told: the earlier one would be taken for the newest."""
    container = deployment.container()
    deployment.leave([record(1, "a"), record(2, "b")])
    container.run([record(3, "a", kind="MODIFY")])
    answer = container.replay()
    assert (answer["takenIn"], answer["replayed"], answer["superseded"]) == (2, 1, 1)
    assert deployment.appsync.texts("a") == ["text 3"]
    assert deployment.appsync.texts("b") == ["text 2"]
    assert len(deployment.objects("discarded/")) == 1
    nothing_is_left(deployment)


def test_what_got_its_number_before_the_function_died_keeps_it(deployment: Deployment) -> None:
    container = deployment.container()
    deployment.appsync.is_down = lambda _: True
    container.run([record(1, "a")])
    deployment.appsync.is_down = never
    container.run([record(2, "b")])
    deployment.leave([record(1, "a")])
    deployment.container().replay()
    assert sorted(deployment.appsync.told()) == [(1, "a"), (2, "b")]


def test_leftovers_take_their_place_among_what_is_parked(deployment: Deployment) -> None:
    container = deployment.container()
    container.run([record(3, "a", POISON), record(5, "a", kind="MODIFY")])
    deployment.leave([record(1, "a"), record(4, "a", kind="MODIFY")])
    answer = container.replay()
    assert answer["replayed"] == 1
    assert answer["blocked"][0]["eventId"] == record(3)["eventID"]
    container.redrive.discard(item_id("a"), record(3)["eventID"], SYSTEM.monotonic() + 20)
    assert deployment.appsync.texts("a") == ["text 1", "text 4", "text 5"]
    nothing_is_left(deployment)


def test_leftovers_of_other_functions_stay(deployment: Deployment) -> None:
    container = deployment.container()
    other = deployment.leave([record(1)], "arn:aws:lambda:us-east-1:000000000000:function:project")
    deployment.leave([record(2)], "arn:aws:lambda:us-east-1:000000000000:function:publish:$LATEST")
    assert container.replay()["takenIn"] == 1
    assert deployment.objects("aws/") == [other]
    assert container.redrive.list(10, None)["leftovers"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"not JSON", b"[]", b'{"requestContext": {}}', b'{"payload": "{"}',
        json.dumps({
            "requestContext": {"functionArn": FUNCTION_ARN, "condition": "x"},
            "payload": json.dumps({"Records": [{"kinesis": {"sequenceNumber": "1"}}]}),
        }).encode(),
    ],
)  # fmt: skip
def test_an_object_that_is_no_leftover_stops_nothing(deployment: Deployment, body: bytes) -> None:
    deployment.s3.put_object(Bucket=deployment.bucket_name, Key="aws/lambda/a", Body=body)
    deployment.leave([record(2)])
    assert deployment.container().replay()["takenIn"] == 1


def test_taking_in_that_dies_at_any_step_is_gone_on_with(deployment: Deployment) -> None:
    steps = 0
    while True:
        key, base = f"a-{steps}", 1000 * (steps + 1)
        deployment.leave([record(base + 1, key), record(base + 3, key, kind="MODIFY")])
        before = deployment.steps
        with deployment.killed_after(steps):
            deployment.container().replay()
        finished = deployment.steps - before < steps
        deployment.container().replay()
        assert deployment.appsync.texts(key) == [f"text {base + 1}", f"text {base + 3}"]
        nothing_is_left(deployment, messages=10)
        steps += 1
        if finished:
            break
    assert steps > 30


def test_a_large_batch_is_taken_in(deployment: Deployment) -> None:
    batch = [record(number, f"k-{number % 20}", "x" * 9000, kind="MODIFY") for number in range(600)]
    deployment.leave(batch)
    answer = deployment.container().replay()
    assert (answer["takenIn"], answer["replayed"]) == (600, 600)
    assert len(deployment.appsync.told()) == 600


# --- the times of replays ---------------------------------------------------------------------------------------------


class Fixed(SystemClock):
    """A clock whose wall time is set."""

    def __init__(self, now_ms: int) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms


@pytest.mark.parametrize("days", [0, 1, 30])
def test_a_late_replay_numbers_once_however_often_it_dies(deployment: Deployment, days: int) -> None:
    clock = Fixed(CREATED * 1000)
    container = deployment.container(clock)
    container.run([record(1), record(2, "bad", POISON), record(3, "bad", kind="MODIFY")])
    clock.ms += days * 86_400_000
    container.run([record(4)])
    # The repaired code can show it.
    poison = next(iter(deployment.objects("parked/")))
    body = deployment.s3.get_object(Bucket=deployment.bucket_name, Key=poison)["Body"].read()
    repaired = body.replace(b'{"M":{"no":{"S":"text"}}}', b'{"S":"text 2"}')
    deployment.s3.put_object(Bucket=deployment.bucket_name, Key=poison, Body=repaired)
    for steps in range(0, 40, 3):
        with deployment.killed_after(steps):
            deployment.container(clock).replay()
        clock.ms += 60_000
    assert deployment.appsync.texts("bad") == ["text 2", "text 3"]
    assert sorted(seq for seq, _ in deployment.appsync.told()) == [1, 2, 3, 4]


def refusing_to_show(_pk: str, _sk: str, _item: Item) -> Mapping[str, Any]:
    raise Unpublishable("no code for this yet")


def test_what_the_mapping_left_is_superseded_although_a_dying_delivery_had_put_it_aside(deployment: Deployment) -> None:
    routes = deployment.routes
    deployment.routes = [replace(route, project=refusing_to_show) for route in routes]
    before = deployment.container()
    for steps in range(100):
        with deployment.killed_after(steps):
            before.run([record(1, "late")])
        if deployment.objects("parked/"):
            break
    assert deployment.container().parked() == [], "the object is there, the mark is not"
    deployment.routes = routes
    container = deployment.container()
    deployment.leave([record(1, "late")])
    assert container.run([record(2, "late", kind="MODIFY")]) == []
    answer = container.replay()
    assert (answer["takenIn"], answer["superseded"], answer["replayed"]) == (1, 1, 0)
    assert deployment.appsync.texts("late") == ["text 2"]
