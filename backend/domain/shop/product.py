"""A product: its key in the main table, its item, and what the API shows of it.

Its stock is on the same item, so that the condition of a checkout and the filter of a list see one truth. `version`
counts what sellers edit; what is sold changes the stock and not the version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict

from domain import attributes, times
from domain.shop import category, money
from domain.table import Item, Key, Set

PREFIX = "PRODUCT#"
SORT_KEY = "PRODUCT"
MAX_RATING = 5


class Product(TypedDict):
    """A product as the schema has it. Without a price it cannot be bought."""

    id: str
    title: str
    authors: list[str]
    category: str | None
    path: list[str]
    description: str | None
    price: int | None
    currency: str
    stock: int
    rating: float | None
    ratingsCount: int | None
    year: int | None
    language: str | None
    isbn: str | None
    imageUrl: str | None
    derived: list[str]
    version: int
    createdAt: str
    updatedAt: str


def is_id(value: str) -> bool:
    """Whether a text may be a product's id: anything else is the id of nothing."""
    return re.fullmatch("[0-9A-Za-z-]{1,64}", value) is not None


def key(product_id: str) -> Key:
    """The key of a product."""
    return f"{PREFIX}{product_id}", SORT_KEY


def id_of(pk: str) -> str:
    """The product that a partition key names."""
    return pk.removeprefix(PREFIX)


def to_item(product_id: str, attributes: Mapping[str, Any], now_ms: int, trace_id: str | None) -> Item:
    """The item of a new product: `attributes` is what its seller says of it, with its category's path."""
    pk, sk = key(product_id)
    now = times.to_iso(now_ms)
    return {
        "pk": pk, "sk": sk, "stock": 0, **attributes, "version": 1, "createdAt": now, "updatedAt": now,
        "traceId": trace_id,
    }  # fmt: skip


def change(item: Item, changes: Mapping[str, Any], *guards: str) -> Set:
    """The write that changes an item, and takes away what is None, if some attributes are still as they were read."""
    kept = {name: value for name, value in changes.items() if value is not None}
    gone = tuple(name for name in changes if name not in kept and name in item)
    condition, values = unchanged(item, *guards)
    return Set((item["pk"], item["sk"]), kept, condition, values, gone)


def unchanged(item: Mapping[str, Any], *guards: str) -> tuple[str, dict[str, Any]]:
    """The condition, with its values, that an item is there and has these attributes as it was read, raw ones too."""
    held = [f"#{name} = :held_{name}" if name in item else f"attribute_not_exists(#{name})" for name in guards]
    values = {f":held_{name}": item[name] for name in guards if name in item}
    return " AND ".join(["attribute_exists(pk)", *held]), values


def from_item(pk: str, item: Mapping[str, Any]) -> Product:
    """What the API shows of an item, whoever wrote it: what is missing or wrong has a stand-in.

    `resolvers/appsync/Query.product.js` answers the same.
    """
    created = attributes.time(item.get("createdAt")) or times.to_iso(0)
    return {
        "id": id_of(pk),
        "title": attributes.text(item.get("title")) or "",
        "authors": attributes.text_list(item.get("authors")) or [],
        "category": attributes.text(item.get("category")),
        "path": category.path_of(item),
        "description": attributes.text(item.get("description")),
        "price": _count(item.get("price")),
        "currency": money.CURRENCY,
        "stock": _count(item.get("stock")) or 0,
        "rating": _rating(item.get("rating")),
        "ratingsCount": _count(item.get("ratingsCount")),
        "year": attributes.whole_number(item.get("year")),
        "language": attributes.text(item.get("language")),
        "isbn": attributes.text(item.get("isbn")),
        "imageUrl": url(item.get("imageUrl")),
        "derived": attributes.text_list(item.get("derived")) or [],
        "version": 1 if (version := _count(item.get("version"))) is None else version,
        "createdAt": created,
        "updatedAt": attributes.time(item.get("updatedAt")) or created,
    }


def to_publish(pk: str, sk: str, item: Mapping[str, Any]) -> Product:
    """The same for those who are told of the item: what is missing has a stand-in, what is wrong has none.

    Raises:
        WrongType: an attribute is present with another type.
    """
    del sk
    attributes.check(item, _ATTRIBUTES)
    return from_item(pk, item)


def url(value: object) -> str | None:
    """A text that browsers may load an image from: no address that is a program."""
    return value if isinstance(value, str) and re.fullmatch(r"https?://\S+", value) else None


def _count(value: object) -> int | None:
    found = attributes.whole_number(value)
    return found if found is not None and found >= 0 else None


def _rating(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        return None
    return float(value) if 0 <= value <= MAX_RATING else None


_ATTRIBUTES: attributes.Rules = {
    "title": (attributes.text, "a text"),
    "authors": (attributes.text_list, "a list of texts"),
    "category": (attributes.text, "a text"),
    "path": (category.path, f"a list of up to {category.MAX_DEPTH} ids of categories"),
    "description": (attributes.text, "a text"),
    "price": (_count, "a whole number of cents, 0 or more"),
    "stock": (_count, "a whole number, 0 or more"),
    "rating": (_rating, f"a number from 0 to {MAX_RATING}"),
    "ratingsCount": (_count, "a whole number, 0 or more"),
    "year": (attributes.whole_number, "a whole number of 32 bits"),
    "language": (attributes.text, "a text"),
    "isbn": (attributes.text, "a text"),
    "imageUrl": (url, "an http or https URL"),
    "derived": (attributes.text_list, "a list of texts"),
    "version": (_count, "a whole number, 0 or more"),
    "createdAt": (attributes.time, "a time with an offset"),
    "updatedAt": (attributes.time, "a time with an offset"),
}
