"""The routes of the shop: what of its use cases plain HTTP offers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from domain import rights
from domain.caller import Caller
from domain.clock import SYSTEM, Clock
from domain.errors import NotFound
from domain.settings import settings
from domain.shop import product
from domain.shop.product import Product
from domain.table import Table, dynamodb
from rest.face import Face, Route


@dataclass(frozen=True)
class Shop:
    """What the routes stand on."""

    table: Table
    clock: Clock


def get_product(shop: Shop, caller: Caller, *, product_id: str) -> Product:
    """A product.

    Raises:
        Unauthorized: the caller may not see it.
        NotFound: there is none.
        TableError: the table did not answer.
    """
    rights.require(caller, "Query.product")
    key = product.key(product_id)
    item = shop.table.get(key, shop.clock.now_ms() // 1000) if product.is_id(product_id) else None
    if item is None:
        raise NotFound("id")
    return product.from_item(key[0], item)


SHOP = (Route("/products/<product_id>", get_product, "A product", "Keys", kept=True),)


@cache
def shop_here() -> Face:
    """The shop's routes of this deployment, made at the first event and kept as long as the container lives."""
    return Face(SHOP, Shop(Table(settings().main_table, dynamodb()), SYSTEM))
