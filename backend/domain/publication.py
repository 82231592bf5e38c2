"""Publishing a batch of the main table's stream: what is told to whom, in which order, and what becomes of failures.

Two kinds of failure are kept apart:

- **Not the record's fault**: AppSync or the table throttles, fails, is silent, or the function lacks a right. Tried
  again until the time is over, then reported, so that the stream delivers the record again, and all after it.
- **The record's fault**: its item cannot be shown, or it is refused alone. It is parked (`parking.py`), and so are the
  later records of its item; everything else goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from domain import backoff, routing
from domain.changes import ChangeLog
from domain.clock import Clock
from domain.events import Entry, Event, coalesced
from domain.parking import Lifted, Mark, Parked, Parking, Reason
from domain.publishing import Refused
from domain.pushing import Publishes, Push, Told
from domain.routing import Change, End, Ending, ItemKey, Route
from domain.table import TableError
from domain.threads import Threads
from domain.topics import Topic

logger = logging.getLogger("headwater.publication")

# Kept of the time for parking what failed.
_PARKING_SECONDS = 5.0
# "invalidateSubscriptions ... up to 5 per request": https://docs.aws.amazon.com/appsync/latest/devguide/extensions.html
MAX_ENDS = 5


class Ends(Protocol):
    """What ends subscriptions: `domain.publishing.Publisher`."""

    def end(self, ends: Sequence[End], deadline: float) -> None:
        """End those of up to five rights. Raises Unreachable, Refused."""


@dataclass
class Subject:
    """A record of a batch, and what became of it.

    Attributes:
        position: its place in the batch.
        raw: the record as Lambda delivered it.
        key: the item that it is about.
        changes: what it means to its topics.
        topics: the names of all topics that it may concern, as far as known.
        reason: why it can never be published as it is.
        waits: it is behind another record of its item that is parked, or must be.
        obstacle: why it could not be published now, although it is not to blame.
        numbers: by topic, the number that it has there.
        published: the names of the topics that have heard of it.
        ends: the subscriptions that end with it.
        ended: whether they have.
    """

    position: int
    raw: Mapping[str, Any]
    key: ItemKey
    changes: list[Change] = field(default_factory=list)
    topics: tuple[str, ...] = ()
    reason: Reason | None = None
    waits: bool = False
    obstacle: Exception | None = None
    numbers: dict[str, Entry] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)
    ends: list[End] = field(default_factory=list)
    ended: bool = False

    @property
    def concerns_anyone(self) -> bool:
        """Whether there is anything to do about it."""
        return bool(self.changes or self.ends)

    @property
    def done(self) -> bool:
        """Whether every topic that it concerns has heard of it, and what ends with it has ended."""
        heard = all(str(change.topic) in self.published for change in self.changes)
        return heard and (self.ended or not self.ends) and not (self.reason or self.waits or self.obstacle)

    def parked(self, now_ms: int) -> Parked:
        """The record as it is parked."""
        return Parked(self.raw, now_ms, self.reason, self.numbers, tuple(sorted(self.published)))


class Publication:
    """Publishes batches of one deployment's stream. A container has one, with its memory of the log."""

    def __init__(
        self,
        log: ChangeLog,
        publisher: Publishes,
        parking: Parking,
        threads: Threads,
        clock: Clock,
        count: Callable[[str, int], None],
        routes: Sequence[Route] = routing.ROUTES,
        ends: Ends | None = None,
        endings: Sequence[Ending] = routing.ENDINGS,
    ) -> None:
        """
        Args:
            log: the change log.
            publisher: takes the envelopes.
            parking: takes what cannot be published.
            threads: for the topics of a batch, which are pushed side by side.
            clock: tells the time.
            count: is told the name of a metric and how much to add to it.
            routes: the routing table.
            ends: ends subscriptions; without it none end.
            endings: the table of rights.
        """
        self._log = log
        self._publisher = publisher
        self._parking = parking
        self._threads = threads
        self._clock = clock
        self._count = count
        self._routes = routes
        self._ends = ends
        self._endings = endings if ends else ()

    def run(self, records: Sequence[Mapping[str, Any]], deadline: float) -> list[int]:
        """Publish a batch.

        Args:
            records: as Lambda delivers them from the stream.
            deadline: `clock.monotonic()` until which to try.

        Returns:
            The places in the batch of those that failed for now, in order: from the first on, all must come again.
        """
        subjects = [
            Subject(position, raw, routing.key_of(raw)) for position, raw in enumerate(records) if self.concerns(raw)
        ]
        if not subjects:
            return []
        try:
            marks = self._marks({subject.key for subject in subjects}, deadline)
        except Exception:  # the edge: whatever keeps the marks from being read is no record's fault
            logger.exception("Could not read what is parked")
            return [subject.position for subject in subjects]
        waiting = self._project(subjects, marks)
        self.push([subject for subject in waiting if subject.concerns_anyone], deadline - _PARKING_SECONDS)
        return self._settle(waiting, marks, deadline)

    def concerns(self, record: Mapping[str, Any]) -> bool:
        """Whether a stream record is about a type of item that has topics, or is a right, at all."""
        return routing.is_routed(record, self._routes, self._endings)

    def project(self, subject: Subject) -> None:
        """Find out what a record means to its topics, or why it cannot be told."""
        try:
            record = routing.from_stream(subject.raw)
            subject.topics = tuple(map(str, routing.topics_of(record, self._routes)))
            subject.changes = routing.route(record, self._routes)
            subject.ends = routing.ends_of(record, self._endings)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one record must not stop the others
            subject.reason = Reason.of(error)

    def push(self, subjects: Sequence[Subject], deadline: float) -> None:
        """Number and publish the changes of projected records, and note in them what became of it.

        Before, the subscriptions end whose right is gone: what comes later in the batch is not for them any more.
        """
        self._end([subject for subject in subjects if subject.ends and not subject.ended], deadline)
        groups: dict[Topic, list[tuple[Subject, Change]]] = {}
        for subject in subjects:
            for change in subject.changes:
                if str(change.topic) not in subject.published:
                    groups.setdefault(change.topic, []).append((subject, change))
        pushes, owners = [], []
        for topic, members in groups.items():
            told, by_event = _told(topic, members)
            self._count("Coalesced", len(members) - len(told))
            pushes.append(Push(topic, told))
            owners.append(by_event)
        done = self._threads(lambda push: push.run(self._log, self._publisher, deadline), pushes)
        for push, by_event in zip(done, owners, strict=True):
            self._note(push, by_event)

    def _end(self, subjects: Sequence[Subject], deadline: float) -> None:
        """End the subscriptions that end with some records, up to five at a time."""
        if self._ends is None or not subjects:
            return
        end = self._ends.end
        ends = list(dict.fromkeys(end for subject in subjects for end in subject.ends))

        def carry_out(some: Sequence[End]) -> Exception | None:
            try:
                end(some, deadline)
            except Exception as error:
                # As for changes, no error but a refusal says that a record is to blame.
                logger.exception("Could not end subscriptions")
                return error
            return None

        parts = [ends[start : start + MAX_ENDS] for start in range(0, len(ends), MAX_ENDS)]
        failures = dict[End, Exception]()
        for part, failure in zip(parts, self._threads(carry_out, parts), strict=True):
            if failure:
                failures |= dict.fromkeys(part, failure)
        for subject in subjects:
            found = next((failures[each] for each in subject.ends if each in failures), None)
            if found is None:
                subject.ended = True
            elif isinstance(found, Refused):
                subject.reason = Reason.of(found)
            else:
                subject.obstacle = found
        self._count("Ended", len(ends) - len(failures))

    def _note(self, push: Push, owners: Mapping[str, list[Subject]]) -> None:
        """What became of the events of a topic, as what became of their records."""
        topic = str(push.topic)
        published = [told for told in push.told if told.published]
        self._count("Published", len(published))
        self._count("Truncated", sum(told.entry is not None and told.entry.truncated for told in published))
        for told in push.told:
            *covered, last = owners[told.event.event_id]
            if told.published:
                last.published.add(topic)
            elif told.refusal is None and push.obstacle:
                for each in (*covered, last):
                    each.obstacle = push.obstacle
                continue
            else:
                # What is numbered stands for all of them. What is not stays with those that it covers: one of these,
                # delivered alone, would else be told after it.
                for each in [last] if told.entry else [*covered, last]:
                    each.reason = each.reason or told.refusal
                    each.waits = each.waits or told.refusal is None
                if not told.entry:
                    continue
                last.numbers[topic] = told.entry
            # The last state says it all.
            for each in covered:
                each.published.add(topic)
        if push.obstacle:
            logger.warning("Could not push to %s for now: %s", topic, push.obstacle)

    def _marks(self, keys: set[ItemKey], deadline: float) -> dict[ItemKey, Mark]:
        obstacle: TableError | None = None
        for _ in backoff.attempts(deadline, first_seconds=0.02, longest_seconds=1.0, clock=self._clock):
            try:
                return self._parking.marks(keys)
            except TableError as error:
                obstacle = error
        assert obstacle is not None
        raise obstacle

    def _project(self, subjects: Sequence[Subject], marks: Mapping[ItemKey, Mark]) -> list[Subject]:
        """Those that are still to be dealt with: projected, or behind one of their item that cannot be."""
        blocked: set[ItemKey] = set()
        seen: set[object] = set()
        found = []
        for subject in subjects:
            mark, place = marks.get(subject.key), routing.position_of(subject.raw)
            if mark and mark.holds(place):
                continue  # parked by an earlier delivery
            if subject.raw.get("eventID") in seen:
                continue
            seen.add(subject.raw.get("eventID"))
            self.project(subject)
            if subject.key in blocked or (mark and place > mark.last):
                subject.waits, subject.changes, subject.ends, subject.reason = True, [], [], None
            elif subject.reason:
                blocked.add(subject.key)
            elif not subject.concerns_anyone:
                self._count("Skipped", 1)
                continue
            found.append(subject)
        return found

    def _settle(self, subjects: Sequence[Subject], marks: Mapping[ItemKey, Mark], deadline: float) -> list[int]:
        """Park what can never be published, and what is behind it. Returns who must come again."""
        failed = {subject.position for subject in subjects if subject.obstacle}
        # What comes after a failed record is delivered again, so there is time to park it then.
        end = min(failed, default=len(subjects) and subjects[-1].position + 1)
        queues: dict[ItemKey, list[Subject]] = {}
        for subject in subjects:
            if subject.position < end and not subject.done:
                queues.setdefault(subject.key, []).append(subject)

        def park(queue: list[Subject]) -> set[int]:
            return self._park(queue, queue[0].key in marks, deadline)

        for queue, places in zip(queues.values(), self._threads(park, queues.values()), strict=True):
            failed |= places
            self._count("Parked", len(queue) - len(places))
        return sorted(failed)

    def _park(self, queue: list[Subject], behind: bool, deadline: float) -> set[int]:
        now = self._clock.now_ms()
        names = {name for subject in queue for name in subject.topics}
        try:
            self._parking.park(
                queue[0].key, [each.parked(now) for each in queue], names, deadline,
                behind=behind and queue[0].reason is None,
            )  # fmt: skip
        except Lifted:
            return {each.position for each in queue}
        except Exception:
            # The edge: as long as a record is neither published nor parked, it must come again.
            logger.exception("Could not park the records of %s", queue[0].key)
            return {each.position for each in queue}
        for each in queue:
            if each.reason:
                logger.error("Parked %s of %s: %s", each.raw["eventID"], each.key, each.reason)
        return set()


def _told(topic: Topic, members: Sequence[tuple[Subject, Change]]) -> tuple[list[Told], dict[str, list[Subject]]]:
    """The events of a topic, with those of state-like items coalesced, and the records behind each."""
    groups: dict[object, list[tuple[Subject, Change]]] = {}
    for subject, change in members:
        alone = not change.state_like or str(topic) in subject.numbers
        group = change.event.event_id if alone else subject.key
        # At the place of its last event.
        groups[group] = [*groups.pop(group, []), (subject, change)]
    told: list[Told] = []
    owners: dict[str, list[Subject]] = {}
    for group_members in groups.values():
        subjects = [subject for subject, _ in group_members]
        events = [change.event for _, change in group_members]
        event: Event = events[0] if len(events) == 1 else coalesced(events)
        told.append(Told(subjects[-1].key, event, subjects[-1].numbers.get(str(topic))))
        owners[event.event_id] = subjects
    return told, owners
