"""Parking: records that cannot be published are put aside whole, so that each stops nothing but its own item.

In the bucket, one object for the records of an item that were parked together, named by the places of the first and the
last in the stream, so that a listing is in the stream's order, and by chance, so that nobody else relies on it:

    parked/<id of the item>/<first>-<last>-<chance>.json

In the change log's table (`pk` text, `sk` number), one mark for each item that has parked records:

    PARKED    <id as a number>    see Mark

As long as an item has a mark, later records of it are parked behind. The objects come first, then the mark. So a
process that dies in between leaves an object that nobody looks at: the records are delivered again, and what is before
a mark's `first` or not after its `done` does not count. The mark's `parks` changes with each parking, after the object
is there. Whoever lifts the mark has read `parks` before he listed the objects, and demands that it is still the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from domain import backoff
from domain.bucket import Bucket, BucketError
from domain.clock import Clock
from domain.events import Entry
from domain.queue import QueueError
from domain.routing import ItemKey, position_of
from domain.table import ConditionFailed, Delete, Item, Key, Put, Set, Table, TableError

PREFIX = "parked/"
DISCARDED = "discarded/"
_PARTITION = "PARKED"
_ALL = 0  # as the present time of a read: marks do not expire
_MOST_AT_ONCE = 100  # marks that are read whether or not the batch has their items
_DIGITS = 40  # of a sequence number, at most: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html

logger = logging.getLogger("headwater.parking")


class Lifted(Exception):
    """The mark behind which a record was to be parked is gone: it can be published now."""


class Announcements(Protocol):
    """Where operators hear of it: `domain.queue.Queue`."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises QueueError."""


@dataclass(frozen=True)
class Reason:
    """Why a record cannot be published: the type of the error, and what it says."""

    type: str
    message: str

    @staticmethod
    def of(error: BaseException) -> Reason:
        """The reason that an exception is."""
        return Reason(type(error).__name__, str(error)[:1000])

    def to_json(self) -> dict[str, str]:
        """As operations answer it."""
        return {"type": self.type, "message": self.message}


@dataclass(frozen=True)
class Parked:
    """A record that is parked.

    Attributes:
        record: the stream record, whole, as Lambda delivered it.
        parked_at: epoch milliseconds.
        reason: why it cannot be published; None when it only waits behind another.
        numbers: by topic, the number that it has there, with the text that was numbered.
        published: the topics that have heard of it.
        taken_in: it was left by the event source mapping, so later records of its item may have been published.
        object: the name of the object that holds it, once it was read from there.
    """

    record: Mapping[str, Any]
    parked_at: int
    reason: Reason | None = None
    numbers: Mapping[str, Entry] = field(default_factory=dict)
    published: tuple[str, ...] = ()
    taken_in: bool = False
    object: str = ""

    @property
    def position(self) -> int:
        """Its place in the stream."""
        return position_of(self.record)

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "record": self.record,
            "parkedAt": self.parked_at,
            "reason": self.reason and self.reason.to_json(),
            "numbers": {
                topic: {
                    "seq": entry.seq, "at": entry.at, "text": entry.text, "truncated": entry.truncated,
                    "covers": entry.covers,
                }
                for topic, entry in self.numbers.items()
            },
            "published": self.published,
            "takenIn": self.taken_in,
        }  # fmt: skip

    @staticmethod
    def of_json(stored: Mapping[str, Any]) -> Parked:
        """The same, read again."""
        return Parked(
            record=stored["record"],
            parked_at=stored["parkedAt"],
            reason=Reason(**stored["reason"]) if stored["reason"] else None,
            numbers={
                topic: Entry(**{**entry, "covers": tuple(entry.get("covers", ()))})
                for topic, entry in stored["numbers"].items()
            },
            published=tuple(stored["published"]),
            taken_in=stored["takenIn"],
        )


@dataclass(frozen=True)
class Waiting:
    """Some records of an item in the order of the stream, and the names of the objects that hold no others."""

    names: tuple[str, ...]
    records: Sequence[Parked]


@dataclass(frozen=True)
class Mark:
    """An item has parked records.

    Attributes:
        key: the item's key in the main table.
        first: the place in the stream of the first record that was parked.
        last: of the last one. Whatever lies between was parked, or was done before.
        done: of the last one that was replayed or discarded; 0 for none.
        parks: how often something was parked; never the same after a parking.
        generation: a chance number that tells this mark from an earlier or later one of the item.
        records: how many were parked, give or take those that were parked twice.
        reason: why the first one cannot be published, as of the last attempt.
        event_id: the first one's.
        parked_at: epoch milliseconds of the first parking.
        topics: which topics miss something, as far as known.
    """

    key: ItemKey
    first: int
    last: int
    done: int
    parks: int
    generation: int
    records: int
    reason: Reason
    event_id: str
    parked_at: int
    topics: tuple[str, ...]

    @property
    def id(self) -> str:
        """The item's id, by which operators name it."""
        return id_of(self.key)

    def holds(self, position: int) -> bool:
        """Whether a record at this place is parked already."""
        return self.first <= position <= self.last


def id_of(key: ItemKey) -> str:
    """The id of an item: 30 hexadecimal digits, which as a number fit into a number of DynamoDB."""
    return hashlib.sha256("\0".join(key).encode()).hexdigest()[:30]


class Parking:
    """The parked records of one deployment."""

    def __init__(self, table: Table, bucket: Bucket, announcements: Announcements, clock: Clock) -> None:
        self._table = table
        self._bucket = bucket
        self._announcements = announcements
        self._clock = clock

    def marks(self, keys: Iterable[ItemKey]) -> dict[ItemKey, Mark]:
        """The marks of those items that have one. One request as long as few items are parked at all.

        Raises:
            TableError: the table did not answer.
        """
        wanted = set(keys)
        found = list(islice(self.all_marks(), _MOST_AT_ONCE + 1))
        if len(found) > _MOST_AT_ONCE:
            items = self._table.get_all((_place(id_of(key)) for key in wanted), _ALL)
            found = [_mark(item) for item in items.values()]
        return {mark.key: mark for mark in found if mark.key in wanted}

    def all_marks(self, after: str = "") -> Iterator[Mark]:
        """All marks after the one with an id, in the order of the ids. Raises TableError at any step."""
        values = {":after": int(after, 16)} if after else {":after": -1}
        items = self._table.query(_PARTITION, "sk > :after", values, now=_ALL, page_size=_MOST_AT_ONCE + 1)
        return map(_mark, items)

    def known(self, item_ids: Iterable[str]) -> set[str]:
        """Those of the items that have a mark, by their ids. Raises TableError."""
        found = self._table.get_all((_place(item_id) for item_id in item_ids), _ALL)
        return {_mark(item).id for item in found.values()}

    def mark(self, item_id: str) -> Mark | None:
        """The mark of an item by its id. Raises TableError."""
        item = self._table.get(_place(item_id), _ALL)
        return _mark(item) if item else None

    def park(
        self, key: ItemKey, parked: Sequence[Parked], topics: Iterable[str], deadline: float, *, behind: bool
    ) -> None:
        """Park records of an item, in the order of the stream.

        Args:
            key: the item.
            parked: the records, of which the first has a reason unless they go behind others.
            topics: the topics that will miss them.
            deadline: `clock.monotonic()` until which to try.
            behind: whether there must be a mark already.

        Raises:
            Lifted: there is no mark any more behind which to park.
            TableError, BucketError: the last obstacle, when the time is over.
        """
        self._park(key, lambda _: parked, topics, deadline, behind=behind)

    def take_in(self, key: ItemKey, parked: Sequence[Parked], topics: Iterable[str], deadline: float) -> list[Parked]:
        """Park records that the event source mapping left, at their place among those that are parked.

        Returns:
            Those that come too late, because a later record of the item has been replayed or discarded.

        Raises:
            TableError, BucketError: the last obstacle, when the time is over.
        """
        late: list[Parked] = []

        def in_time(mark: Mark | None) -> Sequence[Parked]:
            done = mark.done if mark else 0
            late[:] = [each for each in parked if each.position <= done]
            return [each for each in parked if each.position > done]

        self._park(key, in_time, topics, deadline, behind=False)
        return late

    def current(self, mark: Mark) -> Mark | None:
        """A mark as it is now; None when it is gone. Raises TableError."""
        now = self.mark(mark.id)
        return now if now and now.generation == mark.generation else None

    def waiting(self, mark: Mark, after: int = 0) -> Iterator[Waiting]:
        """The records of an item that wait, some at a time, in the order of the stream.

        Args:
            mark: the item's.
            after: the place in the stream after which to begin.

        Raises:
            BucketError: at any step.
        """
        after = max(mark.done, mark.first - 1, after)
        names: list[str] = []
        last = 0
        for name in self._bucket.names(f"{PREFIX}{mark.id}/"):
            begin, end = _places(name)
            # What was parked again after another delivery, or was left by the mapping, may overlap.
            if names and begin > last:
                yield self._load(names, after)
                names = []
            names.append(name)
            last = max(last, end)
        if names:
            yield self._load(names, after)

    def _load(self, names: Sequence[str], after: int) -> Waiting:
        found: dict[int, Parked] = {}
        for name in names:
            body = self._bucket.get(name) if _places(name)[1] > after else None
            for stored in json.loads(body)["records"] if body else ():
                parked = Parked.of_json(stored)
                other = found.get(parked.position)
                # Of two that are the same record, the one that knows of a number. What the mapping left counts as such,
                # even if a delivery that did not come to write the mark had put it here before.
                taken_in = parked.taken_in or (other is not None and other.taken_in)
                if parked.position > after:
                    chosen = parked if other is None or parked.numbers else other
                    found[parked.position] = replace(chosen, object=name, taken_in=taken_in)
        return Waiting(tuple(names), [found[position] for position in sorted(found)])

    def remove(self, waiting: Waiting) -> None:
        """Remove the objects of records that are all done with. Raises BucketError."""
        for name in waiting.names:
            self._bucket.delete(name)

    def discard(self, parked: Parked, why: Reason, item_id: str) -> None:
        """Keep a record that will not be published where operators may find it for a while. Raises BucketError."""
        body = _encode({**parked.to_json(), "discarded": why.to_json(), "discardedAt": self._clock.now_ms()})
        self._bucket.put(f"{DISCARDED}{item_id}/{parked.position:0{_DIGITS}d}.json", body)

    def done(self, mark: Mark, position: int) -> None:
        """Note how far the replay of an item has come. Raises TableError."""
        if position:
            with _unless_changed():
                self._set(mark, {"done": _padded(position)}, "#done < :set_done")

    def blocked(self, mark: Mark, parked: Parked, reason: Reason) -> None:
        """Note at which record the replay of an item ended, and why. Raises TableError."""
        with _unless_changed():
            self._set(mark, {"reason": reason.to_json(), "eventId": parked.record["eventID"]})

    def lift(self, mark: Mark) -> bool:
        """Remove the mark, if nothing has been parked since it was read. Raises TableError."""
        condition = "#generation = :generation AND #parks = :parks"
        values = {":generation": mark.generation, ":parks": mark.parks}
        try:
            self._table.write([Delete(_place(mark.id), condition, values)])
        except ConditionFailed:
            # Also when it was this very request, and its answer was lost.
            now = self.mark(mark.id)
            return now is None or now.generation != mark.generation
        return True

    def _park(
        self,
        key: ItemKey,
        choose: Callable[[Mark | None], Sequence[Parked]],
        topics: Iterable[str],
        deadline: float,
        *,
        behind: bool,
    ) -> None:
        obstacle: Exception | None = None
        chance = f"{int(self._clock.random() * 2**48):012x}"
        stored: set[str] = set()
        for _ in backoff.attempts(deadline, first_seconds=0.02, longest_seconds=1.0, clock=self._clock):
            try:
                mark = self.mark(id_of(key))
                if mark is None and behind:
                    for name in stored:
                        self._bucket.delete(name)
                    raise Lifted
                if chosen := choose(mark):
                    stored.add(self._store(key, chosen, chance))
                    self._write_mark(key, mark, chosen, tuple(topics))
            except (TableError, BucketError) as error:
                obstacle = error
            else:
                return
        assert obstacle is not None
        raise obstacle

    def _store(self, key: ItemKey, parked: Sequence[Parked], chance: str) -> str:
        first, last = parked[0].position, parked[-1].position
        name = f"{PREFIX}{id_of(key)}/{_padded(first)}-{_padded(last)}-{chance}.json"
        content = {"key": {"pk": key[0], "sk": key[1]}, "records": [each.to_json() for each in parked]}
        self._bucket.put(name, _encode(content))
        return name

    def _write_mark(self, key: ItemKey, mark: Mark | None, parked: Sequence[Parked], topics: tuple[str, ...]) -> None:
        first, last = parked[0].position, parked[-1].position
        if mark is None:
            reason = parked[0].reason or Reason("Unknown", "")
            event_id = parked[0].record["eventID"]
            # Before the mark: a message too many is taken back with the next replay, one too few is silence.
            self._announce(key, event_id, reason)
            item = {
                "itemPk": key[0], "itemSk": key[1], "first": _padded(first), "last": _padded(last),
                "done": _padded(0), "parks": 1, "generation": int(self._clock.random() * 2**48), "records": len(parked),
                "reason": reason.to_json(), "eventId": event_id, "parkedAt": self._clock.now_ms(),
                "topics": sorted(topics),
            }  # fmt: skip
            pk, sk = _place(id_of(key))
            self._table.write([Put({"pk": pk, "sk": sk, **item}, "attribute_not_exists(pk)")])
            return
        more = sum(not mark.holds(each.position) for each in parked)
        attributes = {
            "first": _padded(min(mark.first, first)), "last": _padded(max(mark.last, last)), "parks": mark.parks + 1,
            "records": mark.records + more, "topics": sorted({*mark.topics, *topics}),
        }  # fmt: skip
        condition = "#parks = :parks AND #done = :done"
        self._set(mark, attributes, condition, {":parks": mark.parks, ":done": _padded(mark.done)})

    def _announce(self, key: ItemKey, event_id: str, reason: Reason) -> None:
        message = {"id": id_of(key), "key": {"pk": key[0], "sk": key[1]}, "eventId": event_id}
        try:
            self._announcements.send({**message, "reason": reason.to_json()})
        except QueueError:
            # The record is parked all the same, and listed: that the stream goes on matters more.
            logger.exception("Could not announce that %s is parked", message["id"])

    def _set(
        self, mark: Mark, attributes: Mapping[str, Any], condition: str = "", values: Mapping[str, Any] | None = None
    ) -> None:
        whole = " AND ".join(filter(None, ["#generation = :generation", condition]))
        write = Set(_place(mark.id), attributes, whole, {":generation": mark.generation, **(values or {})})
        self._table.write([write])


class _unless_changed:  # noqa: N801 - reads as a statement
    """What was to be noted no longer applies when the condition fails: another replay was faster."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, ConditionFailed)


def _place(item_id: str) -> Key:
    return _PARTITION, int(item_id, 16)


def _places(name: str) -> tuple[int, int]:
    """The first and the last place in the stream, from the name of an object."""
    first, last, _ = name.rpartition("/")[2].split("-")
    return int(first), int(last)


def _padded(position: int) -> str:
    return f"{position:0{_DIGITS}d}"


def _encode(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _mark(item: Item) -> Mark:
    return Mark(
        key=(item["itemPk"], item["itemSk"]),
        first=int(item["first"]),
        last=int(item["last"]),
        done=int(item["done"]),
        parks=int(item["parks"]),
        generation=int(item["generation"]),
        records=int(item["records"]),
        reason=Reason(item["reason"]["type"], item["reason"]["message"]),
        event_id=item["eventId"],
        parked_at=int(item["parkedAt"]),
        topics=tuple(item["topics"]),
    )
