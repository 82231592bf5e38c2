"""What the page of a product shows beside it: others of its category, those nearest in price.

Two short queries of the category's sort items (`sort_items`), up and down from the product's price. The products
themselves decide, for a sort item may lag behind its product for a moment. One without a price has the best rated.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from domain import rights
from domain.caller import Caller
from domain.shop import product, products, sort_items
from domain.shop.listing import Lists
from domain.shop.product import Product
from domain.shop.sort_items import By

_FIELD = "Query.productPage"
SHOWN = 6
_LOOKED_AT = 2 * SHOWN  # in each direction: some may be sold out of the list, or moved


def related(
    lists: Lists,
    caller: Caller,
    *,
    product_id: str,
    category: str | None = None,
    price: int | None = None,
    now_ms: int,
) -> list[Product]:
    """Up to `SHOWN` products of the same category, or below it; the nearest in price first, of these the best rated.

    Args:
        category, price: the product's, if the caller knows them; without a category the product is read.

    Raises:
        Unauthorized: no right to the page.
        TableError: a table did not answer.
    """
    rights.require(caller, _FIELD)
    now = now_ms // 1000
    if category is None:
        found = products.by_id(lists.table, [product_id], now).get(product_id) if product.is_id(product_id) else None
        if found is None or found["category"] is None:
            return []
        category, price = found["category"], found["price"]
    wanted = [each for each in _candidates(lists, category, price, now) if each != product_id]
    others = [each for each in products.by_id(lists.table, wanted, now).values() if category in each["path"]]
    return sorted(others, key=lambda each: _distance(each, price))[:SHOWN]


def _candidates(lists: Lists, category: str, price: int | None, now: int) -> Iterator[str]:
    """Ids from the sort items around a price, or from the best rated down; the product itself is one of them."""
    if price is None:
        yield from _ids(lists, category, By.RATING, "", "", forward=False, now=now)
        return
    here = sort_items.encode_number(price)
    # A key is the value, `#` and an id: all of a value are above it, and those of the values below are below it.
    yield from _ids(lists, category, By.PRICE, "sk >= :here", here, forward=True, now=now)
    yield from _ids(lists, category, By.PRICE, "sk < :here", here, forward=False, now=now)


def _ids(lists: Lists, category: str, by: By, where: str, here: str, *, forward: bool, now: int) -> Iterator[str]:
    found = lists.search.query(
        sort_items.partition(category, by), where, {":here": here} if where else None,
        now=now, forward=forward, page_size=_LOOKED_AT, consistent=False,
    )  # fmt: skip
    return (sort_items.id_of(item["sk"]) for item in islice(found, _LOOKED_AT))


def _distance(found: Product, price: int | None) -> tuple[bool, int, float, str]:
    """What sorts first: a price, the nearest one, the best rating."""
    missing = price is not None and found["price"] is None
    apart = 0 if price is None or found["price"] is None else abs(found["price"] - price)
    return missing, apart, -(found["rating"] or 0), found["id"]
