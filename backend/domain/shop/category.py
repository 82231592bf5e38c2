"""A category of products: its key in the main table, its item, and what the API shows of it.

Categories are a tree. Each has the ids on its way from the root in `path`, and so has each product: a category holds
its own products and those of all below it. A category never moves, so no path ever changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from domain import attributes, times
from domain.table import Item, Key

PREFIX = "CATEGORY#"
SORT_KEY = "CATEGORY"
LISTING = "CATEGORIES#"  # GSI1PK of a category's children begins with it; GSI1SK is the path
MAX_NAME = 128
MAX_DEPTH = 8  # a product's change is told in each category of its path


class Category(TypedDict):
    """A category as the schema has it, without what its fields' own resolvers answer."""

    id: str
    name: str
    parent: str | None
    path: list[str]


def is_id(value: str) -> bool:
    """Whether a text may be a category's id: anything else is the id of nothing."""
    return re.fullmatch("[a-z0-9-]{1,64}", value) is not None


def key(category_id: str) -> Key:
    """The key of a category."""
    return f"{PREFIX}{category_id}", SORT_KEY


def listing(parent: str) -> str:
    """The partition of the index that lists the children of a category; of an empty text the roots."""
    return f"{LISTING}{parent}"


def id_of(pk: str) -> str:
    """The category that a partition key names."""
    return pk.removeprefix(PREFIX)


def to_item(category_id: str, name: str, path: Sequence[str], now_ms: int, trace_id: str | None) -> Item:
    """The item of a new category. `path` ends with its own id; what is before it are its parents."""
    pk, sk = key(category_id)
    return {
        "pk": pk, "sk": sk, "name": name, "parent": path[-2] if len(path) > 1 else None, "path": list(path),
        "createdAt": times.to_iso(now_ms), "traceId": trace_id,
        "GSI1PK": listing("".join(path[-2:-1])), "GSI1SK": "/".join(path),
    }  # fmt: skip


def from_item(pk: str, item: Mapping[str, Any]) -> Category:
    """What the API shows of an item, whoever wrote it: what is missing or wrong has a stand-in."""
    category_id = id_of(pk)
    return {
        "id": category_id,
        "name": attributes.text(item.get("name")) or category_id,
        "parent": attributes.text(item.get("parent")),
        "path": path_of(item) or [category_id],
    }


def path_of(item: Mapping[str, Any]) -> list[str]:
    """The ids of the categories that an item, of a category or of a product, is in, from the root down.

    Empty for one that whoever wrote it put nowhere, or where no category can be.
    """
    return path(item.get("path")) or []


def path(value: object) -> list[str] | None:
    """An attribute as a path; None when it is none."""
    if not isinstance(value, list) or len(value) > MAX_DEPTH or len(set(map(str, value))) < len(value):
        return None
    return list(value) if all(isinstance(each, str) and is_id(each) for each in value) else None
