"""The routing table of the simulation: the real one's rows, and kinds of items that the product does not have yet.

    MESSAGES#   the product's own row
    STATE#      state-like: of several changes in a batch only the last is told
    MOVING#     belongs to the rooms that its attribute `rooms` names: it leaves some and comes to others

What is in `Poison` cannot be told until a deployment mends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from domain import message, topics
from domain.routing import ROUTES, Route, Unpublishable
from domain.table import Item
from domain.topics import Topic

STATE, MOVING = "STATE#", "MOVING#"


@dataclass
class Poison:
    """Texts that the publisher cannot project, that AppSync refuses, and that the table refuses; until mended."""

    unprojectable: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    indigestible: set[str] = field(default_factory=set)

    def mend(self) -> None:
        """A deployment: whatever could not be told can be told now."""
        self.unprojectable.clear()
        self.refused.clear()
        self.indigestible.clear()


def routes(poison: Poison) -> Sequence[Route]:
    """The routing table."""

    def project(pk: str, sk: str, item: Item) -> Mapping[str, Any]:
        if item.get("text") in poison.unprojectable:
            raise Unpublishable(f"{item['text']!r} is poison")
        return message.to_publish(pk, sk, item)

    def project_other(pk: str, sk: str, item: Item) -> Mapping[str, Any]:
        return {**project(message.PREFIX + pk.partition("#")[2], sk, item), "roomId": pk.split("#")[1]}

    def room_of(pk: str, _sk: str, _item: Item) -> list[Topic]:
        return [topics.room(pk.split("#")[1])]

    def rooms_of(_pk: str, _sk: str, item: Item) -> list[Topic]:
        return [topics.room(room_id) for room_id in str(item.get("rooms", "")).split()]

    return [
        *(replace(row, project=project) for row in ROUTES),
        Route(STATE, room_of, lambda _, sk: message.id_of(sk), project_other, state_like=True),
        Route(MOVING, rooms_of, lambda _, sk: message.id_of(sk), project_other),
    ]
