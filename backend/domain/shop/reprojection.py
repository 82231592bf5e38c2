"""What can be asked of `streams/project` besides its batches: is the index up to date, and bring it there.

The index holds nothing that is not in the main table, so whatever becomes of it, or of a batch that was given up, it
can be made again. The function takes one of these events:

    {"operation": "project", "productIds": [...]}                       bring the index up to date with these
    {"operation": "project", "productIds": [...], "anew": true}         and write what it has by its own records, too
    {"operation": "project.check", "productIds": [...]}                 which of these does it not have as they are?

`productIds` are up to 1,000, of products that are there or not. Which there are, is for the caller to know: no function
may scan the main table.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidInput
from domain.shop import product
from domain.shop.projection import Projection
from domain.shop.projection_plan import Outcome
from domain.table import TableError

MOST = 1000

logger = logging.getLogger("headwater.reprojection")


def answer(event: Mapping[str, Any], projection: Projection, deadline: float) -> dict[str, Any]:
    """The answer to an operation.

    Args:
        event: the request.
        projection: what keeps the index.
        deadline: of its clock, at which to end.

    Returns:
        Of `project`: `projected`, `unchanged`, `removed`, `unprojectable`, how many, and `failed`, the ids of those
        that a repeat must do. Of `project.check`: `checked`, how many, and `behind`, the ids of those that the index
        does not have as they are. Else `{"error": {"type", "message"}}`.
    """
    operations = {"project": _project, "project.check": _check}
    try:
        if event["operation"] not in operations:
            raise InvalidInput("operation", f"must be one of {', '.join(operations)}, not {event['operation']!r}.")
        return operations[event["operation"]](event, projection, deadline)
    except InvalidInput as error:
        return {"error": {"type": type(error).__name__, "message": str(error)}}
    except TableError as error:
        logger.warning("%s: %s", event["operation"], error)
        return {"error": {"type": "TryAgain", "message": str(error)}}


def _project(event: Mapping[str, Any], projection: Projection, deadline: float) -> dict[str, Any]:
    report = projection.project(_product_ids(event), deadline, anew=event.get("anew") is True)
    found = [*report.outcomes.values()]
    counts = {outcome.value.lower(): found.count(outcome) for outcome in Outcome}
    return {**counts, "failed": sorted(report.obstacles)}


def _check(event: Mapping[str, Any], projection: Projection, deadline: float) -> dict[str, Any]:
    del deadline
    product_ids = _product_ids(event)
    return {"checked": len(product_ids), "behind": projection.behind(product_ids)}


def _product_ids(event: Mapping[str, Any]) -> list[str]:
    value = event.get("productIds")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST:
        raise InvalidInput("productIds", f"must be a list of 1 to {MOST} ids.")
    if wrong := [each for each in value if not isinstance(each, str) or not product.is_id(each)]:
        raise InvalidInput("productIds", f"{wrong[0]!r} is the id of no product.")
    return list(dict.fromkeys(value))
