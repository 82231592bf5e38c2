"""What a running instance answers about its data plane and its mappings on the control socket.

GET  /explain/clients                            every connection with its subscriptions
GET  /explain/publishes?topic=&limit=&client=    the last publishes of a topic (`local/appsync/journal_report.py`)
POST /explain/invocations {"eventIds", "function"}   the last invocations with these records; the last failure
"""

from __future__ import annotations

from typing import Any, Protocol

from local.appsync.journal import Journal
from local.appsync.journal_report import JournalReport
from local.control import ControlHandler, ControlRequest
from local.control_client import ControlError
from local.explain.invocations import Invocations

MOST_PUBLISHES = 1_000


class Router(Protocol):
    """What registering needs of `local.control.Control`."""

    def route(self, method: str, path: str, handler: ControlHandler) -> None: ...


def register(control: Router, journal: Journal, invocations: Invocations) -> None:
    """Answer on the control socket."""
    report = JournalReport(journal)

    async def clients(_: ControlRequest) -> Any:
        return report.clients()

    async def publishes(request: ControlRequest) -> Any:
        topic, limit = request.query.get("topic"), request.query.get("limit", "10")
        if not topic or not limit.isdecimal() or not 1 <= int(limit) <= MOST_PUBLISHES:
            raise ControlError("BadRequest", f"it takes a topic, and a limit from 1 to {MOST_PUBLISHES}")
        return report.publishes(topic, int(limit), request.query.get("client"))

    async def invoked(request: ControlRequest) -> Any:
        body = request.body if isinstance(request.body, dict) else {}
        event_ids, function = body.get("eventIds"), body.get("function")
        if not isinstance(event_ids, list) or not isinstance(function, str):
            raise ControlError("BadRequest", "it takes eventIds, a list, and the ARN of a function")
        about = invocations.about(each for each in event_ids if isinstance(each, str))
        return {"records": about, "lastFailure": invocations.last_failure(function)}

    control.route("GET", "/explain/clients", clients)
    control.route("GET", "/explain/publishes", publishes)
    control.route("POST", "/explain/invocations", invoked)
