"""Background saves: a forked child writes the whole state while the server goes on.

Why a fork: MiniStack's stores have no lock, so a thread fails on dictionaries that change under it, and saving on the
event loop stops every request for half a second. A fork on the loop is one instant of all services, 2-4 ms long.

Each save is a directory of its own, `saves/<number>`, made current by replacing the symbolic link `current` in one
step: a process killed in the middle of a save leaves the previous one whole.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger("headwater.saves")

HIGHEST_DESCRIPTOR = 65536

LONGEST_SAVE_SECONDS = 60
"""A save that hangs is ended, so that the next one can do better: a fork may inherit a lock that nobody releases."""

WriteState = Callable[[Path], Callable[[], None]]
"""Writes every service's state file into a directory that holds the previous save's files, in a child of ours.

Returns what is to be done once the directory is the current one."""


class Saves:
    """The saves below `state`. `mark_changed` is cheap and thread safe; `attach` starts the background task."""

    def __init__(self, state: Path, *, interval_seconds: float, write: WriteState) -> None:
        self._directory = state / "saves"
        self.current = state / "current"
        self._interval_seconds = interval_seconds
        self._write = write
        self._changed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._child: int | None = None
        self._kept_open: list[int] = []
        self._directory.mkdir(parents=True, exist_ok=True)
        if not self.current.is_symlink():
            self._make_current(self._new_directory(0))
        self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        """Delete what a killed process left: every save but the current one."""
        current = self.current.resolve().name
        for entry in self._directory.iterdir():
            if entry.is_symlink():
                entry.unlink()
            elif entry.name != current:
                shutil.rmtree(entry, ignore_errors=True)

    def _new_directory(self, number: int) -> Path:
        directory = self._directory / f"{number:08d}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        return directory

    def _make_current(self, directory: Path) -> None:
        link = directory.with_suffix(".link")
        link.unlink(missing_ok=True)
        link.symlink_to(Path(self._directory.name) / directory.name)  # relative to where the link ends up
        link.replace(self.current)

    def keep_open(self, descriptor: int) -> None:
        """A save keeps this file descriptor; all others from 3 on it closes, so that it holds no port and no client."""
        self._kept_open = sorted([*self._kept_open, descriptor])

    def attach(self) -> None:
        """Start saving in the background; call on the server's event loop."""
        if self._task is None:
            self._loop = asyncio.get_running_loop()
            self._wake = asyncio.Event()
            if self._changed:
                self._wake.set()
            self._task = self._loop.create_task(self._run())

    def mark_changed(self) -> None:
        """There is something to save."""
        if self._changed:
            return
        self._changed = True
        if self._loop is not None and self._wake is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _run(self) -> None:
        assert self._loop is not None
        assert self._wake is not None
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._changed = False
            next_at = self._loop.time() + self._interval_seconds
            if not await self._save_in_child():
                self.mark_changed()
            await asyncio.sleep(next_at - self._loop.time())

    async def _save_in_child(self) -> bool:
        started = time.monotonic()
        self._child = self._fork_to_save()
        paused = time.monotonic() - started
        status = await asyncio.to_thread(_wait, self._child)
        self._child = None
        logger.debug("Saved in %.2f s, paused %.1f ms", time.monotonic() - started, paused * 1000)
        return status == 0

    def _fork_to_save(self) -> int:
        gc.freeze()  # otherwise the collector touches, and so copies, every page in the child
        child = os.fork()
        if child:
            gc.unfreeze()
            return child
        try:
            gc.disable()
            signal.alarm(LONGEST_SAVE_SECONDS)
            self._close_descriptors()
            self._save()
        except BaseException:
            logger.exception("This save failed; the previous one stays.")
            os._exit(1)
        os._exit(0)

    def _close_descriptors(self) -> None:
        start = 3
        for kept in [*self._kept_open, HIGHEST_DESCRIPTOR]:
            os.closerange(start, kept)
            start = kept + 1

    def _save(self) -> None:
        previous = self.current.resolve()
        target = self._new_directory(int(previous.name) + 1)
        # A service that was not touched since the start has no state in memory: its file is carried over.
        for entry in previous.iterdir():
            os.link(entry, target / entry.name)
        clean_up = self._write(target)
        self._make_current(target)
        shutil.rmtree(previous, ignore_errors=True)
        clean_up()

    def finish(self) -> None:
        """The last save at a graceful stop, once a child that is still writing has ended."""
        if self._task is not None:
            self._task.cancel()
        if self._child is not None:
            _wait(self._child)
        _wait(self._fork_to_save())


def _wait(child: int) -> int:
    try:
        return os.waitpid(child, 0)[1]
    except ChildProcessError:
        return 0  # another thread of ours waited for it first
