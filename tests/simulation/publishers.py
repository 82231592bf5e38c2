"""The publisher's function, as a container has it: the real code on simulated services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials

from domain.bucket import Bucket
from domain.changes import ChangeLog
from domain.leftovers import Leftovers
from domain.parking import Parking
from domain.publication import Publication
from domain.publishing import Publisher
from domain.queue import Queue
from domain.redrive import Redrive, answer
from domain.replaying import Replaying
from domain.routing import Route
from domain.table import Table
from tests.simulation.appsync import AppSync
from tests.simulation.clock import SimulatedClock
from tests.simulation.http import Http
from tests.simulation.kernel import Kernel, Threads
from tests.simulation.network import Network

FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:publish"


@dataclass(frozen=True)
class Surroundings:
    """What a container's code stands on."""

    clock: SimulatedClock
    kernel: Kernel
    network: Network
    appsync: AppSync
    change_log: Table
    storage: Any
    routes: Sequence[Route]
    retention_seconds: int

    @property
    def log(self) -> ChangeLog:
        """A change log with nothing in its memory."""
        return ChangeLog(self.change_log, self.retention_seconds, self.clock)


class PublishFunction:
    """What `streams/publish/handler.py` puts together."""

    def __init__(self, here: Surroundings) -> None:
        log, clock = here.log, here.clock
        bucket, queue = Bucket("failures", here.storage), Queue("parked", here.storage)
        parking = Parking(here.change_log, bucket, queue, clock)
        http: Any = Http(here.kernel, here.network, here.appsync)
        publisher = Publisher("https://simulated/graphql", "us-east-1", Credentials("key", "secret"), clock, http)
        self.publication = Publication(
            log, publisher, parking, Threads(here.kernel), clock, lambda _name, _number: None, here.routes
        )
        leftovers = Leftovers(self.publication, parking, bucket, clock, FUNCTION_ARN)
        replaying = Replaying(log, self.publication, parking, clock)
        self._redrive = Redrive(replaying, leftovers, parking, queue, clock)

    def run(self, records: Sequence[dict[str, Any]], deadline: float) -> Sequence[int]:
        """Publish a batch; the places of those that must come again."""
        return self.publication.run(records, deadline)

    def operate(self, event: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Answer an operation."""
        return answer(event, self._redrive, dict, deadline)
