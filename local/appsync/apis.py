"""The APIs that the data plane serves, and how a redeployed one takes the place of the version before.

A swap loses nothing: first every live subscription is registered with the new engine too, then new requests go there,
and the old registrations end when the last request that began on the old engine has ended. A mutation publishes in
exactly one of the two, so that nobody sees an event twice. Sockets stay open; only a subscription that the new version
refuses ends, with an `error` frame. AWS documents nothing about subscriptions that live through a schema update.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from local.appsync.auth.authenticate import Authenticator, no_functions
from local.appsync.auth.principals import Principals
from local.appsync.datasources import Invoke
from local.appsync.definition import ApiDefinition
from local.appsync.engine import Result, Subscription
from local.appsync.journal import Journal
from local.appsync.request import Caller, OperationRequest, RequestInfo
from local.faults import Faults


class GraphqlEngine(Protocol):
    """What the endpoints need of an `Engine`; documented there."""

    journal: Journal

    async def execute(self, operation: OperationRequest, caller: Caller, request: RequestInfo) -> Result: ...

    async def subscribe(
        self,
        operation: OperationRequest,
        caller: Caller,
        request: RequestInfo,
        deliver: Callable[[bytes], None],
        *,
        ended: Callable[[], None] | None = None,
        operation_id: str = "",
    ) -> Subscription | Result: ...


class Api:
    """One served version of an API. `engine` is None while the API has no schema."""

    def __init__(self, definition: ApiDefinition, engine: GraphqlEngine | None, authenticator: Authenticator) -> None:
        self.definition = definition
        self.engine = engine
        self.authenticator = authenticator
        self._running = 0
        self._replaced = False
        self._at_end: list[Callable[[], None]] = []

    def __enter__(self) -> None:
        """A request begins."""
        self._running += 1

    def __exit__(self, *_: object) -> None:
        """A request has ended."""
        self._running -= 1
        self._finish()

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call back when this version has been replaced and its last request has ended."""
        self._at_end.append(callback)

    def replaced(self) -> None:
        """No new requests come here."""
        self._replaced = True
        self._finish()

    def _finish(self) -> None:
        if self._replaced and self._running == 0:
            callbacks, self._at_end = self._at_end, []
            for callback in callbacks:
                callback()


class Subscribers(Protocol):
    """Who holds live subscriptions: the real-time endpoint."""

    async def carry_over(self, old: Api, new: Api) -> None:
        """Register every live subscription of `old` with `new` too."""

    def dismiss(self, api: Api) -> None:
        """End the connections of a deleted API."""


class Apis:
    """The registry. Methods are called on the event loop. `aws_endpoint` is the URL of the local cloud."""

    def __init__(
        self,
        principals: Principals,
        clock: Callable[[], float] = time.time,
        *,
        aws_endpoint: str = "",
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self.subscribers: Subscribers | None = None
        self.journal = Journal()
        self._principals = principals
        self._clock = clock
        self._aws_endpoint = aws_endpoint
        self._apis: dict[str, Api] = {}
        self._main: str | None = None
        self._swapping: dict[str, asyncio.Lock] = {}

    async def serve(
        self,
        definition: ApiDefinition,
        engine: GraphqlEngine | None,
        *,
        main: bool = False,
        invoke: Invoke = no_functions,
    ) -> None:
        """Serve an API, in place of the version before. The first one, or the one given as `main`, is at `/graphql`.

        `invoke` calls its Lambda authorizer. Raises NotEmulated for settings of a mode that are not emulated.
        """
        authenticator = Authenticator(
            definition, self._principals, self._clock, invoke=invoke, aws_endpoint=self._aws_endpoint,
            faults=self.faults,
        )  # fmt: skip
        api = Api(definition, engine, authenticator)
        if engine is not None:
            engine.journal = self.journal
        async with self._lock(definition.id):
            old = self._apis.get(definition.id)
            if old is not None and self.subscribers is not None:
                await self.subscribers.carry_over(old, api)
            self._apis[definition.id] = api
            if main or self._main is None:
                self._main = definition.id
        if old is not None:
            old.replaced()

    def withdraw(self, api_id: str) -> None:
        """Stop serving a deleted API."""
        removed = self._apis.pop(api_id, None)
        if self._main == api_id:
            self._main = next(iter(self._apis), None)
        if removed is not None:
            removed.replaced()
            if self.subscribers is not None:
                self.subscribers.dismiss(removed)

    def find(self, api_id: str | None, host: str | None = None) -> Api | None:
        """The API of a path's id; without one that of an AWS host name (`<id>.appsync-api...`); else the main one."""
        if api_id is None and host is not None:
            label, _, domain = host.partition(".")
            if domain.startswith(("appsync-api.", "appsync-realtime-api.")) and label in self._apis:
                api_id = label
        return self._apis.get(api_id or self._main or "")

    async def settled(self, api_id: str) -> Api | None:
        """The version to begin a subscription on; waits for the end of a swap, which would not see the subscription."""
        lock = self._swapping.get(api_id)
        if lock is not None and lock.locked():
            async with lock:
                pass
        return self._apis.get(api_id)

    def __iter__(self) -> Iterator[Api]:
        return iter(self._apis.values())

    def _lock(self, api_id: str) -> asyncio.Lock:
        return self._swapping.setdefault(api_id, asyncio.Lock())
