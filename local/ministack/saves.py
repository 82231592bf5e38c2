"""Background saves: a forked child writes the state of every service while the server goes on.

Why a fork: MiniStack's stores have no lock, so a thread fails on dictionaries that change under it, and saving on the
event loop stops every request for half a second. A fork on the loop is one instant of all services, 2-4 ms long.

Each save is a directory of its own, `saves/<number>`, made current by replacing the symbolic link `current` in one
step: a process killed in the middle of a save leaves the previous one whole. What is large is not in it but in the
journal, so that a save is quick whatever the tables hold.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from local.ministack import forking
from local.ministack.journal import sync_directory

logger = logging.getLogger("headwater.saves")

LONGEST_SAVE_SECONDS = 60
"""A save that hangs is ended, so that the next one can do better: a fork may inherit a lock that nobody releases."""

PATIENCE_SECONDS = 2.0
"""When no save has worked for so long because the disk is full, changes are refused rather than lost."""

WriteState = Callable[[Path], Callable[[], None]]
"""Writes every service's state file into a directory that holds the previous save's files, in a child of ours.

Returns what is to be done once the directory is the current one."""


class Saves:
    """The saves below `state`. `mark_changed` is cheap and thread safe; `attach` starts the background task.

    `before` is called at the fork and returns what is to be called when that save is the current one.
    """

    def __init__(
        self,
        state: Path,
        *,
        interval_seconds: float,
        write: WriteState,
        before: Callable[[], Callable[[], None]] = lambda: lambda: None,
    ) -> None:
        self._directory = state / "saves"
        self.current = state / "current"
        self._interval_seconds = interval_seconds
        self._write = write
        self._before = before
        self._changed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._child: int | None = None
        self._kept_open: list[int] = []
        self._full_since: float | None = None
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
        """A save keeps this file descriptor; all others from 3 on it closes."""
        self._kept_open.append(descriptor)

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

    @property
    def full(self) -> bool:
        """Whether nothing could be saved for longer than is promised, because the disk is full."""
        return self._full_since is not None and time.monotonic() - self._full_since > PATIENCE_SECONDS

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
        done = self._before()
        self._child = self._fork_to_save()
        paused = time.monotonic() - started
        status = await asyncio.to_thread(forking.wait, self._child)
        self._child = None
        logger.debug("Saved in %.2f s, paused %.1f ms", time.monotonic() - started, paused * 1000)
        return self._ended(status, done)

    def _ended(self, status: int, done: Callable[[], None]) -> bool:
        if status == 0:
            self._full_since = None
            done()
        elif status == forking.DISK_FULL:
            self._full_since = self._full_since or time.monotonic()
        return status == 0

    def _fork_to_save(self) -> int:
        return forking.fork(
            self._save,
            what="This save, after which the previous one stays,",
            longest_seconds=LONGEST_SAVE_SECONDS,
            kept_open=self._kept_open,
        )

    def _save(self) -> None:
        previous = self.current.resolve()
        target = self._new_directory(int(previous.name) + 1)
        # A service that was not touched since the start has no state in memory: its file is carried over.
        for entry in previous.iterdir():
            os.link(entry, target / entry.name)
        clean_up = self._write(target)
        sync_directory(target)
        self._make_current(target)
        sync_directory(self._directory.parent)
        shutil.rmtree(previous, ignore_errors=True)
        clean_up()

    def save_now(self) -> bool:
        """Save and wait for it; False when it failed. A save that is under way is waited for first."""
        if self._child is not None:
            forking.wait(self._child)
        done = self._before()
        return self._ended(forking.wait(self._fork_to_save()), done)

    def finish(self) -> None:
        """The last save at a graceful stop."""
        if self._task is not None:
            self._task.cancel()
        if not self.save_now():
            logger.error("The last save failed: changes since the one before are lost, but for what is in the journal.")
