"""The function among the sources of a product's page (resolvers/appsync/productPage.related.js)."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import fields
from domain.caller import Caller
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.settings import settings
from domain.shop import related as related_products
from domain.shop.listing import Lists
from domain.table import Table, dynamodb

logger = function_logger()


@cache
def lists_here() -> Lists:
    """The products of this deployment, made at the first event and kept as long as the container lives."""
    here, client = settings(), dynamodb()
    return Lists(Table(here.main_table, client), Table(here.search_table, client))


def related(caller: Caller, **arguments: Any) -> list[Any]:
    """ProductPage.related"""
    return [*related_products.related(lists_here(), caller, **arguments, now_ms=SYSTEM.now_ms())]


FIELDS: fields.Fields = {"ProductPage.related": related}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer the one member."""
    del context
    return fields.answer(event, FIELDS, logger)
