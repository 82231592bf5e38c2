"""Where a room's messages live: the room, its directory of hours that have messages, and the shards of each hour.

A room is not one partition: a single DynamoDB partition takes 1,000 writes a second, which was the bottleneck of the
original web chat. The number of shards is an attribute of the room; it is 1 until writes throttle, then it doubles.
The directory notes for each hour how many shards it uses, so that a reader asks no partition in vain.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict

from domain import attributes, times, topics
from domain.message import Partition
from domain.table import Item, Put, Set, Table, TableError, Write, free

PREFIX = "ROOM#"
MAX_SHARDS = 64
LISTING = "ROOMS"  # GSI1PK of all rooms
_TRUSTED_MS = 5_000  # how long a container relies on what it knows: a room that was deleted comes back within this time
_MOST_KNOWN = 10_000


def key(room_id: str) -> tuple[str, str]:
    """The key of a room's own item."""
    return f"{PREFIX}{room_id}", "ROOM"


def room_of(pk: str) -> str:
    """The room that a partition key of its own items names."""
    return pk.removeprefix(PREFIX)


def bucket_key(room_id: str, hour: str) -> tuple[str, str]:
    """The key of an hour in a room's directory."""
    return f"{PREFIX}{room_id}", f"BUCKET#{hour}"


@dataclass(frozen=True)
class Placement:
    """Where messages of now belong, and what must be written with them: the room or its directory, if need be."""

    room_id: str
    hour: str
    shards: int
    writes: tuple[Write, ...]
    looked_up: bool  # False when it rests on what this container knew

    def partition(self, lot: int) -> Partition:
        """The shard of a message that drew this number from `draw`."""
        return Partition(self.room_id, self.hour, lot % self.shards)


def draw() -> int:
    """What decides a message's shard, by chance. One message keeps its number over all attempts to store it.

    Otherwise an attempt whose answer was lost and the next one would store it twice, in two shards.
    """
    return random.randrange(MAX_SHARDS)  # noqa: S311 - spreads load


class Rooms:
    """The rooms of a table, with what this container knows about them, so that a message is one write as a rule."""

    def __init__(self, table: Table, retention_seconds: int) -> None:
        self._table = table
        self._retention_seconds = retention_seconds
        self._known: dict[tuple[str, str], tuple[int, int]] = {}  # (room, hour) -> (shards, trusted until, epoch ms)

    def place(self, room_id: str, now_ms: int) -> Placement:
        """Where messages that arrive now belong. Raises TableError."""
        hour = times.hour(now_ms)
        shards, trusted_until = self._known.get((room_id, hour), (0, 0))
        if now_ms < trusted_until:
            return Placement(room_id, hour, shards, (), looked_up=False)
        now = now_ms // 1000
        bucket_pk, bucket_sk = bucket_key(room_id, hour)
        found = {
            item["sk"]: item for item in self._table.query(bucket_pk, "sk >= :bucket", {":bucket": bucket_sk}, now=now)
        }
        room, bucket = found.get("ROOM"), found.get(bucket_sk)
        shards = max(shards_of(room), shards_of(bucket))
        # The hour's last message arrives just before the hour ends and sets how long hour and room are needed.
        expires_at = times.hour_end_seconds(now_ms) + self._retention_seconds
        writes = _room_writes(room_id, room, shards, now_ms, expires_at)
        if shards_of(bucket) < shards or bucket is None or _ends_before(bucket, expires_at):
            condition, values = free(now)
            item = {"pk": bucket_pk, "sk": bucket_sk, "shards": shards, "expiresAt": expires_at}
            condition += " OR #shards < :shards OR #expiresAt < :expiresAt"
            writes.append(Put(item, condition, values | {":shards": shards, ":expiresAt": expires_at}))
        return Placement(room_id, hour, shards, tuple(writes), looked_up=True)

    def remember(self, placement: Placement, now_ms: int) -> None:
        """Rely, for a while, on a placement whose writes were carried out."""
        if placement.looked_up:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[placement.room_id, placement.hour] = (placement.shards, now_ms + _TRUSTED_MS)

    def forget(self, placement: Placement) -> None:
        """Look at the room anew: a write did not find it as it was thought to be."""
        self._known.pop((placement.room_id, placement.hour), None)

    def spread(self, placement: Placement) -> None:
        """Double the shards of a room whose writes throttle; done once, however many writers ask.

        A failure is no error: the room is not stored yet, another writer was first, or the next throttled write asks
        again.
        """
        self.forget(placement)
        if placement.shards < MAX_SHARDS:
            doubled = min(2 * placement.shards, MAX_SHARDS)
            more = Set(key(placement.room_id), {"shards": doubled}, "#shards < :doubled", {":doubled": doubled})
            with contextlib.suppress(TableError):
                self._table.write([more])


def _room_writes(room_id: str, room: Item | None, shards: int, now_ms: int, expires_at: int) -> list[Write]:
    if topics.is_private_room(room_id):
        return []  # it is made by its owner, and stays as long as it has members
    pk, sk = key(room_id)
    if room is None:
        return [Put(public_item(room_id, None, shards, now_ms, expires_at), *free(now_ms // 1000))]
    if _ends_before(room, expires_at):
        return [Set((pk, sk), {"expiresAt": expires_at}, "#expiresAt < :expiresAt", {":expiresAt": expires_at})]
    return []


def public_item(room_id: str, name: str | None, shards: int, now_ms: int, expires_at: int) -> dict[str, Any]:
    """The item of a new public room, which all may list."""
    listed = {"GSI1PK": LISTING, "GSI1SK": room_id, "expiresAt": expires_at}
    return private_item(room_id, name, now_ms) | listed | {"shards": shards}


def private_item(room_id: str, name: str | None, now_ms: int) -> dict[str, Any]:
    """The item of a new private room: in no list, and not gone with its messages."""
    pk, sk = key(room_id)
    created_at = times.to_iso(now_ms)
    return {"pk": pk, "sk": sk, "roomId": room_id, "name": name, "shards": 1, "createdAt": created_at, "version": 1}


class Room(TypedDict):
    """A room as the schema has it."""

    id: str
    name: str | None
    private: bool
    createdAt: str


def from_item(room_id: str, item: Mapping[str, Any]) -> Room:
    """What the API shows of a room, whoever wrote its item."""
    return {
        "id": room_id,
        "name": attributes.text(item.get("name")),
        "private": topics.is_private_room(room_id),
        "createdAt": attributes.time(item.get("createdAt")) or times.to_iso(0),
    }


def shards_of(item: Item | None) -> int:
    """How many shards a room or one of its hours uses, whoever wrote the item."""
    shards = item.get("shards") if item else None
    return min(max(int(shards), 1), MAX_SHARDS) if isinstance(shards, Decimal) else 1


def _ends_before(item: Item, expires_at: int) -> bool:
    # As for `is_live`, what is no number is no end.
    ends_at = item.get("expiresAt")
    return isinstance(ends_at, Decimal) and ends_at < expires_at
