"""Lists of products: any filter and any order, a page at a time, each at a bounded cost.

A page walks along the sort items of one order (`sort_items`), from where the page before ended. What a filter says of
the order's own value narrows the walk; the rest is evaluated on what sort items know. Only those that may match are
read from the main table, which decides: a sort item may lag behind its product for a moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from domain import page_tokens, rights, validation
from domain.caller import Caller
from domain.errors import InvalidInput, InvalidPageToken
from domain.shop import filters, product_input, sort_items
from domain.shop.filters import Expression
from domain.shop.product import Product
from domain.shop.products import by_id
from domain.shop.sort_items import By, Keys
from domain.table import Item, Table

MAX_EXAMINED = 500  # sort items of a page
MAX_READ = 200  # products of a page
MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_NESTED_LIMIT = 20
DEFAULT_NESTED_LIMIT = 10
_SECOND_LOOK = 200  # sort items at least, when the first look at `limit` of them did not give enough matches
_SECOND_TAKE = 50  # products at least, when some of those read first were dropped
# An answer of AppSync has at most 5 MB, one of Lambda 6. https://docs.aws.amazon.com/general/latest/gr/appsync.html
_MAX_PAGE_BYTES = 4_000_000
_MAX_NESTED_BYTES = 40_000  # a hundred of these are one answer: MaxBatchSize in stacks/shop.yaml

_START = ""  # the position before all
_POSITION = re.compile(r"#[0-9A-Za-z-]{1,64}\Z")
_MAX_POSITION = 1000  # characters; DynamoDB takes keys of 1,024 bytes


class Sort(NamedTuple):
    """An order as the schema has it: the value, and from which end."""

    by: By
    forward: bool


SORTS: Mapping[str, Sort] = {
    "PRICE_ASC": Sort(By.PRICE, forward=True),
    "PRICE_DESC": Sort(By.PRICE, forward=False),
    "RATING_DESC": Sort(By.RATING, forward=False),
    "RATING_ASC": Sort(By.RATING, forward=True),
    "TITLE_ASC": Sort(By.TITLE, forward=True),
    "TITLE_DESC": Sort(By.TITLE, forward=False),
    "NEWEST": Sort(By.NEWEST, forward=False),
    "OLDEST": Sort(By.NEWEST, forward=True),
}
DEFAULT_SORT = "TITLE_ASC"


@dataclass(frozen=True)
class Lists:
    """What lists of products are read from: the main table, and what is derived from it."""

    table: Table
    search: Table


Page = tuple[list[Product], str | None]


def products(
    lists: Lists,
    caller: Caller,
    *,
    category: str | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the schema's name
    sort: str | None = None,
    limit: int | None = None,
    next_token: str | None = None,
    now_ms: int,
) -> Page:
    """A page of products and the token of the next.

    It may have fewer than `limit` although more follow: then it has a token. The same product is never on two pages
    unless it moved in between.

    Raises:
        Unauthorized, InvalidInput: the arguments.
        InvalidPageToken: the token is broken, or of another category, filter or order.
        TableError: a table did not answer.
    """
    rights.require(caller, "Query.products")
    limit = validation.limit(limit, default=DEFAULT_LIMIT, most=MAX_LIMIT)
    return page(lists, category, filter, sort, limit, next_token, now_ms // 1000)


def of_category(
    lists: Lists,
    caller: Caller,
    category_id: str,
    *,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the schema's name
    sort: str | None = None,
    limit: int | None = None,
    now_ms: int,
) -> Page:
    """The first page of a category's products, as one of many in the same answer; `products` takes its token.

    Raises:
        Unauthorized, InvalidInput, TableError: as `products`.
    """
    rights.require(caller, "Query.products")
    limit = validation.limit(limit, default=DEFAULT_NESTED_LIMIT, most=MAX_NESTED_LIMIT)
    return page(lists, category_id, filter, sort, limit, None, now_ms // 1000, _MAX_NESTED_BYTES, at_least=0)


def page(
    lists: Lists, category_id: str | None, given: object, sort: str | None, limit: int,
    next_token: str | None, now: int, most_bytes: int = _MAX_PAGE_BYTES, at_least: int = 1,
) -> Page:  # fmt: skip
    """The same for callers that have the right. It ends early, after `at_least`, where it would become too large."""
    expression, sort = filters.parse(given), sort or DEFAULT_SORT
    if sort not in SORTS:
        raise InvalidInput("sort", f"must be one of {', '.join(SORTS)}.")
    if category_id is not None:
        product_input.category_id("category", category_id)
    list_key = ("Query.products", category_id or "", sort, json.dumps(given, sort_keys=True))
    position = _START if next_token is None else _checked(page_tokens.decode(next_token, *list_key))
    shown: list[Product] = []
    size = 0
    found, end = _walk(lists, category_id, expression, SORTS[sort], position, limit, now)
    for sk, each in found:
        size += len(json.dumps(each))
        if size > most_bytes and len(shown) >= at_least:
            return shown, page_tokens.encode(position, *list_key)
        shown.append(each)
        position = sk
    return shown, None if end is None else page_tokens.encode(end, *list_key)


def _checked(position: str) -> str:
    """A token's position: a sort key, or the start. The token may be made by hand."""
    if position != _START and not (_POSITION.search(position) and len(position.encode()) <= _MAX_POSITION):
        raise InvalidPageToken
    return position


def _walk(
    lists: Lists, category_id: str | None, expression: Expression, sort: Sort, position: str, limit: int,
    now: int,
) -> tuple[list[tuple[str, Product]], str | None]:  # fmt: skip
    """Up to `limit` matches behind a position, with their sort keys, and the position of the next page, if any."""
    if filters.contradicts_itself(expression):
        return [], None
    found: list[tuple[str, Product]] = []
    waiting: list[str] = []  # sort keys of what may match
    examined, read, ended, seen_to = 0, 0, False, position
    look, take = limit + 1, limit  # one more, so that a last page knows that it is the last
    while True:
        if not ended and examined < MAX_EXAMINED and len(waiting) < limit - len(found):
            keys = _behind(sort_items.keys(sort.by, expression), seen_to, sort)
            look = min(look, MAX_EXAMINED - examined)
            partition = sort_items.partition(category_id, sort.by)
            seen = [] if keys.is_empty else _sort_items(lists.search, partition, keys, sort, look, now)
            examined, ended = examined + len(seen), len(seen) < look
            seen_to = seen[-1]["sk"] if seen else seen_to
            # What sort items do not know is decided by the product itself.
            waiting += [
                item["sk"] for item in seen if filters.matches(expression, sort_items.values(item)) is not False
            ]
            look = max(2 * look, _SECOND_LOOK)
        elif waiting and len(found) < limit and read < MAX_READ:
            asked = waiting[: min(take, MAX_READ - read)]
            found += _true_matches(lists.table, asked, category_id, expression, sort.by, now)
            waiting, position, read = waiting[len(asked) :], asked[-1], read + len(asked)
            take = max(limit - len(found), _SECOND_TAKE)
        else:
            break
    if len(found) > limit:
        return found[:limit], found[limit - 1][0]
    if waiting:
        return found, position
    return found, None if ended else seen_to


def _behind(keys: Keys, position: str, sort: Sort) -> Keys:
    if position == _START:
        return keys
    if sort.forward:
        return Keys(max(keys.low, sort_items.after(position)), keys.high)
    return Keys(keys.low, min(keys.high, sort_items.before(position)))


def _sort_items(search: Table, partition: str, keys: Keys, sort: Sort, count: int, now: int) -> list[Item]:
    """The next sort items of a range; fewer than `count` only where it ends."""
    values = {":low": keys.low, ":high": keys.high}
    items = search.query(
        partition, "sk BETWEEN :low AND :high", values,
        now=now, forward=sort.forward, page_size=count, consistent=False,
    )  # fmt: skip
    return list(islice(items, count))


def _true_matches(
    table: Table, sort_keys: Sequence[str], category_id: str | None, expression: Expression, by: By, now: int
) -> Iterator[tuple[str, Product]]:
    """Of some sort items those whose products are still there and match, as they are now."""
    ids = {sk: sort_items.id_of(sk) for sk in sort_keys}
    there = by_id(table, ids.values(), now)
    for sk, product_id in ids.items():
        found = there.get(product_id)
        if found is None or not sort_items.is_at(found, category_id, by, sk):
            continue
        if filters.matches(expression, found):  # type: ignore[arg-type]
            yield sk, found
