"""The routes of the HTTP API that read: products, categories, the cart, users, and what describes them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.logs import function_logger
from rest import here, routes
from rest.face import Face, Route

# Made by `python -m tools.openapi`, deployed beside this module.
_DOCUMENT = Path(__file__).with_name("openapi.json")

logger = function_logger()


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = json.loads(_DOCUMENT.read_text())
    return found


def get_document(found: dict[str, Any]) -> dict[str, Any]:
    """What describes these routes; for everybody."""
    return found


DESCRIPTION = (Route("/openapi.json", get_document, "This document", None, kept=True),)


@cache
def face() -> Face:
    """The routes of this deployment, made at the first event and kept as long as the container lives."""
    return Face(here.admit, (routes.SHOP, here.shop), (routes.CALLERS, here.users), (DESCRIPTION, document))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    del context
    return face().answer(event)
