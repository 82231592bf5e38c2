"""The chat fields that Python answers: arguments to the use cases of `domain.chat`, results to the schema's shapes."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import chat, endings, fields, members, topics
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.members import Members
from domain.message import Message
from domain.mutation_limits import rate_limit_here
from domain.rooms import Room, Rooms
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
    topic = chat.on_messages(chat_here(), caller, **arguments, now_ms=SYSTEM.now_ms())
    return {"topic": topic, "userId": caller.subscriber}


def members_here() -> Members:
    """The private rooms of this deployment."""
    return Members(chat_here().table, chat_here().retention_seconds)


def memberships(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.memberships"""
    items, next_token = members.memberships(members_here(), caller, **arguments, now_ms=SYSTEM.now_ms())
    return {"items": items, "nextToken": next_token}


def list_members(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.members"""
    items, next_token = members.list_members(members_here(), caller, **arguments, now_ms=SYSTEM.now_ms())
    return {"items": items, "nextToken": next_token}


def create_room(caller: Caller, input: Mapping[str, Any]) -> Room:  # noqa: A002 - the schema's name
    """Mutation.createRoom"""
    return members.create_room(members_here(), caller, **fields.keywords(input), now_ms=SYSTEM.now_ms())


def invite_member(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.inviteMember"""
    return members.invite_member(members_here(), caller, **arguments, now_ms=SYSTEM.now_ms())


def accept_invitation(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.acceptInvitation"""
    return members.accept_invitation(members_here(), caller, **arguments, now_ms=SYSTEM.now_ms())


def resign_membership(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.resignMembership"""
    members.resign_membership(members_here(), caller, **arguments, now_ms=SYSTEM.now_ms())
    return _ending(arguments["room_id"], caller.id)


def expel_member(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.expelMember"""
    members.expel_member(members_here(), caller, **arguments, now_ms=SYSTEM.now_ms())
    return _ending(arguments["room_id"], arguments["user_id"])


def _ending(room_id: str, user_id: str) -> dict[str, Any]:
    """An answer after which the user's subscriptions to the room end: see `resolvers/appsync/ending.js`."""
    return endings.with_answer({"roomId": room_id, "userId": user_id}, user_id, *topics.of_room(room_id))


FIELDS: fields.Fields = {
    "Query.messages": messages,
    "Query.messageChanges": message_changes,
    "Query.memberships": memberships,
    "Query.members": list_members,
    "Mutation.createRoom": create_room,
    "Mutation.inviteMember": invite_member,
    "Mutation.acceptInvitation": accept_invitation,
    "Mutation.resignMembership": resign_membership,
    "Mutation.expelMember": expel_member,
    "Mutation.sendMessage": send_message,
    "Mutation.sendMessages": send_messages,
    "Subscription.onMessages": on_messages,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    return fields.answer(event, FIELDS, logger, rate_limit_here().require)
