"""The fields of users: arguments to the use cases of `domain.users`, results to the schema's shapes.

The mutations that end live subscriptions answer `{"answer", "ends"}`: see `resolvers/appsync/ending.js`.
"""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import auth_keys, clients, endings, fields, members, presences, users
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clients import Clients
from domain.clock import SYSTEM
from domain.deletion import Deletion
from domain.logs import function_logger
from domain.members import Members
from domain.mutation_limits import rate_limit_here
from domain.pool import Pool, cognito
from domain.profile import Profile
from domain.sessions import Sessions
from domain.settings import settings
from domain.shop import carts, orders
from domain.table import Table, dynamodb
from domain.traces import current_trace_id

# Of the 30 that AppSync waits. What is left of a deletion needs another call.
_DELETION_SECONDS = 18.0

logger = function_logger()


@cache
def users_here() -> users.Users:
    """The users of this deployment, made at the first event and kept as long as the container lives."""
    here, client = settings(), dynamodb()
    table = Table(here.main_table, client)
    pool = Pool(here.user_pool_id, cognito())
    log = ChangeLog(Table(here.change_log, client), here.retention_seconds, SYSTEM)
    rooms = Members(table, here.retention_seconds)
    of_users = Clients(table, log, SYSTEM, here.retention_seconds)
    removals = (
        lambda user_id: members.leave_all(rooms, user_id, SYSTEM.now_ms()),
        lambda user_id: auth_keys.revoke_all(table, user_id, SYSTEM.now_ms()),
        lambda user_id: carts.remove_all(table, user_id),  # by the clients, while those are there
        lambda user_id: clients.remove_all(of_users, user_id),
        lambda user_id: presences.remove_all(table, user_id),
        lambda user_id: orders.archive_all(table, user_id),
    )
    deletion = Deletion(table, pool, SYSTEM, removals)
    return users.Users(table, pool, log, deletion, SYSTEM, here.retention_seconds)


def me(caller: Caller) -> dict[str, Any]:
    """Query.me"""
    return users.me(users_here(), caller, trace_id=current_trace_id(os.environ))


def me_at_start(caller: Caller, source: Mapping[str, Any]) -> dict[str, Any]:
    """Bootstrap.me"""
    del source
    return me(caller)


def user(caller: Caller, **arguments: Any) -> dict[str, Any] | None:
    """Query.user"""
    return users.user(users_here(), caller, **arguments)


def list_users(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.users"""
    items, next_token = users.list_users(users_here(), caller, **arguments)
    return {"items": items, "nextToken": next_token}


def user_changes(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.userChanges"""
    return users.user_changes(users_here(), caller, **arguments)


def update_profile(caller: Caller, input: Mapping[str, Any]) -> Profile:  # noqa: A002 - the schema's name
    """Mutation.updateProfile"""
    return users.update_profile(
        users_here(), caller, **fields.keywords(input), trace_id=current_trace_id(os.environ)
    )  # fmt: skip


def sign_out(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.signOut"""
    user_id = users.sign_out(users_here(), caller, **arguments)
    return endings.with_answer({"userId": user_id}, user_id)


def delete_user(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.deleteUser"""
    deadline = time.monotonic() + _DELETION_SECONDS
    user_id, done = users.delete_user(users_here(), caller, **arguments, deadline=deadline)
    return endings.with_answer({"userId": user_id, "done": done}, user_id)


def set_user_groups(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.setUserGroups"""
    shown = users.set_user_groups(users_here(), caller, **arguments)
    return endings.with_answer(shown, shown["id"])


def disconnect_user(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Mutation.disconnectUser"""
    user_id = users.disconnect_user(users_here(), caller, **arguments)
    return endings.with_answer({"userId": user_id}, user_id)


def on_user(caller: Caller) -> dict[str, Any]:
    """Subscription.onUser"""
    return {"topic": users.on_user(caller), "userId": caller.user_id}


FIELDS: fields.Fields = {
    "Query.me": me,
    "Bootstrap.me": me_at_start,
    "Query.user": user,
    "Query.users": list_users,
    "Query.userChanges": user_changes,
    "Mutation.updateProfile": update_profile,
    "Mutation.signOut": sign_out,
    "Mutation.deleteUser": delete_user,
    "Mutation.setUserGroups": set_user_groups,
    "Mutation.disconnectUser": disconnect_user,
    "Subscription.onUser": on_user,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    return fields.answer(event, FIELDS, logger, Sessions(users_here().table, SYSTEM).require, rate_limit_here().require)
