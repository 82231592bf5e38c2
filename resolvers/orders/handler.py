"""The fields of carts and orders: arguments to the use cases of the domain, results to the schema's shapes."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import fields
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.mutation_limits import rate_limit_here
from domain.sessions import Sessions
from domain.settings import settings
from domain.table import Table, dynamodb

logger = function_logger()


@cache
def table_here() -> Table:
    """The main table of this deployment."""
    return Table(settings().main_table, dynamodb())


FIELDS: fields.Fields = {}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    sessions = Sessions(table_here(), SYSTEM)
    return fields.answer(event, FIELDS, logger, sessions.require, rate_limit_here().require)
