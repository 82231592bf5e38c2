"""Replaying parked records, item by item, in the order of the stream, so that nothing is told twice or out of order.

A replay that dies is begun again, two at once do no harm, and neither does a record that is delivered meanwhile: what
has a number is found by its id and goes out again with that number. For that the log is read back to the creation of
the first record, which costs as much as there were changes of the topic since, but at most those of the 48 hours for
which the log keeps them. Nothing less would do: a record that is parked without a number may have one all the same,
from a delivery that was not published, from a function that was suspended while another parked the record, or from a
replay that died.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from domain.changes import ChangeLog, TooLate
from domain.clock import Clock
from domain.parking import Mark, Parked, Parking, Reason, id_of
from domain.publication import Publication, Subject
from domain.routing import Change, position_of
from domain.topics import Topic

SUPERSEDED = Reason("Superseded", "a later state of the item has been told")
_AT_ONCE = 200  # records between two notes of progress


class OutOfTime(Exception):
    """The rest has to wait for the next call."""


@dataclass
class Outcome:
    """What a call of `parked.replay` or `parked.discard` did, as it is answered: see redrive.py."""

    replayed: int = 0
    lifted: list[str] = field(default_factory=list)
    taken_in: int = 0
    superseded: int = 0
    discarded: int = 0
    blocked: list[dict[str, Any]] = field(default_factory=list)
    next_token: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is answered."""
        return {
            "replayed": self.replayed, "lifted": self.lifted, "takenIn": self.taken_in, "superseded": self.superseded,
            "discarded": self.discarded, "blocked": self.blocked, "nextToken": self.next_token,
        }  # fmt: skip


@dataclass(frozen=True)
class _Heard:
    newest: int  # the place in the stream of the last change of the item that has a number
    event_ids: set[str]


class Replaying:
    """Replays the records of items, and lifts their marks."""

    def __init__(self, log: ChangeLog, publication: Publication, parking: Parking, clock: Clock) -> None:
        self._log = log
        self._publication = publication
        self._parking = parking
        self._clock = clock

    def replay(self, parked: Mark, outcome: Outcome, deadline: float) -> bool:
        """Replay an item's records until one is refused or none is left; then lift the mark.

        Returns:
            False when an obstacle stopped it that other items would meet too.

        Raises:
            OutOfTime: at `deadline` (`clock.monotonic()`); what was done is noted.
            TableError, BucketError: a repeat goes on from there.
        """
        mark = self._parking.current(parked)
        while mark is not None:
            for some in self._parking.waiting(mark):
                left = some.records
                for start in range(0, len(left), _AT_ONCE):
                    if self._clock.monotonic() >= deadline:
                        raise OutOfTime
                    part = left[start : start + _AT_ONCE]
                    finished, failure = self._push(mark, part, outcome, deadline)
                    if finished:
                        mark = replace(mark, done=part[finished - 1].position)
                        self._parking.done(mark, mark.done)
                    if failure and isinstance(failure.obstacle, TooLate):
                        raise OutOfTime
                    if failure:
                        return self._blocked(mark, part[finished], failure, outcome)
                self._parking.remove(some)
            if self._parking.lift(mark):
                outcome.lifted.append(mark.id)
                return True
            # Something was parked meanwhile.
            mark = self._parking.current(mark)
        return True

    def _push(
        self, mark: Mark, part: Sequence[Parked], outcome: Outcome, deadline: float
    ) -> tuple[int, Subject | None]:
        """Push some records of an item, in order. How many, from the first on, are done with; and who is not."""
        subjects = []
        for place, parked in enumerate(part):
            subject = Subject(place, parked.record, mark.key)
            subject.published, subject.numbers = set(parked.published), dict(parked.numbers)
            self._publication.project(subject)
            subjects.append(subject)
            if subject.reason:
                break
        self._leave_out_superseded(subjects, part, outcome, deadline)
        self._publication.push([subject for subject in subjects if subject.concerns_anyone], deadline)
        for place, subject in enumerate(subjects):
            if not subject.done:
                return place, subject
            outcome.replayed += subject.concerns_anyone
        return len(subjects), None

    def _leave_out_superseded(
        self, subjects: Sequence[Subject], part: Sequence[Parked], outcome: Outcome, deadline: float
    ) -> None:
        """Of records that the event source mapping left, what a topic would hear after a later state of the item."""
        heard: dict[Topic, _Heard] = {}
        for subject, parked in zip(subjects, part, strict=False):
            if not parked.taken_in or not subject.changes:
                continue
            place = position_of(subject.raw)
            for change in subject.changes:
                if change.topic not in heard:
                    heard[change.topic] = self._heard(change, deadline)
            subject.changes = [
                change
                for change in subject.changes
                if heard[change.topic].newest <= place or change.event.event_id in heard[change.topic].event_ids
            ]
            if not subject.changes:
                self._parking.discard(parked, SUPERSEDED, id_of(subject.key))
                outcome.superseded += 1

    def _heard(self, change: Change, deadline: float) -> _Heard:
        """What a topic has numbers for, of the item that a change is about.

        The first of an item's records asks: no later one can have been numbered before the first was written.
        """
        newest = 0
        event_ids: set[str] = set()
        for entry in self._log.tail(change.topic, change.event.since_ms, deadline):
            if json.loads(entry.text)["key"] == change.event.key:
                newest = max(newest, int(entry.position or 0))
                event_ids.update(entry.ids)
        return _Heard(newest, event_ids)

    def _blocked(self, mark: Mark, parked: Parked, subject: Subject, outcome: Outcome) -> bool:
        reason = subject.reason or Reason.of(subject.obstacle or OutOfTime())
        if subject.reason:
            self._parking.blocked(mark, parked, reason)
        outcome.blocked.append(
            {
                "id": mark.id, "key": {"pk": mark.key[0], "sk": mark.key[1]}, "eventId": parked.record["eventID"],
                "reason": reason.to_json(), "transient": subject.reason is None,
            }
        )  # fmt: skip
        return subject.reason is not None
