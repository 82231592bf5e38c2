"""What other parts of Headwater ask under `/_headwater/`, as POSTs of JSON: principals, roles, permissions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.concurrency import run_reentrant

from local.ministack import cognito_tokens, cognito_triggers, permissions, principals, roles

Question = dict[str, Any]
Answer = tuple[int, dict[str, Any]]
"""An HTTP status and the content."""


async def answer(name: str, body: bytes) -> Answer | None:
    """The answer to a question by its name; None when there is no such question."""
    handler = _HANDLERS.get(name)
    if handler is None:
        return None
    try:
        question = json.loads(body)
        if name in _BLOCKING:
            found: Answer = await run_reentrant(handler, question, thread_name="headwater-question")
            return found
        return handler(question)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return 400, {"error": "BadRequest", "message": f"{handler.__doc__} ({error!r})"}


def _principal(question: Question) -> Answer:
    """Send {"accessKeyId", "sessionToken"}."""
    try:
        return 200, principals.describe(question["accessKeyId"], question.get("sessionToken"))
    except principals.UnknownPrincipal as unknown:
        return 404, {"error": unknown.code, "message": str(unknown)}


def _assume(question: Question) -> Answer:
    """Send {"roleArn", "sessionName", "service", "sourceArn"}."""
    role, session, service = question["roleArn"], question["sessionName"], question["service"]
    try:
        return 200, roles.assume(role, session, service, question.get("sourceArn"))
    except roles.NotTrusted as refusal:
        return 403, {"error": "AccessDenied", "message": str(refusal)}


def _permission(question: Question) -> Answer:
    """Send {"accessKeyId" or "service", "action", "resource", "sourceArn"}."""
    action, resource = question["action"], question["resource"]
    if "service" in question:
        denied = permissions.denial_of_service(question["service"], action, resource, question.get("sourceArn"))
    else:
        denied = permissions.denial_of_role(question["accessKeyId"], action, resource)
    return 200, {"denied": denied}


def _token(question: Question) -> Answer:
    """Send {"userPoolId", "clientId", "username", "seconds" or null}."""
    pool, client, username = question["userPoolId"], question["clientId"], question["username"]
    try:
        return 200, cognito_tokens.mint(pool, client, username, question.get("seconds"))
    except cognito_tokens.UnknownUser as unknown:
        return 404, {"error": "NotFound", "message": str(unknown)}
    except cognito_triggers.TriggerError as failed:
        return 409, {"error": failed.code, "message": str(failed)}


_HANDLERS: dict[str, Callable[[Question], Answer]] = {
    "principal": _principal,
    "assume": _assume,
    "permission": _permission,
    "token": _token,
}
_BLOCKING = frozenset({"token"})  # functions may be invoked, which call this server
