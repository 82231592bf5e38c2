"""The GraphQL engine of one API: operations in, encoded responses and live subscriptions out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.appsync.datasources import DataSource
from local.appsync.definition import ApiDefinition
from local.appsync.javascript import JavaScript
from local.appsync.limits import Limits
from local.appsync.request import Caller, OperationRequest, RequestInfo


@dataclass(frozen=True)
class Result:
    """A finished operation. `body` is the JSON text of the response, `headers` those set by resolvers.

    From `subscribe` a Result means that nothing was registered; its `errors` are in the shape of the frame `error`.
    """

    body: bytes
    data: Any
    errors: list[dict[str, Any]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)


class Subscription:
    """A live subscription. `cancel` may be called any number of times; nothing is delivered after it."""

    def cancel(self) -> None:
        """Ends it."""
        raise NotImplementedError


class Engine:
    """One per ApiDefinition; swapped whole when the API is deployed again.

    Raises SchemaError on a bad schema or resolver, CodeError on bad resolver code, each naming the place.
    """

    def __init__(
        self,
        api: ApiDefinition,
        *,
        data_sources: Mapping[str, DataSource],
        javascript: JavaScript,
        limits: Limits | None = None,
    ) -> None:
        raise NotImplementedError

    async def execute(self, operation: OperationRequest, caller: Caller, request: RequestInfo) -> Result:
        """Runs a query or mutation; publishes to subscribers after each mutation field.

        Raises RequestError (MalformedQuery, MissingOperationName: 400). All else is a Result, answered with 200.
        """
        raise NotImplementedError

    async def subscribe(
        self,
        operation: OperationRequest,
        caller: Caller,
        request: RequestInfo,
        deliver: Callable[[bytes], None],
        *,
        ended: Callable[[], None] | None = None,
        operation_id: str = "",
    ) -> Subscription | Result:
        """Registers a subscription and returns it live, or a Result whose `errors` go into the `error` frame.

        `deliver` is called on the event loop with the encoded `payload` of a data frame (`{"data":...}`), once per
        event; the same bytes object is shared by all subscribers with the same selection. `ended` is called when an
        invalidation ended the subscription (AWS closes the connection then). `operation_id` only words an error.
        """
        raise NotImplementedError
