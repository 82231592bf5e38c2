"""The fields of carts and orders: arguments to the use cases of the domain, results to the schema's shapes."""

import os
from collections.abc import Mapping
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
from domain.shop import carts
from domain.shop.cart import Cart
from domain.shop.carts import Carts
from domain.table import Table, dynamodb
from domain.traces import current_trace_id

logger = function_logger()


@cache
def carts_here() -> Carts:
    """The carts of this deployment, made at the first event and kept as long as the container lives."""
    here, client = settings(), dynamodb()
    log = ChangeLog(Table(here.change_log, client), here.retention_seconds, SYSTEM)
    return Carts(Table(here.main_table, client), log, SYSTEM, here.cart_seconds)


def cart(caller: Caller, **arguments: Any) -> Cart | None:
    """Query.cart"""
    return carts.find(carts_here(), caller, **arguments)


def cart_changes(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.cartChanges"""
    return carts.cart_changes(carts_here(), caller, **arguments)


def add_to_cart(caller: Caller, input: Mapping[str, Any]) -> Cart | None:  # noqa: A002 - the schema's name
    """Mutation.addToCart"""
    return carts.add(carts_here(), caller, **_traced(input))


def change_cart_line(caller: Caller, input: Mapping[str, Any]) -> Cart | None:  # noqa: A002 - the schema's name
    """Mutation.changeCartLine"""
    return carts.change_line(carts_here(), caller, **_traced(input))


def remove_from_cart(caller: Caller, input: Mapping[str, Any]) -> Cart | None:  # noqa: A002 - the schema's name
    """Mutation.removeFromCart"""
    return carts.remove_line(carts_here(), caller, **_traced(input))


def merge_cart(caller: Caller, input: Mapping[str, Any]) -> Cart | None:  # noqa: A002 - the schema's name
    """Mutation.mergeCart"""
    return carts.merge(carts_here(), caller, **_traced(input))


def on_cart(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Subscription.onCart"""
    to = carts.on_cart(carts_here(), caller, **arguments)
    return {"topic": str(to.topic), "userId": caller.subscriber, "right": str(to.right) if to.right else None}


def _traced(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields.keywords(arguments), "trace_id": current_trace_id(os.environ)}


FIELDS: fields.Fields = {
    "Query.cart": cart,
    "Query.cartChanges": cart_changes,
    "Mutation.addToCart": add_to_cart,
    "Mutation.changeCartLine": change_cart_line,
    "Mutation.removeFromCart": remove_from_cart,
    "Mutation.mergeCart": merge_cart,
    "Subscription.onCart": on_cart,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    sessions = Sessions(carts_here().table, SYSTEM)
    return fields.answer(event, FIELDS, logger, sessions.require, rate_limit_here().require)
