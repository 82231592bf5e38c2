"""Carts: who has which, what goes into them, two devices at once, mutations that come again, and guests who sign in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from domain import client, clients, profile
from domain.caller import ANONYMOUS, OPERATORS, Caller, CallerKind, Scope
from domain.changes import ChangeLog
from domain.clients import Clients
from domain.errors import (
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    TryAgain,
    Unauthorized,
    VersionConflict,
)
from domain.shop import cart, carts, money, product
from domain.shop.cart import Cart
from domain.shop.carts import Carts
from domain.table import Conflict, Put, Set, Table, Unavailable, Write
from tests.backend.domain.clocks import SetClock

NOW = 1_795_236_682_123
KEPT = 72 * 3600
DAY = 24 * 3600
ID = "0123456789abcdef"
ANN, BOB = (Caller(CallerKind.USER, name, name, issued_at=NOW // 1000) for name in ("ann", "bob"))
OPERATOR = Caller(CallerKind.USER, "eve", "eve", frozenset({OPERATORS}), issued_at=NOW // 1000)
KEY = Caller(CallerKind.LAMBDA, "k1", "key", scopes=frozenset(Scope))
ROLE = Caller(CallerKind.IAM, "arn:aws:sts::1:assumed-role/jobs/session-1", "session-1")


class JumpingClock(SetClock):
    """Shows when waiting would be over."""

    def monotonic(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.ms += max(1, round(seconds * 1000))


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(NOW)


@pytest.fixture
def here(main_table: Table, change_log_table: Table, clock: JumpingClock) -> Carts:
    for product_id, price in (("pen", 150), ("book", 1990), ("ink", 700)):
        offer(main_table, product_id, price)
    return Carts(main_table, ChangeLog(change_log_table, DAY, clock), clock, KEPT)


@pytest.fixture
def guest(here: Carts) -> str:
    """The id of a guest's client."""
    return register(here, ANONYMOUS)


def offer(table: Table, product_id: str, price: int | None, **more: Any) -> None:
    pk, sk = product.key(product_id)
    table.write([Put({"pk": pk, "sk": sk, "title": f"A {product_id}", "price": price, "stock": 1, **more})])


def register(here: Carts, caller: Caller, client_id: str | None = None) -> str:
    return clients.register(
        Clients(here.table, here.change_log, here.clock, DAY), caller, client_id=client_id
    ).client_id


def lines(found: Cart | None) -> dict[str, tuple[int, int]]:
    """Quantity and price by product, in the order of the lines."""
    assert found
    return {line["productId"]: (line["quantity"], line["price"]) for line in found["lines"]}


def version(here: Carts, caller: Caller = ANN, client_id: str | None = None) -> int:
    found = carts.find(here, caller, client_id=client_id)
    return found["version"] if found else 0


def before_write(monkeypatch: pytest.MonkeyPatch, here: Carts, *steps: Callable[[], object]) -> list[Sequence[Write]]:
    """Do something before each of the next writes to the table, which the step itself may be. All writes since."""
    write, waiting, seen = here.table.write, list(steps), list[Sequence[Write]]()

    def between(table: Table, writes: Sequence[Write]) -> None:
        if waiting:
            waiting.pop(0)()
        seen.append(writes)
        write(writes)

    monkeypatch.setattr(Table, "write", between)
    return seen


# --- what goes into a cart ---


def test_a_cart_begins_with_its_first_product(here: Carts, clock: JumpingClock) -> None:
    assert carts.find(here, ANN) is None
    made = carts.add(here, ANN, product_id="pen")
    assert made == carts.find(here, ANN)
    assert made
    assert made["id"] == "ann"
    assert made["lines"] == [
        {
            "productId": "pen", "title": "A pen", "quantity": 1, "price": 150, "addedAt": "2026-11-21T04:51:22.123Z",
        }
    ]  # fmt: skip
    assert (made["total"], made["currency"]) == (150, money.CURRENCY)
    assert made["expiresAt"] == "2026-11-24T04:51:22.000Z"
    clock.ms += 1000
    more = carts.add(here, ANN, product_id="book", quantity=2, version=made["version"])
    assert more
    assert lines(more) == {"pen": (1, 150), "book": (2, 1990)}
    assert (more["total"], more["version"]) == (4130, made["version"] + 1)
    assert more["expiresAt"] == "2026-11-24T04:51:23.000Z"


def test_pieces_of_one_product_add_up_for_what_it_costs_now(here: Carts) -> None:
    carts.add(here, ANN, product_id="pen", quantity=2)
    offer(here.table, "pen", 120)
    assert lines(carts.add(here, ANN, product_id="pen", quantity=None)) == {"pen": (3, 120)}


def test_there_may_be_more_in_a_cart_than_in_stock(here: Carts) -> None:
    """Nothing is reserved: that is decided at checkout."""
    assert lines(carts.add(here, ANN, product_id="pen", quantity=500)) == {"pen": (500, 150)}


def test_a_line_is_changed_and_removed(here: Carts) -> None:
    carts.add(here, ANN, product_id="pen", quantity=5)
    offer(here.table, "pen", 140)
    changed = carts.change_line(here, ANN, product_id="pen", quantity=2, version=version(here))
    assert lines(changed) == {"pen": (2, 140)}
    empty = carts.remove_line(here, ANN, product_id="pen", version=version(here))
    assert empty
    assert (empty["lines"], empty["total"]) == ([], 0)
    assert carts.find(here, ANN) == empty


def test_a_quantity_that_is_none_is_refused(here: Carts) -> None:
    carts.add(here, ANN, product_id="pen")
    seen = carts.find(here, ANN)
    for quantity in (0, -1, -(2**31), 1000, 2**31 - 1):
        with pytest.raises(InvalidInput) as added:
            carts.add(here, ANN, product_id="pen", quantity=quantity)
        with pytest.raises(InvalidInput) as changed:
            carts.change_line(here, ANN, product_id="pen", quantity=quantity, version=version(here))
        for refused in (added, changed):
            assert refused.value.info == {"field": "input.quantity"}
    assert carts.find(here, ANN) == seen


def test_quantities_do_not_add_up_to_more_than_there_may_be(here: Carts) -> None:
    carts.add(here, ANN, product_id="pen", quantity=998)
    with pytest.raises(InvalidInput, match="would make 1000 pieces"):
        carts.add(here, ANN, product_id="pen", quantity=2)
    assert lines(carts.add(here, ANN, product_id="pen")) == {"pen": (999, 150)}


def test_a_cart_has_so_many_lines_and_no_more(here: Carts) -> None:
    for number in range(cart.MAX_LINES + 1):
        offer(here.table, f"p{number}", 1)
    wanted = {f"p{number}": {"quantity": 1, "price": 1} for number in range(cart.MAX_LINES)}
    pk, sk = cart.key("ann")
    here.table.write([Put({"pk": pk, "sk": sk, "version": 7, "lines": wanted})])
    with pytest.raises(InvalidInput) as refused:
        carts.add(here, ANN, product_id=f"p{cart.MAX_LINES}")
    assert refused.value.info == {"field": "input.productId"}
    assert lines(carts.add(here, ANN, product_id="p0"))["p0"] == (2, 1)


def test_a_cart_costs_no_more_than_an_int_can_tell(here: Carts) -> None:
    offer(here.table, "yacht", money.MAX_PRICE)
    carts.add(here, ANN, product_id="yacht", quantity=214)
    with pytest.raises(InvalidInput, match="would make the cart cost more"):
        carts.add(here, ANN, product_id="yacht")
    assert lines(carts.find(here, ANN)) == {"yacht": (214, money.MAX_PRICE)}


def test_an_unknown_product_is_refused(here: Carts) -> None:
    offer(here.table, "priceless", None)
    for product_id in ("unknown", "", "x" * 65, "a#b", "pen\0", "💣", "\ud800", "../pen", "priceless"):
        with pytest.raises(NotFound) as refused:
            carts.add(here, ANN, product_id=product_id)
        assert refused.value.info == {"field": "input.productId"}
    assert carts.find(here, ANN) is None


def test_a_product_that_is_not_in_the_cart_is_not_changed(here: Carts) -> None:
    carts.add(here, ANN, product_id="pen")
    with pytest.raises(NotFound):
        carts.change_line(here, ANN, product_id="book", quantity=1, version=version(here))
    with pytest.raises(NotFound):
        carts.remove_line(here, ANN, product_id="book", version=version(here))


def test_a_product_that_is_gone_can_only_be_taken_out(here: Carts) -> None:
    pk, sk = product.key("pen")
    carts.add(here, ANN, product_id="pen")
    here.table.write([Put({"pk": pk, "sk": sk, "expiresAt": NOW // 1000})])
    with pytest.raises(NotFound):
        carts.change_line(here, ANN, product_id="pen", quantity=3, version=version(here))
    assert lines(carts.remove_line(here, ANN, product_id="pen", version=version(here))) == {}


# --- versions ---


def test_a_stale_version_is_told_what_is_there_and_changes_nothing(here: Carts) -> None:
    made = carts.add(here, ANN, product_id="pen")
    assert made
    now = carts.add(here, ANN, product_id="pen")
    stale = made["version"]
    attempts: list[Callable[[], object]] = [
        lambda: carts.add(here, ANN, product_id="book", version=stale),
        lambda: carts.change_line(here, ANN, product_id="pen", quantity=9, version=stale),
        lambda: carts.remove_line(here, ANN, product_id="pen", version=stale),
        lambda: carts.add(here, ANN, product_id="unknown", version=stale),
    ]
    for attempt in attempts:
        with pytest.raises(VersionConflict) as refused:
            attempt()
        assert refused.value.data == now
        assert refused.value.info == {"field": "input.version", "version": version(here)}
    assert carts.find(here, ANN) == now


def test_version_0_is_of_no_cart(here: Carts) -> None:
    assert carts.add(here, ANN, product_id="pen", version=0)
    with pytest.raises(VersionConflict):
        carts.add(here, ANN, product_id="pen", version=0)
    with pytest.raises(VersionConflict) as refused:
        carts.remove_line(here, BOB, product_id="pen", version=3)
    assert (refused.value.info, refused.value.data) == ({"field": "input.version", "version": 0}, None)


def test_a_version_that_is_none_is_refused(here: Carts) -> None:
    for given in (-1, 2**31):
        for attempt in (carts.add, carts.remove_line):
            with pytest.raises(InvalidInput):
                attempt(here, ANN, product_id="pen", version=given)


def test_two_devices_that_add_at_once_both_count(here: Carts, monkeypatch: pytest.MonkeyPatch) -> None:
    carts.add(here, ANN, product_id="pen")
    before_write(monkeypatch, here, lambda: carts.add(here, ANN, product_id="pen", quantity=10))
    assert lines(carts.add(here, ANN, product_id="pen")) == {"pen": (12, 150)}


def test_two_devices_that_begin_at_once_both_count(here: Carts, monkeypatch: pytest.MonkeyPatch) -> None:
    before_write(monkeypatch, here, lambda: carts.add(here, ANN, product_id="book"))
    assert lines(carts.add(here, ANN, product_id="pen")) == {"book": (1, 1990), "pen": (1, 150)}


def test_of_two_changes_at_once_with_one_version_one_is_told(here: Carts, monkeypatch: pytest.MonkeyPatch) -> None:
    carts.add(here, ANN, product_id="pen")
    seen = version(here)
    before_write(
        monkeypatch, here, lambda: carts.change_line(here, ANN, product_id="pen", quantity=7, version=seen)
    )  # fmt: skip
    with pytest.raises(VersionConflict) as refused:
        carts.change_line(here, ANN, product_id="pen", quantity=8, version=seen)
    assert lines(refused.value.data) == {"pen": (7, 150)}


def test_whoever_is_never_let_through_is_told_so(here: Carts, monkeypatch: pytest.MonkeyPatch) -> None:
    def conflict(*_: object) -> None:
        raise Conflict("always")

    monkeypatch.setattr(Table, "write", conflict)
    with pytest.raises(TryAgain):
        carts.add(here, ANN, product_id="pen")


# --- what comes again ---


def test_a_mutation_that_comes_again_changes_nothing(here: Carts) -> None:
    for _ in range(2):
        assert lines(carts.add(here, ANN, product_id="pen", client_mutation_id="a")) == {"pen": (1, 150)}
    seen = version(here)
    for _ in range(2):
        changed = carts.change_line(
            here, ANN, product_id="pen", quantity=4, version=seen, client_mutation_id="c"
        )  # fmt: skip
        assert lines(changed) == {"pen": (4, 150)}
    carts.add(here, ANN, product_id="book")
    assert lines(carts.add(here, ANN, product_id="pen", client_mutation_id="a")) == {"pen": (4, 150), "book": (1, 1990)}
    with pytest.raises(IdempotencyConflict):
        carts.add(here, ANN, product_id="pen", quantity=2, client_mutation_id="a")
    with pytest.raises(InvalidInput):
        carts.add(here, ANN, product_id="pen", client_mutation_id="")


def test_one_that_comes_twice_at_once_counts_once(here: Carts, monkeypatch: pytest.MonkeyPatch) -> None:
    def twin() -> Cart | None:
        return carts.add(here, ANN, product_id="pen", quantity=3, client_mutation_id="a")

    before_write(monkeypatch, here, twin)
    assert lines(twin()) == {"pen": (3, 150)}


def test_a_repeat_after_the_cart_is_gone_answers_none(here: Carts, clock: JumpingClock) -> None:
    carts.add(here, ANN, product_id="pen", client_mutation_id="a")
    here.table.write([cart.removed(cart.held("ann", here.table.get(cart.key("ann"), 0), NOW // 1000))])
    assert carts.add(here, ANN, product_id="pen", client_mutation_id="a") is None


@pytest.mark.parametrize("name", [None, "a"])
def test_a_lost_answer_does_not_add_twice(here: Carts, monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    write = here.table.write

    def lost(table: Table, writes: Sequence[Write]) -> None:
        monkeypatch.undo()
        write(writes)
        raise Unavailable("the answer is lost")

    monkeypatch.setattr(Table, "write", lost)
    if name:
        assert lines(carts.add(here, ANN, product_id="pen", client_mutation_id=name)) == {"pen": (1, 150)}
    else:
        with pytest.raises(TryAgain):
            carts.add(here, ANN, product_id="pen")
    assert lines(carts.find(here, ANN)) == {"pen": (1, 150)}


def test_every_change_is_a_transaction(here: Carts, guest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boto3 sends those again under the same token; of a single write it could not tell its own from another's."""
    seen = before_write(monkeypatch, here)
    carts.add(here, ANN, product_id="pen")
    carts.add(here, ANONYMOUS, product_id="pen", client_id=guest)
    assert [len(each) for each in seen] == [2, 2]


# --- expiry ---


def test_an_expired_cart_is_none_and_the_next_begins_anew(here: Carts, clock: JumpingClock) -> None:
    made = carts.add(here, ANN, product_id="pen", quantity=5)
    assert made
    clock.ms += KEPT * 1000 - 1000
    assert carts.find(here, ANN) == made
    clock.ms += 1000
    assert carts.find(here, ANN) is None
    with pytest.raises(VersionConflict) as refused:
        carts.remove_line(here, ANN, product_id="pen", version=made["version"])
    assert refused.value.data is None
    anew = carts.add(here, ANN, product_id="book", version=0)
    assert anew
    assert lines(anew) == {"book": (1, 1990)}


def test_no_later_cart_has_a_version_of_an_earlier_one(here: Carts, clock: JumpingClock) -> None:
    """So a device that slept through an expiry changes, or orders, nothing that it has never seen."""
    versions = set()
    for _ in range(3):
        for _ in range(5):
            found = carts.add(here, ANN, product_id="pen")
            assert found
            assert found["version"] not in versions
            versions.add(found["version"])
        here.table.write([cart.removed(cart.held("ann", here.table.get(cart.key("ann"), 0), NOW // 1000))])
        clock.ms += KEPT * 1000


# --- whose it is ---


def test_nobody_else_has_a_users_cart(here: Carts) -> None:
    carts.add(here, ANN, product_id="pen")
    for other in (BOB, OPERATOR):
        assert carts.find(here, other) is None
    for nobody in (ANONYMOUS, KEY, ROLE):
        for attempt in (carts.find, carts.on_cart):
            with pytest.raises(Unauthorized):
                attempt(here, nobody)
        with pytest.raises(Unauthorized):
            carts.cart_changes(here, nobody, after=0)
        with pytest.raises(Unauthorized):
            carts.add(here, nobody, product_id="pen")


@pytest.mark.parametrize("caller", [ANONYMOUS, KEY, ROLE, ANN])
def test_a_client_has_a_cart_of_its_own(here: Carts, caller: Caller) -> None:
    mine = register(here, caller)
    made = carts.add(here, caller, product_id="pen", client_id=mine)
    assert made
    assert made["id"] == f"client:{mine}"
    assert carts.find(here, caller, client_id=mine) == made
    assert carts.cart_changes(here, caller, client_id=mine, after=0)["cartId"] == made["id"]
    to = carts.on_cart(here, caller, client_id=mine)
    item = here.table.get(client.key(mine), 0)
    assert item
    assert (str(to.topic), to.right) == (f"cart:client:{mine}", client.cart_right(mine, item["lease"]))
    for other in {ANONYMOUS, KEY, ROLE, BOB} - {caller}:
        every: list[Callable[[], object]] = [
            lambda other=other: carts.find(here, other, client_id=mine),  # type: ignore[misc]
            lambda other=other: carts.on_cart(here, other, client_id=mine),  # type: ignore[misc]
            lambda other=other: carts.add(here, other, product_id="pen", client_id=mine),  # type: ignore[misc]
        ]
        for attempt in every:
            with pytest.raises(Unauthorized):
                attempt()
    assert carts.find(here, caller, client_id=mine) == made


def test_an_owner_that_is_none_is_refused(here: Carts) -> None:
    given = ("", "x", ID, "a#b" * 9, "ann", "\ud800" * 20, "client:" + ID)
    for client_id, caller in itertools.product(given, (ANN, ANONYMOUS, KEY)):
        with pytest.raises(Unauthorized):
            carts.find(here, caller, client_id=client_id)
        with pytest.raises(Unauthorized):
            carts.add(here, caller, product_id="pen", client_id=client_id)
        with pytest.raises(Unauthorized):
            carts.on_cart(here, caller, client_id=client_id)


def test_whose_token_ends_meanwhile_changes_nothing(here: Carts, monkeypatch: pytest.MonkeyPatch) -> None:
    def sign_out() -> None:
        here.table.write([Set(profile.key("ann"), {"validAfter": NOW // 1000})])

    before_write(monkeypatch, here, sign_out)
    with pytest.raises(Unauthorized):
        carts.add(here, ANN, product_id="pen")
    assert carts.find(here, ANN) is None


def test_a_client_that_is_lost_meanwhile_changes_nothing(
    here: Carts, guest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_write(monkeypatch, here, lambda: here.table.write([Set(client.key(guest), {"owner": client.NOBODY})]))
    with pytest.raises(Unauthorized):
        carts.add(here, ANONYMOUS, product_id="pen", client_id=guest)


def test_a_deleted_users_carts_go(here: Carts, guest: str) -> None:
    phone = register(here, ANN, ID)
    carts.add(here, ANN, product_id="pen")
    carts.add(here, ANN, product_id="pen", client_id=phone)
    carts.add(here, BOB, product_id="pen")
    carts.add(here, ANONYMOUS, product_id="pen", client_id=guest)
    for _ in range(2):
        carts.remove_all(here.table, "ann")
    assert carts.find(here, ANN) is None
    assert carts.find(here, ANN, client_id=phone) is None
    assert carts.find(here, BOB)
    assert carts.find(here, ANONYMOUS, client_id=guest)


# --- guests who sign in ---


def test_a_guests_lines_become_the_users(here: Carts, guest: str, clock: JumpingClock) -> None:
    carts.add(here, ANONYMOUS, product_id="pen", quantity=2, client_id=guest)
    clock.ms += 1000
    carts.add(here, ANN, product_id="pen", quantity=3)
    carts.add(here, ANN, product_id="book")
    clock.ms += 1000
    carts.add(here, ANONYMOUS, product_id="ink", client_id=guest)
    offer(here.table, "pen", 155)
    mine = version(here)
    merged = carts.merge(here, ANN, client_id=guest)
    assert lines(merged) == {"pen": (5, 155), "book": (1, 1990), "ink": (1, 700)}
    assert version(here) == mine + 1
    assert carts.find(here, ANONYMOUS, client_id=guest) is None
    assert carts.merge(here, ANN, client_id=guest) == merged
    assert version(here) == mine + 1


def test_a_merge_makes_a_cart_and_caps_quantities(here: Carts, guest: str) -> None:
    carts.add(here, ANONYMOUS, product_id="pen", quantity=600, client_id=guest)
    assert lines(carts.merge(here, ANN, client_id=guest)) == {"pen": (600, 150)}
    carts.add(here, ANONYMOUS, product_id="pen", quantity=600, client_id=guest)
    assert lines(carts.merge(here, ANN, client_id=guest)) == {"pen": (999, 150)}


def test_a_merge_of_nothing_changes_nothing(here: Carts, guest: str, clock: JumpingClock) -> None:
    assert carts.merge(here, ANN, client_id=guest) is None
    made = carts.add(here, ANN, product_id="pen")
    assert carts.merge(here, ANN, client_id=guest) == made
    carts.add(here, ANONYMOUS, product_id="ink", client_id=guest)
    clock.ms += KEPT * 1000
    assert carts.merge(here, ANN, client_id=guest) is None


def test_a_merge_that_comes_again_takes_nothing_more(here: Carts, guest: str) -> None:
    carts.add(here, ANONYMOUS, product_id="pen", client_id=guest)
    for _ in range(2):
        assert lines(carts.merge(here, ANN, client_id=guest, client_mutation_id="m")) == {"pen": (1, 150)}
        carts.add(here, ANONYMOUS, product_id="ink", client_id=guest)
    assert carts.merge(here, BOB, client_id=register(here, ANONYMOUS), client_mutation_id="m") is None
    assert lines(carts.find(here, ANONYMOUS, client_id=guest)) == {"ink": (2, 700)}


def test_what_cannot_be_bought_any_more_comes_over_as_it_is(here: Carts, guest: str) -> None:
    carts.add(here, ANONYMOUS, product_id="pen", client_id=guest)
    offer(here.table, "pen", None)
    assert lines(carts.merge(here, ANN, client_id=guest)) == {"pen": (1, 150)}


def test_what_there_is_no_room_for_stays_the_guests(here: Carts, guest: str, clock: JumpingClock) -> None:
    wanted = {f"p{number}": {"quantity": 1, "price": 1} for number in range(cart.MAX_LINES - 1)}
    pk, sk = cart.key("ann")
    here.table.write([Put({"pk": pk, "sk": sk, "version": 7, "lines": wanted})])
    for product_id in ("book", "ink"):
        carts.add(here, ANONYMOUS, product_id=product_id, client_id=guest)
        clock.ms += 1000
    for _ in range(2):
        merged = lines(carts.merge(here, ANN, client_id=guest))
        assert len(merged) == cart.MAX_LINES
        assert merged["book"] == (1, 1990)
        assert version(here) == 8
        assert lines(carts.find(here, ANONYMOUS, client_id=guest)) == {"ink": (1, 700)}


@pytest.mark.parametrize("of", ["user", "guest"])
def test_a_change_that_comes_between_is_not_lost(
    here: Carts, guest: str, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    carts.add(here, ANONYMOUS, product_id="pen", client_id=guest)
    who, client_id = (ANN, None) if of == "user" else (ANONYMOUS, guest)
    before_write(monkeypatch, here, lambda: carts.add(here, who, product_id="pen", quantity=4, client_id=client_id))
    assert lines(carts.merge(here, ANN, client_id=guest)) == {"pen": (5, 150)}
    assert carts.find(here, ANONYMOUS, client_id=guest) is None


def test_what_was_taken_over_comes_not_back_with_a_change_that_is_late(
    here: Carts, guest: str, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    carts.add(here, ANONYMOUS, product_id="pen", client_id=guest)
    before = version(here, ANONYMOUS, guest)

    def merge_and_begin_anew() -> None:
        carts.merge(here, ANN, client_id=guest)
        clock.ms += 1
        begun = carts.add(here, ANONYMOUS, product_id="ink", client_id=guest)
        assert begun
        assert begun["version"] == before

    before_write(monkeypatch, here, merge_and_begin_anew)
    late = carts.add(here, ANONYMOUS, product_id="book", client_id=guest)
    assert lines(late) == {"ink": (1, 700), "book": (1, 1990)}
    assert lines(carts.find(here, ANN)) == {"pen": (1, 150)}


def test_only_a_guests_cart_is_taken_over_and_only_by_a_user(here: Carts, guest: str) -> None:
    of_bob, of_key = register(here, BOB, ID), register(here, KEY)
    for client_id in (of_bob, of_key, "unknown", "guest-" + "x" * 32):
        with pytest.raises(Unauthorized):
            carts.merge(here, ANN, client_id=client_id)
    for caller in (ANONYMOUS, KEY, ROLE):
        with pytest.raises(Unauthorized):
            carts.merge(here, caller, client_id=guest)


def test_a_merge_that_is_killed_between_its_steps_has_happened_or_not(
    here: Carts, guest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    carts.add(here, ANONYMOUS, product_id="pen", client_id=guest)
    write = here.table.write

    def killed(table: Table, writes: Sequence[Write]) -> None:
        write(writes)
        raise KeyboardInterrupt

    monkeypatch.setattr(Table, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        carts.merge(here, ANN, client_id=guest)
    monkeypatch.undo()
    assert lines(carts.merge(here, ANN, client_id=guest)) == {"pen": (1, 150)}
