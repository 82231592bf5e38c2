"""A user's orders: who sees them, in which order, what is told of them, and what stays when the user is deleted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from domain import page_tokens, routing, topics
from domain.caller import ANONYMOUS, Caller
from domain.errors import InvalidInput, InvalidPageToken, Unauthorized
from domain.events import Event
from domain.shop import order, orders
from domain.shop.checkout import checkout
from domain.table import ConditionFailed, Put, Set, Table, to_attributes
from tests.backend.domain.clocks import SetClock
from tests.backend.domain.shop.counters import ANN, BOB, NOON, Counter


@pytest.fixture
def counter(main_table: Table, change_log_table: Table) -> Counter:
    shop = Counter(main_table, change_log_table, SetClock(NOON))
    shop.offer("a", stock=1000)
    return shop


def buy(counter: Counter, caller: Caller, now_ms: int = NOON) -> order.Order:
    later = Counter(counter.table, counter.table, SetClock(now_ms))
    return checkout(later.orders, caller, version=later.fill(caller, {"a": 1}), trace_id="1-trace")


def pages(counter: Counter, caller: Caller, limit: int) -> list[list[str]]:
    found, token = [], None
    while True:
        items, token = orders.list_orders(counter.orders, caller, limit=limit, next_token=token)
        found.append([each["id"] for each in items])
        if token is None:
            return found


def test_a_users_orders_are_the_newest_first_and_nobody_elses(counter: Counter) -> None:
    anns = [buy(counter, ANN, NOON + number)["id"] for number in range(5)]
    bobs = buy(counter, BOB)
    assert pages(counter, ANN, 2) == [[anns[4], anns[3]], [anns[2], anns[1]], [anns[0]]]
    assert pages(counter, ANN, 5) == [anns[::-1]]
    assert pages(counter, BOB, 100) == [[bobs["id"]]]
    assert orders.one_order(counter.orders, BOB, id=bobs["id"]) == bobs
    for another in (bobs["id"], "", "x" * 1000, "../..", f"{BOB.id}#{bobs['id']}", "💣"):
        assert orders.one_order(counter.orders, ANN, id=another) is None


def test_a_page_token_is_of_one_user(counter: Counter) -> None:
    for number in range(2):
        buy(counter, ANN, NOON + number)
    token = orders.list_orders(counter.orders, ANN, limit=1)[1]
    by_hand = [page_tokens.encode(position, "Query.orders", ANN.id) for position in ("", "ä" * 513)]
    for caller, another in ((BOB, token), (ANN, "broken"), (ANN, ""), *((ANN, each) for each in by_hand)):
        with pytest.raises(InvalidPageToken):
            orders.list_orders(counter.orders, caller, next_token=another)
    for limit in (0, 101, -1):
        with pytest.raises(InvalidInput):
            orders.list_orders(counter.orders, ANN, limit=limit)


def test_a_page_ends_before_it_is_too_large_for_an_answer(counter: Counter) -> None:
    line = {"productId": "a", "title": "T" * 390_000, "quantity": 1, "price": 1}
    for number in range(12):
        pk, sk = order.key(ANN.id, f"O{number:02d}")
        counter.table.write([Put({"pk": pk, "sk": sk, "lines": [line]})])
    assert [len(page) for page in pages(counter, ANN, 100)] == [10, 2]


def test_only_who_is_signed_in_has_orders(counter: Counter) -> None:
    for attempt in (
        lambda: orders.one_order(counter.orders, ANONYMOUS, id="x"),
        lambda: orders.list_orders(counter.orders, ANONYMOUS),
        lambda: orders.order_changes(counter.orders, ANONYMOUS, after=0),
        lambda: orders.on_order(ANONYMOUS),
    ):
        with pytest.raises(Unauthorized):
            attempt()


def test_changes_are_the_callers_own(counter: Counter) -> None:
    event = Event("1", "INSERT", "O1", '{"id": "O1"}', item_field="order")
    counter.orders.change_log.append(topics.order(ANN.id), [event], float("inf"))
    page = orders.order_changes(counter.orders, ANN, after=0)
    assert (page["userId"], page["topic"], page["headSeq"]) == (ANN.id, f"order:{ANN.id}", 1)
    assert page["items"][0]["order"] == {"id": "O1"}
    assert orders.order_changes(counter.orders, BOB, after=0)["items"] == []
    assert orders.on_order(ANN) == f"order:{ANN.id}"


def test_a_change_that_was_too_large_for_a_push_is_answered_whole(counter: Counter) -> None:
    bought = buy(counter, ANN)
    event = Event("1", "INSERT", bought["id"], '"' + "x" * 300_000 + '"', reference=order.key(ANN.id, bought["id"]))
    counter.orders.change_log.append(topics.order(ANN.id), [event], float("inf"))
    (change,) = orders.order_changes(counter.orders, ANN, after=0)["items"]
    assert (change["truncated"], change["order"]) == (False, bought)


# --- what is told ---


def told(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """Which topics hear of a record of Ann's order O1: the topic, what happened, and the status."""
    pk, sk = order.key(ANN.id, "O1")
    images = {"OldImage": old, "NewImage": new}
    record = {
        "eventID": "e", "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "dynamodb": {
            "Keys": to_attributes({"pk": pk, "sk": sk}), "SequenceNumber": "1", "ApproximateCreationDateTime": 1,
            **{name: to_attributes({"pk": pk, "sk": sk, **image}) for name, image in images.items() if image},
        },
    }  # fmt: skip
    changes = routing.route(routing.from_stream(record))
    assert all(each.state_like for each in changes)
    return [(str(each.topic), each.event.kind, str(each.event.item)) for each in changes]


def test_a_status_that_anyone_writes_is_told_to_the_buyer() -> None:
    placed = {"status": "PENDING", "total": 5, "version": 1}
    ((topic, kind, shown),) = told(placed, placed | {"status": "CONFIRMED"})
    assert (topic, kind, '"status":"CONFIRMED"' in shown) == (f"order:{ANN.id}", "MODIFY", True)
    assert told(placed, placed | {"note": "packed"}) == [], "nothing that the API shows has changed"
    assert [kind for _, kind, _ in told(None, {"x": 1})] == ["INSERT"], "a raw item may lack everything"
    assert [kind for _, kind, _ in told(placed, None)] == ["REMOVE"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "SHIPPED"},
        {"lines": [{"productId": "a"}]},
        {"lines": "a"},
        {"total": "5"},
        {"placedAt": "now"},
        {"version": 1.5},
    ],
)
def test_what_is_wrong_is_told_to_nobody(wrong: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="must be"):
        told(None, {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in wrong.items()})


def test_what_is_missing_or_wrong_has_a_stand_in_for_readers() -> None:
    shown = order.from_item("O1", {"status": "SHIPPED", "lines": [{"productId": 1}], "total": "x"})
    assert shown == {
        "id": "O1", "status": "PENDING", "lines": [], "total": 0, "currency": "EUR",
        "placedAt": "1970-01-01T00:00:00.000Z", "version": 1,
    }  # fmt: skip


# --- what stays ---


def test_the_orders_of_a_deleted_user_stay_without_the_user(
    counter: Counter, all_items: Callable[[Table], list[dict[str, Any]]]
) -> None:
    november = [buy(counter, ANN, NOON + number) for number in range(10)]
    december = buy(counter, ANN, NOON + 15 * 24 * 3_600_000)
    bobs = buy(counter, BOB)
    counter.table.write([Set(order.key(ANN.id, november[0]["id"]), {"status": "CONFIRMED"})])
    for _ in range(2):  # may be repeated
        orders.archive_all(counter.table, ANN.id)
    assert (counter.ids(ANN), counter.ids(BOB)) == ([], [bobs["id"]])
    kept = [item for item in all_items(counter.table) if item["pk"].startswith(order.ARCHIVE)]
    by_month = {(item["pk"], item["sk"]) for item in kept}
    assert by_month == {
        *((f"{order.ARCHIVE}2026-11", each["id"]) for each in november), (f"{order.ARCHIVE}2026-12", december["id"]),
    }  # fmt: skip
    assert all(item.keys() == {"pk", "sk", *december} - {"id"} for item in kept), "and nothing of the person"
    assert sorted(item["status"] for item in kept) == ["CONFIRMED"] + ["PENDING"] * 10
    assert all(ANN.id not in str(item) for item in kept)


def test_what_a_workflow_writes_meanwhile_is_not_lost(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    bought = buy(counter, ANN)
    key = order.key(ANN.id, bought["id"])
    read = counter.table.query

    def and_then_it_is_confirmed(*arguments: Any, **more: Any) -> Any:
        found = list(read(*arguments, **more))
        counter.table.write([Set(key, {"status": "CONFIRMED"})])
        return iter(found)

    with monkeypatch.context() as patched:
        patched.setattr(counter.table, "query", and_then_it_is_confirmed)
        with pytest.raises(ConditionFailed):
            orders.archive_all(counter.table, ANN.id)
    orders.archive_all(counter.table, ANN.id)
    kept = counter.table.get((f"{order.ARCHIVE}2026-11", bought["id"]), 0)
    assert kept
    assert kept["status"] == "CONFIRMED"
