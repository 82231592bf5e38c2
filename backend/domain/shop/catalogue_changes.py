"""Who may hear of products and categories, and what those missed who did not hear: everybody, and everything."""

from __future__ import annotations

from typing import Any

from domain import catch_up, rights, topics
from domain.caller import Caller
from domain.shop import product, product_input
from domain.shop.catalogue import PATIENCE_SECONDS, Catalogue
from domain.table import Item
from domain.topics import Topic


def on_product(caller: Caller, *, id: str) -> str:  # noqa: A002 - the schema's name
    """The topic that a subscriber to a product gets. Raises Unauthorized, InvalidInput."""
    topic = topics.product(product_input.product_id("id", id))
    rights.require(caller, "Subscription.onProduct", str(topic))
    return str(topic)


def on_category(caller: Caller, *, category: str) -> str:
    """The topic that a subscriber to the products of a category gets. Raises Unauthorized, InvalidInput."""
    topic = topics.category(product_input.category_id("category", category))
    rights.require(caller, "Subscription.onCategory", str(topic))
    return str(topic)


def product_changes(
    catalogue: Catalogue,
    caller: Caller,
    *,
    id: str,  # noqa: A002 - the schema's name
    after: int,
    limit: int | None = None,
) -> dict[str, Any]:
    """The changes of a product after a known one, as the schema's ProductChangePage.

    Raises:
        Unauthorized, InvalidInput: the caller, the arguments.
        TableError: the table did not answer.
    """
    topic = topics.product(product_input.product_id("id", id))
    return _changes(catalogue, caller, "Query.productChanges", topic, after, limit)


def category_changes(
    catalogue: Catalogue, caller: Caller, *, category: str, after: int, limit: int | None = None
) -> dict[str, Any]:
    """The changes of a category's products after a known one, as the schema's CategoryChangePage; as above."""
    topic = topics.category(product_input.category_id("category", category))
    return _changes(catalogue, caller, "Query.categoryChanges", topic, after, limit)


def _changes(
    catalogue: Catalogue, caller: Caller, field: str, topic: Topic, after: int, limit: int | None
) -> dict[str, Any]:
    rights.require(caller, field, str(topic))

    def shown(item: Item) -> object:
        return product.from_item(item["pk"], item)

    whole = catch_up.followed(catalogue.table, catalogue.clock, "product", shown)
    deadline = catalogue.clock.monotonic() + PATIENCE_SECONDS
    return catch_up.page(catalogue.change_log, topic, after, limit, whole, deadline)
