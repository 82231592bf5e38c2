"""What is known about a topic, as those who know it told it. All times are ISO texts in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.event_sources.mappings import ENABLED_STATES


@dataclass(frozen=True)
class StreamRecord:
    """One record of the table's stream, as Lambda delivers it."""

    event: Mapping[str, Any]
    created: str
    matches: bool  # the mapping's filters
    passed: bool  # the mapping is done with it
    item: Mapping[str, Any] | None = None  # the table's item now, in DynamoDB's JSON

    @property
    def event_id(self) -> str:
        """The record's id."""
        return str(self.event["eventID"])

    @property
    def number(self) -> int:
        """Its sequence number."""
        return int(self.event["dynamodb"]["SequenceNumber"])

    @property
    def keys(self) -> Mapping[str, Any]:
        """The item's keys."""
        found: Mapping[str, Any] = self.event["dynamodb"]["Keys"]
        return found

    @property
    def key_texts(self) -> list[str]:
        """The keys' values, for people."""
        return [str(next(iter(value.values()))) for value in self.keys.values()]


@dataclass(frozen=True)
class MappingState:
    """The event source mapping from the stream to the publisher."""

    uuid: str
    state: str
    reason: str | None
    last_result: str | None
    patterns: Sequence[str]
    function: str
    stream: str

    @property
    def enabled(self) -> bool:
        """Whether it delivers."""
        return self.state in ENABLED_STATES

    @property
    def table(self) -> str:
        """The name of the table whose stream it is."""
        return self.stream.split("/")[1]


@dataclass(frozen=True)
class Question:
    """What a user asks: about a topic's last changes, or only the one with this number, key, trace or event id."""

    topic: str
    limit: int
    client: str | None = None
    change: str | None = None


@dataclass(frozen=True)
class Facts:
    """Everything that the stages are made of.

    `publisher` is the answer to `changes.explain`, whose routing of the records is in `routed` by event id; None with
    the reason in `publisher_error`. `plane` is the answer of `/explain/publishes`, `invocations` of
    `/explain/invocations`. `oldest` is the creation of the oldest record that was read from the stream.
    """

    asked: Question
    mapping: MappingState
    records: Sequence[StreamRecord]
    publisher: Mapping[str, Any] | None
    publisher_error: str | None
    routed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    invocations: Mapping[str, Any] = field(default_factory=lambda: {"records": {}, "lastFailure": None})
    plane: Mapping[str, Any] = field(default_factory=dict)
    oldest: str | None = None
