"""Who calls, a catalogue on an empty table, and plain views of both: for the tests of what sellers do."""

from __future__ import annotations

from typing import Any

from domain import rights
from domain.caller import ANONYMOUS, OPERATORS, SELLERS, Caller, CallerKind, Scope
from domain.changes import ChangeLog
from domain.shop import catalogue, category, product
from domain.shop.catalogue import Catalogue
from domain.shop.category import Category
from domain.shop.product import Product
from domain.table import Item, Table
from tests.backend.domain.clocks import SetClock

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
RETENTION_SECONDS = 24 * 3600

SELLER = Caller(CallerKind.USER, "sub-sue", "sue", frozenset({SELLERS}), NOON // 1000)
OTHERS = [
    ANONYMOUS,
    Caller(CallerKind.IAM, "arn:aws:iam::1:user/importer", "importer"),
    Caller(CallerKind.LAMBDA, "01K", "robot", scopes=frozenset(Scope)),
    Caller(CallerKind.USER, "sub-bob", "bob", frozenset(), NOON // 1000),
    Caller(CallerKind.USER, "sub-op", "op", frozenset({OPERATORS}), NOON // 1000),
]

DUNE = {"title": "Dune", "authors": ["Frank Herbert"], "category": "scifi", "price": 1299}


def catalogue_on(table: Table, change_log: Table, ms: int = NOON) -> Catalogue:
    """One container's catalogue at a time that stands still."""
    clock = SetClock(ms)
    return Catalogue(table, ChangeLog(change_log, RETENTION_SECONDS, clock), clock, RETENTION_SECONDS)


def shelve(here: Catalogue) -> None:
    """Make a tree of categories: book with fantasy (with dragons) and scifi; film."""
    for category_id, parent in (("book", None), ("fantasy", "book"), ("dragons", "fantasy"), ("scifi", "book")):
        catalogue.create_category(here, SELLER, id=category_id, name=category_id.title(), parent=parent)
    catalogue.create_category(here, SELLER, id="film", name="Film")


def create(here: Catalogue, **members: Any) -> dict[str, Any]:
    """A product in it."""
    named = {name: members.pop(name) for name in ("id", "client_mutation_id", "trace_id") if name in members}
    return catalogue.create_product(here, SELLER, members=DUNE | members, **named)


def stored(here: Catalogue, product_id: str) -> Item | None:
    """A product's item."""
    return here.table.get(product.key(product_id), 0)


def product_by_id(here: Catalogue, caller: Caller, *, id: str) -> Product | None:  # noqa: A002 - the schema's name
    """What `Query.product.js` answers, as a test of the two has it."""
    rights.require(caller, "Query.product")
    item = here.table.get(product.key(id), here.clock.now_ms() // 1000) if product.is_id(id) else None
    return None if item is None else product.from_item(item["pk"], item)


def category_by_id(here: Catalogue, caller: Caller, *, id: str) -> Category | None:  # noqa: A002 - the schema's name
    """What `Query.category.js` answers."""
    rights.require(caller, "Query.category")
    item = here.table.get(category.key(id), here.clock.now_ms() // 1000) if category.is_id(id) else None
    return None if item is None else category.from_item(item["pk"], item)
