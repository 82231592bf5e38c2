"""The outbox's file from an event loop: steps run in a thread, those that come together as one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from headwater.errors import HeadwaterError
from headwater.mutations import Mutation
from headwater.outbox_file import Entry, OutboxFile

T = TypeVar("T")


class _Step(NamedTuple):
    run: Callable[[], Any]
    done: asyncio.Future[Any]
    then: Callable[[Any], None] | None


class Writer:
    """An OutboxFile. What a method has returned from is on the disk."""

    def __init__(self, file: OutboxFile) -> None:
        self._file = file
        self._steps: list[_Step] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "headwater-outbox")

    async def open(self) -> list[Entry]:
        """As OutboxFile.open."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._file.open)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise

    async def close(self) -> None:
        """Finish the steps under way, and let go of the file."""
        if self._writing is not None:
            await self._writing
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
        self._thread.shutdown()

    async def add(self, mutation: Mutation, at: int, then: Callable[[Entry], None]) -> Entry:
        """Keep a mutation, and call `then` with its entry: in the order of the numbers, and also when whoever waits
        here has given up."""
        return await self._do(lambda: self._file.add(mutation, at), then)

    async def restore(self, entry: Entry, then: Callable[[Entry], None]) -> Entry:
        """Keep an entry of another file, under a new number."""
        return await self._do(lambda: self._file.add(entry.mutation, entry.queued_at, entry.sent_at), then)

    async def sent(self, entry: Entry, at: int) -> None:
        """As OutboxFile.sent."""
        await self._do(lambda: self._file.sent(entry, at))

    async def failed(self, entry: Entry, error: HeadwaterError) -> None:
        """As OutboxFile.failed."""
        await self._do(lambda: self._file.failed(entry, error))

    async def remove(self, entry: Entry) -> None:
        """As OutboxFile.remove."""
        await self._do(lambda: self._file.remove(entry))

    async def _do(self, run: Callable[[], T], then: Callable[[T], None] | None = None) -> T:
        step = _Step(run, asyncio.get_running_loop().create_future(), then)
        self._steps.append(step)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        result: T = await step.done
        return result

    async def _write(self) -> None:
        while self._steps:
            steps, self._steps = self._steps, []
            try:
                results = await self._together(steps)
            except HeadwaterError as error:
                if len(steps) > 1:
                    # One of them may be what the disk refuses, such as a mutation that is too large for it.
                    for step in steps:
                        _finish(step, await self._alone(step))
                    continue
                results = [error]
            for step, result in zip(steps, results, strict=True):
                _finish(step, result)
        self._writing = None

    async def _alone(self, step: _Step) -> Any:
        try:
            return (await self._together([step]))[0]
        except HeadwaterError as error:
            return error

    async def _together(self, steps: list[_Step]) -> list[Any]:
        runs = [step.run for step in steps]
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._file.together, runs)


def _finish(step: _Step, result: Any) -> None:
    if isinstance(result, HeadwaterError):
        if not step.done.done():
            step.done.set_exception(result)
        return
    if step.then is not None:
        step.then(result)
    if not step.done.done():
        step.done.set_result(result)
