"""A resolver context for data sources, which read little of it."""

from __future__ import annotations

from typing import Any

from local.appsync.context import Info, ResolverContext
from local.appsync.request import RequestInfo


def context(arguments: dict[str, Any] | None = None, *, field: str = "items", parent: str = "Query") -> ResolverContext:
    """The context of `Query.items`."""
    return ResolverContext(
        arguments=arguments or {},
        identity=None,
        source=None,
        request=RequestInfo(headers={"host": "localhost"}, request_id="r"),
        info=Info(field, parent, {}),
    )
