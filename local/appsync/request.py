"""Who asks, and with which request: what every layer of the data plane passes along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.appsync.definition import AuthMode


@dataclass(frozen=True)
class Caller:
    """An authenticated caller.

    `identity` is `ctx.identity` as resolvers see it (None for an API key). `may_call(type, field)` is the mode's own
    rule for a root field (IAM policies, denied fields of a Lambda authorizer); schema directives are checked apart.
    """

    mode: AuthMode
    identity: Mapping[str, Any] | None = None
    groups: frozenset[str] = frozenset()
    may_call: Callable[[str, str], bool] = lambda _type, _field: True


@dataclass(frozen=True)
class RequestInfo:
    """The request around an operation. Header names are lower case; `cookie` is already removed."""

    headers: Mapping[str, str | list[str]]
    request_id: str
    source_ip: tuple[str, ...] = ("127.0.0.1",)
    domain_name: str | None = None


@dataclass
class OperationRequest:
    """One GraphQL operation as a client sent it."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
