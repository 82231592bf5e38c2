"""Carts that are due are removed: those and no others, whatever runs beside, late or twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from domain.shop import cart, cart_expiry
from domain.shop.cart_expiry import Run
from domain.table import Put, Set, Table, Throttled, Write
from tests.backend.domain.clocks import SetClock

NOW = 1_795_236_682
HOUR = 3600
NEVER = float("inf")


def put(table: Table, owner: str, expires_at: int) -> None:
    """A cart that expires at an epoch second."""
    write = cart.changed(cart.held(owner, None, 0), {}, (expires_at - HOUR) * 1000, HOUR, None)
    table.write([Put(write.item)])


def owners(table: Table) -> set[str]:
    index = (table.query(cart.listing(shard), now=0, index=cart.INDEX) for shard in range(cart.SHARDS))
    return {cart.owner_of(str(item["pk"])) for items in index for item in items}


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW * 1000)


def test_what_is_due_goes_and_all_else_stays(main_table: Table, clock: SetClock) -> None:
    for owner, expires_at in (
        ("long-ago", NOW - 9 * HOUR),
        ("a-second-ago", NOW - 1),
        ("now", NOW),
        ("later", NOW + 1),
    ):
        put(main_table, owner, expires_at)
    assert cart_expiry.expire(main_table, clock, NEVER) == Run(3, 9 * HOUR * 1000)
    assert owners(main_table) == {"later"}
    assert cart_expiry.expire(main_table, clock, NEVER) == Run(0, 0)


def test_a_cart_that_was_changed_meanwhile_stays(
    main_table: Table, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner in ("ann", "bob"):
        put(main_table, owner, NOW - 5)
    write = main_table.write

    def late(table: Table, writes: Sequence[Write]) -> None:
        monkeypatch.undo()
        for owner in ("ann", "bob"):
            write([Set(cart.key(owner), {"expiresAt": NOW + HOUR})])
        write(writes)

    monkeypatch.setattr(Table, "write", late)
    assert cart_expiry.expire(main_table, clock, NEVER).removed == 0
    assert owners(main_table) == {"ann", "bob"}


def test_a_run_that_comes_twice_at_once_counts_each_once(
    main_table: Table, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        put(main_table, f"u{number}", NOW - 5)
    write, others = main_table.write, list[Run]()

    def twin(table: Table, writes: Sequence[Write]) -> None:
        monkeypatch.undo()
        others.append(cart_expiry.expire(main_table, clock, NEVER))
        write(writes)

    monkeypatch.setattr(Table, "write", twin)
    assert cart_expiry.expire(main_table, clock, NEVER).removed == 0
    assert [each.removed for each in others] == [5]


def test_a_run_is_bounded_and_the_next_goes_on(main_table: Table, clock: SetClock) -> None:
    same_shard = [f"u{number}" for number in range(400) if cart.shard_of(f"u{number}") == 3][:7]
    for owner in same_shard:
        put(main_table, owner, NOW - 5)
    assert cart_expiry.expire(main_table, clock, NEVER, most=4).removed == 4
    assert cart_expiry.expire(main_table, clock, clock.monotonic() - 1).removed == 0
    assert cart_expiry.expire(main_table, clock, NEVER, most=4).removed == 3


def test_a_shard_that_fails_does_not_keep_the_others(
    main_table: Table, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        put(main_table, f"u{number}", NOW - 5)
    write = main_table.write

    def throttled(table: Table, writes: Sequence[Write]) -> None:
        if cart.shard_of(str(writes[0].key[0]).removeprefix(cart.PREFIX)) == 3:  # type: ignore[union-attr]
            raise Throttled("busy")
        write(writes)

    with monkeypatch.context() as busy:
        busy.setattr(Table, "write", throttled)
        with pytest.raises(Throttled):
            cart_expiry.expire(main_table, clock, NEVER)
    left = owners(main_table)
    assert left
    assert {cart.shard_of(each) for each in left} == {3}
    assert cart_expiry.expire(main_table, clock, NEVER).removed == len(left)
