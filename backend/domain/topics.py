"""Topics: what clients subscribe to. One kind of topic has one publish mutation and one envelope type.

A topic is `<kind>:<id>` (`room:lobby`). One that names a person is computed from the caller's identity on the server.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TopicKind:
    """How the changes of one kind of topic are published.

    Attributes:
        name: before the colon.
        mutation: the mutation that publishes them, fed by the stream's publisher only.
        id_field: the envelope's member that holds the topic's id.
        item_field: the member of a change that holds the item.
    """

    name: str
    mutation: str
    id_field: str
    item_field: str


@dataclass(frozen=True)
class Topic:
    """One topic. `str()` is its name in the change log and in envelopes."""

    kind: TopicKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind.name}:{self.id}"


ROOM = TopicKind("room", mutation="publishMessages", id_field="roomId", item_field="message")


def room(room_id: str) -> Topic:
    """The topic of a room's messages."""
    return Topic(ROOM, room_id)
