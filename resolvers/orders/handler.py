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
from domain.shop import carts, checkout, orders
from domain.shop.cart import Cart
from domain.shop.carts import Carts
from domain.shop.order import Order
from domain.shop.orders import Orders
from domain.table import Table, dynamodb
from domain.traces import current_trace_id

logger = function_logger()


@cache
def carts_here() -> Carts:
    """The carts of this deployment, made at the first event and kept as long as the container lives."""
    here, client = settings(), dynamodb()
    log = ChangeLog(Table(here.change_log, client), here.retention_seconds, SYSTEM)
    return Carts(Table(here.main_table, client), log, SYSTEM, here.cart_seconds)


@cache
def orders_here() -> Orders:
    """The orders of this deployment, from the same tables."""
    here = carts_here()
    return Orders(here.table, here.change_log, SYSTEM, here.kept_seconds)


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


def order(caller: Caller, **arguments: Any) -> Order | None:
    """Query.order"""
    return orders.one_order(orders_here(), caller, **arguments)


def list_orders(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.orders"""
    items, next_token = orders.list_orders(orders_here(), caller, **arguments)
    return {"items": items, "nextToken": next_token}


def order_changes(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.orderChanges"""
    return orders.order_changes(orders_here(), caller, **arguments)


def check_out(caller: Caller, input: Mapping[str, Any]) -> Order:  # noqa: A002 - the schema's name
    """Mutation.checkout"""
    return checkout.checkout(orders_here(), caller, **_traced(input))


def on_order(caller: Caller) -> dict[str, Any]:
    """Subscription.onOrder"""
    return {"topic": orders.on_order(caller), "userId": caller.user_id}


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
    "Query.order": order,
    "Query.orders": list_orders,
    "Query.orderChanges": order_changes,
    "Mutation.checkout": check_out,
    "Subscription.onOrder": on_order,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    sessions = Sessions(carts_here().table, SYSTEM)
    return fields.answer(event, FIELDS, logger, sessions.require, rate_limit_here().require)
