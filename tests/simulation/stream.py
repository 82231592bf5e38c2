"""The main table's stream: what was written, in order for each item, as Lambda is told of it."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.dynamodb import Attributes
from tests.simulation.kernel import Kernel


@dataclass
class Shard:
    """Records in the order of their sequence numbers; `grown` is set whenever there are more."""

    name: str
    records: list[dict[str, Any]] = field(default_factory=list)
    grown: asyncio.Event = field(default_factory=asyncio.Event)


class Stream:
    """`changed` is the listener of the table. Items keep their shard."""

    def __init__(self, kernel: Kernel, shards: int) -> None:
        self._kernel = kernel
        self.shards = [Shard(f"shard-{number}") for number in range(shards)]
        self.last_event_id = ""
        self.by_ttl = False  # what goes now has expired
        self._count = 0
        # The clocks that stamp records need not agree with each other, nor with the publisher's.
        self._skews = [kernel.random.randint(-1500, 1500) for _ in range(shards)]

    def changed(self, keys: Attributes, old: Attributes | None, new: Attributes | None) -> None:
        """An item has changed."""
        self._count += 1
        number = zlib.crc32(f"{keys['pk']['S']}|{keys['sk']['S']}".encode()) % len(self.shards)
        shard = self.shards[number]
        self.last_event_id = f"{self._count:032x}"
        change: dict[str, Any] = {
            "ApproximateCreationDateTime": float((self._kernel.wall_ms() + self._skews[number]) // 1000),
            "Keys": keys,
            "SequenceNumber": f"{100000000000000000000 + self._count * 7:d}",
            "SizeBytes": 100,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        if new is not None:
            change["NewImage"] = new
        if old is not None:
            change["OldImage"] = old
        record: dict[str, Any] = {
            "eventID": self.last_event_id,
            "eventName": "REMOVE" if new is None else "MODIFY" if old is not None else "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": change,
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/Main/stream/1",
        }
        if self.by_ttl:
            record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        shard.records.append(record)
        shard.grown.set()
