"""Judging a replay: what was lost, doubled or out of order, and how long it took. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the API acknowledged; a writer's messages stand in the order in which it sent them.

    Times are of the monotonic clock, in nanoseconds.
    """

    message_id: str
    writer: int
    sent_ns: int
    acknowledged_ns: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A change that a subscriber's callback got, at `received_ns` of the monotonic clock."""

    seq: int
    message_id: str
    kind: str
    source: str
    received_ns: int


@dataclass(frozen=True)
class Verdict:
    """What one subscriber got, or all of them together. Times are NaN where nothing arrived.

    Attributes:
        delivered: callbacks.
        missing: messages sent, or numbers of the room's log, that did not arrive.
        duplicated: callbacks beyond the first for a number, or for the insertion of a message.
        foreign: callbacks for messages that this replay did not send.
        out_of_order: callbacks with a number below one that came before.
        out_of_writers_order: callbacks for a message of a writer after a later one of the same writer.
        p50_ms, p99_ms: from send to the first callback.
        drain_seconds: from the last acknowledgement to the last callback.
    """

    delivered: int
    pushes: int
    catch_ups: int
    missing: int
    duplicated: int
    foreign: int
    out_of_order: int
    out_of_writers_order: int
    p50_ms: float
    p99_ms: float
    drain_seconds: float

    @property
    def faultless(self) -> bool:
        """Whether everything arrived once and in order."""
        return not (self.missing or self.duplicated or self.foreign or self.out_of_order or self.out_of_writers_order)


def judge(sent: Sequence[Sent], log: Mapping[int, str], deliveries: Sequence[Delivery]) -> Verdict:
    """Judge one subscriber.

    Args:
        sent: every acknowledged message, each writer's in its order.
        log: the room's change log of the time: the message id by number.
        deliveries: what the subscriber got, in the order of its callbacks.
    """
    return _verdict(sent, log, deliveries, _latencies(sent, deliveries))


def judge_all(
    sent: Sequence[Sent], log: Mapping[int, str], subscribers: Iterable[Sequence[Delivery]]
) -> tuple[list[Verdict], Verdict]:
    """Judge every subscriber, and all together: counts added up, times over all callbacks, the slowest drain."""
    each: list[Verdict] = []
    latencies: list[float] = []
    for deliveries in subscribers:
        own = _latencies(sent, deliveries)
        latencies += own
        each.append(_verdict(sent, log, deliveries, own))
    total = Verdict(
        delivered=sum(one.delivered for one in each),
        pushes=sum(one.pushes for one in each),
        catch_ups=sum(one.catch_ups for one in each),
        missing=sum(one.missing for one in each),
        duplicated=sum(one.duplicated for one in each),
        foreign=sum(one.foreign for one in each),
        out_of_order=sum(one.out_of_order for one in each),
        out_of_writers_order=sum(one.out_of_writers_order for one in each),
        p50_ms=percentile(latencies, 50),
        p99_ms=percentile(latencies, 99),
        drain_seconds=max((one.drain_seconds for one in each if not math.isnan(one.drain_seconds)), default=math.nan),
    )
    return each, total


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def _verdict(
    sent: Sequence[Sent], log: Mapping[int, str], deliveries: Sequence[Delivery], latencies: Sequence[float]
) -> Verdict:
    got_messages = {delivery.message_id for delivery in deliveries}
    got_numbers = {delivery.seq for delivery in deliveries}
    sent_ids = {message.message_id for message in sent}
    # A message that is not even in the log is missing; so is a number of the log whose message is not counted already.
    missing_messages = sent_ids - got_messages
    missing_numbers = {
        seq for seq, message_id in log.items() if seq not in got_numbers and message_id not in missing_messages
    }
    last_ns = max((delivery.received_ns for delivery in deliveries), default=None)
    acknowledged_ns = max((message.acknowledged_ns for message in sent), default=None)
    return Verdict(
        delivered=len(deliveries),
        pushes=sum(delivery.source == "push" for delivery in deliveries),
        catch_ups=sum(delivery.source == "catch-up" for delivery in deliveries),
        missing=len(missing_messages) + len(missing_numbers),
        duplicated=_duplicated(deliveries),
        foreign=sum(delivery.message_id not in sent_ids for delivery in deliveries),
        out_of_order=_falls(delivery.seq for delivery in deliveries),
        out_of_writers_order=_out_of_writers_order(sent, deliveries),
        p50_ms=percentile(latencies, 50),
        p99_ms=percentile(latencies, 99),
        drain_seconds=math.nan
        if last_ns is None or acknowledged_ns is None
        else max(0.0, (last_ns - acknowledged_ns) / 1e9),
    )


def _duplicated(deliveries: Sequence[Delivery]) -> int:
    numbers: set[int] = set()
    inserted: set[str] = set()
    count = 0
    for delivery in deliveries:
        again = delivery.kind == "INSERT" and delivery.message_id in inserted
        count += again or delivery.seq in numbers
        numbers.add(delivery.seq)
        if delivery.kind == "INSERT":
            inserted.add(delivery.message_id)
    return count


def _falls(numbers: Iterable[int]) -> int:
    """How many numbers are below one that came before. An equal one is a duplicate, not out of order."""
    highest = -1
    falls = 0
    for number in numbers:
        falls += number < highest
        highest = max(highest, number)
    return falls


def _out_of_writers_order(sent: Sequence[Sent], deliveries: Sequence[Delivery]) -> int:
    place = {message.message_id: (message.writer, index) for index, message in enumerate(sent)}
    by_writer: dict[int, list[int]] = {}
    for delivery in deliveries:
        if delivery.message_id in place:
            writer, index = place[delivery.message_id]
            by_writer.setdefault(writer, []).append(index)
    return sum(_falls(indexes) for indexes in by_writer.values())


def _latencies(sent: Sequence[Sent], deliveries: Sequence[Delivery]) -> list[float]:
    """Milliseconds from send to the first callback of each message."""
    first: dict[str, int] = {}
    for delivery in deliveries:
        first.setdefault(delivery.message_id, delivery.received_ns)
    return [(first[one.message_id] - one.sent_ns) / 1e6 for one in sent if one.message_id in first]
