"""The fields of clients and notices: arguments to the use cases of the domain, results to the schema's shapes.

`registerClient` answers `{"answer", "ends"}`: see `resolvers/appsync/ending.js`.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import bootstrap, clients, endings, fields, notice, notices, times
from domain.bootstrap import Start
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.chat import Chat
from domain.clients import Clients
from domain.clock import SYSTEM
from domain.features import Features
from domain.logs import function_logger
from domain.members import Members
from domain.mutation_limits import rate_limit_here
from domain.rooms import Rooms
from domain.routing import EVERYBODY
from domain.sessions import Sessions
from domain.settings import settings
from domain.table import Table, dynamodb
from domain.traces import current_trace_id

logger = function_logger()


@cache
def start_here() -> Start:
    """What a client of this deployment starts with, made at the first event and kept as long as the container lives."""
    here, client = settings(), dynamodb()
    table, retention = Table(here.main_table, client), here.retention_seconds
    log = ChangeLog(Table(here.change_log, client), retention, SYSTEM)
    return Start(
        Clients(table, log, SYSTEM, retention),
        Chat(table, Rooms(table, retention), log, retention),
        Members(table, retention),
        Features(here.feature_flags, retention, here.heartbeat_seconds),
    )


def clients_here() -> Clients:
    """The clients of this deployment."""
    return start_here().clients


def register_client(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.registerClient"""
    made = clients.register(clients_here(), caller, **fields.keywords(input))
    valid_until = times.to_iso(made.expires_at * 1000)
    answer = {"client": {"id": made.client_id, "lease": made.lease, "validUntil": valid_until}}
    if not made.ended:
        return {"answer": answer, "ends": []}
    return endings.with_answer(answer, EVERYBODY, *made.ended)


def start_of(caller: Caller, source: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
    """RegisterClientPayload.bootstrap"""
    return bootstrap.bootstrap(start_here(), caller, client_id=source["client"]["id"], **arguments)


def start(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.bootstrap"""
    return bootstrap.bootstrap(start_here(), caller, **arguments)


def client_changes(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.clientChanges"""
    return clients.client_changes(clients_here(), caller, **arguments)


def list_notices(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.notices"""
    return bootstrap.shown_page(notices.unread(clients_here(), caller, **arguments))


def notify(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.notify"""
    here, trace_id = clients_here(), current_trace_id(os.environ)
    sent = notices.notify(here.table, here.clock, caller, **fields.keywords(input), trace_id=trace_id)
    return notice.to_answer(sent)


def dismiss_notice(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.dismissNotice"""
    topic = notices.dismiss(clients_here(), caller, **arguments)
    return {"id": arguments["id"], "topic": str(topic)}


def on_client(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Subscription.onClient"""
    to = clients.on_client(clients_here(), caller, **arguments)
    return {"topic": str(to.topic), "userId": caller.subscriber, "right": str(to.right)}


FIELDS: fields.Fields = {
    "Query.bootstrap": start,
    "RegisterClientPayload.bootstrap": start_of,
    "Query.clientChanges": client_changes,
    "Query.notices": list_notices,
    "Mutation.registerClient": register_client,
    "Mutation.notify": notify,
    "Mutation.dismissNotice": dismiss_notice,
    "Subscription.onClient": on_client,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    sessions = Sessions(clients_here().table, SYSTEM)
    return fields.answer(event, FIELDS, logger, sessions.require, rate_limit_here().require)
