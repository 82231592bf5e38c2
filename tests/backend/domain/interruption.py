"""Kills a function at a chosen step of its calls to AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_NEVER = float("inf")


class Killed(BaseException):
    """Ends a function where it stands; no code of ours catches it."""


class Interruption:
    """Strikes at the n-th step of the calls of some clients; a step is before a call, and another after its answer."""

    def __init__(self, clients: tuple[Any, ...], error: Callable[[], BaseException]) -> None:
        self._clients, self._error = clients, error
        self._left: float = _NEVER
        self.struck = False  # the last time

    @contextmanager
    def at(self, step: int) -> Iterator[None]:
        """Strike at a step of what runs inside."""
        self._left, self.struck = step, False
        for client in self._clients:
            client.meta.events.register("before-call", self._step, unique_id="before")
            client.meta.events.register("after-call", self._step, unique_id="after")
        try:
            yield
        finally:
            self._left = _NEVER

    def _step(self, **_: Any) -> None:
        self._left -= 1
        if self._left < 0:
            self._left, self.struck = _NEVER, True
            raise self._error()
