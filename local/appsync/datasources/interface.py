"""What the execution knows of a data source."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from local.appsync.context import ResolverContext


class DataSourceError(Exception):
    """A data source's failure as handlers see it: `ctx.error` is `{message, type}`, `ctx.result` is `data`.

    With a request object that the data source cannot carry out, `type` is `MappingTemplate`, and AppSync ends the
    field without running the response handler: `request_rejected` tells the two apart.
    """

    def __init__(
        self,
        message: str,
        type: str,  # noqa: A002 - AppSync's word
        data: Any = None,
        *,
        request_rejected: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.data = data
        self.request_rejected = request_rejected

    def to_json(self) -> dict[str, Any]:
        """`ctx.error`."""
        return {"message": self.message, "type": self.type}


def rejected(message: str) -> DataSourceError:
    """The error for a request object that is not one of the data source's: `MappingTemplate`, no response handler."""
    return DataSourceError(message, "MappingTemplate", request_rejected=True)


class DataSource(Protocol):
    """Carries out the request objects of one data source."""

    async def call(self, request: Any, context: ResolverContext) -> Any:
        """`request` is what the request handler returned; the result becomes `ctx.result`.

        Raises DataSourceError, and NotEmulated for what this data plane does not have.
        """
        ...


@runtime_checkable
class BatchDataSource(DataSource, Protocol):
    """A data source that also takes several fields in one call and needs no request object (Lambda)."""

    async def call_batch(self, requests: Sequence[Any], contexts: Sequence[ResolverContext]) -> list[Any]:
        """Carries out `BatchInvoke` requests; a result or a DataSourceError per request, in order. Never raises one."""
        ...

    async def call_direct(self, context: ResolverContext) -> Any:
        """A direct resolver: the context is the payload, the result the field's value. Raises DataSourceError."""
        ...

    async def call_direct_batch(self, contexts: Sequence[ResolverContext]) -> list[Any]:
        """A direct resolver with `maxBatchSize`: a value or a DataSourceError per context, in order."""
        ...


class Invocation(Protocol):
    """What a Lambda function answered (`local.functions.Invocation`)."""

    @property
    def payload(self) -> bytes: ...
    @property
    def function_error(self) -> str | None: ...


Invoke = Callable[[str, bytes], Awaitable[Invocation]]
"""Calls a function: its ARN and the event as JSON."""

Client = Callable[[str], Any]
"""A thread-safe boto3 client by service name, which acts as the data source's role. To be called in a thread."""


class Credentials(Protocol):
    """Temporary credentials of a role (`local.cloud.Credentials`)."""

    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str: ...


RoleCredentials = Callable[[str], Awaitable[Credentials]]
"""Credentials of a role by its ARN; raises DataSourceError and what boto3 raises."""

Denial = Callable[[str, str], Awaitable[str | None]]
"""Why a data source's role may not do something (action, ARN), in AWS's words; None when it may."""


async def never_denied(action: str, resource: str) -> str | None:  # noqa: ARG001 - a Denial
    """A Denial where roles do not count."""
    return None


class DataSourceRoles(Protocol):
    """What data sources do as their roles (`local.roles.Roles`). Each raises DataSourceError without a role's trust."""

    async def credentials(self, role_arn: str, api_arn: str) -> Credentials: ...
    def client(self, service: str, role_arn: str, api_arn: str) -> Any: ...
    async def denial(self, role_arn: str, api_arn: str, action: str, resource: str) -> str | None: ...
