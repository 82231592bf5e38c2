"""A cart: its key in the main table, its one item, and what the API shows of it.

All lines are in one item, so that what is read is what was written together, and one condition on `version` guards
each change. docs/decisions/one-item-carts.md says what that costs.

Whose it is is in its key: a user's `sub`, or `client:` and a client's id. That is also the id of the topic.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from domain import attributes, client, times, validation
from domain.shop import money, product
from domain.table import Delete, Item, Key, Put, is_live

PREFIX = "CART#"
SORT_KEY = "CART"
INDEX = "GSI1"
CLIENT = "client:"
SHARDS = 16  # of the index by which carts expire: a partition of it takes 1,000 writes a second
MAX_LINES = 80
MAX_QUANTITY = 999
# From when on versions are counted: see `_next_version`.
_FIRST_SECOND = 1_767_225_600  # 2026-01-01T00:00:00Z


class CartLine(TypedDict):
    """A line as the schema has it. Title and price are the product's own of when the line was changed last."""

    productId: str
    title: str
    quantity: int
    price: int
    addedAt: str


class Cart(TypedDict):
    """A cart as the schema has it."""

    id: str
    lines: list[CartLine]
    total: int
    currency: str
    version: int
    updatedAt: str
    expiresAt: str | None


Lines = Mapping[str, CartLine]
"""By product."""


@dataclass(frozen=True)
class Held:
    """A cart as it was read, or that there was none.

    Attributes:
        owner: whose it is.
        lines: what was in it; nothing when it had expired.
        version: of the cart; 0 when there was none, or it had expired.
        item: what was in its place, expired or not.
    """

    owner: str
    lines: Lines
    version: int
    item: Item | None

    @property
    def shown(self) -> Cart | None:
        """What the API shows of it; None when there was none."""
        return from_item(key(self.owner)[0], self.item) if self.version and self.item else None

    @property
    def total(self) -> int:
        """Of the lines, in cents."""
        return total(self.lines)


def of_user(user_id: str) -> str:
    """The owner that a user is, by the `sub`."""
    return user_id


def of_client(client_id: str) -> str:
    """The owner that a client is."""
    return f"{CLIENT}{client_id}"


def key(owner: str) -> Key:
    """The key of an owner's cart."""
    return f"{PREFIX}{owner}", SORT_KEY


def owner_of(pk: str) -> str:
    """The owner that a partition key names."""
    return pk.removeprefix(PREFIX)


def is_owner(owner: str) -> bool:
    """Whether a text may be an owner, be there such a user or client or not."""
    if owner.startswith(CLIENT):
        return client.is_id(owner.removeprefix(CLIENT))
    return validation.is_id(owner)


def held(owner: str, item: Item | None, now: int) -> Held:
    """What a cart is at an epoch second, by its item as the table has it: also one that has expired (`now=0`)."""
    if item is None or not is_live(item, now):
        return Held(owner, {}, 0, item)
    shown = from_item(key(owner)[0], item)
    # A live cart that somebody put without a version, or with 0, is one nevertheless.
    return Held(owner, {line["productId"]: line for line in shown["lines"]}, max(shown["version"], 1), item)


def changed(was: Held, lines: Lines, now_ms: int, kept_seconds: int, trace_id: str | None) -> Put:
    """The write of a cart with other lines, on the condition that it is still as it was held.

    Args:
        was: the cart as it was read.
        lines: all that are in it from now on.
        now_ms: epoch milliseconds.
        kept_seconds: how long it is kept that nobody changes.
        trace_id: of the request.
    """
    pk, sk = key(was.owner)
    expires_at = now_ms // 1000 + kept_seconds
    item = {
        "pk": pk, "sk": sk, "lines": {product_id: _to_item(line) for product_id, line in lines.items()},
        "version": _next_version(was, now_ms), "updatedAt": times.to_iso(now_ms), "expiresAt": expires_at,
        "traceId": trace_id, f"{INDEX}PK": listing(shard_of(was.owner)), f"{INDEX}SK": due_key(expires_at, was.owner),
    }  # fmt: skip
    return Put(item, *_unchanged(was))


def emptied(was: Held, now_ms: int, kept_seconds: int, trace_id: str | None) -> Put:
    """The write after which nothing is in a cart, on the condition that it is still as it was held.

    It stays, with its next version, so that its other devices are told an empty cart and not that there is none.
    """
    return changed(was, {}, now_ms, kept_seconds, trace_id)


def removed(was: Held) -> Delete:
    """The write after which there is no cart, on the condition that it is still as it was held."""
    return Delete(key(was.owner), *_unchanged(was))


def shown(put: Put) -> Cart:
    """What the API shows of a cart that was written."""
    return from_item(put.item["pk"], put.item)


def line(product_id: str, found: product.Product, quantity: int, added_at: str) -> CartLine:
    """A line of so many pieces, with title and price of the product. It must have a price."""
    assert found["price"] is not None
    return {
        "productId": product_id, "title": found["title"], "quantity": quantity, "price": found["price"],
        "addedAt": added_at,
    }  # fmt: skip


def total(lines: Lines) -> int:
    """What lines cost together, in cents."""
    return sum(line["price"] * line["quantity"] for line in lines.values())


# --- which are due ---


def listing(shard: int) -> str:
    """The partition key of a shard of all carts in the index."""
    return f"CARTS#{shard}"


def shard_of(owner: str) -> int:
    """The shard of an owner's cart: the same in every process."""
    return zlib.crc32(owner.encode()) % SHARDS


def due_key(expires_at: int, owner: str = "") -> str:
    """The sort key of a cart in the index. Those that expire before an epoch second are below its key without owner."""
    return f"{expires_at:012d}#{owner}" if owner else f"{expires_at:012d}"


# --- what is shown ---


def from_item(pk: str, item: Mapping[str, Any]) -> Cart:
    """What the API shows of an item, whoever wrote it: what is missing or wrong has a stand-in."""
    lines = lines_of(item.get("lines")) or {}
    expires_at = attributes.whole_number(item.get("expiresAt"))
    return {
        "id": owner_of(pk),
        "lines": list(lines.values()),
        "total": min(total(lines), money.MAX_TOTAL),
        "currency": money.CURRENCY,
        "version": attributes.whole_number(item.get("version")) or 1,
        "updatedAt": attributes.time(item.get("updatedAt")) or times.to_iso(0),
        "expiresAt": None if expires_at is None else times.to_iso(expires_at * 1000),
    }


def to_publish(pk: str, sk: str, item: Mapping[str, Any]) -> Cart:
    """The same for those who are told of the item: what is missing has a stand-in, what is wrong has none.

    Raises:
        WrongType: an attribute is present with another type.
    """
    del sk
    attributes.check(item, _ATTRIBUTES)
    return from_item(pk, item)


def lines_of(value: object) -> dict[str, CartLine] | None:
    """An attribute as the lines of a cart, the first that was added first; None when it is something else."""
    if not isinstance(value, Mapping):
        return None
    read = [_from_item(product_id, each) for product_id, each in value.items()]
    found = [each for each in read if each is not None]
    if len(found) < len(read) or sum(each["price"] * each["quantity"] for each in found) > money.MAX_TOTAL:
        return None
    return {each["productId"]: each for each in sorted(found, key=lambda each: (each["addedAt"], each["productId"]))}


def _from_item(product_id: object, value: object) -> CartLine | None:
    """A line; None for what is none, because no stand-in for a price or a quantity would be true."""
    if not isinstance(product_id, str) or not product.is_id(product_id) or not isinstance(value, Mapping):
        return None
    quantity, price = attributes.whole_number(value.get("quantity")), attributes.whole_number(value.get("price"))
    if quantity is None or price is None or not 1 <= quantity <= MAX_QUANTITY or not 0 <= price <= money.MAX_PRICE:
        return None
    return {
        "productId": product_id, "title": attributes.text(value.get("title")) or "", "quantity": quantity,
        "price": price, "addedAt": attributes.time(value.get("addedAt")) or times.to_iso(0),
    }  # fmt: skip


def _to_item(line: CartLine) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "productId"}


def _unchanged(was: Held) -> tuple[str, dict[str, Any]]:
    """The condition, with its values, that a cart is still as it was held.

    The time too: a guest's cart that was taken over and begun again within a second has the version of the one before.
    """
    return ("attribute_not_exists(pk)", {}) if was.item is None else product.unchanged(was.item, "version", "updatedAt")


def _next_version(was: Held, now_ms: int) -> int:
    """One more; of a cart where there is none the seconds since 2026.

    So an owner's next cart does not have the versions of the one before: a device that was away since cannot change,
    or order, what it has never seen. Nobody changes a cart once a second for days.
    """
    if was.version:
        return was.version + 1
    # One that expired is counted on if the clock says less.
    expired = attributes.whole_number((was.item or {}).get("version")) or 0
    return max(now_ms // 1000 - _FIRST_SECOND, expired + 1, 1)


_ATTRIBUTES: attributes.Rules = {
    "lines": (
        lines_of,
        f"a map from the ids of products to their title, price and quantity, up to {MAX_QUANTITY} of each",
    ),
    "version": (attributes.whole_number, "a whole number of 32 bits"),
    "updatedAt": (attributes.time, "a time with an offset"),
    "expiresAt": (attributes.whole_number, "epoch seconds as a whole number of 32 bits"),
}
