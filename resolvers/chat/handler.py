"""The chat fields that Python answers: arguments to the use cases of `domain.chat`, results to the schema's shapes."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import chat, fields
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.message import Message
from domain.mutation_limits import rate_limit_here
from domain.rooms import Rooms
from domain.sessions import Sessions
from domain.settings import settings
from domain.table import Table, dynamodb
from domain.traces import current_trace_id

logger = function_logger()


@cache
def chat_here() -> chat.Chat:
    """The chat of this deployment, made at the first event and kept as long as the container lives."""
    here, client = settings(), dynamodb()
    table = Table(here.main_table, client)
    return chat.Chat(
        table,
        Rooms(table, here.retention_seconds),
        ChangeLog(Table(here.change_log, client), here.retention_seconds, SYSTEM),
        here.retention_seconds,
    )


def messages(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.messages"""
    items, next_token = chat.messages(chat_here(), caller, **arguments, now_ms=SYSTEM.now_ms())
    return {"items": items, "nextToken": next_token}


def message_changes(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.messageChanges"""
    return chat.message_changes(chat_here(), caller, **arguments, now_ms=SYSTEM.now_ms())


def send_message(caller: Caller, input: Mapping[str, Any]) -> Message:  # noqa: A002 - the schema's name
    """Mutation.sendMessage"""
    return chat.send_message(
        chat_here(), caller, **fields.keywords(input), now_ms=SYSTEM.now_ms(), trace_id=current_trace_id(os.environ)
    )


def send_messages(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.sendMessages"""
    stored = chat.send_messages(
        chat_here(), caller, **fields.keywords(input), now_ms=SYSTEM.now_ms(), trace_id=current_trace_id(os.environ)
    )
    return {"messages": stored}


def on_messages(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Subscription.onMessages"""
    return {"topic": chat.on_messages(caller, **arguments), "userId": caller.user_id}


FIELDS: fields.Fields = {
    "Query.messages": messages,
    "Query.messageChanges": message_changes,
    "Mutation.sendMessage": send_message,
    "Mutation.sendMessages": send_messages,
    "Subscription.onMessages": on_messages,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    return fields.answer(event, FIELDS, logger, Sessions(chat_here().table, SYSTEM).require, rate_limit_here().require)
