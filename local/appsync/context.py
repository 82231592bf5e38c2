"""The resolver context, `ctx`: what handlers, data sources and direct Lambda resolvers see of a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from local.appsync.request import RequestInfo


class Info:
    """`ctx.info`. The two selection set members are worked out when they are asked for: few resolvers read them."""

    def __init__(
        self,
        field_name: str,
        parent_type_name: str,
        variables: Mapping[str, Any],
        selection_set_list: Callable[[], list[str]] = list,
        selection_set_graphql: Callable[[], str] = str,
    ) -> None:
        self.field_name = field_name
        self.parent_type_name = parent_type_name
        self.variables = variables
        self._list = selection_set_list
        self._graphql = selection_set_graphql

    @cached_property
    def selection_set_list(self) -> list[str]:
        """Paths of the selected fields, depth first, `a/b`, aliases in place of names."""
        return self._list()

    @cached_property
    def selection_set_graphql(self) -> str:
        """The selection set as GraphQL text, indented by two spaces."""
        return self._graphql()

    def to_json(self) -> dict[str, Any]:
        """The member `info` with AWS's names."""
        return {
            "selectionSetList": self.selection_set_list,
            "selectionSetGraphQL": self.selection_set_graphql,
            "fieldName": self.field_name,
            "parentTypeName": self.parent_type_name,
            "variables": dict(self.variables),
        }


@dataclass
class ResolverContext:
    """One run of one resolver. `stash` is shared by the functions of a pipeline; `error` is `{message, type}`."""

    arguments: dict[str, Any]
    identity: Mapping[str, Any] | None
    source: Any
    request: RequestInfo
    info: Info
    stash: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    prev: Any = None  # `ctx.prev.result`; None before the first function
    has_prev: bool = False
    error: Mapping[str, Any] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    auth_type: str | None = None  # what `util.authType()` answers

    def request_json(self) -> dict[str, Any]:
        """The member `request`."""
        return {"headers": dict(self.request.headers), "domainName": self.request.domain_name}

    def to_json(self) -> dict[str, Any]:
        """The event of a direct Lambda resolver (sheet 3.1), which is the whole context."""
        return {
            "arguments": self.arguments,
            "identity": self.identity,
            "source": self.source,
            "request": self.request_json(),
            "prev": {"result": self.prev} if self.has_prev else None,
            "info": self.info.to_json(),
            "stash": self.stash,
        }

    def to_javascript(self) -> dict[str, Any]:
        """The context that handlers run on: plain JSON values under AppSync's names."""
        return {
            "arguments": self.arguments,
            "identity": self.identity,
            "source": self.source,
            "stash": self.stash,
            "result": self.result,
            "prev": {"result": self.prev} if self.has_prev else None,
            "error": self.error,
            "request": self.request_json(),
            "info": self.info.to_json(),
            "env": dict(self.env),
        }
