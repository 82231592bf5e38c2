"""A tiny engine for tests of the network edge: it answers with what it was given and publishes what a test tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from local.appsync.engine import Result, Subscription
from local.appsync.errors import MalformedQueryError, MissingOperationNameError
from local.appsync.journal import Journal
from local.appsync.request import Caller, OperationRequest, RequestInfo
from local.errors import NotEmulated


class EchoSubscription(Subscription):
    """Registered with its engine until it is cancelled."""

    def __init__(
        self, engine: EchoEngine, query: str, deliver: Callable[[bytes], None], end: Callable[[], None]
    ) -> None:
        self.engine = engine
        self.query = query
        self.deliver = deliver
        self.end = end
        engine.live.append(self)

    def cancel(self) -> None:
        if self in self.engine.live:
            self.engine.live.remove(self)


class EchoEngine:
    """`execute` echoes; queries that are one of the words below misbehave. `subscribe` registers in `live`.

    meow: does not parse. several: needs an operation name. crash: fails. big: 100 kB. unknown: NotEmulated.
    held: waits until the test releases `gate`.
    """

    def __init__(self) -> None:
        self.journal = Journal()
        self.live: list[EchoSubscription] = []
        self.gate = asyncio.Event()
        self.waiting = 0
        self.early: bytes | None = None  # published while a subscription is registered but not yet returned

    async def execute(self, operation: OperationRequest, caller: Caller, request: RequestInfo) -> Result:
        match operation.query:
            case "meow":
                raise MalformedQueryError
            case "several":
                raise MissingOperationNameError
            case "crash":
                raise RuntimeError("crash")
            case "unknown":
                raise NotEmulated("teleportation", "no test needs it")
            case "held":
                await self._wait()
            case _:
                pass
        data: dict[str, Any] = {
            "query": operation.query,
            "variables": operation.variables,
            "operationName": operation.operation_name,
            "mode": caller.mode.value,
            "identity": caller.identity,
            "mayQuery": caller.may_call("Query", "room"),
            "headers": dict(request.headers),
            "requestId": request.request_id,
        }
        if operation.query == "big":
            data["text"] = "x" * 100_000
        return Result(json.dumps({"data": data}).encode(), data, headers={"x-set-by-resolver": "yes"})

    async def subscribe(
        self,
        operation: OperationRequest,
        caller: Caller,  # noqa: ARG002
        request: RequestInfo,  # noqa: ARG002
        deliver: Callable[[bytes], None],
        *,
        ended: Callable[[], None] | None = None,
        operation_id: str = "",  # noqa: ARG002
    ) -> Subscription | Result:
        match operation.query:
            case "query":
                error = {"errorType": "UnsupportedOperation", "message": "query and mutations not supported"}
                return Result(b"", None, [error])
            case "denied":
                error = {"errorType": "Unauthorized", "message": "Not Authorized to access onRoom on type Subscription"}
                return Result(b"", None, [error])
            case "crash":
                raise RuntimeError("crash")
            case _:
                pass
        assert ended is not None
        subscription = EchoSubscription(self, operation.query, deliver, ended)
        if operation.query == "held":
            await self._wait()
        if self.early is not None:
            deliver(self.early)
        return subscription

    def publish(self, payload: dict[str, Any]) -> None:
        """Deliver an event to every live subscription."""
        encoded = json.dumps({"data": payload}, separators=(",", ":")).encode()
        for subscription in list(self.live):
            subscription.deliver(encoded)

    async def _wait(self) -> None:
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
