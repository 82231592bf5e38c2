"""The tree of categories, read by the index that lists each category's children."""

from __future__ import annotations

from itertools import islice

from domain import page_tokens, rights, validation
from domain.caller import Caller
from domain.errors import InvalidPageToken
from domain.shop import category, product_input
from domain.shop.category import Category
from domain.table import Item, Table

MAX_CHILDREN = 100  # of `Category.children`, which has no pages
_FIELD = "Query.categories"
_MAX_POSITION = 600  # bytes; a path of eight ids has 519
_BEFORE_ALL = " "


def categories(
    table: Table,
    caller: Caller,
    *,
    parent: str | None = None,
    limit: int | None = None,
    next_token: str | None = None,
    now_ms: int,
) -> tuple[list[Category], str | None]:
    """A page of a category's children, or of the roots, by id, and the token of the next page.

    Raises:
        Unauthorized, InvalidInput: the arguments.
        InvalidPageToken: the token is broken or of another category.
        TableError: the table did not answer.
    """
    rights.require(caller, _FIELD)
    if parent is not None:
        product_input.category_id("parent", parent)
    limit = validation.limit(limit, default=50, most=100)
    list_key = (_FIELD, parent or "")
    position = _BEFORE_ALL if next_token is None else page_tokens.decode(next_token, *list_key)
    if not 0 < len(position.encode()) <= _MAX_POSITION:
        raise InvalidPageToken  # a token made by hand: DynamoDB has no such keys
    found = _below(table, parent or "", position, limit + 1, now_ms // 1000)
    shown = [category.from_item(item["pk"], item) for item in found[:limit]]
    return shown, page_tokens.encode(found[limit - 1]["GSI1SK"], *list_key) if len(found) > limit else None


def children(table: Table, caller: Caller, category_id: str, *, now_ms: int) -> list[Category]:
    """The children of a category by id; `categories` has those beyond the hundredth.

    Raises:
        Unauthorized: the caller may not read categories.
        TableError: the table did not answer.
    """
    rights.require(caller, _FIELD)
    found = _below(table, category_id, _BEFORE_ALL, MAX_CHILDREN, now_ms // 1000)
    return [category.from_item(item["pk"], item) for item in found]


def _below(table: Table, parent: str, position: str, count: int, now: int) -> list[Item]:
    values = {":position": position}
    items = table.query(
        category.listing(parent), "GSI1SK > :position", values, now=now, page_size=count, index="GSI1"
    )  # fmt: skip
    return list(islice(items, count))
