"""One topic's part of a batch: its changes numbered, then published in order, each failure as narrow as it can be made.

What AppSync or the table refuses is halved until the one change is found that is refused alone. From there on the
changes of that item wait, and all others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain import envelopes
from domain.changes import ChangeLog
from domain.envelopes import Envelope
from domain.events import Entry, Event
from domain.parking import Reason
from domain.publishing import PublishError, Refused
from domain.routing import ItemKey
from domain.table import Rejected, TableError
from domain.topics import Topic

logger = logging.getLogger("headwater.pushing")


class Publishes(Protocol):
    """Where envelopes go: `domain.publishing.Publisher`."""

    def publish(self, envelope: Envelope, deadline: float) -> None:
        """Raises Unreachable when the time is over, Refused when another attempt would come to the same."""


@dataclass
class Told:
    """One event of a topic, and what became of it. Without a refusal and not published, it waits for something.

    Attributes:
        key: the item that it is about.
        event: the event; it may stand for several records.
        entry: its number, once it has one.
        published: whether AppSync took it.
        refusal: why it can never be published as it is.
    """

    key: ItemKey
    event: Event
    entry: Entry | None = None
    published: bool = False
    refusal: Reason | None = None


@dataclass
class Push:
    """The events of a topic in the order of the stream, of distinct ids.

    Attributes:
        topic: the topic.
        told: its events.
        obstacle: why the rest waits although it is nobody's fault: the table or AppSync did not answer in time.
    """

    topic: Topic
    told: list[Told]
    obstacle: Exception | None = None
    _by_id: dict[str, Told] = field(default_factory=dict)
    _blocked: set[ItemKey] = field(default_factory=set)

    def run(self, log: ChangeLog, publisher: Publishes, deadline: float) -> Push:
        """Number and publish what can be, until `deadline` (`time.monotonic()`, or the clock's). Never raises."""
        self._by_id = {event_id: told for told in self.told for event_id in told.event.ids}
        entries = {told.entry.seq: told.entry for told in self.told if told.entry}
        try:
            for entry in self._number(log, [told for told in self.told if told.entry is None], deadline):
                entries[entry.seq] = entry
            self._publish(publisher, [entries[seq] for seq in sorted(entries)], deadline)
        except (PublishError, TableError) as error:
            self.obstacle = error
        except Exception as error:
            # A missing right, a missing table, a defect: none of it says that the records are to blame.
            logger.exception("Could not push to %s", self.topic)
            self.obstacle = error
        return self

    def waiting(self) -> Iterator[Told]:
        """The events behind a refused one of the same item, or behind the obstacle."""
        return (told for told in self.told if not told.published and told.refusal is None)

    def _number(self, log: ChangeLog, told: Sequence[Told], deadline: float) -> list[Entry]:
        free = [each for each in told if each.key not in self._blocked]
        if not free:
            return []
        try:
            entries = log.append(self.topic, [each.event for each in free], deadline)
        except Rejected as error:
            if len(free) == 1:
                self._refuse(free[0], error)
                return []
            middle = len(free) // 2
            return self._number(log, free[:middle], deadline) + self._number(log, free[middle:], deadline)
        for entry in entries:
            for each in self._of(entry):
                each.entry = entry
        return entries

    def _publish(self, publisher: Publishes, entries: Sequence[Entry], deadline: float) -> None:
        for envelope in envelopes.pack(self.topic, entries):
            # Asked anew for each envelope: the one before may have had the change that blocks an item.
            free = [entry for entry in envelope.entries if self._is_free(entry)]
            if len(free) == len(envelope.entries):
                self._publish_one(publisher, envelope, deadline)
            else:
                self._publish(publisher, free, deadline)

    def _publish_one(self, publisher: Publishes, envelope: Envelope, deadline: float) -> None:
        try:
            publisher.publish(envelope, deadline)
        except Refused as error:
            if len(envelope.entries) == 1:
                for told in self._of(envelope.entries[0]):
                    self._refuse(told, error)
                return
            middle = len(envelope.entries) // 2
            self._publish(publisher, envelope.entries[:middle], deadline)
            self._publish(publisher, envelope.entries[middle:], deadline)
            return
        for entry in envelope.entries:
            for told in self._of(entry):
                told.published = told.entry is not None and told.entry.seq == entry.seq

    def _is_free(self, entry: Entry) -> bool:
        return not self._blocked or not any(told.key in self._blocked for told in self._of(entry))

    def _of(self, entry: Entry) -> list[Told]:
        """The events that an entry stands for. One that was numbered for an earlier delivery may stand for several."""
        found = {id(told): told for event_id in entry.ids if (told := self._by_id.get(event_id))}
        return list(found.values())

    def _refuse(self, told: Told, error: Exception) -> None:
        told.refusal = Reason.of(error)
        self._blocked.add(told.key)
