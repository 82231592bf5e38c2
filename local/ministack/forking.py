"""Forked children that write what this process holds: their memory is a copy of it, as it is at the fork."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
from collections.abc import Callable, Iterable

logger = logging.getLogger("headwater.saves")

HIGHEST_DESCRIPTOR = 65536

FAILED = 1
DISK_FULL = 2
"""Exit statuses of a child, beside 0."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


def is_full(error: OSError) -> bool:
    """Whether an error says that the disk takes nothing more."""
    return error.errno in _FULL


def fork(run: Callable[[], None], *, what: str, longest_seconds: int, kept_open: Iterable[int] = ()) -> int:
    """Run `run` in a child and return the child's process id at once; call on the event loop, between its callbacks.

    The child is ended after `longest_seconds`: it may have inherited a lock that nobody releases. It closes all file
    descriptors from 3 on but `kept_open`, so that it holds no port and no client.
    """
    gc.disable()  # the collector would touch, and so copy, every page in the child
    child = os.fork()
    if child:
        gc.enable()
        return child
    status = FAILED
    try:
        signal.alarm(longest_seconds)
        _close_descriptors(kept_open)
        run()
        status = 0
    except OSError as error:
        status = DISK_FULL if is_full(error) else FAILED
        logger.error("%s failed (%s).", what, error)
    except BaseException:
        logger.exception("%s failed.", what)
    finally:
        os._exit(status)


def _close_descriptors(kept_open: Iterable[int]) -> None:
    start = 3
    for kept in [*sorted(kept_open), HIGHEST_DESCRIPTOR]:
        os.closerange(start, kept)
        start = kept + 1


def wait(child: int) -> int:
    """Wait for a child's end; its exit status, negative for a signal."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:
        return 0  # another thread of ours waited for it first
