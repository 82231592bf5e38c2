"""The ways of a topic's last changes, and what is wrong with the whole of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from local.explain.facts import Facts, StreamRecord
from local.explain.stages import Way
from local.explain.tracer import Tracer, failure


def ways(facts: Facts) -> list[Way]:
    """The ways of the topic's last changes, the newest first; or of the one that was asked for."""
    changes = {each["eventId"]: each for each in (facts.publisher or {}).get("changes", [])}
    records = {each.event_id: each for each in facts.records if _concerns(facts, each)}
    first = min((each["at"] for each in changes.values()), default=None)
    if first is not None and (facts.publisher or {}).get("headSeq") != len(changes):
        records = {event_id: each for event_id, each in records.items() if not _is_before(facts, each, first, changes)}
    found = [
        Tracer(facts, event_id, records.get(event_id), changes.get(event_id)).way()
        for event_id in dict.fromkeys([*changes, *records])
    ]
    # The stream dates records to the second; within one, its own order and the log's tell.
    found.sort(key=lambda way: (way.at or "", way.number or 0, way.seq or 0), reverse=True)
    return [way for way in found if facts.asked.change is None or facts.asked.change in way.names][: facts.asked.limit]


def _concerns(facts: Facts, record: StreamRecord) -> bool:
    if facts.publisher is None:
        return record.matches and not record.passed
    routed = facts.routed.get(record.event_id)
    return routed is not None and facts.asked.topic in routed["topics"]


def _is_before(facts: Facts, record: StreamRecord, first: str, changes: Mapping[str, object]) -> bool:
    """Whether a record's change is, or would be, before the changes that the publisher told of."""
    if record.event_id in changes or not record.passed or record.created >= first:
        return False
    return facts.routed[record.event_id]["outcome"] not in {"PARKED", "POISON"}


def problems(facts: Facts) -> Sequence[str]:
    """What is wrong with the whole of it, whatever the single change."""
    found = []
    if facts.publisher is None:
        found.append(f"The publisher cannot be asked: {facts.publisher_error}")
        found.append("So nobody can say which records are of the topic: all that wait are shown.")
    elif facts.publisher["mutation"] is None:
        found.append(f"There is no such kind of topic: nothing is ever published as {facts.asked.topic}.")
    if not facts.mapping.enabled:
        found.append(f"The event source mapping {facts.mapping.uuid} is {facts.mapping.state}.")
    waiting = sum(1 for each in facts.records if each.matches and not each.passed)
    if waiting:
        found.append(f"Records of the stream that wait for the publisher: {waiting}.")
    last = facts.invocations["lastFailure"]
    if last is not None:
        found.append(f"The publisher's last invocation failed at {last['endedAt']}: {failure(last)}")
    return found
