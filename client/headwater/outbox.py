"""The offline queue: mutations that are sent when they can be, each applied exactly once, in order per item.

An entry has its `clientMutationId` when it is queued and keeps it, so that the server knows a repeat. Entries of one
`ordering` go one after the other, each when the one before has ended; others go side by side. Transient failures are
repeated with full jitter, and at once when the network returns. Any other failure ends its entry, which stays in the
file until somebody has taken the error, and the next goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from headwater.errors import HeadwaterError, NotQueueable, OutboxLocked, OutboxUnusable, Unreachable
from headwater.mutations import Mutation
from headwater.outbox_file import Entry, OutboxFile
from headwater.outbox_writer import Writer
from headwater.overlays import Overlays
from headwater.sender import Send, Sender, Wait

T = TypeVar("T")

# The server remembers a `clientMutationId` for its parameter RetentionHours, 24 by default, from the effect on. The
# hour between is for clocks, and for requests that take long.
REPEAT_SECONDS: Final = 23 * 3600.0


class Queued(Generic[T]):
    """A queued mutation. `await` gives its answer, or raises what ended it, whenever that may be.

    An error that was raised here counts as taken; one that nobody awaits comes out of `Outbox.failures`.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - the model's word
        ended: asyncio.Future[dict[str, Any]],
        take: Callable[[str], Awaitable[None]],
        parse: Callable[[dict[str, Any]], T],
    ) -> None:
        self.id = id
        self._ended = ended
        self._take = take
        self._parse = parse

    def done(self) -> bool:
        """Whether it has been answered, or has failed."""
        return self._ended.done()

    def __await__(self) -> Generator[Any, None, T]:
        return self._answer().__await__()

    async def _answer(self) -> T:
        try:
            return self._parse(await asyncio.shield(self._ended))
        except HeadwaterError:
            await self._take(self.id)
            raise


class Outbox:
    """The queue of one client, in one file: `connect(outbox=...)` takes its path, or an Outbox for other settings.

    Args:
        path: the file; one for each API and caller, because the server knows an id per caller.
        limit: how many mutations it holds at most, with the failed ones that nobody has taken.
        repeat_seconds: for how long after its first attempt a mutation may be sent again. It must be less than the
            time for which the server remembers a `clientMutationId`, its RetentionHours.
        parallel: how many are under way at once, of different items.
        wall: the time of day, in seconds since 1970.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        limit: int = 1000,
        repeat_seconds: float = REPEAT_SECONDS,
        parallel: int = 4,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.path = Path(path).expanduser()
        self._writer = Writer(OutboxFile(self.path, limit))
        self._repeat_ms = repeat_seconds * 1000
        self._parallel = parallel
        self._wall = wall
        self._overlays = Overlays()
        self._sender: Sender | None = None
        self._closed = False
        self._to_send: dict[str, Entry] = {}
        self._ends: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._failed: dict[str, Entry] = {}
        self._failure = asyncio.Event()
        self._drained = asyncio.Event()

    def __len__(self) -> int:
        """How many mutations are to be sent."""
        return len(self._to_send)

    def entries(self) -> list[Entry]:
        """What is to be sent, oldest first."""
        return sorted(self._to_send.values(), key=lambda entry: entry.number)

    def failed(self) -> list[Entry]:
        """What has ended with an error (`entry.failure`) that nobody has taken yet, also in earlier processes."""
        return list(self._failed.values())

    async def take(self, id: str) -> None:  # noqa: A002 - the model's word
        """Take the error of an entry: it leaves the file."""
        entry = self._failed.pop(id, None)
        if entry is not None and not self._closed:
            with suppress(OutboxUnusable):  # the next process is told again
                await self._writer.remove(entry)

    async def failures(self) -> AsyncIterator[Entry]:
        """What `failed` has, and what fails from now on, until the client is closed. One counts as taken when the next
        is asked for: a program that is killed before is told again."""
        while True:
            for entry in self.failed():
                yield entry
                await self.take(entry.mutation.id)
            if self._failed:
                continue
            if self._closed:
                return
            self._failure.clear()
            await self._failure.wait()

    async def drained(self) -> None:
        """Wait until nothing is left to be sent, or the client is closed."""
        await self._drained.wait()

    async def restore(self, entry: Entry) -> None:
        """Queue what `salvage` has read, with its id and the time of its first attempt.

        Raises:
            OutboxFull, OutboxUnusable: it was not queued.
        """
        await self._writer.restore(entry, self._keep)

    def wake(self) -> None:
        """The network may be back: try at once what waits for another attempt."""
        if self._sender is not None:
            self._sender.wake()

    # --- for the client ---

    async def open(self, send: Send, wait: Wait, overlays: Overlays) -> None:
        """Take the file, show what its mutations are expected to do, and begin to send.

        Raises:
            OutboxLocked, OutboxUnusable: as `OutboxFile.open`; or it was opened before.
        """
        if self._sender is not None or self._closed:
            raise OutboxLocked(f"{self.path}: an Outbox is for one client, once")
        entries = await self._writer.open()
        self._overlays = overlays
        self._sender = Sender(
            send, wait, self._writer, self._ended,
            repeat_ms=self._repeat_ms, parallel=self._parallel, now_ms=self._now_ms,
        )  # fmt: skip
        for entry in entries:
            if entry.failure is not None:
                self._failed[entry.mutation.id] = entry
                continue
            # Queued by an earlier version of the program, perhaps: it is sent, whether it can be shown or not.
            with suppress(ValueError, KeyError, TypeError):
                overlays.show(entry.mutation)
            self._keep(entry)
        self._note_whether_drained()

    async def close(self) -> None:
        """Stop sending; what is queued stays so, and those who wait are told."""
        self._closed = True
        if self._sender is not None:
            await self._sender.close()
            await self._writer.close()
        for ended in self._ends.values():
            if not ended.done():
                ended.set_exception(Unreachable("the client was closed; the mutation is still queued"))
        self._failure.set()
        self._drained.set()

    async def add(self, mutation: Mutation, parse: Callable[[dict[str, Any]], T]) -> Queued[T]:
        """Queue a mutation: returns when it is safely kept. Where the wait is cancelled it may have been kept.

        Raises:
            OutboxFull, OutboxUnusable: it was not.
            NotQueueable: its id is that of another mutation in the queue, or what it is expected to do is no item.
            Unreachable: the client is closed.
        """
        if self._sender is None or self._closed:
            raise Unreachable("the client is not open: nothing was queued")
        try:
            self._overlays.show(mutation)
        except (ValueError, KeyError, TypeError) as error:
            raise NotQueueable(f"what {mutation.id} is expected to do is no item of its topic: {error!r}") from error
        ended = self._ends.get(mutation.id) or self._end()
        self._ends[mutation.id] = ended  # before it is kept: from then on it may be sent and end
        try:
            entry = await self._writer.add(mutation, self._now_ms(), self._keep)
        except HeadwaterError:
            self._ends.pop(mutation.id, None)
            self._overlays.roll_back(mutation)
            raise
        if (entry.mutation.document, entry.mutation.variables) != (mutation.document, mutation.variables):
            raise NotQueueable(f"{mutation.id} is the id of another mutation in the queue")
        if entry.failure is not None and not ended.done():
            self._ends.pop(mutation.id, None)
            self._overlays.roll_back(mutation)
            ended.set_exception(entry.failure)
        return Queued(mutation.id, ended, self.take, parse)

    # --- keeping ---

    def _keep(self, entry: Entry) -> None:
        """An entry is in the file. Called in the order of the numbers."""
        id_ = entry.mutation.id
        if entry.failure is None and id_ not in self._to_send and self._sender is not None:
            self._to_send[id_] = entry
            self._sender.line_up(entry)
            self._note_whether_drained()

    def _ended(self, entry: Entry, data: dict[str, Any], error: HeadwaterError | None) -> None:
        id_ = entry.mutation.id
        self._to_send.pop(id_, None)
        ended = self._ends.pop(id_, None)
        if error is None:
            self._overlays.settle(entry.mutation, data)
            if ended is not None:
                ended.set_result(data)
        else:
            self._overlays.roll_back(entry.mutation)
            self._failed[id_] = replace(entry, failure=error)
            self._failure.set()
            if ended is not None:
                ended.set_exception(error)
        self._note_whether_drained()

    def _end(self) -> asyncio.Future[dict[str, Any]]:
        ended: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        ended.add_done_callback(lambda done: done.cancelled() or done.exception())  # `failures` tells of it too
        return ended

    def _note_whether_drained(self) -> None:
        if self._to_send and not self._closed:
            self._drained.clear()
        else:
            self._drained.set()

    def _now_ms(self) -> int:
        return int(self._wall() * 1000)
