"""Operations on what is parked. They run inside the publisher's function, the only caller of AppSync.

The function is invoked by its name (the stack's output `PublishFunctionName`) with an event that has `operation`. All
times are ISO texts in UTC. An answer is the object below, or `{"error": {"type", "message"}}`, where `type` is
`InvalidInput` (the request is wrong), `NotParked` (no such key, or another record is at the front) or `TryAgain` (the
table, the bucket or AppSync did not answer in time).

    {"operation": "parked.list", "limit": 100, "nextToken": null}
        {"items": [Parked], "nextToken": text or null, "leftovers": number}
        `leftovers`: invocation records that the event source mapping left in the bucket (at most 1,000 are counted).

    {"operation": "parked.show", "id": text, "limit": 20, "nextToken": null}
        {"parked": Parked, "items": [Record], "nextToken": text or null}
        The records of one key, in the order of the stream; a page also ends at 4 MB.

    {"operation": "parked.replay", "ids": [text] or null for all, "nextToken": null}
        {"replayed": number, "lifted": [id], "takenIn": number, "superseded": number, "discarded": number,
         "blocked": [Blocked], "nextToken": text or null}
        Takes in what the mapping left (unless `ids` are given), then replays key by key, in order, and lifts the marks
        of those that have no record left. Works for about 20 seconds; call it again with the same `ids` and the
        `nextToken` until that is null, and add up the answers. What cannot be replayed is in `blocked` and stays. A
        transient obstacle ends the replay: later everything that is left can be replayed.

    {"operation": "parked.discard", "id": text, "eventId": text}
        The same answer. Skips the record at the front of the key, which must be the one named, and replays those
        behind it. The record is kept for 30 days under `discarded/` in the bucket.

    {"operation": "changes.explain", "topic": text, "limit": 10, "records": [stream records as Lambda delivers them]}
        {"topic": text, "mutation": text or null, "headSeq": number, "headAt": time or null, "changes": [Change],
         "parked": [Parked], "records": [Routed]}
        What the publisher knows of a topic: its last `limit` changes in order, the keys that are parked with changes
        for it, and what it makes of the given records (at most 1,000). `mutation` is null for an unknown kind of topic.

    Parked   {"id": text, "key": {"pk", "sk"}, "topics": [text], "reason": Reason, "eventId": text, "parkedAt": time,
              "records": number}; `eventId` is that of the record at the front, as far as known
    Reason   {"type": text, "message": text}
    Record   {"eventId": text, "sequenceNumber": text, "kind": "INSERT" | "MODIFY" | "REMOVE", "createdAt": time,
              "parkedAt": time, "reason": Reason or null when it only waits behind another,
              "numbers": {topic: seq}, "published": [topic], "object": text, "record": stream record, or null when it
              is too large for an answer: then it is in the bucket's object}
    Blocked  {"id": text, "key": {"pk", "sk"}, "eventId": text, "reason": Reason, "transient": true when it is not the
              record's fault}
    Change   {"seq": number, "eventId": text, "kind": text, "at": time, "traceId": text or null, "key": text,
              "truncated": boolean}
    Routed   {"eventId": text, "outcome": "ROUTED" | "UNCHANGED" | "NO_TOPIC" | "POISON" | "PARKED",
              "topics": [text], "key": text or null (of the change), "reason": Reason or null}
"""

from __future__ import annotations

import builtins
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from domain import times
from domain.bucket import BucketError
from domain.clock import Clock
from domain.errors import InvalidInput
from domain.leftovers import Leftovers
from domain.parking import Mark, Parked, Parking, Reason
from domain.queue import QueueError
from domain.replaying import Outcome, OutOfTime, Replaying
from domain.routing import created_ms
from domain.table import TableError

_MOST_COUNTED = 1000
_PAGE_BYTES = 4_000_000
_REPLAY_SECONDS = 20.0  # of one call, so that whoever calls it hears of progress
_TAKING_IN = "taking in"
_BEGIN = "0" * 30
_HIDDEN_SECONDS = 10
_MOST_TAKEN_BACK = 50  # requests

logger = logging.getLogger("headwater.redrive")


class NotParked(Exception):
    """There is no such parked item, or another record is at its front."""


class Announced(Protocol):
    """Where parking was announced: `domain.queue.Queue`."""

    def take(self, seconds: int) -> dict[str, str]:
        """Messages by handle, hidden from others for a while. Raises QueueError."""

    def release(self, handle: str) -> None:
        """Show a message again. Raises QueueError."""

    def delete(self, handle: str) -> None:
        """Raises QueueError."""


class Redrive:
    """Lists, shows, replays and discards what is parked."""

    def __init__(
        self, replaying: Replaying, leftovers: Leftovers, parking: Parking, announced: Announced,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._replaying = replaying
        self._leftovers = leftovers
        self._parking = parking
        self._announced = announced
        self._clock = clock

    def list(self, limit: int, next_token: str | None) -> dict[str, Any]:
        """`parked.list`. Raises InvalidInput, TableError, BucketError."""
        found = builtins.list(islice(self._parking.all_marks(_item_id(next_token or _BEGIN)), limit + 1))
        return {
            "items": [parked_to_json(mark) for mark in found[:limit]],
            "nextToken": found[limit - 1].id if len(found) > limit else None,
            "leftovers": self._leftovers.count(_MOST_COUNTED),
        }

    def show(self, item_id: str, limit: int, next_token: str | None) -> dict[str, Any]:
        """`parked.show`. Raises NotParked, TableError, BucketError."""
        mark = self._mark(item_id)
        items: builtins.list[dict[str, Any]] = []
        size, last, following = 0, _position(next_token), None
        for some in self._parking.waiting(mark, last):
            for parked in some.records:
                shown = _record_to_json(parked)
                length = len(json.dumps(shown))
                if length > _PAGE_BYTES:
                    shown["record"], length = None, 0
                if items and (len(items) == limit or size + length > _PAGE_BYTES):
                    following = str(last)
                    break
                items.append(shown)
                size, last = size + length, parked.position
            if following:
                break
        front = {"eventId": items[0]["eventId"]} if items and next_token is None else {}
        return {"parked": parked_to_json(mark) | front, "items": items, "nextToken": following}

    def replay(self, ids: Sequence[str] | None, next_token: str | None, deadline: float) -> dict[str, Any]:
        """`parked.replay`. Raises InvalidInput, TableError, BucketError; a repeat goes on from there."""
        outcome = Outcome()
        deadline = min(deadline, self._clock.monotonic() + _REPLAY_SECONDS)
        chosen = None if ids is None else sorted(map(_item_id, ids))
        after = "" if next_token in {None, _TAKING_IN} else _item_id(next_token)
        try:
            if chosen is None and after == "":
                outcome.next_token = _TAKING_IN
                self._leftovers.take_in(outcome, deadline)
            after = after or _BEGIN
            for mark in self._parking.all_marks(after) if chosen is None else self._chosen(chosen, after):
                outcome.next_token = after
                if not self._replaying.replay(mark, outcome, deadline):
                    break  # others would meet the same obstacle
                after = mark.id
            outcome.next_token = None
        except OutOfTime:
            pass
        if outcome.next_token is None:
            self._take_back()
        return outcome.to_json()

    def discard(self, item_id: str, event_id: str, deadline: float) -> dict[str, Any]:
        """`parked.discard`. Raises NotParked, TableError, BucketError."""
        mark = self._mark(item_id)
        front = next((some.records[0] for some in self._parking.waiting(mark) if some.records), None)
        if front is None or front.record["eventID"] != event_id:
            there = front.record["eventID"] if front else "none"
            raise NotParked(f"the record at the front of {item_id} is {there}, not {event_id}")
        self._parking.discard(front, Reason("Discarded", "by an operator"), mark.id)
        self._parking.done(mark, front.position)
        outcome = Outcome(discarded=1)
        try:
            if rest := self._parking.mark(mark.id):
                self._replaying.replay(rest, outcome, min(deadline, self._clock.monotonic() + _REPLAY_SECONDS))
        except OutOfTime:
            outcome.next_token = _BEGIN  # for a replay of this id
        self._take_back()
        return outcome.to_json()

    def _mark(self, item_id: str) -> Mark:
        mark = self._parking.mark(item_id)
        if mark is None:
            raise NotParked(f"nothing is parked under {item_id}")
        return mark

    def _chosen(self, ids: Sequence[str], after: str) -> Iterable[Mark]:
        return (mark for item_id in ids if item_id > after and (mark := self._parking.mark(item_id)))

    def _take_back(self) -> None:
        """Remove the messages about items that are no longer parked: an alarm on the queue's length ends with them."""
        try:
            taken: dict[str, str] = {}
            for _ in range(_MOST_TAKEN_BACK):
                messages = self._announced.take(_HIDDEN_SECONDS)
                if not messages:
                    break
                taken |= {handle: _item_id(json.loads(body)["id"]) for handle, body in messages.items()}
            still = self._parking.known(taken.values())
            for handle, item_id in taken.items():
                if item_id in still:
                    self._announced.release(handle)
                else:
                    self._announced.delete(handle)
        except (QueueError, TableError, InvalidInput, ValueError, KeyError) as error:
            logger.warning("Could not take back what was announced: %s", error)


def answer(
    event: Mapping[str, Any], redrive: Redrive, explain: Callable[[], dict[str, Any]], deadline: float
) -> dict[str, Any]:
    """The answer to an operation, as the module's docstring has it.

    Args:
        event: the request.
        redrive: answers `parked.*`.
        explain: answers `changes.explain`.
        deadline: of the clock, at which to end.
    """
    operations: dict[str, Callable[[], dict[str, Any]]] = {
        "parked.list": lambda: redrive.list(_limit(event, 100), event.get("nextToken")),
        "parked.show": lambda: redrive.show(_item_id(event.get("id")), _limit(event, 20), event.get("nextToken")),
        "parked.replay": lambda: redrive.replay(event.get("ids"), event.get("nextToken"), deadline),
        "parked.discard": lambda: redrive.discard(_item_id(event.get("id")), str(event.get("eventId")), deadline),
        "changes.explain": explain,
    }
    try:
        if event["operation"] not in operations:
            raise InvalidInput("operation", f"must be one of {', '.join(operations)}, not {event['operation']!r}.")
        return operations[event["operation"]]()
    except (InvalidInput, NotParked) as error:
        return {"error": {"type": type(error).__name__, "message": str(error)}}
    except (TableError, BucketError) as error:
        logger.warning("%s: %s", event["operation"], error)
        return {"error": {"type": "TryAgain", "message": str(error)}}


def parked_to_json(mark: Mark) -> dict[str, Any]:
    """An item that has parked records, as operations answer it."""
    return {
        "id": mark.id, "key": {"pk": mark.key[0], "sk": mark.key[1]}, "topics": [*mark.topics],
        "reason": mark.reason.to_json(), "eventId": mark.event_id, "parkedAt": times.to_iso(mark.parked_at),
        "records": mark.records,
    }  # fmt: skip


def _record_to_json(parked: Parked) -> dict[str, Any]:
    return {
        "eventId": parked.record["eventID"], "sequenceNumber": parked.record["dynamodb"]["SequenceNumber"],
        "kind": parked.record["eventName"], "createdAt": times.to_iso(created_ms(parked.record)),
        "parkedAt": times.to_iso(parked.parked_at), "reason": parked.reason and parked.reason.to_json(),
        "numbers": {topic: entry.seq for topic, entry in parked.numbers.items()}, "published": [*parked.published],
        "object": parked.object, "record": parked.record,
    }  # fmt: skip


def _item_id(value: object) -> str:
    """An id as `parked.list` gives it. Raises InvalidInput."""
    if isinstance(value, str) and len(value) == len(_BEGIN):
        try:
            int(value, 16)
        except ValueError:
            pass
        else:
            return value.lower()
    raise InvalidInput("id", f"must be one that parked.list answers, not {value!r}.")


def _position(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise InvalidInput("nextToken", "must be one of parked.show.")
    return int(token)


def _limit(event: Mapping[str, Any], default: int) -> int:
    limit = event.get("limit")
    if limit is None:
        return default
    if not isinstance(limit, int) or not 1 <= limit <= 1000:
        raise InvalidInput("limit", f"must be 1 to 1000, not {limit!r}.")
    return limit
