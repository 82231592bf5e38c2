"""Checkout: what is in a cart becomes an order, in one transaction, once.

The transaction takes the pieces off the stock of each product, on the condition that they are there and cost what the
order says, empties the cart on the condition that it is as it was read, and writes the order. So nothing is sold twice,
and whatever dies on the way, either all of it has happened or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain import rights, sessions, topics, ulid, validation
from domain.caller import Caller
from domain.errors import (
    DomainError,
    InvalidInput,
    NotFound,
    OutOfStock,
    PriceChanged,
    Unauthorized,
    VersionConflict,
)
from domain.idempotency import DAY_SECONDS, Once, named
from domain.retrying import until_written
from domain.shop import cart, money, order, product, products
from domain.shop.cart import CartLine, Held
from domain.shop.order import Order, OrderLine
from domain.shop.orders import Orders
from domain.shop.product import Product
from domain.table import ConditionFailed, Put, Set, Write

FIELD = "Mutation.checkout"
# Of the 25 that the function has. Buyers of the last pieces of one product keep each other's transactions off.
_PATIENCE_SECONDS = 12.0


@dataclass(frozen=True)
class Attempt:
    """What a caller wants, and what all tries have in common, so that one that has happened is recognised."""

    caller: Caller
    version: int
    total: int | None
    order_id: str
    placed_ms: int
    mutation: Once | None
    trace_id: str | None


@dataclass(frozen=True)
class Draft:
    """An order that can be placed, and the writes that place it. The last is the condition that the token counts."""

    order: Order
    writes: list[Write]


def checkout(
    orders: Orders,
    caller: Caller,
    *,
    version: int,
    total: int | None = None,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> Order:
    """Order what is in the caller's cart, for what the products cost now.

    Args:
        orders: what it stands on.
        caller: a signed-in user.
        version: of the cart as the user has seen it.
        total: in cents, what the user has seen it to cost; None to take it for whatever it costs.
        client_mutation_id: a repeat with it answers the same order, as that is by then, for a day.
        trace_id: of the request.

    Raises:
        Unauthorized, InvalidInput: nothing was changed; the latter also of a cart with nothing in it.
        VersionConflict: the cart was changed since, or ordered; its `info` has the cart as it is.
        OutOfStock: of all lines of which there is not enough; of a product that is gone there is none.
        PriceChanged: it costs something else than `total`.
        IdempotencyConflict: the `client_mutation_id` was used with another input.
        NotFound: it was used for an order that somebody has removed since.
        TryAgain: the database is too busy.
    """
    rights.require(caller, FIELD, str(topics.order(caller.id)))
    validation.between("input.version", version, 0, validation.MAX_SEQ)
    if total is not None:
        validation.between("input.total", total, 0, money.MAX_TOTAL)
    mutation = named(caller, FIELD, client_mutation_id, [version, total])
    now_ms = orders.clock.now_ms()
    attempt = Attempt(caller, version, total, ulid.ascending(1, now_ms)[0], now_ms, mutation, trace_id)
    return until_written(lambda again: _try(orders, attempt, again=again), orders.clock, _PATIENCE_SECONDS)


def _try(orders: Orders, attempt: Attempt, *, again: bool) -> Order:
    """Place the order, unless an earlier try has, whose answer was lost. Raises TableError, and as `checkout`."""
    draft = _draft(orders, attempt)
    # An earlier try has emptied the cart, so that a repeat would be refused. It is looked for after the cart was read:
    # otherwise it could happen in between.
    if (again or isinstance(draft, DomainError)) and (found := _placed(orders, attempt)):
        return found
    if isinstance(draft, DomainError):
        raise draft
    try:
        orders.table.write(draft.writes)
    except ConditionFailed as error:
        if len(draft.writes) - 1 in error.writes:
            raise Unauthorized(FIELD) from error
        raise  # whatever else did not hold is judged anew, by what is there now
    return draft.order


def _draft(orders: Orders, attempt: Attempt) -> Draft | DomainError:
    """The order by what is there now, or why it cannot be placed."""
    now_ms = orders.clock.now_ms()
    owner = cart.of_user(attempt.caller.id)
    held = cart.held(owner, orders.table.get(cart.key(owner), 0), now_ms // 1000)
    if held.version != attempt.version:
        return VersionConflict(held.version, cart=held.shown)
    if not held.lines:
        return InvalidInput("input.version", "is that of a cart with nothing in it.")
    if len(held.lines) > cart.MAX_LINES:  # which somebody put by hand: more may not fit into a transaction
        return InvalidInput("input.version", f"is that of a cart with more than {cart.MAX_LINES} lines.")
    on_sale = _on_sale(orders, held, now_ms)
    if lacking := _lacking(held, on_sale):
        return OutOfStock("input.version", lacking)
    lines = [_line(line, on_sale[product_id]) for product_id, line in held.lines.items()]
    total = order.total_of(lines)
    if attempt.total is not None and total != attempt.total:
        changed = [line for line in lines if line["price"] != held.lines[line["productId"]]["price"]]
        return PriceChanged(total, [{"productId": line["productId"], "price": line["price"]} for line in changed])
    if total > money.MAX_TOTAL:
        return InvalidInput("input.version", f"is that of a cart that costs more than {money.MAX_TOTAL} cents.")
    placed = order.placed(attempt.order_id, lines, attempt.placed_ms)
    return Draft(placed, _writes(orders, attempt, held, placed, now_ms))


def _on_sale(orders: Orders, held: Held, now_ms: int) -> Mapping[str, Product]:
    """Those of a cart's products that can be bought, by id."""
    found = products.by_id(orders.table, held.lines, now_ms // 1000)
    return {product_id: each for product_id, each in found.items() if each["price"] is not None}


def _lacking(held: Held, on_sale: Mapping[str, Product]) -> list[dict[str, Any]]:
    """All lines of which there is not enough."""
    left = {product_id: each["stock"] for product_id, each in on_sale.items()}
    return [
        {"productId": product_id, "requested": line["quantity"], "available": left.get(product_id, 0)}
        for product_id, line in held.lines.items()
        if left.get(product_id, 0) < line["quantity"]
    ]


def _line(line: CartLine, found: Product) -> OrderLine:
    assert found["price"] is not None  # it is on sale
    return {
        "productId": found["id"], "title": found["title"], "quantity": line["quantity"], "price": found["price"],
    }  # fmt: skip


def _writes(orders: Orders, attempt: Attempt, held: Held, placed: Order, now_ms: int) -> list[Write]:
    user_id, trace_id, now = attempt.caller.id, attempt.trace_id, now_ms // 1000
    writes: list[Write] = [_sale(line, trace_id) for line in placed["lines"]]
    writes.append(cart.emptied(held, now_ms, orders.cart_seconds, trace_id))
    writes.append(Put(order.to_item(user_id, placed, trace_id)))
    if attempt.mutation:
        writes.append(attempt.mutation.marker({"id": placed["id"]}, now, now + DAY_SECONDS))
    return writes + sessions.kept(attempt.caller)


def _sale(line: OrderLine, trace_id: str | None) -> Set:
    """Take the pieces of a line off the stock, if they are there and cost what the line says."""
    return Set(
        product.key(line["productId"]),
        {"traceId": trace_id} if trace_id else {},
        "#stock >= :quantity AND #price = :price",
        {":quantity": line["quantity"], ":price": line["price"]},
        add={"stock": -line["quantity"]},
    )


def _placed(orders: Orders, attempt: Attempt) -> Order | None:
    """The order of an earlier try, or of an earlier call with the same id of the client's; None when there is none."""
    now, order_id = orders.clock.now_ms() // 1000, attempt.order_id
    if attempt.mutation:
        outcome = attempt.mutation.outcome(orders.table, now)
        if outcome is None:
            return None
        order_id = str(outcome["id"])
    item = orders.table.get(order.key(attempt.caller.id, order_id), now)
    if item is None and attempt.mutation:
        raise NotFound("input.clientMutationId")
    return order.from_item(order_id, item) if item else None
