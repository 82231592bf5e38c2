"""The fields of the shop that Python answers: arguments to the use cases of `domain.shop`, results to the schema's
shapes."""

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
from domain.table import Table, dynamodb

logger = function_logger()


@cache
def main_table() -> Table:
    """The main table, kept as long as the container lives."""
    return Table(settings().main_table, dynamodb())


def session(caller: Caller, coordinate: str) -> None:
    """Ask whether the session of a caller stands who wants to change something; what all may see needs none."""
    if coordinate.startswith("Mutation."):
        Sessions(main_table(), SYSTEM).require(caller, coordinate)


FIELDS: fields.Fields = {}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    return fields.answer(event, FIELDS, logger, session, rate_limit_here().require)
