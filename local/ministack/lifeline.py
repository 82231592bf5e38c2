"""Ends this process when its parent is gone, also after kill -9 of the parent."""

from __future__ import annotations

import os
import signal
import threading


def stop_with_parent(descriptor: int) -> None:
    """Send SIGTERM to this process once `descriptor`, the read end of a pipe of the parent, reaches end of file.

    A pipe and not PR_SET_PDEATHSIG: that one fires when the *thread* that started us ends, and exists on Linux only.
    """

    def watch() -> None:
        while os.read(descriptor, 1):
            pass  # the parent never writes; whatever comes is not the end
        os.kill(os.getpid(), signal.SIGTERM)

    os.set_inheritable(descriptor, False)
    threading.Thread(target=watch, name="headwater-lifeline", daemon=True).start()
