"""A shop's counter for tests: products on sale, carts that are filled, and what is left after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.caller import Caller, CallerKind
from domain.changes import ChangeLog
from domain.clock import Clock
from domain.shop import cart, order, product
from domain.shop.orders import Orders
from domain.table import Put, Table

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
CART_SECONDS = 72 * 3600
RETENTION_SECONDS = 24 * 3600


def user(name: str) -> Caller:
    return Caller(CallerKind.USER, f"sub-{name}", name, issued_at=NOON // 1000)


ANN, BOB = user("ann"), user("bob")


class Counter:
    """One container's shop, whose table tests look into."""

    def __init__(self, main: Table, change_log: Table, clock: Clock) -> None:
        self.table = main
        self.orders = Orders(main, ChangeLog(change_log, RETENTION_SECONDS, clock), clock, CART_SECONDS)

    def offer(self, product_id: str, *, price: int | None = 500, stock: int | str = 10, **more: Any) -> None:
        """Put a product on sale."""
        pk, sk = product.key(product_id)
        self.table.write([Put({"pk": pk, "sk": sk, "title": f"{product_id}!", "price": price, "stock": stock} | more)])

    def fill(self, caller: Caller, quantities: Mapping[str, int], prices: Mapping[str, int] | None = None) -> int:
        """Put pieces of products, which cost 5.00 when that was done, into a user's cart. Returns its version."""
        owner, now_ms = cart.of_user(caller.id), self.orders.clock.now_ms()
        was = cart.held(owner, self.table.get(cart.key(owner), 0), now_ms // 1000)
        lines: dict[str, cart.CartLine] = {
            product_id: {
                "productId": product_id, "title": product_id, "quantity": quantity,
                "price": (prices or {}).get(product_id, 500), "addedAt": f"2026-11-21T12:00:00.{number:03d}Z",
            }
            for number, (product_id, quantity) in enumerate(quantities.items())
        }  # fmt: skip
        put = cart.changed(was, lines, now_ms, CART_SECONDS, None)
        self.table.write([put])
        return cart.shown(put)["version"]

    def stock(self, product_id: str) -> int:
        """How many pieces there are of a product that is on sale."""
        item = self.table.get(product.key(product_id), 0)
        assert item
        return int(item["stock"])

    def in_cart(self, caller: Caller) -> dict[str, int]:
        """What is in a user's cart."""
        owner = cart.of_user(caller.id)
        held = cart.held(owner, self.table.get(cart.key(owner), 0), 0)
        return {product_id: line["quantity"] for product_id, line in held.lines.items()}

    def ids(self, caller: Caller) -> list[str]:
        """The ids of a user's orders, as the table has them."""
        return [str(item["sk"]) for item in self.table.query(order.partition(caller.id), now=0)]
