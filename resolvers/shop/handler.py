"""The fields of the shop that Python answers: arguments to the use cases of `domain.shop`, results to the schema's
shapes."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import fields
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.mutation_limits import rate_limit_here
from domain.sessions import Sessions
from domain.settings import settings
from domain.shop import catalogue, catalogue_changes, categories, listing, product_import, search
from domain.shop.catalogue import Catalogue
from domain.shop.category import Category
from domain.table import Table, dynamodb
from domain.traces import current_trace_id

logger = function_logger()

# As many connections as `dynamodb()` keeps.
_WRITERS = 16
_READERS = 8


@cache
def catalogue_here() -> Catalogue:
    """The catalogue of this deployment, made at the first event and kept as long as the container lives."""
    here, client = settings(), dynamodb()
    log = ChangeLog(Table(here.change_log, client), here.retention_seconds, SYSTEM)
    return Catalogue(Table(here.main_table, client), log, SYSTEM, here.retention_seconds)


@cache
def writers() -> ThreadPoolExecutor:
    """The threads in which the products of an import are written."""
    return ThreadPoolExecutor(_WRITERS)


def product_changes(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.productChanges"""
    return catalogue_changes.product_changes(catalogue_here(), caller, **arguments)


def category_changes(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.categoryChanges"""
    return catalogue_changes.category_changes(catalogue_here(), caller, **arguments)


def create_category(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.createCategory"""
    return catalogue.create_category(catalogue_here(), caller, **fields.keywords(input), trace_id=_trace_id())


def create_product(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.createProduct"""
    named, members = _apart(input, "id", "clientMutationId")
    return catalogue.create_product(catalogue_here(), caller, **named, members=members, trace_id=_trace_id())


def update_product(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.updateProduct"""
    named, members = _apart(input, "id", "version", "clientMutationId")
    return catalogue.update_product(catalogue_here(), caller, **named, members=members, trace_id=_trace_id())


def set_price(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.setPrice"""
    return catalogue.set_price(catalogue_here(), caller, **fields.keywords(input), trace_id=_trace_id())


def change_stock(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.changeStock"""
    return catalogue.change_stock(catalogue_here(), caller, **fields.keywords(input), trace_id=_trace_id())


def delete_product(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.deleteProduct"""
    return catalogue.delete_product(catalogue_here(), caller, **fields.keywords(input))


def import_products(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.importProducts"""
    return product_import.import_products(
        catalogue_here(), caller, writers().map, **fields.keywords(input), trace_id=_trace_id()
    )


def on_product(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Subscription.onProduct"""
    return {"topic": catalogue_changes.on_product(caller, **arguments)}


def on_category(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Subscription.onCategory"""
    return {"topic": catalogue_changes.on_category(caller, **arguments)}


@cache
def lists() -> listing.Lists:
    """What lists of products are read from."""
    here, client = settings(), dynamodb()
    return listing.Lists(Table(here.main_table, client), Table(here.search_table, client))


@cache
def readers() -> ThreadPoolExecutor:
    """The threads in which the items of a batch are answered, and the index is searched."""
    return ThreadPoolExecutor(_READERS)


def products(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.products"""
    items, next_token = listing.products(lists(), caller, **arguments, now_ms=SYSTEM.now_ms())
    return {"items": items, "nextToken": next_token}


def search_products(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.searchProducts"""
    here = search.Search(lists().table, lists().search, readers().map, SYSTEM)
    return {"items": search.search_products(here, caller, **arguments)}


def list_categories(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.categories"""
    items, next_token = categories.categories(lists().table, caller, **arguments, now_ms=SYSTEM.now_ms())
    return {"items": items, "nextToken": next_token}


def children(caller: Caller, source: Mapping[str, Any]) -> list[Category]:
    """Category.children"""
    return categories.children(lists().table, caller, source["id"], now_ms=SYSTEM.now_ms())


def products_of(caller: Caller, source: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
    """Category.products"""
    items, next_token = listing.of_category(lists(), caller, source["id"], **arguments, now_ms=SYSTEM.now_ms())
    return {"items": items, "nextToken": next_token}


def session(caller: Caller, coordinate: str) -> None:
    """Ask whether the session of a caller stands who wants to change something; what all may see needs none."""
    if coordinate.startswith("Mutation."):
        Sessions(catalogue_here().table, SYSTEM).require(caller, coordinate)


def _apart(given: Mapping[str, Any], *names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of an input names the mutation, as keywords, and what it says of the product."""
    named = {name: value for name, value in given.items() if name in names}
    return fields.keywords(named), {name: value for name, value in given.items() if name not in names}


def _trace_id() -> str | None:
    return current_trace_id(os.environ)


FIELDS: fields.Fields = {
    "Query.products": products,
    "Query.searchProducts": search_products,
    "Query.categories": list_categories,
    "Category.children": children,
    "Category.products": products_of,
    "Query.productChanges": product_changes,
    "Query.categoryChanges": category_changes,
    "Mutation.createCategory": create_category,
    "Mutation.createProduct": create_product,
    "Mutation.updateProduct": update_product,
    "Mutation.setPrice": set_price,
    "Mutation.changeStock": change_stock,
    "Mutation.deleteProduct": delete_product,
    "Mutation.importProducts": import_products,
    "Subscription.onProduct": on_product,
    "Subscription.onCategory": on_category,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any] | list[dict[str, Any]], context: LambdaContext) -> Any:
    """Answer one field, or the same field of several objects."""
    del context
    gates = session, rate_limit_here().require
    if isinstance(event, list):
        return fields.answer_each(event, FIELDS, logger, *gates, threads=readers().map)
    return fields.answer(event, FIELDS, logger, *gates)
