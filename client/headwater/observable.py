"""A feed as a reactivex Observable. reactivex is needed only here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from headwater.changes import Change, Resync
from headwater.errors import AlreadyObserved

if TYPE_CHECKING:
    from reactivex import Observable
    from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase

    from headwater.feed import Feed

T = TypeVar("T", bound="Any")


def observable(feed: Feed[T]) -> Observable[Change[T] | Resync[T]]:
    """The feed's events as `next`; what ends the feed as `error`; `complete` when it, or its client, is closed.

    Subscribing begins the feed, in the event loop that runs then; disposing of the subscription ends it, from whatever
    thread. The next event is not taken from the feed before the observers have returned from the last one: what comes
    meanwhile waits in the feed, which is bounded.

    Raises:
        ImportError: reactivex is not installed.
    """
    from reactivex import create
    from reactivex.disposable import Disposable

    observed: list[asyncio.Task[None]] = []

    def subscribe(observer: ObserverBase[Change[T] | Resync[T]], _: SchedulerBase | None = None) -> DisposableBase:
        if observed:
            observer.on_error(AlreadyObserved(f"the feed of {feed.topic} is observed already"))
            return Disposable()
        loop = asyncio.get_running_loop()
        task = loop.create_task(_forward(feed, observer))
        task.add_done_callback(_tell_of_defect)
        observed.append(task)
        return Disposable(lambda: _cancel(loop, task))

    return create(subscribe)


async def _forward(feed: Feed[T], observer: ObserverBase[Change[T] | Resync[T]]) -> None:
    try:
        while True:
            try:
                event = await anext(feed)
            except StopAsyncIteration:
                observer.on_completed()
                return
            except Exception as error:  # noqa: BLE001 - whatever ended the feed is the observers'
                observer.on_error(error)
                return
            observer.on_next(event)
            # A feed that has events ready does not suspend: let others run, and a disposal be seen.
            await asyncio.sleep(0)
    finally:
        await feed.close()


def _cancel(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


def _tell_of_defect(task: asyncio.Task[None]) -> None:
    """Of an observer that has raised, which nobody else hears of."""
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": "an observer has raised", "exception": error, "task": task})
