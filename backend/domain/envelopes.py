"""The envelope: a topic's consecutive changes in one push, never larger than AppSync delivers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.events import Entry
from domain.topics import Topic

# "Subscription payload size 240 KB": https://docs.aws.amazon.com/general/latest/gr/appsync.html
MAX_BYTES = 240_000
# What surrounds the changes in a push, and what `__typename` adds to the envelope and to each change.
_FRAME_BYTES = 300
_TYPENAME_BYTES = 100


@dataclass(frozen=True)
class Envelope:
    """Changes `first_seq` to `last_seq` of a topic, as the input of its publish mutation."""

    topic: Topic
    entries: tuple[Entry, ...]

    @property
    def first_seq(self) -> int:
        """The number of the first change."""
        return self.entries[0].seq

    @property
    def last_seq(self) -> int:
        """The number of the last change."""
        return self.entries[-1].seq

    @property
    def text(self) -> str:
        """The envelope in the schema's shape as JSON text. The changes' texts go in as they are."""
        names = {self.topic.kind.id_field: self.topic.id, "topic": str(self.topic)}
        numbers = f'"firstSeq":{self.first_seq},"lastSeq":{self.last_seq}'
        items = ",".join(entry.text for entry in self.entries)
        return f'{json.dumps(names, ensure_ascii=False)[:-1]},{numbers},"items":[{items}]}}'


def pack(topic: Topic, entries: Sequence[Entry]) -> Iterator[Envelope]:
    """The entries, sorted by number, in as few envelopes as size and gaps allow.

    Sizes are those of the encoded payload as subscribers get it. A redelivered batch may have numbers with gaps, where
    another publisher's changes are.
    """
    taken: list[Entry] = []
    frame = size = _FRAME_BYTES + 2 * len(json.dumps(str(topic), ensure_ascii=False).encode())
    for entry in entries:
        length = len(entry.text.encode()) + 1 + _TYPENAME_BYTES
        if taken and (size + length > MAX_BYTES or entry.seq != taken[-1].seq + 1):
            yield Envelope(topic, tuple(taken))
            taken, size = [], frame
        taken.append(entry)
        size += length
    if taken:
        yield Envelope(topic, tuple(taken))
