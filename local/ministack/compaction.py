"""Writes a new base of the journal when its logs have grown as large as the base, in a forked child.

However long that takes, nothing waits for it: writes go into the next log, and saves go on naming the old base until
the new one is whole. A process killed meanwhile reads the old base and both logs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator

from local.ministack import forking
from local.ministack.journal import Journal, Operation, write_base

logger = logging.getLogger("headwater.journal")

LEAST_BYTES = 32 * 1024 * 1024
LONGEST_SECONDS = 600
PAUSE_SECONDS = 10.0
"""After a compaction, whatever became of it."""

Everything = Callable[[], Iterator[list[Operation]]]


class Compaction:
    """Compacts `journal` from `everything`, all that it holds, and calls `finished` when a save should name the base.

    `attach` starts the background task on the server's event loop.
    """

    def __init__(
        self,
        journal: Journal,
        everything: Everything,
        finished: Callable[[], None],
        *,
        least_bytes: int = LEAST_BYTES,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._journal = journal
        self._everything = everything
        self._finished = finished
        self._least_bytes = least_bytes
        self._pause_seconds = pause_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._child: int | None = None
        self._woken = False

    def attach(self) -> None:
        """Start compacting in the background; call on the server's event loop."""
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._task = self._loop.create_task(self._run())
        self._journal.on_growth = self._grown
        self._grown()

    def _due(self) -> bool:
        return self._journal.log_bytes > max(self._least_bytes, self._journal.base_bytes)

    def _grown(self) -> None:
        if not self._woken and self._due() and self._loop is not None and self._wake is not None:
            self._woken = True
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._wake.set)

    async def _run(self) -> None:
        assert self._wake is not None
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._compact()
            except OSError as error:
                logger.error("The journal is not compacted, and grows: %s", error)
            await asyncio.sleep(self._pause_seconds)
            self._woken = False
            self._grown()

    async def _compact(self) -> None:
        began = time.monotonic()
        with self._journal.lock:  # no step of another thread is half done at the fork
            generation = self._journal.rotate()
            self._child = self._fork(generation)
        paused = time.monotonic() - began
        status = await asyncio.to_thread(forking.wait, self._child)
        self._child = None
        if status == 0 and self._journal.base_path(generation).exists():
            self._journal.base_written(generation)
            self._finished()
        logger.info("Compacted the journal in %.1f s, paused %.0f ms", time.monotonic() - began, paused * 1000)

    def _fork(self, generation: int) -> int:
        parent = os.getpid()

        def write() -> None:
            os.nice(10)
            write_base(self._journal.base_path(generation), self._everything(), wanted=lambda: os.getppid() == parent)

        # It does not keep the lock of the state open: it ends with its parent.
        return forking.fork(write, what="Compacting the journal", longest_seconds=LONGEST_SECONDS)

    def stop(self) -> None:
        """End a compaction that is under way: what it would save is in the logs."""
        if self._task is not None:
            self._task.cancel()
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)
            forking.wait(self._child)
