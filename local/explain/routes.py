"""What a running instance answers about its data plane and its mappings on the control socket.

GET  /explain/clients                            every connection with its subscriptions
GET  /explain/publishes?topic=&limit=&client=    the last publishes of a topic (`local/appsync/journal_report.py`)
POST /explain/invocations {"eventIds", "function"}   the last invocations with these records; the last failure
"""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard

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
        body = request.body if isinstance(request.body, dict) else {}
        topic, limit, client, texts = (body.get(name) for name in ("topic", "limit", "client", "containing"))
        if not isinstance(topic, str) or not isinstance(limit, int) or not 1 <= limit <= MOST_PUBLISHES:
            raise ControlError("BadRequest", f"it takes a topic, and a limit from 1 to {MOST_PUBLISHES}")
        if not isinstance(client, str | None) or not (texts is None or _are_texts(texts)):
            raise ControlError("BadRequest", "client is a text, and containing a list of texts")
        return await report.publishes(topic, limit, client, texts)

    async def invoked(request: ControlRequest) -> Any:
        body = request.body if isinstance(request.body, dict) else {}
        event_ids, function = body.get("eventIds"), body.get("function")
        if not _are_texts(event_ids) or not isinstance(function, str):
            raise ControlError("BadRequest", "it takes eventIds, a list of texts, and the ARN of a function")
        return {"records": invocations.about(event_ids), "lastFailure": invocations.last_failure(function)}

    control.route("GET", "/explain/clients", clients)
    control.route("POST", "/explain/publishes", publishes)
    control.route("POST", "/explain/invocations", invoked)


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
