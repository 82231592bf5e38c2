"""The publisher as a container runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain import envelopes, routing
from domain.changes import ChangeLog, Event
from domain.chat import Chat
from domain.publishing import PublishError, Unreachable
from domain.table import TableError
from domain.topics import Topic
from tests.simulation.appsync import AppSync
from tests.simulation.clock import SimulatedClock
from tests.simulation.http import Http
from tests.simulation.kernel import Kernel
from tests.simulation.mapping import Handler
from tests.simulation.network import Network


@dataclass(frozen=True)
class Container:
    """What a container's code stands on."""

    clock: SimulatedClock
    log: ChangeLog
    chat: Chat
    kernel: Kernel
    network: Network
    appsync: AppSync


def publisher(container: Container) -> Handler:
    """The publisher of a cold container."""
    http = Http(container.kernel, container.network, container.appsync)

    def handle(records: Sequence[dict[str, Any]], deadline: float) -> Sequence[int]:
        events: dict[Topic, dict[str, Event]] = {}
        positions: dict[str, int] = {}
        for position, record in enumerate(records):
            for change in routing.route(routing.from_stream(record)):
                events.setdefault(change.topic, {})[change.event.event_id] = change.event
                positions.setdefault(change.event.event_id, position)
        failed: set[int] = set()
        for topic, found in events.items():
            try:
                entries = container.log.append(topic, list(found.values()), deadline)
                for envelope in envelopes.pack(topic, entries):
                    http.publish(envelope.text, deadline)
            except (TableError, PublishError, Unreachable):
                failed |= {positions[event_id] for event_id in found}
        return [min(failed)] if failed else []

    return handle
