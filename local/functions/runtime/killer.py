"""Kills its own worker inside an invocation: the fault kill-worker (`local/functions/killing.py`).

Calls are counted at `http.client`, which urllib3, botocore and `urllib.request` speak HTTP with.
"""

from __future__ import annotations

import http.client
import os
import signal
from typing import Any

_putrequest = http.client.HTTPConnection.putrequest
_getresponse = http.client.HTTPConnection.getresponse


def die() -> None:
    """End as a process that was killed: no handlers, no answer."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(at: str, call: int) -> None:
    """Die before the `call`th request from now on leaves (`at` is call), or when its answer has come (answer)."""
    begun = answered = 0

    def putrequest(connection: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal begun
        begun += 1
        if at == "call" and begun >= call:
            die()
        return _putrequest(connection, *arguments, **named)

    def getresponse(connection: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal answered
        response = _getresponse(connection, *arguments, **named)
        answered += 1
        if at == "answer" and answered >= call:
            die()
        return response

    http.client.HTTPConnection.putrequest = putrequest  # type: ignore[assignment, method-assign]
    http.client.HTTPConnection.getresponse = getresponse  # type: ignore[assignment, method-assign]


def disarm() -> None:
    """The invocation is over, and the worker lives."""
    http.client.HTTPConnection.putrequest = _putrequest  # type: ignore[method-assign]
    http.client.HTTPConnection.getresponse = _getresponse  # type: ignore[method-assign]
