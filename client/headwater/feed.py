"""A live topic: its items kept up to date, and its changes, each exactly once and in order."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from headwater.backlog import Backlog
from headwater.backoff import full_jitter
from headwater.changes import Change, Resync
from headwater.cursors import CursorStore
from headwater.errors import HeadwaterError, is_transient
from headwater.following import Following, Transport
from headwater.log import Log, Query
from headwater.observable import observable
from headwater.realtime import Realtime
from headwater.states import State, States
from headwater.topics import Topic
from headwater.view import View
from headwater.wire import Model

if TYPE_CHECKING:
    from reactivex import Observable

T = TypeVar("T", bound=Model)
Event = Change[T] | Resync[T]


class Feed(Generic[T]):
    """A topic, live. Made by `Client.live`.

    `items` holds what is there now; iterating hands out what changes from the beginning on, and a `Resync` where the
    log could not tell. Both go on by themselves over whatever happens to the connection.

    `async with` returns when the feed has caught up for the first time, and raises when the API cannot be reached; it
    ends the feed afterwards. A bare `async for` begins by itself, waits for the network if need be, and ends with the
    client.

    With a cursor store, the number of a change is saved when the next one is asked for, so that after a crash the last
    one may come again.
    """

    def __init__(
        self, query: Query, realtime: Realtime, topic: Topic[T], *, after: int | None = None, snapshot: bool = True,
        cursor: CursorStore | None = None, keep: int = 1000, said: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.topic = topic.name
        self.view: View[T] = View(keep, topic.kind.order)
        self.closed = False
        self._kind = topic.kind
        self._after = after
        self._cursors = cursor
        self._cursor_name = topic.name
        self._keep = keep
        self._network = realtime.network
        self._log = Log(query, topic)
        self._following = Following(self._log, realtime, topic, self, snapshot=snapshot, keep=keep)
        self._states = States()
        self._said = said
        self._pump: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._news = asyncio.Event()
        self._backlog: Backlog[T] = Backlog(0)
        self._position = after
        self._unsaved: int | None = None
        self._shown = 0  # up to here the snapshot shows what the changes would do
        self._failures = 0

    @property
    def items(self) -> Mapping[str, T]:
        """The newest items by key, in order, with what the program's own mutations are expected to do."""
        return self.view.items

    @property
    def pending(self) -> frozenset[str]:
        """The keys of items that show what a mutation is expected to do and that has not been answered."""
        return self.view.pending

    @property
    def position(self) -> int | None:
        """The number of the last change handed out: the cursor to resume after. None before the start."""
        return self._position

    @property
    def caught_up_to(self) -> int:
        """The number up to which the feed has all changes, handed out or not."""
        return self._following.position

    @property
    def state(self) -> State:
        """What can be said of the feed at this moment."""
        if self.closed or (self._error is not None and self._following.ready.is_set()):
            return "closed"
        return self._following.state

    @property
    def transport(self) -> Transport:
        """How changes come: `polling` while no WebSocket gets through."""
        return self._following.transport

    def states(self) -> AsyncIterator[State]:
        """The state now and each that follows, to `closed`."""
        return self._states.follow()

    async def start(self) -> None:
        """Begin, and return when the feed has caught up; it may be called again after it has raised.

        Raises:
            GraphQLFailure: the topic may not be followed, or the server refused.
            Unreachable: the API cannot be reached. Once the feed has caught up, it waits and tries again instead.
            HeadwaterError: the feed was closed.
        """
        if self.closed:
            self._raise_error()
        pump = self._begin(patient=False)
        ready = asyncio.create_task(self._following.ready.wait())
        try:
            await asyncio.wait({pump, ready}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not self._following.ready.is_set():
            self._raise_error()

    async def close(self) -> None:
        """End it. What has arrived and was not handed out yet is dropped: it comes again after the cursor."""
        self.closed = True
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        self._news.set()
        self.said()

    async def for_each(self, callback: Callable[[Event[T]], Awaitable[Any] | Any]) -> None:
        """Call a function, or a coroutine function, with each event; the cursor is saved when it has returned."""
        async for event in self:
            result = callback(event)
            if inspect.isawaitable(result):
                await result

    def observable(self) -> Observable[Event[T]]:
        """The events as a reactivex Observable, which must be installed (`headwater.observable`)."""
        return observable(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event[T]:
        await self._save()
        while not self.closed:
            if self._backlog:
                event = self._backlog.take()
                self._position = self._unsaved = event.position
                return event
            if self._backlog.gap_after is not None:
                await self._fill_gap(self._backlog.gap_after)
                continue
            if self._error is not None:
                self._raise_error()
            self._begin(patient=True)
            self._news.clear()
            await self._news.wait()
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # What the following tells.

    async def cursor(self) -> int | None:
        """Where to begin: what the caller said, else what is stored."""
        if self._cursors is not None and self._kind.id_variable is None:
            # Another user's cursor would be of another topic.
            self._cursor_name = await self._log.name()
        if self._after is not None or self._cursors is None:
            return self._after
        stored = self._cursors.load(self._cursor_name)
        return await stored if inspect.isawaitable(stored) else stored

    async def begun(self, items: Sequence[tuple[str, T]] | None, shown: int, position: int) -> None:
        """The feed begins."""
        if items is not None:
            self.view.replace(items)
        self._shown = shown if items is not None else position
        self._backlog = Backlog(position)
        self._position = self._unsaved = position
        await self._save()

    def changed(self, changes: Sequence[Change[T]]) -> None:
        """Take in what has changed."""
        for change in changes:
            if change.seq > self._shown:
                self.view.apply(change)
        self._backlog.put(changes)
        self._news.set()

    def restarted(self, items: Sequence[tuple[str, T]], position: int) -> None:
        """Begin anew."""
        self.view.replace(items)
        self._shown = position
        self._backlog.resync(Resync(self.topic, dict(items), position))
        self._news.set()

    def said(self) -> None:
        """Tell the state to all who follow it."""
        self._states.say(self.state)
        self._said()

    def _begin(self, *, patient: bool) -> asyncio.Task[None]:
        if self._pump is None:
            self._error = None
            self._pump = asyncio.create_task(self._run(patient=patient))
        return self._pump

    async def _run(self, *, patient: bool) -> None:
        try:
            await self._following.run(patient=patient)
        except Exception as error:  # noqa: BLE001 - raised where the feed is used
            self._error = error
        finally:
            self._pump = None
            self._news.set()
            self.said()

    def _raise_error(self) -> None:
        if self._error is None:
            raise HeadwaterError(f"{self.topic} is closed")
        if not self._following.ready.is_set():
            error, self._error = self._error, None  # it may begin once more
            raise error
        raise self._error

    async def _save(self) -> None:
        if self._cursors is not None and self._unsaved is not None:
            saved = self._cursors.save(self._cursor_name, self._unsaved)
            if inspect.isawaitable(saved):
                await saved
        self._unsaved = None

    async def _fill_gap(self, after: int) -> None:
        """Read from the log what came while the reader was too slow."""
        try:
            page = await self._log.page(after)
            if page.resync_required:
                state = dict(await self._log.snapshot(self._keep))
                self._backlog.skip(Resync(self.topic, state, page.head_seq))
            elif not self._backlog.fill(page):
                await asyncio.sleep(full_jitter(self._failures))
                self._failures += 1
                return
        except HeadwaterError as error:
            if not is_transient(error):
                raise
            await self._network.wait(full_jitter(self._failures))
            self._failures += 1
            return
        self._failures = 0
