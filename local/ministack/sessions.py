"""Temporary credentials in the journal: a role's session outlives the process that issued it, as on AWS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ministack.services import sts

from local.ministack.journal import Operation


def everything() -> Iterator[list[Operation]]:
    """The sessions that are valid, as a base of the journal holds them."""
    now = time.time()
    valid = [["session", key, value] for key, value in sts._sessions.items() if not expired(value, now)]
    if valid:
        yield valid


def expired(session: dict[str, Any], now: float) -> bool:
    """Whether a session has ended at `now` (epoch seconds)."""
    expiration = session.get("Expiration")
    return isinstance(expiration, int | float) and expiration < now


def apply(operation: Operation) -> bool:
    """Restore a session; False for an operation of somebody else."""
    if operation[0] != "session":
        return False
    _, key, session = operation
    if not expired(session, time.time()):
        dict.__setitem__(sts._sessions, key, session)  # not a new one: it is in the journal
    return True
