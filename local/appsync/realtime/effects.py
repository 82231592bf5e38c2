"""The seam between a connection and the protocol that is spoken on it: messages and moments in, effects out.

A protocol does no I/O. Its methods return what the connection has to do, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from local.appsync.errors import RequestError
from local.appsync.realtime.messages import ConnectionProblem, Problem
from local.appsync.realtime.operations import Operation

NORMAL, GOING_AWAY, POLICY_VIOLATION, SERVICE_RESTART, TRY_AGAIN_LATER = 1000, 1001, 1008, 1012, 1013

KEEP_ALIVE_SECONDS = 60.0
LIFETIME_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text frame."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Connect:
    """Authenticate the connection with these headers, names in lower case; then call one of the two, not both."""

    headers: Mapping[str, str | list[str]]
    connected: Callable[[], list[Effect]]
    rejected: Callable[[RequestError], list[Effect]]


@dataclass(frozen=True, slots=True)
class Begin:
    """Authorize and subscribe; then call `established` or `failed`.

    With `answered`, a query or mutation is executed, and `answered` called with the JSON text of its response. Without,
    it is refused as AppSync does.
    """

    operation: Operation
    answered: Callable[[bytes], list[Effect]] | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up a subscription, or its preparation."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket with a close frame."""

    code: int
    reason: str


Effect = Send | Connect | Begin | Cancel | Close

LIFETIME_OVER = Close(GOING_AWAY, "Connection lifetime of 24 hours reached")


class Subprotocol(Protocol):
    """One connection's protocol. `now` and `wake_at` are in seconds of any monotonic clock."""

    @property
    def wake_at(self) -> float:
        """When `wake` is due."""

    def refuse(self, problem: ConnectionProblem, now: float) -> list[Effect]:
        """The connect was refused before the first message."""

    def receive(self, text: str | None, now: float) -> list[Effect]:
        """A message of the client; None for a binary one."""

    def established(self, operation: Operation) -> list[Effect]:
        """The operation's subscription is live."""

    def failed(self, operation: Operation, problems: Sequence[Problem]) -> list[Effect]:
        """The operation was refused, or cannot go on with the next version of its API."""

    def ended(self, operation: Operation) -> list[Effect]:
        """The engine ended the subscription (invalidation)."""

    def wake(self, now: float) -> list[Effect]:
        """Time has passed."""

    def lost(self) -> list[Effect]:
        """The socket is gone or about to go: give everything up."""
