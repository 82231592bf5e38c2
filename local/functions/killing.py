"""The fault kill-worker: a worker's process is killed inside an invocation (local/faults.py).

Lambda's own ends of an environment look like this: an out-of-memory kill, a crash of the runtime, a host that is lost.
What the function did until then has happened, and nobody got an answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from local.faults import Faults, Strike
from local.functions.logs import InvocationLog
from local.functions.worker import Answer, Worker


class Killing:
    """One invocation in which a worker is to die. `header` is what the worker is told of the invocation."""

    def __init__(self, strike: Strike, function: str, worker: Worker, header: dict[str, Any]) -> None:
        self._strike = strike
        self._function = function
        self._worker = worker
        self._timer: asyncio.TimerHandle | None = None
        at = strike.options["at"]
        self._when = at if at in {"start", "end"} else f"{at} {strike.options['call']}"
        if at == "time":
            milliseconds = strike.options["milliseconds"]
            self._when = f"{milliseconds:g} ms"
            self._timer = asyncio.get_running_loop().call_later(milliseconds / 1000, worker.kill)
        else:
            header["kill"] = {"at": at, "call": strike.options["call"]}

    def over(self) -> None:
        """The invocation has ended, by the fault or before it came to that."""
        if self._timer is not None:
            self._timer.cancel()
        if self._worker.ended:
            self._strike.did(f"killed a worker of {self._function} at {self._when}")
        else:
            self._strike.missed()


async def call(
    faults: Faults, function: str, worker: Worker, header: dict[str, Any], event: bytes, log: InvocationLog
) -> Answer:
    """`Worker.call`, in which the worker may be killed."""
    strike = faults.strike("kill-worker", function=function)
    if strike is None:
        return await worker.call(header, event, log)
    killing = Killing(strike, function, worker, header)
    try:
        return await worker.call(header, event, log)
    finally:
        killing.over()
