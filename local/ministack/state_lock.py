"""One process at a time for a state directory.

The lock is the operating system's: it goes with the last process that holds it. A background save inherits it, so that
whoever starts after kill -9 waits for a save that still runs.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path


class StateInUse(Exception):
    """Another process holds the state directory, and did not let go in time."""


def acquire(state: Path, wait_seconds: float) -> int:
    """Lock `state` for this process, and return the descriptor that holds the lock until it is closed.

    Waits for a predecessor that is about to end. Raises StateInUse.
    """
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StateInUse(
                    f"{state} is in use by another MiniStack. Stop the Headwater that runs there, "
                    "or set HEADWATER_STATE to another directory."
                ) from None
            time.sleep(0.02)
        else:
            return descriptor
