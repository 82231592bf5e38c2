"""Imports: up to 50 products in a call, each by itself, so that one that is refused costs the others nothing.

A product that is there becomes what the import says, but for its stock: that is what is left of it. One that is the
same already is not written, so an import that is sent again does nothing again and needs no `clientMutationId`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from domain import backoff, rights, times, validation
from domain.caller import Caller
from domain.errors import DomainError, InvalidInput, TryAgain
from domain.shop import category, product, product_input
from domain.shop.catalogue import PATIENCE_SECONDS, Catalogue, path_of
from domain.table import Item, Key, Put, TableError, free
from domain.threads import Threads

MAX_PRODUCTS = 50
_FIELD = "Mutation.importProducts"


class _Result(Enum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class _Wanted:
    """A product of the list that obeys the rules: where it is in it, and what the item is to have."""

    index: int
    id: str
    attributes: Mapping[str, Any]


def import_products(
    catalogue: Catalogue,
    caller: Caller,
    threads: Threads,
    *,
    products: Sequence[Mapping[str, Any]],
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> dict[str, Any]:
    """Let products be as they are given, as the schema's ImportProductsPayload.

    Args:
        catalogue: what the use case stands on.
        caller: a seller.
        threads: writes side by side.
        products: each with its `id`, and members as `product_input.IMPORTED` has them. What one lacks, its product
            lacks too; but its stock only counts when it is new.
        client_mutation_id: is checked, and changes nothing.
        trace_id: of the request.

    Raises:
        Unauthorized, InvalidInput: nothing was changed.
        TryAgain: the database is too busy; some may have been written.
    """
    rights.require(caller, _FIELD)
    if not 1 <= len(products) <= MAX_PRODUCTS:
        raise InvalidInput("input.products", f"must have 1 to {MAX_PRODUCTS} products, not {len(products)}.")
    if client_mutation_id is not None:
        validation.client_mutation_id("input.clientMutationId", client_mutation_id)
    rejected: dict[int, DomainError] = {}
    waiting = _read(products, rejected)
    results: list[_Result] = []
    obstacle: TableError | None = None
    deadline = catalogue.clock.monotonic() + PATIENCE_SECONDS
    for _ in backoff.attempts(deadline, first_seconds=0.02, longest_seconds=1.0, clock=catalogue.clock):
        try:
            now_ms = catalogue.clock.now_ms()
            found = catalogue.table.get_all(_keys(waiting), now_ms // 1000)
            waiting = [each for each in waiting if _place(each, found, rejected)]
            outcomes = list(threads(partial(_write, catalogue, found, now_ms, trace_id), waiting))
        except TableError as error:
            obstacle = error
            continue
        left = []
        for each, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, _Result):
                results.append(outcome)
            else:
                obstacle = outcome
                left.append(each)
        waiting = left
        if not waiting:
            return {result.value: results.count(result) for result in _Result} | {"rejected": _told(products, rejected)}
    raise TryAgain from obstacle


def _read(products: Sequence[Mapping[str, Any]], rejected: dict[int, DomainError]) -> list[_Wanted]:
    """The products that obey the rules, each id once."""
    read: dict[str, _Wanted] = {}
    for index, given in enumerate(products):
        where = _where(index)
        try:
            product_id = product_input.product_id(f"{where}.id", given["id"])
            if product_id in read:
                raise InvalidInput(f"{where}.id", "is the id of another product of the list.")
            members = {name: value for name, value in given.items() if name != "id"}
            attributes = product_input.attributes_of_new(where, members, product_input.IMPORTED)
        except InvalidInput as error:
            rejected[index] = error
        else:
            read[product_id] = _Wanted(index, product_id, attributes)
    return list(read.values())


def _keys(waiting: Sequence[_Wanted]) -> list[Key]:
    named = [each.attributes["category"] for each in waiting]
    return [product.key(each.id) for each in waiting] + [category.key(each) for each in named if category.is_id(each)]


def _place(each: _Wanted, found: Mapping[Key, Item], rejected: dict[int, DomainError]) -> bool:
    """Whether a product's category is there."""
    try:
        path_of(found, each.attributes["category"], f"{_where(each.index)}.category")
    except DomainError as error:
        rejected[each.index] = error
        return False
    return True


def _write(
    catalogue: Catalogue, found: Mapping[Key, Item], now_ms: int, trace_id: str | None, wanted: _Wanted
) -> _Result | TableError:
    """Write a product if it is new or another than it is; an error is returned, so that it stops no other."""
    attributes = {
        **dict.fromkeys(product_input.IMPORTED), **wanted.attributes,
        "path": path_of(found, wanted.attributes["category"], ""),
    }  # fmt: skip
    attributes["derived"] = attributes["derived"] or None
    there = found.get(product.key(wanted.id))
    try:
        if there is None:
            new = attributes | {"stock": attributes["stock"] or 0}
            catalogue.table.write([Put(product.to_item(wanted.id, new, now_ms, trace_id), *free(now_ms // 1000))])
            return _Result.CREATED
        changes = {name: value for name, value in attributes.items() if name != "stock" and value != there.get(name)}
        if not changes:
            return _Result.UNCHANGED
        version = product.from_item(there["pk"], there)["version"] + 1
        changes |= {"version": version, "updatedAt": times.to_iso(now_ms), "traceId": trace_id}
        catalogue.table.write([product.change(there, changes, "version")])
    except TableError as error:
        return error
    return _Result.UPDATED


def _where(index: int) -> str:
    return f"input.products[{index}]"


def _told(products: Sequence[Mapping[str, Any]], rejected: Mapping[int, DomainError]) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "id": products[index]["id"],
            "field": (error.info or {}).get("field"),
            "message": error.message,
        }
        for index, error in sorted(rejected.items())
    ]
