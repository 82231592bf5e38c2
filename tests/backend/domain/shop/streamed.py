"""Records as Lambda gets them from the main table's stream, and what the index holds, for tests of the projection."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from domain.shop import derivations, product, search_index
from domain.table import Item, Key, Table, from_attributes, to_attributes

_numbers = itertools.count(1)


def book(product_id: str, **others: Any) -> Item:
    """A product's item."""
    pk, sk = product.key(product_id)
    whole = {"title": "The Dispossessed", "authors": ["Ursula K. Le Guin"], "path": ["books"], "price": 999, "stock": 3}
    return {"pk": pk, "sk": sk, "createdAt": "2026-11-21T12:00:00.000Z", "version": 1, **whole, **others}


def record(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, created: int = 1_795_262_400
) -> dict[str, Any]:
    """What the stream tells of a change from one image to another."""
    image = new or old
    assert image is not None
    data: dict[str, Any] = {
        "Keys": to_attributes({"pk": image["pk"], "sk": image["sk"]}),
        "ApproximateCreationDateTime": created,
        "SequenceNumber": f"{next(_numbers):021d}",
    }
    data |= {"OldImage": to_attributes(old)} if old else {}
    data |= {"NewImage": to_attributes(new)} if new else {}
    kind = "REMOVE" if new is None else "MODIFY" if old else "INSERT"
    return {"eventID": data["SequenceNumber"], "eventName": kind, "dynamodb": data}


def scan(table: Table) -> list[Item]:
    """All that a table holds, what has expired too."""
    pages = table._client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
    return [from_attributes(item) for page in pages for item in page["Items"]]


def own_items(found: Iterable[Item]) -> dict[Key, Item]:
    """Of all items of the index those that some product has for itself."""
    shared = (derivations.PREFIX, search_index.gram_pk(""), search_index.marker_key("")[0])
    return {(item["pk"], item["sk"]): item for item in found if not item["pk"].startswith(shared)}


def records_of(found: Iterable[Item]) -> dict[str, Item]:
    """Of all items of the index the products' records, by product."""
    return {
        item["pk"].removeprefix(derivations.PREFIX): item for item in found if item["pk"].startswith(derivations.PREFIX)
    }


def expected(truth: Iterable[Mapping[str, Any]]) -> dict[Key, Item]:
    """What the index must hold of products for themselves."""
    return {
        place: item
        for each in truth
        for place, item in derivations.wanted(product.id_of(each["pk"]), each).items()
    }  # fmt: skip
