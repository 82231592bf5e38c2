"""The fields of the shop that Python answers: arguments to the use cases of `domain.shop`, results to the schema's
shapes."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import fields
from domain.caller import Caller
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.mutation_limits import rate_limit_here
from domain.sessions import Sessions
from domain.settings import settings
from domain.shop import categories, listing, search
from domain.shop.category import Category
from domain.table import Table, dynamodb

logger = function_logger()

_READERS = 8


@cache
def main_table() -> Table:
    """The main table, kept as long as the container lives."""
    return Table(settings().main_table, dynamodb())


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
        Sessions(main_table(), SYSTEM).require(caller, coordinate)


FIELDS: fields.Fields = {
    "Query.products": products,
    "Query.searchProducts": search_products,
    "Query.categories": list_categories,
    "Category.children": children,
    "Category.products": products_of,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any] | list[dict[str, Any]], context: LambdaContext) -> Any:
    """Answer one field, or the same field of several objects."""
    del context
    gates = session, rate_limit_here().require
    if isinstance(event, list):
        return fields.answer_each(event, FIELDS, logger, *gates, threads=readers().map)
    return fields.answer(event, FIELDS, logger, *gates)
