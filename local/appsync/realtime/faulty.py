"""The faults of sockets and pushes, apart from the way that is taken when none is set (local/faults.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakSet

from local.appsync.realtime.operations import Operation
from local.faults import Faults, Strike

DEAF_SECONDS = 1.0


class Socket(Protocol):
    """What a fault sees of a connection, and does to it."""

    def operations(self) -> Iterable[Operation]:
        """Its live subscriptions."""

    def field_of(self, operation: Operation) -> str:
        """The subscription field of an operation; empty when it has ended."""

    def dropped(self, operation: Operation, why: str) -> None:
        """The event that is being delivered does not go out."""

    def send(self, parts: Sequence[bytes]) -> None:
        """Queue a text frame."""

    def cut(self) -> None:
        """Read and write no more, and leave the socket open."""

    def slow_down(self, bytes_per_second: int) -> None:
        """Write no faster than this."""


@dataclass
class _Deaf:
    """What a subscription misses after its acknowledgement."""

    strike: Strike
    until: float
    left: float


class SocketFaults:
    """Asked by connections while any fault is set."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._deaf: dict[Operation, _Deaf] = {}
        self._cut: WeakSet[Socket] = WeakSet()
        self._slow: WeakSet[Socket] = WeakSet()

    def acknowledges(self, socket: Socket, operation: Operation) -> None:
        """A subscription's start_ack is about to be written, and after it the events that it already had."""
        field = socket.field_of(operation)
        strike = self._faults.strike("drop-after-start-ack", subscription=field, subscriber=operation.data)
        if strike is None:
            return
        now = self._faults.clock()
        self._deaf = {each: deaf for each, deaf in self._deaf.items() if deaf.until > now and deaf.strike.stands}
        seconds, pushes = strike.options["seconds"], strike.options["pushes"]
        if seconds is None:
            seconds = DEAF_SECONDS if pushes is None else float("inf")
        self._deaf[operation] = _Deaf(strike, now + seconds, float("inf") if pushes is None else pushes)
        strike.did(f"{field} {operation.id} is deaf after its start_ack")
        operation.held[:] = [payload for payload in operation.held if not self._misses(operation, field)]

    def pushes(self, socket: Socket, operation: Operation, payload: bytes) -> bool:
        """An event is about to be written. Returns whether that is done with: dropped, or written here."""
        field = socket.field_of(operation)
        about = {"subscription": field, "subscriber": operation.data}
        if self.touches(socket):
            socket.dropped(operation, "the fault half-open")
            return True
        if self._misses(operation, field):
            socket.dropped(operation, "the fault drop-after-start-ack")
            return True
        lost = self._faults.strike("drop-push", **about, containing=payload)
        if lost is not None:
            lost.did(f"dropped a push of {field} to {operation.id}")
            socket.dropped(operation, "the fault drop-push")
            return True
        doubled = self._faults.strike("duplicate-push", **about, containing=payload)
        if doubled is None:
            return False
        for _ in range(2):
            parts = operation.frame(payload)
            if parts:
                socket.send(parts)
        doubled.did(f"pushed {field} to {operation.id} twice")
        return True

    def touches(self, socket: Socket) -> bool:
        """A frame has come in or is about to go out. Returns whether it goes nowhere."""
        if socket in self._cut:
            return True
        about = tuple(operation.data for operation in socket.operations())
        slow = None if socket in self._slow else self._faults.strike("slow-socket", subscriber=about)
        if slow is not None:
            self._slow.add(socket)
            socket.slow_down(slow.options["bytes_per_second"])
            slow.did("slowed a socket down")
        cut = self._faults.strike("half-open", subscriber=about)
        if cut is None:
            return False
        self._cut.add(socket)
        socket.cut()
        cut.did("cut a socket off without closing it")
        return True

    def _misses(self, operation: Operation, field: str) -> bool:
        deaf = self._deaf.get(operation)
        if deaf is None:
            return False
        if self._faults.clock() >= deaf.until or deaf.left == 0 or not deaf.strike.stands:
            del self._deaf[operation]
            return False
        deaf.left -= 1
        deaf.strike.did(f"dropped a push of {field} to {operation.id}")
        return True
