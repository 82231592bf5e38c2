"""Whoever writes to the main table, and the ledger of what they wrote: what subscribers are owed."""

from __future__ import annotations

import asyncio
from typing import Any

from domain.message import Partition, sort_key
from domain.table import to_attributes
from tests.simulation.dynamodb import Attributes, DynamoDB
from tests.simulation.judge import Owed
from tests.simulation.kernel import EPOCH_MS, Kernel
from tests.simulation.stream import Stream

MAIN_TABLE = "Main"


class Ledger:
    """Writes items of rooms, and notes for each room and item what its subscribers must be told."""

    def __init__(self, kernel: Kernel, dynamodb: DynamoDB, stream: Stream, *, large: int) -> None:
        self.owed: dict[str, dict[str, list[Owed]]] = {}
        self._kernel = kernel
        self._dynamodb = dynamodb
        self._stream = stream
        self._large = large  # a text with as many characters may be too large for a push
        self._texts: dict[str, dict[str, str]] = {}
        self._count = 0

    def put(self, room_id: str, key: str, size: int = 0, **attributes: Any) -> None:
        """Write an item with a text that no other write has."""
        self._count += 1
        text = f"text-{self._count} " + "x" * size
        kind = "MODIFY" if key in self._texts.get(room_id, {}) else "INSERT"
        item = {**_keys(room_id, key), **to_attributes({"text": text, **attributes})}
        self._dynamodb.execute("put_item", {"TableName": MAIN_TABLE, "Item": item}, "", None)
        self._texts.setdefault(room_id, {})[key] = text
        self._owe(room_id, key, kind, text)

    def touch(self, room_id: str, key: str) -> None:
        """Write an item anew with nothing changed that the API shows; nobody is to be told."""
        text = self._texts[room_id][key]
        self._count += 1
        item = {**_keys(room_id, key), **to_attributes({"text": text, "note": str(self._count)})}
        self._dynamodb.execute("put_item", {"TableName": MAIN_TABLE, "Item": item}, "", None)

    def remove(self, room_id: str, key: str) -> None:
        """Delete an item."""
        self._dynamodb.execute("delete_item", {"TableName": MAIN_TABLE, "Key": _keys(room_id, key)}, "", None)
        del self._texts[room_id][key]
        self._owe(room_id, key, "REMOVE", None)

    def last(self, room_id: str) -> None:
        """A write to be told by."""
        self.put(room_id, "last")

    def exists(self, room_id: str, key: str) -> bool:
        """Whether there is such an item."""
        return key in self._texts.get(room_id, {})

    def state(self, room_id: str) -> dict[str, str]:
        """What a query for a room's items answers: text by key."""
        return dict(self._texts.get(room_id, {}))

    def _owe(self, room_id: str, key: str, kind: str, text: str | None) -> None:
        large = text is not None and len(text) >= self._large
        owed = Owed(self._stream.last_event_id, kind, text, self._kernel.now, large=large)
        self.owed.setdefault(room_id, {}).setdefault(key, []).append(owed)
        self._kernel.trace("table", f"{int(owed.event_id, 16)}{kind[0]} {room_id} {key} {text and text[:12]}")


def _keys(room_id: str, key: str) -> Attributes:
    partition = Partition(room_id, "2027011508", 0)
    return {"pk": {"S": partition.pk}, "sk": {"S": sort_key(EPOCH_MS, key)}}


class Writer:
    """Writes to items of its own, one after the other, in bursts and after pauses."""

    def __init__(
        self, name: str, ledger: Ledger, kernel: Kernel, *, rooms: list[str], writes: int, longest_pause_seconds: float
    ) -> None:
        self._name = name
        self._ledger = ledger
        self._kernel = kernel
        self._rooms = rooms
        self._writes = writes
        self._longest_pause_seconds = longest_pause_seconds

    async def run(self) -> None:
        """Write all, then end."""
        chance = self._kernel.random
        keys = [f"{self._name}-{number}" for number in range(chance.randint(1, 5))]
        for _ in range(self._writes):
            self._write(chance.choice(self._rooms), chance.choice(keys))
            if chance.random() < 0.6:
                await asyncio.sleep(chance.random() * self._longest_pause_seconds)

    def _write(self, room_id: str, key: str) -> None:
        chance = self._kernel.random
        fate = chance.random()
        if self._ledger.exists(room_id, key) and fate < 0.2:
            self._ledger.remove(room_id, key)
        else:
            self._ledger.put(room_id, key, size=chance.choice([0, 0, 0, 300, 1000]))
