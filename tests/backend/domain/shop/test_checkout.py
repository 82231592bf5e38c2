"""Checkout against a real table: what it needs, what it changes, and that it happens once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from domain import profile, sessions
from domain.caller import ANONYMOUS, Caller, CallerKind, Scope
from domain.clock import SystemClock
from domain.errors import (
    DomainError,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    OutOfStock,
    PriceChanged,
    TryAgain,
    Unauthorized,
    VersionConflict,
)
from domain.shop import cart, order, product
from domain.shop.checkout import checkout
from domain.shop.order import Order
from domain.shop.orders import one_order
from domain.table import Delete, Put, Set, Table, TableError, dynamodb
from tests.backend.domain.clocks import SetClock
from tests.backend.domain.interruption import Interruption, Killed
from tests.backend.domain.shop.counters import ANN, BOB, NOON, Counter, user
from tests.conftest import CREDENTIALS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PATIENCE_SECONDS = 12.0


class QuickClock(SetClock):
    """A clock on which waiting takes no time, and which tells how long was waited."""

    def __init__(self, ms: int) -> None:
        super().__init__(ms)
        self.waited = 0.0

    def monotonic(self) -> float:
        return self.waited

    def sleep(self, seconds: float) -> None:
        self.waited += seconds


@pytest.fixture
def counter(main_table: Table) -> Counter:
    return Counter(main_table, main_table, SetClock(NOON))  # the change log is not asked here


@pytest.fixture
def own_client(aws_endpoint: str) -> DynamoDBClient:
    """A client that a test may interfere with."""
    return dynamodb(endpoint_url=aws_endpoint, **CREDENTIALS)


@pytest.fixture
def watched(main_table: Table, own_client: DynamoDBClient) -> Counter:
    """A counter whose calls can be interfered with."""
    return Counter(Table(main_table.name, own_client), main_table, SetClock(NOON))


def buy(counter: Counter, caller: Caller = ANN, *, version: int, **more: Any) -> Order:
    return checkout(counter.orders, caller, version=version, **more)


def found(counter: Counter, caller: Caller, order_id: str) -> Order:
    answer = one_order(counter.orders, caller, id=order_id)
    assert answer
    return answer


def refusal(counter: Counter, caller: Caller = ANN, **given: Any) -> DomainError:
    """Why a checkout is refused, which changes nothing."""
    before = contents(counter)
    with pytest.raises(DomainError) as refused:
        buy(counter, caller, **given)
    assert contents(counter) == before
    return refused.value


def contents(counter: Counter) -> dict[Any, Any]:
    client = counter.table._client
    items = client.scan(TableName=counter.table.name, ConsistentRead=True)["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items}


# --- what it does ---


def test_what_is_in_the_cart_becomes_an_order(counter: Counter) -> None:
    counter.offer("a", stock=10)
    counter.offer("b", price=1999, stock=1)
    version = counter.fill(ANN, {"a": 3, "b": 1}, {"b": 1999})
    bought = buy(counter, version=version, total=3 * 500 + 1999, trace_id="1-trace")
    assert bought == {
        "id": bought["id"],
        "status": "PENDING",
        "lines": [
            {"productId": "a", "title": "a!", "quantity": 3, "price": 500},
            {"productId": "b", "title": "b!", "quantity": 1, "price": 1999},
        ],
        "total": 3499,
        "currency": "EUR",
        "placedAt": "2026-11-21T12:00:00.000Z",
        "version": 1,
    }
    assert (counter.stock("a"), counter.stock("b")) == (7, 0)
    assert counter.in_cart(ANN) == {}
    emptied = counter.table.get(cart.key(cart.of_user(ANN.id)), 0)
    assert emptied
    assert (emptied["version"], emptied["traceId"]) == (version + 1, "1-trace")
    assert one_order(counter.orders, ANN, id=bought["id"]) == bought
    stored = counter.table.get(order.key(ANN.id, bought["id"]), 0)
    assert stored
    assert stored["traceId"] == "1-trace"


def test_a_sale_is_no_edit_of_the_product(counter: Counter) -> None:
    counter.offer("a", version=4, updatedAt="2026-01-01T00:00:00.000Z")
    buy(counter, version=counter.fill(ANN, {"a": 1}))
    sold = counter.table.get(product.key("a"), 0)
    assert sold
    assert (sold["version"], sold["updatedAt"]) == (4, "2026-01-01T00:00:00.000Z")


def test_as_many_lines_as_a_cart_can_have_fit(counter: Counter) -> None:
    names = [f"p-{number:02d}" for number in range(cart.MAX_LINES)]
    for name in names:
        counter.offer(name, title="T" * 256)
    version = counter.fill(ANN, dict.fromkeys(names, 2))
    bought = buy(counter, version=version, client_mutation_id="m")
    assert [line["productId"] for line in bought["lines"]] == names
    assert {counter.stock(name) for name in names} == {8}
    more = counter.fill(ANN, dict.fromkeys([*names, "one-more"], 1))
    assert isinstance(refusal(counter, version=more), InvalidInput)


def test_what_was_ordered_costs_what_it_did_and_is_called_what_it_was(counter: Counter) -> None:
    counter.offer("a")
    bought = buy(counter, version=counter.fill(ANN, {"a": 1}))
    counter.offer("a", price=999, title="renamed")
    assert one_order(counter.orders, ANN, id=bought["id"]) == bought


def test_without_a_total_it_costs_what_it_costs_now(counter: Counter) -> None:
    counter.offer("a", price=700)
    bought = buy(counter, version=counter.fill(ANN, {"a": 2}))
    assert (bought["total"], bought["lines"][0]["price"]) == (1400, 700)


# --- what it refuses ---


def test_another_price_than_the_buyer_has_seen_is_told_and_may_be_accepted(counter: Counter) -> None:
    counter.offer("a", price=700)
    counter.offer("b")
    version = counter.fill(ANN, {"a": 2, "b": 1})
    refused = refusal(counter, version=version, total=1500, client_mutation_id="m")
    assert isinstance(refused, PriceChanged)
    assert refused.info == {"field": "input.total", "total": 1900, "lines": [{"productId": "a", "price": 700}]}
    assert buy(counter, version=version, total=1900, client_mutation_id="m")["total"] == 1900


def test_all_lines_that_lack_stock_are_told(counter: Counter) -> None:
    counter.offer("enough", stock=2)
    counter.offer("few", stock=2)
    counter.offer("none", stock=0)
    counter.offer("unpriced", price=None)
    counter.offer("odd", stock="many")
    quantities = {"enough": 2, "few": 3, "none": 1, "unpriced": 1, "odd": 1, "deleted": 1}
    refused = refusal(counter, version=counter.fill(ANN, quantities), total=1)
    assert isinstance(refused, OutOfStock)
    assert refused.info == {
        "field": "input.version",
        "lines": [
            {"productId": "few", "requested": 3, "available": 2},
            *({"productId": name, "requested": 1, "available": 0} for name in ("none", "unpriced", "odd", "deleted")),
        ],
    }


def test_a_cart_that_was_changed_since_is_told(counter: Counter) -> None:
    counter.offer("a")
    version = counter.fill(ANN, {"a": 1})
    counter.fill(ANN, {"a": 2})
    refused = refusal(counter, version=version)
    assert isinstance(refused, VersionConflict)
    assert refused.info
    assert (refused.info["version"], refused.info["cart"]["lines"][0]["quantity"]) == (version + 1, 2)


def test_one_version_of_a_cart_is_ordered_once(counter: Counter) -> None:
    counter.offer("a")
    version = counter.fill(ANN, {"a": 1})
    buy(counter, version=version)
    refused = refusal(counter, version=version)
    assert isinstance(refused, VersionConflict)
    assert refused.info
    assert refused.info["cart"]["lines"] == []


def test_a_cart_that_has_expired_or_never_was_has_nothing_in_it(counter: Counter) -> None:
    counter.offer("a")
    version = counter.fill(ANN, {"a": 1})
    later = Counter(counter.table, counter.table, SetClock(NOON + 73 * 3_600_000))
    gone = refusal(later, version=version)
    assert isinstance(gone, VersionConflict)
    assert gone.info == {"field": "input.version", "version": 0, "cart": None}
    for each, caller in ((later, ANN), (counter, BOB)):
        assert isinstance(refusal(each, caller, version=0), InvalidInput)
    buy(counter, version=version)
    assert isinstance(refusal(counter, version=version + 1), InvalidInput)


def test_what_costs_more_than_an_amount_can_say_is_refused(counter: Counter) -> None:
    counter.offer("a", price=2**31 - 1, stock=5)
    version = counter.fill(ANN, {"a": 2})
    assert isinstance(refusal(counter, version=version), InvalidInput)
    assert isinstance(refusal(counter, version=version, total=1000), PriceChanged)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"version": -1}, "input.version"),
    ({"version": 2**31}, "input.version"),
    ({"version": 1, "total": -1}, "input.total"),
    ({"version": 1, "total": 2**31}, "input.total"),
    ({"version": 1, "client_mutation_id": ""}, "input.clientMutationId"),
    ({"version": 1, "client_mutation_id": "x" * 129}, "input.clientMutationId"),
    ({"version": 1, "client_mutation_id": "\ud800"}, "input.clientMutationId"),
]
HOSTILE = ["'; DROP TABLE", "IDEMPOTENCY#", "#:set_stock", "\0", "💣" * 100, "../.."]
NO_USERS = [
    ANONYMOUS, Caller(CallerKind.IAM, "arn", "p"), Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset(Scope)),
]  # fmt: skip


def test_bad_input_is_named(counter: Counter) -> None:
    counter.offer("a")
    counter.fill(ANN, {"a": 1})
    for given, field in BAD:
        refused = refusal(counter, **given)
        assert isinstance(refused, InvalidInput), given
        assert refused.info == {"field": field}


def test_a_hostile_id_of_a_mutation_is_an_id(counter: Counter) -> None:
    counter.offer("a")
    for number, hostile in enumerate(HOSTILE):
        version = counter.fill(ANN, {"a": 1})
        ids = {buy(counter, version=version, client_mutation_id=hostile)["id"] for _ in range(2)}
        assert (len(ids), len(counter.ids(ANN))) == (1, number + 1), hostile


def test_only_who_is_signed_in_orders(counter: Counter) -> None:
    for caller in NO_USERS:
        assert isinstance(refusal(counter, caller, version=1), Unauthorized)


def test_whose_session_ends_meanwhile_orders_nothing(counter: Counter) -> None:
    counter.offer("a")
    version = counter.fill(ANN, {"a": 1})
    counter.table.write([sessions.ending(ANN.id, NOON)])
    assert isinstance(refusal(counter, version=version, client_mutation_id="m"), Unauthorized)
    counter.table.write([Put({"pk": profile.key(ANN.id)[0], "sk": "PROFILE", "deletedAt": "2026-11-21T12:00:00Z"})])
    assert isinstance(refusal(counter, version=version), Unauthorized)


# --- once ---


def test_a_repeat_answers_the_same_order_as_it_is_by_then(counter: Counter) -> None:
    counter.offer("a", stock=1)
    version = counter.fill(ANN, {"a": 1})
    first = buy(counter, version=version, total=500, client_mutation_id="m")
    assert buy(counter, version=version, total=500, client_mutation_id="m") == first
    counter.table.write([Set(order.key(ANN.id, first["id"]), {"status": "CONFIRMED", "version": 2})])
    counter.fill(ANN, {"a": 5})
    assert buy(counter, version=version, total=500, client_mutation_id="m") == {
        **first, "status": "CONFIRMED", "version": 2,
    }  # fmt: skip
    assert counter.stock("a") == 0


def test_an_id_of_a_mutation_is_for_one_checkout_of_one_user(counter: Counter) -> None:
    counter.offer("a")
    version = counter.fill(ANN, {"a": 1})
    first = buy(counter, version=version, client_mutation_id="m")
    again = counter.fill(ANN, {"a": 1})
    assert isinstance(refusal(counter, version=again, client_mutation_id="m"), IdempotencyConflict)
    assert isinstance(refusal(counter, version=version, total=500, client_mutation_id="m"), IdempotencyConflict)
    assert buy(counter, BOB, version=counter.fill(BOB, {"a": 1}), client_mutation_id="m")["id"] != first["id"]
    counter.table.write([Delete(order.key(ANN.id, first["id"]))])
    refused = refusal(counter, version=version, client_mutation_id="m")
    assert isinstance(refused, NotFound)


@pytest.mark.parametrize("kind", ["killed", "silent"])
@pytest.mark.parametrize("client_mutation_id", ["m", None])
def test_stopped_at_any_step_and_tried_again_it_has_happened_once(
    kind: str, client_mutation_id: str | None, watched: Counter, counter: Counter, own_client: DynamoDBClient
) -> None:
    """Each step in turn: the call is not made, or its answer is lost. Then the buyer tries again."""
    errors: dict[str, Callable[[], BaseException]] = {
        "killed": Killed,
        "silent": lambda: ReadTimeoutError(endpoint_url="aws"),
    }
    interruption = Interruption((own_client,), errors[kind])
    steps, struck = 0, True
    while struck:
        buyer = user(f"{kind}-{steps}")
        counter.offer("a", stock=10)
        given: dict[str, Any] = {"version": counter.fill(buyer, {"a": 3}), "client_mutation_id": client_mutation_id}
        struck, answered = False, None
        with interruption.at(steps):
            try:
                answered = buy(watched, buyer, **given)
            except Killed:
                struck = True
            struck |= interruption.struck
        happened = counter.ids(buyer)
        if client_mutation_id:
            again = buy(counter, buyer, **given)
            assert not happened or [again["id"]] == happened
        elif happened:
            again = found(counter, buyer, happened[0])
            with pytest.raises(VersionConflict):
                buy(counter, buyer, **given)
        else:
            again = buy(counter, buyer, **given)
        assert answered in (None, again), steps
        assert (answered is None) == (kind == "killed" and struck), "an answer that was lost inside is found again"
        assert counter.ids(buyer) == [again["id"]], steps
        assert (counter.stock("a"), counter.in_cart(buyer)) == (7, {}), steps
        steps += 1
    assert steps == 2 * 3 + 1, "cart, products, transaction"


def test_repeats_at_once_make_one_order(counter: Counter) -> None:
    counter.offer("a", stock=10)
    version = counter.fill(ANN, {"a": 3})
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: buy(counter, version=version, client_mutation_id="m"), range(8)))
    assert [answers[0]] * 8 == answers
    assert (counter.stock("a"), counter.ids(ANN)) == (7, [answers[0]["id"]])


def test_devices_that_order_at_once_make_one_order(counter: Counter) -> None:
    counter.offer("a", stock=10)
    version = counter.fill(ANN, {"a": 3})
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda n: outcome(counter, ANN, version, f"m-{n}"), range(8)))
    assert sorted(outcomes) == ["ordered"] + ["refused: VersionConflict"] * 7
    assert (counter.stock("a"), len(counter.ids(ANN))) == (7, 1)


def outcome(counter: Counter, caller: Caller, version: int, client_mutation_id: str | None = None) -> str:
    try:
        buy(counter, caller, version=version, client_mutation_id=client_mutation_id)
    except DomainError as error:
        return f"refused: {error.type}"
    return "ordered"


# --- at the same time as others ---


def test_the_last_pieces_go_to_as_many_as_there_are(counter: Counter) -> None:
    counter.offer("a", stock=10)
    buyers = [user(f"buyer-{number}") for number in range(50)]
    versions = [counter.fill(buyer, {"a": 1}) for buyer in buyers]
    shop = Counter(counter.table, counter.table, SystemClock())
    with ThreadPoolExecutor(50) as threads:
        errors = list(threads.map(lambda each: lost(shop, *each), zip(buyers, versions, strict=True)))
    assert errors.count(None) == 10
    assert [error for error in errors if error] == [[{"productId": "a", "requested": 1, "available": 0}]] * 40
    assert counter.stock("a") == 0
    assert sum(len(counter.ids(buyer)) for buyer in buyers) == 10
    assert [len(counter.ids(each)) + len(counter.in_cart(each)) for each in buyers] == [1] * 50, "an order or a cart"


def lost(counter: Counter, caller: Caller, version: int) -> Any:
    """Which lines lacked stock; None when the order was placed."""
    try:
        buy(counter, caller, version=version)
    except OutOfStock as error:
        return (error.info or {})["lines"]
    return None


@contextmanager
def before_the_transaction(client: DynamoDBClient, act: Callable[[], object], times: int = 1) -> Iterator[None]:
    """Let something happen between what a checkout reads and what it writes."""
    left = [times]

    def strike(**_: Any) -> None:
        if left[0]:
            left[0] -= 1
            act()

    event = "before-call.dynamodb.TransactWriteItems"
    client.meta.events.register(event, strike)
    try:
        yield
    finally:
        client.meta.events.unregister(event, strike)


def test_a_price_that_changes_at_the_last_moment(
    counter: Counter, watched: Counter, own_client: DynamoDBClient
) -> None:
    counter.offer("a")
    version = counter.fill(ANN, {"a": 2})
    with (
        before_the_transaction(own_client, lambda: counter.offer("a", price=501)),
        pytest.raises(PriceChanged) as refused,
    ):
        buy(watched, version=version, total=1000)
    assert refused.value.info == {"field": "input.total", "total": 1002, "lines": [{"productId": "a", "price": 501}]}
    with before_the_transaction(own_client, lambda: counter.offer("a", price=502)):
        assert buy(watched, version=version)["total"] == 1004


def test_stock_that_goes_at_the_last_moment(counter: Counter, watched: Counter, own_client: DynamoDBClient) -> None:
    counter.offer("a")
    counter.offer("b")
    version = counter.fill(ANN, {"a": 2, "b": 2})

    def others_buy() -> None:
        counter.offer("a", stock=1)
        counter.table.write([Delete(product.key("b"))])

    with before_the_transaction(own_client, others_buy), pytest.raises(OutOfStock) as refused:
        buy(watched, version=version)
    assert refused.value.info
    assert [(line["productId"], line["available"]) for line in refused.value.info["lines"]] == [("a", 1), ("b", 0)]


def test_a_cart_that_changes_at_the_last_moment(counter: Counter, watched: Counter, own_client: DynamoDBClient) -> None:
    counter.offer("a")
    version = counter.fill(ANN, {"a": 2})
    with before_the_transaction(own_client, lambda: counter.fill(ANN, {"a": 9})), pytest.raises(VersionConflict):
        buy(watched, version=version)
    assert (counter.stock("a"), counter.in_cart(ANN), counter.ids(ANN)) == (10, {"a": 9}, [])


@contextmanager
def conflicts(client: DynamoDBClient, times: float) -> Iterator[None]:
    """Let transactions be refused because another one is at work on a product."""
    left = [times]
    reasons = [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}, {"Code": "None"}]

    def answer(**_: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            return None
        error = {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"}
        http = type("Response", (), {"status_code": 400, "headers": {}, "content": b""})()
        return http, {"Error": error, "CancellationReasons": reasons, "ResponseMetadata": {"HTTPStatusCode": 400}}

    event = "before-call.dynamodb.TransactWriteItems"
    client.meta.events.register(event, answer)
    try:
        yield
    finally:
        client.meta.events.unregister(event, answer)


def test_conflicts_with_others_are_waited_for(main_table: Table, own_client: DynamoDBClient) -> None:
    clock = QuickClock(NOON)
    shop = Counter(Table(main_table.name, own_client), main_table, clock)
    shop.offer("a")
    version = shop.fill(ANN, {"a": 1})
    with conflicts(own_client, 12):
        assert buy(shop, version=version)["total"] == 500
    assert 0 < clock.waited < PATIENCE_SECONDS


def test_who_has_waited_long_enough_is_to_try_again(main_table: Table, own_client: DynamoDBClient) -> None:
    clock = QuickClock(NOON)
    shop = Counter(Table(main_table.name, own_client), main_table, clock)
    shop.offer("a")
    version = shop.fill(ANN, {"a": 1})
    with conflicts(own_client, float("inf")), pytest.raises(TryAgain) as refused:
        buy(shop, version=version, client_mutation_id="m")
    assert isinstance(refused.value.__cause__, TableError)
    assert PATIENCE_SECONDS - 2 < clock.waited <= PATIENCE_SECONDS
    assert buy(shop, version=version, client_mutation_id="m")["total"] == 500
