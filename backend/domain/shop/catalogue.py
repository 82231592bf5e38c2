"""The catalogue as sellers make it: categories, products, prices, stock. Who subscribed hears of all by the stream."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain import idempotency, rights, times, ulid, validation
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import Clock
from domain.errors import InvalidInput, NotFound, OutOfStock, VersionConflict
from domain.idempotency import Once
from domain.retrying import until_written
from domain.shop import category, product, product_input
from domain.table import Delete, Item, Key, Put, Table, Write, free

PATIENCE_SECONDS = 8.0


@dataclass(frozen=True)
class Catalogue:
    """What the use cases stand on. `marker_seconds`: how long a `clientMutationId` is remembered."""

    table: Table
    change_log: ChangeLog
    clock: Clock
    marker_seconds: int


# What is to be written, and what is answered when it was.
Decision = tuple[list[Write], dict[str, Any]]


def create_category(
    catalogue: Catalogue,
    caller: Caller,
    *,
    id: str,  # noqa: A002 - the schema's name
    name: str,
    parent: str | None = None,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> dict[str, Any]:
    """Make a category. The same again is the same category.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: there is no such parent.
        TryAgain: the database is too busy.
    """
    field = "Mutation.createCategory"
    rights.require(caller, field)
    product_input.category_id("input.id", id)
    validation.label("input.name", name, category.MAX_NAME)
    mutation = _once(caller, field, client_mutation_id, [id, name, parent])

    def decide(now_ms: int) -> Decision:
        key, now = category.key(id), now_ms // 1000
        keys = [key, *([category.key(parent)] if parent is not None and category.is_id(parent) else [])]
        found = catalogue.table.get_all(keys, now)
        path = [] if parent is None else path_of(found, parent, "input.parent")
        if id in path or len(path) >= category.MAX_DEPTH:
            raise InvalidInput(
                "input.parent", f"must be another category, with at most {category.MAX_DEPTH - 1} in its path."
            )
        item = category.to_item(id, name, [*path, id], now_ms, trace_id)
        made = category.from_item(key[0], item)
        if key not in found:
            return [Put(item, *free(now))], dict(made)
        if category.from_item(key[0], found[key]) != made:
            raise InvalidInput("input.id", "is the id of another category.")
        return [], dict(made)

    return carry_out(catalogue, mutation, decide)


def create_product(
    catalogue: Catalogue,
    caller: Caller,
    *,
    members: Mapping[str, Any],
    id: str | None = None,  # noqa: A002 - the schema's name
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> dict[str, Any]:
    """Make a product of what its seller says of it.

    Args:
        catalogue: what the use case stands on.
        caller: a seller.
        members: as `product_input.RULES` has them.
        id: its id, or None for one of the server's.
        client_mutation_id: under which it is made once.
        trace_id: of the request.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: there is no such category.
        TryAgain: the database is too busy.
    """
    field = "Mutation.createProduct"
    rights.require(caller, field)
    if id is not None:
        product_input.product_id("input.id", id)
    attributes = product_input.attributes_of_new("input", members, product_input.RULES)
    mutation = _once(caller, field, client_mutation_id, [id, members])
    chosen = id or ulid.ascending(1, catalogue.clock.now_ms())[0]  # the same at each attempt

    def decide(now_ms: int) -> Decision:
        there, placed = _read(catalogue, chosen, attributes, now_ms)
        if there is not None:
            raise InvalidInput("input.id", "is the id of a product that exists.")
        item = product.to_item(chosen, attributes | placed, now_ms, trace_id)
        return [Put(item, *free(now_ms // 1000))], _shown(item)

    return carry_out(catalogue, mutation, decide)


def update_product(
    catalogue: Catalogue,
    caller: Caller,
    *,
    id: str,  # noqa: A002 - the schema's name
    version: int,
    members: Mapping[str, Any],
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> dict[str, Any]:
    """Change what `members` has of a product; None takes away what a product may lack.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: there is no such product, or category.
        VersionConflict: the product has another version than the one given.
        TryAgain: the database is too busy.
    """
    field = "Mutation.updateProduct"
    rights.require(caller, field)
    if not members:
        raise InvalidInput("input", "must change something besides its version.")
    changes = product_input.attributes_of("input", members, product_input.EDITED)
    mutation = _once(caller, field, client_mutation_id, [id, version, members])
    return _edit(catalogue, mutation, id, version, changes, trace_id)


def set_price(
    catalogue: Catalogue,
    caller: Caller,
    *,
    id: str,  # noqa: A002 - the schema's name
    price: int,
    version: int,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> dict[str, Any]:
    """Change what a product costs; otherwise as `update_product`."""
    field = "Mutation.setPrice"
    rights.require(caller, field)
    changes = {"price": product_input.price("input.price", price)}
    mutation = _once(caller, field, client_mutation_id, [id, price, version])
    return _edit(catalogue, mutation, id, version, changes, trace_id)


def change_stock(
    catalogue: Catalogue,
    caller: Caller,
    *,
    id: str,  # noqa: A002 - the schema's name
    by: int,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> dict[str, Any]:
    """Add pieces to a product's stock, or take them away. Its version stays, which is of what sellers say of it.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: there is no such product.
        OutOfStock: there are fewer pieces than are to be taken away.
        TryAgain: the database is too busy.
    """
    field = "Mutation.changeStock"
    rights.require(caller, field)
    product_input.by("input.by", by)
    mutation = _once(caller, field, client_mutation_id, [id, by])

    def decide(now_ms: int) -> Decision:
        item = _existing(_read(catalogue, id, {}, now_ms)[0])
        available = _shown(item)["stock"]
        if available + by < 0:
            raise OutOfStock("input.by", [{"productId": id, "requested": -by, "available": available}])
        if available + by > product_input.MAX_STOCK:
            raise InvalidInput("input.by", f"must leave at most {product_input.MAX_STOCK}, not {available + by}.")
        changed = {"stock": available + by, "updatedAt": times.to_iso(now_ms), "traceId": trace_id}
        return [product.change(item, changed, "stock")], _shown(item | changed)

    return carry_out(catalogue, mutation, decide)


def delete_product(
    catalogue: Catalogue,
    caller: Caller,
    *,
    id: str,  # noqa: A002 - the schema's name
    version: int,
    client_mutation_id: str | None = None,
) -> dict[str, Any]:
    """Remove a product. Answers it as it was.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: there is no such product.
        VersionConflict: the product has another version than the one given.
        TryAgain: the database is too busy.
    """
    field = "Mutation.deleteProduct"
    rights.require(caller, field)
    mutation = _once(caller, field, client_mutation_id, [id, version])

    def decide(now_ms: int) -> Decision:
        item = _existing(_read(catalogue, id, {}, now_ms)[0])
        shown = _seen(item, version)
        return [Delete(product.key(id), *product.unchanged(item, "version"))], shown

    return carry_out(catalogue, mutation, decide)


# --- what the use cases share ---


def carry_out(catalogue: Catalogue, mutation: Once, decide: Callable[[int], Decision]) -> dict[str, Any]:
    """Decide and write until nothing came between the two; what was done under the same id before is not done again.

    Raises:
        TryAgain: there was no time left.
        DomainError: what `decide` raises.
    """

    def attempt(again: bool) -> dict[str, Any]:
        del again  # the marker tells
        now_ms = catalogue.clock.now_ms()
        now = now_ms // 1000
        if (noted := mutation.outcome(catalogue.table, now)) is not None:
            return noted
        writes, outcome = decide(now_ms)
        catalogue.table.write([*writes, mutation.marker(outcome, now, now + catalogue.marker_seconds)])
        return outcome

    return until_written(attempt, catalogue.clock, PATIENCE_SECONDS)


def path_of(found: Mapping[Key, Item], category_id: str, field: str) -> list[str]:
    """The path of a category, among the items that were found. Raises NotFound for one that is not."""
    key = category.key(category_id)
    if key not in found:
        raise NotFound(field)
    return category.from_item(key[0], found[key])["path"]


def _edit(
    catalogue: Catalogue, mutation: Once, product_id: str, version: int, changes: Item, trace_id: str | None
) -> dict[str, Any]:
    """Change a product that has the version which the caller has seen."""

    def decide(now_ms: int) -> Decision:
        there, placed = _read(catalogue, product_id, changes, now_ms)
        item = _existing(there)
        shown = _seen(item, version)
        changed = changes | placed | {
            # What a seller says of it is made up no longer.
            "derived": [each for each in shown["derived"] if each not in changes] or None,
            "version": version + 1, "updatedAt": times.to_iso(now_ms), "traceId": trace_id,
        }  # fmt: skip
        return [product.change(item, changed, "version")], _shown(item | changed)

    return carry_out(catalogue, mutation, decide)


def _read(
    catalogue: Catalogue, product_id: str, changes: Mapping[str, Any], now_ms: int
) -> tuple[Item | None, dict[str, Any]]:
    """A product's item, and the path of the category that it is to be put into.

    Raises:
        NotFound: there is no such category.
        TableError: the table did not answer.
    """
    wanted = changes.get("category")
    keys = [product.key(product_id)] if product.is_id(product_id) else []
    keys += [category.key(wanted)] if wanted is not None and category.is_id(wanted) else []
    found = catalogue.table.get_all(keys, now_ms // 1000) if keys else {}
    placed = {} if wanted is None else {"path": path_of(found, wanted, "input.category")}
    return found.get(product.key(product_id)), placed


def _existing(item: Item | None) -> Item:
    if item is None:
        raise NotFound("input.id")
    return item


def _seen(item: Item, version: int) -> dict[str, Any]:
    """What the API shows of a product that has the version which the caller has seen."""
    shown = _shown(item)
    if shown["version"] != version:
        raise VersionConflict(shown["version"], shown)
    return shown


def _shown(item: Item) -> dict[str, Any]:
    return {**product.from_item(item["pk"], item)}


def _once(caller: Caller, field: str, client_mutation_id: str | None, effect: object) -> Once:
    """A mutation under the client's own id. One without has an id of this call's.

    When DynamoDB's answer to a write is lost, the next attempt finds by the marker that it was done: or it would take
    pieces from a stock twice, or refuse a price because of the version that it has made itself.
    """
    if client_mutation_id is None:
        return idempotency.once(caller, field, uuid.uuid4().hex, effect)
    validation.client_mutation_id("input.clientMutationId", client_mutation_id)
    return idempotency.once(caller, field, client_mutation_id, effect)
