"""Domain events on EventBridge: what happened, for whoever has a rule for it. The catalogue is docs/events.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from domain import backoff
from domain.clock import Clock

# Of one PutEvents: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
_MOST = 10
_MOST_BYTES = 256 * 1024
_TIME_BYTES = 14  # that an entry's time counts for

# Everything else is refused for ever: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
_FOR_NOW = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})


Entry = Mapping[str, Any]


class PutsEvents(Protocol):
    """A client of EventBridge."""

    def put_events(self, *, Entries: Sequence[Entry]) -> Mapping[str, Any]: ...  # noqa: N803 - boto3's name


class BusError(Exception):
    """EventBridge does not take events now: an outage, a missing right, a missing bus."""


@dataclass(frozen=True)
class DomainEvent:
    """Something that happened. It may be delivered twice: `id` is the same then.

    Attributes:
        id: tells it apart from all others of its type.
        source: which part of the system tells it, such as `headwater.shop`.
        type: what happened, such as `OrderPlaced`.
        at_ms: when, in epoch milliseconds.
        detail: what there is to know of it, besides the id.
    """

    id: str
    source: str
    type: str
    at_ms: int
    detail: Mapping[str, Any]


def events(**options: Any) -> PutsEvents:
    """A client that retries little by itself."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=5)
    client: PutsEvents = boto3.client("events", config=config, **options)
    return client


class EventBus:
    """One bus."""

    def __init__(self, name: str, client: PutsEvents, clock: Clock) -> None:
        self._name = name
        self._client = client
        self._clock = clock

    def put(self, some: Sequence[DomainEvent], deadline: float) -> dict[str, str]:
        """Put events on the bus, ten at a time; those that it does not take for now again, until the deadline.

        Args:
            some: what happened.
            deadline: `clock.monotonic()` after which no attempt begins.

        Returns:
            Those that it will never take, by id: why.

        Raises:
            BusError: some of them are not on the bus, others may be.
        """
        refused: dict[str, str] = {}
        entries = [(each, self._entry(each)) for each in some]
        for each, entry in entries:
            if _size(entry) > _MOST_BYTES:
                refused[each.id] = f"it has {_size(entry)} bytes, and {_MOST_BYTES} is the most"
        for page in _pages([(each, entry) for each, entry in entries if each.id not in refused]):
            refused |= self._put_page(page, deadline)
        return refused

    def _put_page(self, page: Sequence[tuple[DomainEvent, Entry]], deadline: float) -> dict[str, str]:
        refused: dict[str, str] = {}
        waiting = list(page)
        obstacle = ""
        for _ in backoff.attempts(deadline, first_seconds=0.1, longest_seconds=5.0, clock=self._clock):
            try:
                answer = self._client.put_events(Entries=[entry for _, entry in waiting])
            except (ClientError, BotoCoreError) as error:
                obstacle = str(error)
                continue
            left = []
            for (each, entry), result in zip(waiting, answer["Entries"], strict=True):
                code = result.get("ErrorCode")
                reason = f"{code}: {result.get('ErrorMessage')}"
                if code in _FOR_NOW:
                    left.append((each, entry))
                    obstacle = reason
                elif code:
                    refused[each.id] = reason
            waiting = left
            if not waiting:
                return refused
        raise BusError(f"{len(waiting)} events could not be put on {self._name}: {obstacle}")

    def _entry(self, event: DomainEvent) -> Entry:
        return {
            "EventBusName": self._name,
            "Source": event.source,
            "DetailType": event.type,
            "Time": datetime.fromtimestamp(event.at_ms / 1000, UTC),
            "Detail": json.dumps({"id": event.id, **event.detail}, ensure_ascii=False),
        }


def _pages(entries: Sequence[tuple[DomainEvent, Entry]]) -> Iterator[list[tuple[DomainEvent, Entry]]]:
    """Runs of entries that fit into one request."""
    page: list[tuple[DomainEvent, Entry]] = []
    size = 0
    for each in entries:
        if page and (len(page) == _MOST or size + _size(each[1]) > _MOST_BYTES):
            yield page
            page, size = [], 0
        page.append(each)
        size += _size(each[1])
    if page:
        yield page


def _size(entry: Entry) -> int:
    """How many bytes an entry counts for."""
    return _TIME_BYTES + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))
