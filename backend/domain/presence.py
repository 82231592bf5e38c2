"""A presence: someone on one device in one room. Its keys, its two items, and what the API shows of it.

Two items, because what is shown changes seldom and the signs of life come all the time:

- `PRESENCE#<roomId>` is what subscribers are told. Every change of it is pushed.
- `HEARTBEAT#<owner>` has the last heartbeat, and what the chain of questions about it needs (`domain.presence_chain`).
  The publisher's event source mapping leaves it out, so a heartbeat wakes nobody.

Both are written in one transaction where they must agree. docs/decisions/presence.md says what that costs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from domain import attributes, times
from domain.caller import Caller
from domain.table import Item, Key

PREFIX = "PRESENCE#"
HEARTBEAT_PREFIX = "HEARTBEAT#"
# How long the item of a heartbeat is kept whose chain has died: longer than any outage that the chain does not outlive.
_KEPT_SECONDS = 24 * 3600


class Presence(TypedDict):
    """A presence as the schema has it."""

    id: str
    roomId: str
    userId: str | None
    name: str
    joinedAt: str
    lastSeen: str
    absent: bool


@dataclass(frozen=True)
class Rhythm:
    """What is due when, all of it from the interval of heartbeats. Times are in milliseconds.

    Attributes:
        heartbeat_seconds: a client sends one so often.
    """

    heartbeat_seconds: int

    @property
    def beat(self) -> int:
        """The interval."""
        return self.heartbeat_seconds * 1000

    @property
    def early(self) -> int:
        """A heartbeat that comes sooner after the last one is none that the rhythm asks for."""
        return self.beat // 2

    @property
    def late(self) -> int:
        """After so long without one, a presence is absent: a quarter of an interval may go by on the way."""
        return self.beat + self.beat // 4

    @property
    def gone(self) -> int:
        """After so long without one, it is gone."""
        return 2 * self.beat

    @property
    def stale(self) -> int:
        """A `lastSeen` that was told so long ago is told anew."""
        return 20 * self.beat

    @property
    def lost(self) -> int:
        """A chain that should have asked so long ago has died."""
        return self.gone + 60_000

    @property
    def grey(self) -> int:
        """Clients need not believe in a presence whose `lastSeen` is older, whatever they were told or not told."""
        return self.stale + self.gone


@dataclass(frozen=True)
class Place:
    """Which presence it is: the room, and whose it is on which device.

    Attributes:
        room_id: the room.
        owner: a user's `sub`, an auth key's id, or for callers that share an identity the presence's own id.
        id: tells the presences of a room apart. It shows neither who the caller is nor the client's own id.
    """

    room_id: str
    owner: str
    id: str

    @property
    def key(self) -> Key:
        """The key of what is shown."""
        return f"{PREFIX}{self.room_id}", self.id

    @property
    def heartbeat_key(self) -> Key:
        """The key of the last heartbeat. All of an owner are in one partition, where their end finds them."""
        return f"{HEARTBEAT_PREFIX}{self.owner}", f"{self.room_id}#{self.id}"


def place(caller: Caller, room_id: str, client_id: str) -> Place:
    """The presence of a caller's client in a room: the same each time."""
    text = json.dumps([caller.kind.value, caller.id, client_id])
    presence_id = hashlib.sha256(text.encode()).hexdigest()[:32]
    return Place(room_id, caller.subscriber or presence_id, presence_id)


def place_of(heartbeat_key: Key) -> Place:
    """The presence that the key of a heartbeat names."""
    room_id, _, presence_id = str(heartbeat_key[1]).rpartition("#")
    return Place(room_id, heartbeat_key[0].removeprefix(HEARTBEAT_PREFIX), presence_id)


def room_of(pk: str) -> str:
    """The room that a presence's partition key names."""
    return pk.removeprefix(PREFIX)


def to_item(
    where: Place, user_id: str | None, name: str, joined_at: str, now_ms: int, rhythm: Rhythm, trace_id: str | None
) -> Item:
    """The item that shows a presence from whom a sign of life has come now."""
    pk, sk = where.key
    return {
        "pk": pk, "sk": sk, "owner": where.owner, "userId": user_id, "name": name, "joinedAt": joined_at,
        "traceId": trace_id, **refreshed(now_ms, rhythm),
    }  # fmt: skip


def refreshed(now_ms: int, rhythm: Rhythm) -> dict[str, Any]:
    """What a heartbeat changes of what is shown, where it does."""
    # The net, should all questions fail: from then on reads leave it out, and some day DynamoDB removes it.
    return {
        "lastSeen": times.to_iso(now_ms),
        "absent": False,
        "expiresAt": (now_ms + rhythm.grey + rhythm.lost) // 1000,
    }


def beaten(now_ms: int) -> dict[str, Any]:
    """What every heartbeat writes."""
    return {"beat": now_ms, "expiresAt": now_ms // 1000 + _KEPT_SECONDS}


def is_here(heartbeat: Mapping[str, Any] | None, now_ms: int, rhythm: Rhythm) -> bool:
    """Whether the last heartbeat is not too long ago, whatever the questions have come to."""
    return heartbeat is not None and now_ms < number(heartbeat, "beat") + rhythm.gone


def number(item: Mapping[str, Any], name: str) -> int:
    """A number of a heartbeat's item; 0 where there is none."""
    found = item.get(name)
    return int(found) if found is not None else 0


def from_item(pk: str, sk: str, item: Mapping[str, Any]) -> Presence:
    """What the API shows of an item, whoever wrote it: what is missing or wrong has a stand-in."""
    joined_at = attributes.time(item.get("joinedAt")) or times.to_iso(0)
    return {
        "id": sk,
        "roomId": room_of(pk),
        "userId": attributes.text(item.get("userId")),
        "name": attributes.text(item.get("name")) or "unknown",
        "joinedAt": joined_at,
        "lastSeen": attributes.time(item.get("lastSeen")) or joined_at,
        "absent": item.get("absent") is True,
    }


def shown(where: Place, item: Mapping[str, Any]) -> Presence:
    """What the API shows of the item of a presence."""
    pk, sk = where.key
    return from_item(pk, str(sk), item)


def to_publish(pk: str, sk: str, item: Mapping[str, Any]) -> Presence:
    """The same for those who are told of the item: what is missing has a stand-in, what is wrong has none.

    Raises:
        WrongType: an attribute is present with another type.
    """
    attributes.check(item, _ATTRIBUTES)
    return from_item(pk, sk, item)


_ATTRIBUTES: attributes.Rules = {
    "userId": (attributes.text, "a text"),
    "name": (attributes.text, "a text"),
    "joinedAt": (attributes.time, "a time with an offset"),
    "lastSeen": (attributes.time, "a time with an offset"),
    "absent": (lambda value: value if isinstance(value, bool) else None, "true or false"),
}
