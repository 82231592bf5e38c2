"""Live source folders: which functions run from which folders of this disk, and a watch that tells when one changes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import watchfiles

logger = logging.getLogger("headwater.functions")

SourceMap = Mapping[str, Sequence[Path]]
"""Function name (the physical id) -> folders that come before the deployed code on its `sys.path`."""


class SourceWatch:
    """Calls `changed(function names)` on the event loop after files in their folders changed.

    `bytecode` is the workers' `pycache_prefix`: Python takes bytecode for current when the source's size and the second
    of its change are the same, so that two quick edits would run the first one's code. What changed is dropped there.
    """

    def __init__(self, sources: SourceMap, *, bytecode: Path, changed: Callable[[set[str]], None]) -> None:
        self._folders: dict[Path, set[str]] = {}
        for name, folders in sources.items():
            for folder in folders:
                if folder.is_dir():
                    self._folders.setdefault(folder.resolve(), set()).add(name)
        self._bytecode = bytecode
        self._changed = changed
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch until `stop`."""
        if self._folders:
            self._task = asyncio.create_task(self._watch(), name="function sources")

    async def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _watch(self) -> None:
        try:
            await self._follow()
        except (OSError, RuntimeError) as error:  # watchfiles' own, as for a folder that is gone
            logger.warning("sources are no longer watched until the next deployment: %s", error)

    async def _follow(self) -> None:
        async for changes in watchfiles.awatch(*self._folders, debounce=200, step=20, recursive=True):
            names: set[str] = set()
            for _, text in changes:
                path = Path(text)
                self._drop_bytecode(path)
                for folder, users in self._folders.items():
                    if path.is_relative_to(folder):
                        names |= users
            if names:
                self._changed(names)

    def _drop_bytecode(self, path: Path) -> None:
        if path.suffix == ".py":
            name = Path(importlib.util.cache_from_source(path.name)).name
            cached = self._bytecode.joinpath(*path.parent.parts[1:], name)
            cached.unlink(missing_ok=True)
