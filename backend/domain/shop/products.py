"""Products as they are: read from the main table by their ids."""

from __future__ import annotations

from collections.abc import Iterable

from domain.shop import product
from domain.shop.product import Product
from domain.table import Table


def by_id(table: Table, product_ids: Iterable[str], now: int) -> dict[str, Product]:
    """Those of some products that there are, in the order in which they were asked for.

    Args:
        table: the main table.
        product_ids: ids, each of which may be there more than once (`product.is_id`).
        now: epoch seconds.

    Raises:
        TableError: the table did not answer.
    """
    keys = {product_id: product.key(product_id) for product_id in product_ids}
    items = table.get_all(keys.values(), now)
    return {each: product.from_item(key[0], items[key]) for each, key in keys.items() if key in items}
