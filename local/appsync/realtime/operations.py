"""The operations of one connection, by the ids that the client chose: being prepared, live, or ended.

An operation that ended while it was being prepared stays ENDED: what arrives late for it is dropped.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_SUBSCRIPTIONS = 200

_END = b"}"


class State(enum.Enum):
    """Where an operation is."""

    PREPARING = "preparing"
    LIVE = "live"
    ENDED = "ended"


@dataclass(eq=False, slots=True)
class Operation:
    """What a client asked for. `held` are events that came between the subscription and its acknowledgement.

    `data` is what a SigV4 caller has signed; `authorization` are the credentials and headers, names in lower case.
    """

    id: str
    data: str
    query: Mapping[str, Any]
    authorization: Mapping[str, str | list[str]]
    state: State = State.PREPARING
    held: list[bytes] = field(default_factory=list)
    prefix: bytes = b""  # of the frames that carry its events

    def frame(self, payload: bytes) -> Sequence[bytes]:
        """The parts of an event's frame, which are not joined here because `payload` is shared by many sockets."""
        if self.state is State.LIVE:
            return self.prefix, payload, _END
        if self.state is State.PREPARING:
            self.held.append(payload)
        return ()


class Operations:
    """Those that are being prepared or live."""

    def __init__(self, maximum: int = MAX_SUBSCRIPTIONS) -> None:
        self.maximum = maximum
        self._by_id: dict[str, Operation] = {}

    @property
    def full(self) -> bool:
        """Whether the quota of a connection is reached."""
        return len(self._by_id) >= self.maximum

    def find(self, identifier: Any) -> Operation | None:
        """The operation of an id, which comes from the wire and may be no string."""
        return self._by_id.get(identifier) if isinstance(identifier, str) else None

    def add(self, operation: Operation) -> None:
        """A new one; its id must not be in use."""
        self._by_id[operation.id] = operation

    def establish(self, operation: Operation) -> list[bytes] | None:
        """Make it live: the frames of the events that it already had, or None when it ended meanwhile."""
        if operation.state is not State.PREPARING:
            return None
        operation.state = State.LIVE
        held, operation.held = operation.held, []
        return [b"".join(operation.frame(payload)) for payload in held]

    def end(self, operation: Operation) -> None:
        """Its id is free again."""
        operation.state = State.ENDED
        operation.held.clear()
        self._by_id.pop(operation.id, None)

    def end_all(self) -> list[Operation]:
        """End every one, and return those that were not ended before."""
        operations = list(self._by_id.values())
        for operation in operations:
            self.end(operation)
        return operations
