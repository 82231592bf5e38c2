"""What one run of a handler left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class HandlerError:
    """An error that ends up in `errors`: from `util.error`, `util.appendError`, or an exception (type `Code`)."""

    message: str
    type: str | None = None
    data: Any = None
    error_info: Any = None


@dataclass(frozen=True)
class EarlyReturn:
    """`runtime.earlyReturn`; the value is the outcome's. `NEXT` (the default) only differs from `END` in pipelines."""

    skip_to: Literal["END", "NEXT"]


@dataclass(frozen=True)
class Invalidation:
    """`extensions.invalidateSubscriptions`: ends subscriptions to `subscription_field` whose filter matches."""

    subscription_field: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class CacheEviction:
    """`extensions.evictFromApiCache`: the resolver's type and field, and the values of its caching keys by name."""

    type_name: str
    field_name: str
    keys: dict[str, Any]


@dataclass
class Outcome:
    """A finished handler. When `error` is set the field ends there; `value` is then None.

    `stash` and `arguments` are the context's after the run, None where the handler cannot have changed them.
    `appended_errors` counts also when `error` is set. Filters are the objects given by the code, checked for shape.
    """

    value: Any = None
    returned: bool = True  # False when the handler returned undefined
    stash: dict[str, Any] | None = None
    arguments: dict[str, Any] | None = None
    appended_errors: list[HandlerError] = field(default_factory=list)
    early_return: EarlyReturn | None = None
    error: HandlerError | None = None
    unauthorized: bool = False  # `util.unauthorized()`: the error is the caller's to word
    response_headers: dict[str, str] = field(default_factory=dict)
    subscription_filter: dict[str, Any] | None = None
    invalidation_filter: dict[str, Any] | None = None
    invalidations: list[Invalidation] = field(default_factory=list)
    cache_evictions: list[CacheEviction] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
