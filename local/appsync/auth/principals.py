"""Who is behind an access key: looked up in the local cloud, remembered so briefly that rights count at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from local.appsync.auth.patterns import Context
from local.appsync.auth.policies import Policies

CACHE_SECONDS = 2.0
_CACHE_SIZE = 1_000


class Principal(Protocol):
    """An IAM user or role session, or the account's root. `limits` are boundaries that must allow too."""

    @property
    def secret_access_key(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def root(self) -> bool: ...
    @property
    def policies(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def limits(self) -> Sequence[Sequence[Mapping[str, Any]]]: ...


Lookup = Callable[[str, str | None], Awaitable[Principal | None]]
"""`(access_key_id, session_token)` to the principal, or None when the pair is unknown or expired."""


class KnownPrincipal:
    """A principal with its compiled policies."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self._sets = [Policies(documents) for documents in (principal.policies, *principal.limits)]

    def may(self, action: str, resource: str, context: Context) -> bool:
        """Whether every set of policies allows the action; the account's root may do everything."""
        return self.principal.root or all(policies.allow(action, resource, context) for policies in self._sets)


class Principals:
    """Looks principals up, once for requests that arrive together."""

    def __init__(self, lookup: Lookup, clock: Callable[[], float] = time.monotonic) -> None:
        self._lookup = lookup
        self._clock = clock
        self._known: dict[tuple[str, str | None], tuple[float, asyncio.Task[KnownPrincipal | None]]] = {}

    async def find(self, access_key_id: str, session_token: str | None) -> KnownPrincipal | None:
        """The principal of an access key, or None.

        Raises:
            PolicyError, NotEmulated: one of its policies cannot be evaluated.
        """
        key = (access_key_id, session_token)
        found = self._known.get(key)
        if found is None or self._clock() >= found[0] or _unusable(found[1]):
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            found = self._known[key] = (self._clock() + CACHE_SECONDS, asyncio.ensure_future(self._load(*key)))
        # A caller that goes away must not take the lookup from the others.
        return await asyncio.shield(found[1])

    def forget(self) -> None:
        """Look everybody up again: rights or keys have changed."""
        self._known.clear()

    async def _load(self, access_key_id: str, session_token: str | None) -> KnownPrincipal | None:
        principal = await self._lookup(access_key_id, session_token)
        return None if principal is None else KnownPrincipal(principal)


def _unusable(task: asyncio.Task[KnownPrincipal | None]) -> bool:
    """Failures and unknown keys are not remembered: the next request may find a key that was made meanwhile."""
    return task.done() and (task.cancelled() or task.exception() is not None or task.result() is None)
