"""Whoever writes to the main table, and the ledger of what they wrote: what subscribers are owed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.message import PREFIX, Partition, sort_key
from domain.table import to_attributes
from tests.simulation.dynamodb import Attributes, DynamoDB
from tests.simulation.judge import Owed
from tests.simulation.kernel import EPOCH_MS, Kernel
from tests.simulation.routes import MOVING, STATE, Poison
from tests.simulation.stream import Stream

MAIN_TABLE = "Main"


@dataclass(frozen=True)
class Thing:
    """An item: a message or another kind, by the prefix of its partition key. One that moves has no room of its own."""

    prefix: str
    room_id: str
    key: str

    @property
    def keys(self) -> Attributes:
        """Its key in the main table."""
        pk = f"{self.prefix}{self.room_id}" if self.prefix != PREFIX else Partition(self.room_id, "2027011508", 0).pk
        return {"pk": {"S": pk}, "sk": {"S": sort_key(EPOCH_MS, self.key)}}


class Ledger:
    """Writes items, and notes for each room and item what its subscribers must be told.

    Attributes:
        owed: by room and key, the events in the order of the writes.
        given_up: the ids of events that an operator gave up, or may have.
    """

    def __init__(self, kernel: Kernel, dynamodb: DynamoDB, stream: Stream, poison: Poison, *, large: int) -> None:
        self.owed: dict[str, dict[str, list[Owed]]] = {}
        self.given_up: set[str] = set()
        self.poison = poison
        self._kernel = kernel
        self._dynamodb = dynamodb
        self._stream = stream
        self._large = large  # a text with as many characters may be too large for a push
        self._stored: dict[Thing, tuple[str, frozenset[str]]] = {}
        self._count = 0

    def put(self, thing: Thing, rooms: Sequence[str], *, size: int = 0, poison: set[str] | None = None) -> None:
        """Write an item with a text that no other write has. `poison`: to which its text is added."""
        self._count += 1
        text = f"text-{self._count} " + "x" * size
        if poison is not None:
            poison.add(text)
        before = self._stored[thing][1] if thing in self._stored else frozenset()
        self._store(thing, text, rooms)
        self._stored[thing] = text, frozenset(rooms)
        for room_id in sorted(before | set(rooms)):
            if room_id not in rooms:
                self._owe(thing, room_id, "REMOVE", None)
            else:
                self._owe(thing, room_id, "MODIFY" if room_id in before else "INSERT", text)

    def touch(self, thing: Thing) -> None:
        """Write an item anew with nothing changed that the API shows; nobody is to be told."""
        text, rooms = self._stored[thing]
        self._count += 1
        self._store(thing, text, sorted(rooms), note=str(self._count))

    def remove(self, thing: Thing) -> None:
        """Delete an item, or let it expire, which is all the same to its subscribers."""
        _, rooms = self._stored.pop(thing)
        self._stream.by_ttl = self._kernel.random.random() < 0.3
        self._dynamodb.execute("delete_item", {"TableName": MAIN_TABLE, "Key": thing.keys}, "", None)
        self._stream.by_ttl = False
        for room_id in sorted(rooms):
            self._owe(thing, room_id, "REMOVE", None)

    def exists(self, thing: Thing) -> bool:
        """Whether there is such an item."""
        return thing in self._stored

    def state(self, room_id: str) -> Mapping[str, str]:
        """What a query for a room's items answers: text by key."""
        return {thing.key: text for thing, (text, rooms) in self._stored.items() if room_id in rooms}

    def _store(self, thing: Thing, text: str, rooms: Sequence[str], **more: Any) -> None:
        item = {**thing.keys, **to_attributes({"text": text, "rooms": " ".join(rooms), **more})}
        self._dynamodb.execute("put_item", {"TableName": MAIN_TABLE, "Item": item}, "", None)

    def _owe(self, thing: Thing, room_id: str, kind: str, text: str | None) -> None:
        large, state_like = text is not None and len(text) >= self._large, thing.prefix == STATE
        owed = Owed(self._stream.last_event_id, kind, text, self._kernel.now, state_like=state_like, large=large)
        self.owed.setdefault(room_id, {}).setdefault(thing.key, []).append(owed)
        self._kernel.trace("table", f"{int(owed.event_id, 16)}{kind[0]} {room_id} {thing.key} {text and text[:12]}")


class Writer:
    """Writes to items of its own, one after the other, in bursts and after pauses."""

    def __init__(
        self, name: str, ledger: Ledger, kernel: Kernel, *, rooms: list[str], writes: int,
        longest_pause_seconds: float, poisonous: float,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._kernel = kernel
        self._rooms = rooms
        self._writes = writes
        self._longest_pause_seconds = longest_pause_seconds
        self._poisonous = poisonous
        chance = kernel.random
        self._things = [
            self._thing(chance.choice([PREFIX, PREFIX, STATE, MOVING]), f"{name}-{number}")
            for number in range(chance.randint(1, 5))
        ]

    def _thing(self, prefix: str, key: str) -> Thing:
        return Thing(prefix, "any" if prefix == MOVING else self._kernel.random.choice(self._rooms), key)

    async def run(self) -> None:
        """Write all, then end."""
        chance = self._kernel.random
        # One long pause: what is parked must be replayed while the log still knows what has a number, for 48 hours.
        long_pause = chance.randrange(self._writes)
        for number in range(self._writes):
            self._write(chance.choice(self._things))
            if number == long_pause:
                await asyncio.sleep(chance.random() * self._longest_pause_seconds)
            elif chance.random() < 0.6:
                await asyncio.sleep(chance.random() * min(self._longest_pause_seconds, 20.0))

    def _write(self, thing: Thing) -> None:
        chance, ledger = self._kernel.random, self._ledger
        fate = chance.random()
        if ledger.exists(thing) and fate < 0.15:
            ledger.remove(thing)
        elif ledger.exists(thing) and fate < 0.25:
            ledger.touch(thing)
        else:
            poison = None
            if chance.random() < self._poisonous:
                poison = chance.choice([ledger.poison.unprojectable, ledger.poison.refused, ledger.poison.indigestible])
            rooms = [thing.room_id]
            if thing.prefix == MOVING:
                rooms = chance.sample(self._rooms, chance.randint(1, len(self._rooms)))
            sizes = [0, 0, 0, 300]
            if thing.prefix != MOVING:
                sizes.append(1000)  # a pointer is answered with the item as it is, in whatever room that is now
            ledger.put(thing, rooms, size=chance.choice(sizes), poison=poison)
