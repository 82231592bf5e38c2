"""What the publisher knows of a topic, for whoever asks why a change did not arrive: `changes.explain`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from domain import routing, times, topics, validation
from domain.changes import ChangeLog
from domain.errors import InvalidInput
from domain.events import Entry
from domain.parking import Mark, Parking
from domain.publication import Publication, Subject
from domain.redrive import parked_to_json
from domain.topics import Topic

_MOST_CHANGES, _MOST_RECORDS, _MOST_PARKED = 100, 1000, 100


def explain(
    event: Mapping[str, Any], log: ChangeLog, publication: Publication, parking: Parking, deadline: float
) -> dict[str, Any]:
    """The answer to `changes.explain`, whose shape is in redrive.py.

    Args:
        event: the request.
        log: the change log.
        publication: knows the routes.
        parking: knows what is parked.
        deadline: of the clock of the log.

    Raises:
        InvalidInput: the request is wrong.
        TableError: the table did not answer.
    """
    name, limit, records = event.get("topic"), event.get("limit") or 10, event.get("records") or []
    if not isinstance(name, str):
        raise InvalidInput("topic", f"must be the name of a topic, not {name!r}.")
    if not isinstance(limit, int) or not 1 <= limit <= _MOST_CHANGES:
        raise InvalidInput("limit", f"must be 1 to {_MOST_CHANGES}, not {limit!r}.")
    if not isinstance(records, list) or len(records) > _MOST_RECORDS:
        raise InvalidInput("records", f"must be a list of at most {_MOST_RECORDS}.")
    topic = topics.named(name)
    head, entries = _last(log, topic, limit, deadline) if topic else (0, [])
    marks = [mark for mark in parking.all_marks() if name in mark.topics][:_MOST_PARKED]
    return {
        "topic": name,
        "mutation": topic.kind.mutation if topic else None,
        "headSeq": head,
        "headAt": times.to_iso(entries[-1].at) if entries else None,
        "changes": [_change_to_json(entry) for entry in entries],
        "parked": [parked_to_json(mark) for mark in marks],
        "records": _routed(records, publication, parking),
    }


def _last(log: ChangeLog, topic: Topic, limit: int, deadline: float) -> tuple[int, list[Entry]]:
    """The topic's newest number, and its last changes as far as they are still offered."""
    head = log.read(topic, validation.MAX_SEQ, 1, deadline).head_seq
    entries: list[Entry] = []
    after = max(0, head - limit)
    while after < head:
        page = log.read(topic, after, head - after, deadline)
        if page.resync_required:
            after += 1  # too old: perhaps the next one is not
        entries += page.items
        after = max(after, page.last_seq)
    return head, entries


def _routed(records: Sequence[Mapping[str, Any]], publication: Publication, parking: Parking) -> list[dict[str, Any]]:
    try:
        marks = parking.marks({routing.key_of(record) for record in records}) if records else {}
    except (KeyError, TypeError) as error:
        raise InvalidInput("records", "must be stream records as Lambda delivers them.") from error
    return [_routed_to_json(place, record, publication, marks) for place, record in enumerate(records)]


def _routed_to_json(
    place: int, record: Mapping[str, Any], publication: Publication, marks: Mapping[routing.ItemKey, Mark]
) -> dict[str, Any]:
    subject = Subject(place, record, routing.key_of(record))
    publication.project(subject)
    mark = marks.get(subject.key)
    told = sorted(str(change.topic) for change in subject.changes)
    if mark and routing.position_of(record) >= mark.first:
        outcome, reason = "PARKED", mark.reason
    elif subject.reason:
        outcome, reason = "POISON", subject.reason
    else:
        outcome, reason = "ROUTED" if told else "UNCHANGED" if subject.topics else "NO_TOPIC", None
    return {
        "eventId": record.get("eventID"),
        "outcome": outcome,
        "topics": told or sorted(subject.topics),
        "key": subject.changes[0].event.key if subject.changes else None,
        "reason": reason and reason.to_json(),
    }


def _change_to_json(entry: Entry) -> dict[str, Any]:
    change = json.loads(entry.text)
    return {name: change[name] for name in ("seq", "eventId", "kind", "at", "traceId", "key", "truncated")}
