"""The fields of presence: arguments to the use cases of `domain.presences`, results to the schema's shapes."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import fields, presences, times
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.mutation_limits import rate_limit_here
from domain.presence import Rhythm
from domain.presences import Presences
from domain.queue import Queue, sqs
from domain.settings import settings
from domain.table import Table, dynamodb
from domain.traces import current_trace_id

_HEARTBEAT = "Mutation.heartbeat"

logger = function_logger()


@cache
def presences_here() -> Presences:
    """Who is present in this deployment, made at the first event and kept as long as the container lives."""
    here, client = settings(), dynamodb()
    return Presences(
        Table(here.main_table, client),
        ChangeLog(Table(here.change_log, client), here.retention_seconds, SYSTEM),
        Queue(here.presence_queue_url, sqs()),
        SYSTEM,
        Rhythm(here.heartbeat_seconds),
        rate_limit_here().require,
    )


def presence(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.presence"""
    items, next_token = presences.list_presence(presences_here(), caller, **arguments)
    return {"items": items, "nextToken": next_token, "greyAfterSeconds": presences_here().rhythm.grey // 1000}


def presence_changes(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.presenceChanges"""
    return presences.presence_changes(presences_here(), caller, **arguments)


def join_room(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.joinRoom"""
    here = presences_here()
    found = presences.join_room(here, caller, **fields.keywords(input), trace_id=current_trace_id(os.environ))
    rhythm = here.rhythm
    return {
        "presence": found,
        "heartbeatSeconds": rhythm.heartbeat_seconds,
        "greyAfterSeconds": rhythm.grey // 1000,
    }


def heartbeat(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.heartbeat"""
    seen_ms = presences.heartbeat(presences_here(), caller, **fields.keywords(input))
    return {"lastSeen": times.to_iso(seen_ms), "heartbeatSeconds": presences_here().rhythm.heartbeat_seconds}


def leave_room(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.leaveRoom"""
    presence_id = presences.leave_room(presences_here(), caller, **fields.keywords(input))
    return {"roomId": input["roomId"], "id": presence_id}


def on_presence(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Subscription.onPresence"""
    return {"topic": presences.on_presence(presences_here(), caller, **arguments), "userId": caller.subscriber}


def count(caller: Caller, coordinate: str) -> None:
    """Take a token from the bucket of a caller's mutations. A heartbeat asks for one itself, when it is not due."""
    if coordinate != _HEARTBEAT:
        rate_limit_here().require(caller, coordinate)


FIELDS: fields.Fields = {
    "Query.presence": presence,
    "Query.presenceChanges": presence_changes,
    "Mutation.joinRoom": join_room,
    _HEARTBEAT: heartbeat,
    "Mutation.leaveRoom": leave_room,
    "Subscription.onPresence": on_presence,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    return fields.answer(event, FIELDS, logger, count)
