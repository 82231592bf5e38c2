"""BatchInvoke: calls of one request to the same resolver, collected into as few invocations as its size allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from local.appsync.context import ResolverContext
from local.appsync.datasources import DataSourceError

Call = Callable[[list[Any], list[ResolverContext]], Awaitable[list[Any]]]


class _Batch:
    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.contexts: list[ResolverContext] = []
        self.futures: list[asyncio.Future[Any]] = []


class Batches:
    """The open batches of one request, by the step that they belong to."""

    def __init__(self) -> None:
        self._open: dict[int, _Batch] = {}
        self._sent: set[asyncio.Task[None]] = set()  # asyncio itself keeps no reference to a task
        self.turns = 1
        """In how many turns of the loop siblings are started at most."""

    async def call(self, step: object, size: int, call: Call, request: Any, context: ResolverContext) -> Any:
        """Joins the batch of a step and answers its own element. Raises DataSourceError."""
        loop = asyncio.get_running_loop()
        batch = self._open.get(id(step))
        if batch is None:
            batch = self._open[id(step)] = _Batch()
            # Siblings are started in the same turn of the loop, before this callback runs, or in the next few.
            loop.call_soon(self._send_after, self.turns - 1, step, size, call)
        future: asyncio.Future[Any] = loop.create_future()
        batch.requests.append(request)
        batch.contexts.append(context)
        batch.futures.append(future)
        return await future

    def _send_after(self, turns: int, step: object, size: int, call: Call) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._send_after, turns - 1, step, size, call)
        else:
            self._send(step, size, call)

    def _send(self, step: object, size: int, call: Call) -> None:
        batch = self._open.pop(id(step))
        for start in range(0, len(batch.futures), size):
            part = slice(start, start + size)
            task = asyncio.ensure_future(_invoke(call, batch.requests[part], batch.contexts[part], batch.futures[part]))
            self._sent.add(task)
            task.add_done_callback(self._sent.discard)


async def _invoke(
    call: Call, requests: list[Any], contexts: list[ResolverContext], futures: list[asyncio.Future[Any]]
) -> None:
    try:
        results: list[Any] = await call(requests, contexts)
    except Exception as error:  # noqa: BLE001 - every waiting field gets it, each raises it at its own edge
        results = [error] * len(futures)
    if len(results) != len(futures):
        message = f"The batch has {len(futures)} items but the data source answered {len(results)}."
        results = [DataSourceError(message, "Lambda:IllegalArgument")] * len(futures)
    for future, result in zip(futures, results, strict=True):
        if future.done():  # cancelled by the request's time limit
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
