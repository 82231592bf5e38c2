"""The change log: gap-free numbers for the changes of each topic, and reading them again.

Items of the log's table (`pk` text, `sk` number), none of which has a stream:

    HEAD#<topic>              0             `head`: the topic's last number; `at`, `newest`. Never expires.
    CHUNK#<block>#<topic>     last number   a run of consecutive changes; a block has 1,000 numbers. See chunks.py.

A batch's chunks are written in one transaction that demands the head which the writer saw. Hence two publishers never
give out one number, and a publisher that slept through it all fails at the condition and looks again.

Nothing marks an event as numbered, because its creation tells where to look for it. A chunk's `newest` is the latest
time of creation of all events that have a number up to there. So an event cannot be in a chunk, or below it, whose
`newest` is before its own creation: who must know reads the chunks above, from the head backwards. These times are the
stream's own, the same at each delivery, so that nothing depends on a publisher's clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain import backoff, chunks
from domain.chunks import Chunk, Draft
from domain.clock import Clock
from domain.errors import InvalidInput
from domain.events import Entry, Event, Kind, coalesced
from domain.memory import Head, Memory, View
from domain.table import MAX_TRANSACTION_ITEMS, Conflict, Item, Key, Put, Table, TableError, Throttled
from domain.topics import Topic

__all__ = ["DEFAULT_PAGE", "LARGEST_PAGE", "ChangeLog", "Entry", "Event", "Kind", "Page", "coalesced"]

MAX_PAGE_BYTES = 240_000
DEFAULT_PAGE, LARGEST_PAGE = 100, 1000
# DynamoDB takes 4 MB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
MAX_TRANSACTION_BYTES = 3_500_000
_KEPT_SECONDS = 48 * 3600  # twice as long as a stream keeps its records
_ALL = 0  # as the present time of a read: nothing has expired, because here `at` decides and not what is left
_FIRST_BACK, _MOST_FORWARD = 8, 100  # chunks in the first request of a read


class TooLate(TableError):
    """The time was over before anything was written."""


@dataclass(frozen=True)
class Page:
    """Entries after a number. `resync_required` when the first of them is no longer offered.

    One that is truncated comes alone, so that whoever answers the page can follow its reference.
    """

    items: list[Entry]
    last_seq: int
    head_seq: int
    resync_required: bool


class ChangeLog:
    """The log of a table, with what this container remembers of its topics, so that a batch is one write as a rule.

    Several threads may append at once, each to another topic.
    """

    def __init__(self, table: Table, retention_seconds: int, clock: Clock) -> None:
        self._table = table
        self._retention_seconds = retention_seconds
        self._clock = clock
        self._memory = Memory()

    def append(self, topic: Topic, events: Sequence[Event], deadline: float) -> list[Entry]:
        """Give each event its number, in this order, unless it has one from an earlier delivery.

        Args:
            topic: the topic.
            events: of distinct ids, in the order of the stream.
            deadline: `clock.monotonic()` until which to try.

        Returns:
            The entries that stand for the events, in the order of their numbers. What had a number before comes with
            the text that was stored then; so do entries that hold only an id that an event covers.

        Raises:
            TableError: the last obstacle, when the time is over. Some events may be numbered; a repeat finds out which.
        """
        drafts = [chunks.draft(event, event.item_field or topic.kind.item_field) for event in events]
        budget = MAX_TRANSACTION_BYTES
        obstacle: TableError | None = None
        for _ in backoff.attempts(deadline, first_seconds=0.01, longest_seconds=1.0, clock=self._clock):
            try:
                return self._append(str(topic), drafts, budget, deadline)
            except TableError as error:
                obstacle = error
                # A transaction that asks for more than a partition takes in a second would never be let through.
                if isinstance(error, Throttled):
                    budget = max(budget // 2, chunks.MAX_CHUNK_BYTES)
        assert obstacle is not None
        raise obstacle

    def read(self, topic: Topic, after: int, limit: int, deadline: float) -> Page:
        """The entries that follow a number, as many as fit into `limit` and 240 KB, at least one if there is any.

        Never leaves out an entry: a page ends where the next number is not to be seen yet, and asks on when that is
        the very first. The time at which the first entry was numbered decides about `resync_required`, not what the
        table still holds.

        Raises:
            InvalidInput: `after` is negative.
            TableError: the table did not answer before the deadline.
        """
        if after < 0:
            raise InvalidInput("after", f"must be 0 or more, not {after}.")
        obstacle: TableError | None = None
        for _ in backoff.attempts(deadline, first_seconds=0.01, longest_seconds=0.2, clock=self._clock):
            try:
                return self._page(str(topic), after, limit)
            except TableError as error:
                obstacle = error
        assert obstacle is not None
        raise obstacle

    def head(self, topic: Topic) -> int:
        """The number of a topic's newest change; 0 when there is none. Raises TableError."""
        return self._read_head(str(topic)).seq

    def tail(self, topic: Topic, since_ms: int, deadline: float) -> list[Entry]:
        """The log's end, in order: an event that was created at or after a time is there, or has no number.

        Raises:
            TableError: the table did not answer before the deadline.
        """
        obstacle: TableError | None = None
        for _ in backoff.attempts(deadline, first_seconds=0.01, longest_seconds=0.2, clock=self._clock):
            try:
                found = list(self._back(str(topic), self._read_head(str(topic)), since_ms))
            except TableError as error:
                obstacle = error
            else:
                return [entry for chunk in reversed(found) for entry in chunk.entries]
        assert obstacle is not None
        raise obstacle

    def _append(self, topic: str, drafts: Sequence[Draft], budget: int, deadline: float) -> list[Entry]:
        if not drafts:
            return []
        wanted = {event_id for draft in drafts for event_id in draft.event.ids}
        since = min(draft.event.since_ms for draft in drafts)
        # Taken out of the memory, and put back only after success: an obstacle means that it may be wrong.
        view = self._memory.take(topic)
        entries: dict[int, Entry] = {}
        if view is None or not view.excludes(wanted, since):
            view, entries = self._look(topic, wanted, since)
        numbered = {event_id for entry in entries.values() for event_id in entry.ids}
        waiting = [draft for draft in drafts if draft.event.event_id not in numbered]
        while waiting:
            # Who was suspended until now has been given up, and later changes of these items may have their numbers. A
            # head that was seen in time forbids to number after them; one that is seen from here on would not.
            if self._clock.monotonic() >= deadline:
                raise TooLate(f"{topic}: the time for {len(waiting)} changes is over")
            added = self._write(topic, view.head, waiting, budget)
            for chunk in added:
                view.add(chunk)
                entries |= {entry.seq: entry for entry in chunk.entries}
            waiting = waiting[sum(len(chunk.entries) for chunk in added) :]
        self._memory.keep(topic, view)
        return [entries[seq] for seq in sorted(entries)]

    def _write(self, topic: str, head: Head, drafts: Sequence[Draft], budget: int) -> list[Chunk]:
        """One transaction with as many of the drafts as it takes."""
        # Another publisher's clock may be ahead, and DynamoDB's, but times never go back.
        at = max(self._clock.now_ms(), head.at, max(draft.event.created_ms for draft in drafts))
        expires_at = at // 1000 + max(self._retention_seconds, _KEPT_SECONDS)
        most = MAX_TRANSACTION_ITEMS - 1
        added = list(chunks.cut(drafts, after=head.seq, at=at, newest=head.newest, most=most, budget=budget))
        raised = _raise_head(topic, head, Head(added[-1].last, at, added[-1].newest))
        self._table.write([raised, *(chunk.put(topic, expires_at) for chunk in added)])
        return added

    def _look(self, topic: str, wanted: set[str], since: int) -> tuple[View, dict[int, Entry]]:
        """The log's end from a time of creation on, and those entries of it that stand for any of the ids."""
        head = self._read_head(topic)
        view = View(head, since)
        found: dict[int, Entry] = {}
        for chunk in self._back(topic, head, since):
            view.add_below(chunk)
            found |= {entry.seq: entry for entry in chunk.entries if not wanted.isdisjoint(entry.ids)}
        return view, found

    def _back(self, topic: str, head: Head, since: int) -> Iterator[Chunk]:
        """The chunks that can hold an event created at or after a time, from the head backwards, without a gap.

        Ends early where a chunk is gone: it was kept far longer than the stream keeps a record, or the head is of the
        time before chunks.
        """
        last = head.seq if head.newest >= since else 0
        while last > 0:
            expected = last
            pk, where = chunks.partition(topic, last), "sk <= :last"
            items = self._table.query(pk, where, {":last": last}, now=_ALL, forward=False, page_size=_FIRST_BACK)
            for item in items:
                if item["sk"] != last:
                    break
                chunk = chunks.of_item(item)
                if chunk.newest < since:
                    return
                yield chunk
                last = chunk.first - 1
            if last == expected:
                one = self._certainly(topic, last)
                if one is None or one.newest < since:
                    return
                yield one
                last = one.first - 1

    def _page(self, topic: str, after: int, limit: int) -> Page:
        head = self._read_head(topic).seq
        if after >= head:
            return Page([], after, head, resync_required=after > head)
        oldest = self._clock.now_ms() - self._retention_seconds * 1000
        items: list[Entry] = []
        size = 0
        for entry in self._forward(topic, after, min(head, after + limit), head):
            # An entry that came later was numbered later: only the first of a page can be too old.
            if not items and entry.at <= oldest:
                break
            size += len(entry.text.encode())
            if items and (size > MAX_PAGE_BYTES or entry.truncated):
                break
            items.append(entry)
            if entry.truncated:
                break
        return Page(items, items[-1].seq if items else after, head, resync_required=not items)

    def _forward(self, topic: str, after: int, last: int, head: int) -> Iterator[Entry]:
        """The entries from `after` + 1 to `last`, without a gap; none if the first is gone.

        Raises:
            Conflict: the first is not to be seen yet.
        """
        seen = after
        while seen < last:
            begun = seen
            pk, where = chunks.partition(topic, seen + 1), "sk > :seen"
            upper = min(head, chunks.block_end(seen + 1))
            page_size = min(last - seen, _MOST_FORWARD)
            for item in self._table.query(pk, where, {":seen": seen}, now=_ALL, page_size=page_size):
                chunk = chunks.of_item(item)
                if chunk.first > seen + 1:
                    upper = chunk.first - 1
                    break
                yield from (entry for entry in chunk.entries if seen < entry.seq <= last)
                seen = chunk.last
                if seen >= last:
                    return
            if seen > begun and seen == chunks.block_end(seen):
                continue
            if seen > after:
                return
            # At the end of a block, at the head, and below a chunk another one ends.
            one = self._certainly(topic, upper)
            if one is None:
                return
            if one.first > seen + 1:
                raise Conflict(f"{topic}: change {seen + 1} is not to be seen yet")
            yield from (entry for entry in one.entries if seen < entry.seq <= last)
            seen = one.last

    def _certainly(self, topic: str, last: int) -> Chunk | None:
        """The chunk that ends with a number, or None when it is gone.

        A query need not see a transaction whole of which the head was seen. Only reading both at one moment tells
        whether a chunk is gone.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
        """
        _, item = self._table.get_together([_head_key(topic), chunks.key(topic, last)], _ALL)
        return chunks.of_item(item) if item else None

    def _read_head(self, topic: str) -> Head:
        item: Item | None = self._table.get(_head_key(topic), _ALL)
        # The heads of the time before chunks have no `newest`, and nothing to look through.
        return Head(int(item["head"]), int(item["at"]), int(item.get("newest", 0))) if item else Head(0, 0, 0)


def _raise_head(topic: str, before: Head, after: Head) -> Put:
    """Replace the head, if it is still the one that was seen."""
    pk, sk = _head_key(topic)
    item = {"pk": pk, "sk": sk, "topic": topic, "head": after.seq, "at": after.at, "newest": after.newest}
    if before.seq == 0:
        return Put(item, "attribute_not_exists(pk)")
    return Put(item, "#head = :head", {":head": before.seq})


def _head_key(topic: str) -> Key:
    return f"HEAD#{topic}", 0
