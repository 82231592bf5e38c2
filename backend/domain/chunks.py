"""How the change log is laid out: runs of consecutive changes, one item each.

A change is encoded once, as the JSON text in which it is stored, published and answered; everything after splices
texts. A chunk's `changes` is a JSON array with one change per line, so that its members are found again by their line
ends: JSON text has no other ones, as a line end inside a string is escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from domain import times
from domain.events import Entry, Event
from domain.table import Item, Key, Put

BLOCK_SIZE = 1000
# A chunk stays below DynamoDB's 400 KB and about at what one push takes; a change never exceeds either.
MAX_CHUNK_BYTES = 230_000
MAX_CHANGE_BYTES = 230_000
_MAX_ITEM_BYTES = 390_000
_NUMBER_BYTES = 70  # what number and time add to a draft
_ORIGIN_BYTES = 10  # what surrounds a position and its covered ids, and each of these
_MAX_TRACE = 128  # an X-Ray trace id has 35 characters, but anyone may write the attribute

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Draft:
    """An event, encoded, and lacking only number and time. `size` is what it takes of a chunk, in bytes."""

    event: Event
    text: str
    truncated: bool
    size: int

    def numbered(self, seq: int, at: int) -> Entry:
        """The same with a number."""
        text = f'{{"seq":{seq},"at":"{times.to_iso(at)}",{self.text}}}'
        reference = self.event.reference if self.truncated else None
        return Entry(seq, at, text, self.truncated, self.event.position, self.event.covers, reference)


def draft(event: Event, item_field: str) -> Draft:
    """Encode an event whose item is the member `item_field` of a change. One that is too large loses its item."""
    trace_id = event.trace_id[:_MAX_TRACE] if event.trace_id else None
    named = {"eventId": event.event_id, "kind": event.kind, "traceId": trace_id, "key": event.key}
    head = json.dumps(named, ensure_ascii=False, separators=(",", ":"))[1:-1]
    # A line end outside of strings, where it means nothing, would look like the end of the change.
    item = "null" if event.item is None else event.item.replace("\n", " ")
    text, length = _encodable(f'{head},"truncated":false,"{item_field}":{item}')
    origin = sum(len(each) + _ORIGIN_BYTES for each in (event.position or "null", *event.covers))
    if truncated := length + _NUMBER_BYTES > MAX_CHANGE_BYTES or length + origin > _MAX_ITEM_BYTES:
        text, length = _encodable(f'{head},"truncated":true,"{item_field}":null')
    return Draft(event, text, truncated, length + _NUMBER_BYTES + origin)


def _encodable(text: str) -> tuple[str, int]:
    """The text and its length in UTF-8, with U+FFFD for each half of a surrogate pair, which no encoding has."""
    try:
        return text, len(text.encode())
    except UnicodeEncodeError:
        text = _LONE_SURROGATE.sub("\ufffd", text)
        return text, len(text.encode())


@dataclass(frozen=True)
class Chunk:
    """Consecutive changes of one block that were numbered together.

    `newest` is the time of creation, in epoch milliseconds, that no event up to here is later than: neither one of this
    chunk nor one of any chunk below. So it never goes back along a topic.
    """

    entries: tuple[Entry, ...]
    newest: int

    @property
    def first(self) -> int:
        """The number of its first change."""
        return self.entries[0].seq

    @property
    def last(self) -> int:
        """The number of its last change."""
        return self.entries[-1].seq

    @property
    def at(self) -> int:
        """When all of them were numbered."""
        return self.entries[0].at

    def put(self, topic: str, expires_at: int) -> Put:
        """Store it. Only the head's condition guards it: whoever may raise the head has these numbers to himself."""
        pk, sk = key(topic, self.last)
        item: dict[str, Any] = {
            "pk": pk, "sk": sk, "first": self.first, "at": self.at, "newest": self.newest, "expiresAt": expires_at,
            "changes": "[" + ",\n".join(entry.text for entry in self.entries) + "]",
            "origins": _json([(entry.position, entry.covers) for entry in self.entries]),
        }  # fmt: skip
        if references := {entry.seq: entry.reference for entry in self.entries if entry.truncated}:
            item["references"] = _json(references)
        return Put(item)


def of_item(item: Item) -> Chunk:
    """A chunk as it was stored."""
    first, at = int(item["first"]), int(item["at"])
    origins = json.loads(item["origins"])
    references = json.loads(item.get("references", "{}"))
    return Chunk(
        tuple(
            Entry(seq, at, text, str(seq) in references, position, tuple(covers), _key(references.get(str(seq))))
            for seq, (text, (position, covers)) in enumerate(
                zip(item["changes"][1:-1].split(",\n"), origins, strict=True), first
            )
        ),
        int(item["newest"]),
    )


def key(topic: str, last: int) -> Key:
    """The key of the chunk that ends with a number."""
    return partition(topic, last), last


def partition(topic: str, seq: int) -> str:
    """The partition of the chunk that holds a number. A block has 1,000 numbers, so that partitions stay small."""
    return f"CHUNK#{seq // BLOCK_SIZE}#{topic}"


def block_end(seq: int) -> int:
    """The last number of the block of a number. A chunk ends there at the latest."""
    return seq // BLOCK_SIZE * BLOCK_SIZE + BLOCK_SIZE - 1


def cut(drafts: Sequence[Draft], *, after: int, at: int, newest: int, most: int, budget: int) -> Iterator[Chunk]:
    """Number drafts from `after` + 1 on, in chunks: at most so many, and of so many bytes together, but at least one.

    What is left over is for the caller to see: the chunks say how far they went.

    Args:
        drafts: in the order of their numbers to be.
        after: the head, and `newest` what the chunk there has.
        at: the time to give them.
        newest: see `Chunk`.
        most: chunks.
        budget: bytes.
    """
    taken: list[Entry] = []
    size = total = chunks = 0
    for seq, each in enumerate(drafts, after + 1):
        if taken and (size + each.size > MAX_CHUNK_BYTES or taken[-1].seq == block_end(taken[-1].seq)):
            yield Chunk(tuple(taken), newest)
            chunks += 1
            taken, size = [], 0
        if chunks == most or (total and total + each.size > budget):
            break
        taken.append(each.numbered(seq, at))
        # Of unknown creation: whatever another delivery says about it, it was before now.
        newest = max(newest, each.event.created_ms or at)
        size += each.size
        total += each.size
    if taken:
        yield Chunk(tuple(taken), newest)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _key(stored: list[Any] | None) -> Key | None:
    return (stored[0], stored[1]) if stored else None
