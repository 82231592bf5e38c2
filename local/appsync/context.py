"""The resolver context, `ctx`: what handlers, data sources and direct Lambda resolvers see of a field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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

    def to_json(self, *, selection_sets: bool = True) -> dict[str, Any]:
        """The member `info` with AWS's names."""
        members: dict[str, Any] = {}
        if selection_sets:
            members["selectionSetList"] = self.selection_set_list
            members["selectionSetGraphQL"] = self.selection_set_graphql
        members["fieldName"] = self.field_name
        members["parentTypeName"] = self.parent_type_name
        members["variables"] = dict(self.variables)
        return members


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
    deadline: float | None = None  # the loop's time at which the request's own time is over

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

    def to_javascript(self, *, selection_sets: bool = True) -> Mapping[str, Any]:
        """The context that handlers run on, under AppSync's names; members are built when code reads them."""
        return _Members(self, selection_sets)


class _Members(Mapping[str, Any]):
    """The context's members, each made on demand: most handlers read two or three of them."""

    def __init__(self, context: ResolverContext, selection_sets: bool) -> None:
        self._context = context
        self._selection_sets = selection_sets

    def __getitem__(self, name: str) -> Any:
        context = self._context
        if name == "prev":
            return {"result": context.prev} if context.has_prev else None
        if name == "request":
            return context.request_json()
        if name == "info":
            return context.info.to_json(selection_sets=self._selection_sets)
        if name in MEMBERS:
            return getattr(context, name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(MEMBERS)

    def __len__(self) -> int:
        return len(MEMBERS)


MEMBERS = ("arguments", "identity", "source", "stash", "result", "prev", "error", "request", "info", "env")
