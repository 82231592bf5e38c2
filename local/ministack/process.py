"""What the process has one of: saves, journal, notifier, expiries, and the tasks on the server's event loop."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable
from pathlib import Path

from local.ministack import expiry, notifications, sessions, states, table_journal
from local.ministack.compaction import LEAST_BYTES as DEFAULT_COMPACT_BYTES
from local.ministack.compaction import Compaction
from local.ministack.journal import Journal
from local.ministack.saves import Saves

SAVE_INTERVAL_VARIABLE = "HEADWATER_SAVE_SECONDS"
DEFAULT_SAVE_INTERVAL_SECONDS = 1.5
"""From the start of a save to the next: with the time that a save takes, at most two seconds are lost by kill -9."""

COMPACT_VARIABLE = "HEADWATER_COMPACT_BYTES"
"""The journal is compacted when its logs are larger than this, and than its base."""

state = Path(os.environ["STATE_DIR"]).parent
notifier = notifications.from_environment()
journal = Journal(state / "journal")
expiries = expiry.Expiries(journal)


def _before_save() -> Callable[[], None]:
    base = journal.base
    return lambda: journal.forget_before(base)


saves = Saves(
    state,
    interval_seconds=float(os.environ.get(SAVE_INTERVAL_VARIABLE, DEFAULT_SAVE_INTERVAL_SECONDS)),
    write=lambda directory: states.write(directory, {"base": journal.base}),
    before=_before_save,
)


def everything() -> itertools.chain[list[list[object]]]:
    """What a base of the journal holds."""
    return itertools.chain(table_journal.everything(), sessions.everything())


compaction = Compaction(
    journal,
    everything,
    saves.mark_changed,
    least_bytes=int(os.environ.get(COMPACT_VARIABLE, DEFAULT_COMPACT_BYTES)),
)
_tasks: list[asyncio.Task[None]] = []


def start_tasks() -> None:
    """Start what runs beside the server; call once, on its event loop."""
    saves.attach()
    compaction.attach()
    journal.start_syncing()
    _tasks.append(asyncio.get_running_loop().create_task(expiry.run(expiries)))


def finish() -> None:
    """Save what is not saved yet; for a graceful stop."""
    compaction.stop()
    saves.finish()
    journal.close()
