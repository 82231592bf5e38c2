"""The faults of requests and resolvers, apart from the way that is taken when none is set (local/faults.py).

Type and text of 429 are those of AppSync's quotas. What it says with 5xx is not documented: 500 has the type of its own
failures, the others that of AWS services in general (unverified).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from graphql import OperationType

from local.appsync import failures
from local.appsync.encoding import encode
from local.appsync.errors import FieldError
from local.appsync.failures import HttpError
from local.appsync.http_messages import Request
from local.appsync.operation import OperationPlan
from local.appsync.plan import FieldPlan
from local.faults import Faults

_FAILURES = {
    500: ("InternalFailure", "An internal failure occurred."),
    502: ("BadGatewayException", "Bad gateway."),
    503: ("ServiceUnavailableException", "The service is unavailable."),
    504: ("GatewayTimeoutException", "Gateway timeout."),
}


def before(faults: Faults, request: Request) -> None:
    """A request is about to run. Raises RequestError."""
    content = request.body or request.query.encode()
    throttled = faults.strike("appsync-429", containing=content)
    if throttled is not None:
        throttled.did("answered 429")
        raise failures.too_many_requests()
    _fail(faults, "before", content)


def after(faults: Faults, request: Request) -> None:
    """A request has run, and is about to be answered. Raises RequestError."""
    _fail(faults, "after", request.body or request.query.encode())


def _fail(faults: Faults, when: str, content: bytes) -> None:
    failed = faults.strike("appsync-5xx", when=when, containing=content)
    if failed is not None:
        status = failed.options["status"]
        failed.did(f"answered {status} {when} the operation")
        raise HttpError(status, *_FAILURES[status])


async def resolver(faults: Faults, plan: OperationPlan, field: FieldPlan, variables: Mapping[str, Any]) -> None:
    """A field's resolver is about to run. Raises FieldError."""
    coordinate = f"{field.parent.name}.{field.name}"
    slow = faults.strike("slow-resolver", field=coordinate)
    if slow is not None:
        slow.did(f"{coordinate} waited for {slow.options['seconds']:g} s")
        await asyncio.sleep(slow.options["seconds"])
    if plan.kind is OperationType.MUTATION and field in plan.fields:
        content = (plan.node.loc.source.body if plan.node.loc else "").encode() + encode(variables)
        refused = faults.strike("refuse-publish", containing=content)
        if refused is not None:
            refused.did(f"refused {coordinate} with {refused.options['type']}")
            raise FieldError("The fault refuse-publish refused this mutation.", refused.options["type"])
