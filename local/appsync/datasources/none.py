"""The NONE data source: the request's payload is the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.appsync.context import ResolverContext


class NoneDataSource:
    """Answers `payload`, null where there is none."""

    async def call(self, request: Any, context: ResolverContext) -> Any:  # noqa: ARG002 - the protocol's
        return request.get("payload") if isinstance(request, dict) else None
