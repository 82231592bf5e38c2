"""What the process has one of: its saves, its notifier, its expiries, and the tasks on the server's event loop."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from local.ministack import expiry, notifications, states
from local.ministack.saves import Saves

SAVE_INTERVAL_VARIABLE = "HEADWATER_SAVE_SECONDS"
DEFAULT_SAVE_INTERVAL_SECONDS = 1.5
"""From the start of a save to the next: with the time that a save takes, at most two seconds are lost by kill -9."""

state = Path(os.environ["STATE_DIR"]).parent
notifier = notifications.from_environment()
expiries = expiry.Expiries()
saves = Saves(
    state,
    interval_seconds=float(os.environ.get(SAVE_INTERVAL_VARIABLE, DEFAULT_SAVE_INTERVAL_SECONDS)),
    write=states.write,
)
_tasks: list[asyncio.Task[None]] = []


def start_tasks() -> None:
    """Start what runs beside the server; call once, on its event loop."""
    saves.attach()
    _tasks.append(asyncio.get_running_loop().create_task(expiry.run(expiries)))
