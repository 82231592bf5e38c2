"""Users: what the pool knows of them and what the table does, as one; sign-out, groups, and the end of live sessions.

Cognito is foreign to the table, so what is written to both is written there first: it may be repeated, and the marker
of a `clientMutationId` comes with the table's write.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from domain import (
    backoff,
    catch_up,
    notice,
    page_tokens,
    presences,
    profile,
    rights,
    sessions,
    times,
    topics,
    validation,
)
from domain.caller import GROUPS, Caller
from domain.changes import ChangeLog
from domain.clock import Clock
from domain.deletion import Deletion
from domain.errors import InvalidInput, NotFound, TryAgain, Unauthorized, VersionConflict
from domain.events import Entry
from domain.idempotency import Once, named
from domain.pool import MAX_PAGE, Pool, PoolUser
from domain.profile import Profile
from domain.table import ConditionFailed, Conflict, Item, Set, Table, TableError, Write

MAX_ATTRIBUTES = 20
MAX_ATTRIBUTE_VALUE = 1000
_ATTRIBUTE_NAME = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_PATIENCE_SECONDS = 8.0
_POOL_READERS = 8


@dataclass(frozen=True)
class Users:
    """What the use cases stand on."""

    table: Table
    pool: Pool
    change_log: ChangeLog
    deletion: Deletion
    clock: Clock
    retention_seconds: int


# --- reading ---


def me(users: Users, caller: Caller, *, trace_id: str | None = None) -> dict[str, Any]:
    """The caller as the schema's User; makes the profile if the pool's trigger could not.

    Raises:
        Unauthorized: no user, or one whom the pool does not have any more.
        TryAgain, TableError: the pool or the table did not answer.
    """
    field = "Query.me"
    rights.require(caller, field, str(topics.user(caller.id)))
    found = users.pool.get(caller.name)
    if found is None or found.id != caller.id:
        raise Unauthorized(field)
    return _shown(found, users.pool.groups(found.name), _profile_item(users, caller, trace_id))


def user(users: Users, caller: Caller, *, id: str) -> dict[str, Any] | None:  # noqa: A002 - the schema's name
    """A user by id as the schema's User; None for operators when there is none.

    Raises:
        Unauthorized: another user, and the caller is no operator.
        TryAgain, TableError: the pool or the table did not answer.
    """
    rights.require(caller, "Query.user", str(topics.user(id)))
    item = _item(users, id) if validation.is_id(id) else None
    found = _in_pool(users, id, item)
    return _shown(found, users.pool.groups(found.name), item) if found else None


def list_users(
    users: Users, caller: Caller, *, limit: int | None = None, next_token: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of all users, and the token of the next.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the arguments.
        TryAgain, TableError: the pool or the table did not answer.
    """
    field = "Query.users"
    rights.require(caller, field)
    limit = validation.limit(limit, default=50, most=MAX_PAGE)
    position = page_tokens.decode(next_token, field) if next_token is not None else None
    found, position = users.pool.page(limit, position)
    items = users.table.get_all([profile.key(each.id) for each in found], users.clock.now_ms() // 1000)
    with ThreadPoolExecutor(_POOL_READERS) as readers:
        groups = readers.map(lambda each: users.pool.groups(each.name), found)
        shown = [
            _shown(each, its, items.get(profile.key(each.id))) for each, its in zip(found, groups, strict=True)
        ]  # fmt: skip
    return shown, page_tokens.encode(position, field) if position else None


def user_changes(users: Users, caller: Caller, *, after: int, limit: int | None = None) -> dict[str, Any]:
    """The changes of the caller's profile and notices after a known one, as the schema's UserChangePage.

    Raises:
        Unauthorized, InvalidInput: the caller, the arguments.
        TableError: the table did not answer.
    """
    topic = topics.user(caller.id)
    rights.require(caller, "Query.userChanges", str(topic))

    def whole(entry: Entry, change: dict[str, Any]) -> dict[str, Any]:
        return _change(users, entry, change)

    return catch_up.page(users.change_log, topic, after, limit, whole, time.monotonic() + _PATIENCE_SECONDS)


def on_user(caller: Caller) -> str:
    """The topic that the caller gets who subscribes to their own profile and notices. Raises Unauthorized."""
    topic = str(topics.user(caller.id))
    rights.require(caller, "Subscription.onUser", topic)
    return topic


# --- writing ---


def create_profile(table: Table, user_id: str, name: str, now_ms: int, trace_id: str | None) -> None:
    """Make a user's profile, unless there is one or they are being deleted. Raises TableError."""
    try:
        table.write([profile.creation(user_id, name, now_ms, trace_id)])
    except ConditionFailed:
        return


def update_profile(
    users: Users,
    caller: Caller,
    *,
    display_name: str | None = None,
    attributes: Sequence[Mapping[str, str]] | None = None,
    version: int | None = None,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> Profile:
    """Change the caller's profile; what is None stays.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        VersionConflict: the profile has another version than the one given.
        TryAgain: the database is too busy.
    """
    field = "Mutation.updateProfile"
    rights.require(caller, field, str(topics.user(caller.id)))
    changes: dict[str, Any] = {}
    if display_name is not None:
        changes["displayName"] = validation.display_name("input.displayName", display_name)
    if attributes is not None:
        changes["attributes"] = _attributes(attributes)
    if not changes:
        raise InvalidInput("input", "must change something: displayName or attributes.")
    mutation = named(caller, field, client_mutation_id, [changes, version])
    obstacle: TableError | None = None
    for _ in backoff.attempts(time.monotonic() + _PATIENCE_SECONDS, first_seconds=0.02, longest_seconds=1.0):
        now_ms = users.clock.now_ms()
        try:
            if mutation and mutation.outcome(users.table, now_ms // 1000) is not None:
                return _shown_profile(caller.id, _profile_item(users, caller, trace_id))
            item = _profile_item(users, caller, trace_id)
            if not profile.is_there(item):
                raise Unauthorized(field)  # deleted this moment
            # Anyone with the right may have put a version that is no number, or none.
            shown = _shown_profile(caller.id, item)
            held, seen = item.get("version"), shown["version"]
            if version is not None and version != seen:
                raise VersionConflict(seen, shown)
            changed = changes | {"version": seen + 1, "updatedAt": times.to_iso(now_ms)}
            if trace_id:
                changed["traceId"] = trace_id
            unchanged = "attribute_not_exists(#version)" if held is None else "#version = :version"
            edit = Set(
                profile.key(caller.id), changed, f"attribute_not_exists(#deletedAt) AND {unchanged}",
                {} if held is None else {":version": held},
            )  # fmt: skip
            _write(users, [edit], mutation, now_ms)
        except TableError as error:
            obstacle = error
        else:
            return _shown_profile(caller.id, item | changed)
    raise TryAgain from obstacle


def sign_out(users: Users, caller: Caller, *, client_mutation_id: str | None = None) -> str:
    """Let none of the caller's tokens count any more. Returns their id.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was done.
        TryAgain, TableError: the pool or the table did not answer.
    """
    field = "Mutation.signOut"
    rights.require(caller, field, str(topics.user(caller.id)))
    mutation = named(caller, field, client_mutation_id, [], "clientMutationId")
    # A repeat brings a token that the first call ended, unless the user has signed in anew: then it must end nothing.
    if not (mutation and mutation.outcome(users.table, users.clock.now_ms() // 1000) is not None):
        users.pool.sign_out(caller.name)
        _end_sessions(users, caller.id, caller.name, mutation)
        presences.end_all(users.table, caller.id, clock=users.clock)
    return caller.id


def set_user_groups(
    users: Users,
    caller: Caller,
    *,
    id: str,  # noqa: A002 - the schema's name
    groups: Sequence[str],
    client_mutation_id: str | None = None,
) -> dict[str, Any]:
    """Put a user into these groups and no others; what tokens say of the groups from before counts no more.

    Raises:
        Unauthorized, InvalidInput, NotFound, IdempotencyConflict: nothing was changed.
        TryAgain, TableError: the pool or the table did not answer; the same call goes on.
    """
    field = "Mutation.setUserGroups"
    rights.require(caller, field, str(topics.user(id)))
    for index, group in enumerate(groups):
        if group not in GROUPS:
            raise InvalidInput(f"groups[{index}]", f"must be one of {', '.join(GROUPS)}.")
    mutation = named(caller, field, client_mutation_id, [id, sorted(set(groups))], "clientMutationId")
    found, item = _known(users, id)
    if not (mutation and mutation.outcome(users.table, users.clock.now_ms() // 1000) is not None):
        users.pool.set_groups(found.name, groups, GROUPS)
        _end_sessions(users, found.id, found.name, mutation)
    return _shown(found, users.pool.groups(found.name), item)


def disconnect_user(users: Users, caller: Caller, *, id: str, client_mutation_id: str | None = None) -> str:  # noqa: A002
    """Whose live subscriptions are to end. That is noted in the profile, for the publisher to end its share.

    Raises:
        Unauthorized, InvalidInput, NotFound: they go on.
        TryAgain, TableError: the pool or the table did not answer.
    """
    rights.require(caller, "Mutation.disconnectUser", str(topics.user(id)))
    if client_mutation_id is not None:
        validation.client_mutation_id("clientMutationId", client_mutation_id)
    if not validation.is_id(id) or (_item(users, id) is None and users.pool.find(id) is None):
        raise NotFound("id")
    noted = Set(profile.key(id), {"disconnectedAt": times.to_iso(users.clock.now_ms())}, "attribute_exists(#createdAt)")
    try:
        users.table.write([noted])
    except ConditionFailed:
        return id  # whoever has no profile yet has not subscribed to much either
    return id


def delete_user(
    users: Users,
    caller: Caller,
    *,
    id: str | None = None,  # noqa: A002 - the schema's name
    client_mutation_id: str | None = None,
    deadline: float,
) -> tuple[str, bool]:
    """Delete a user, as far as that goes until `deadline` (`clock.monotonic()`): the id, and whether it is done.

    Raises:
        Unauthorized, InvalidInput, NotFound: nothing was done.
        TryAgain, TableError: the pool or the table did not answer; the same call goes on.
    """
    user_id = caller.id if id is None else id
    rights.require(caller, "Mutation.deleteUser", str(topics.user(user_id)))
    if client_mutation_id is not None:
        validation.client_mutation_id("clientMutationId", client_mutation_id)
    if not validation.is_id(user_id):
        raise NotFound("id")
    return user_id, users.deletion.run(user_id, deadline)


# --- what they share ---


def _end_sessions(users: Users, user_id: str, name: str, mutation: Once | None) -> None:
    """Let no token from before count, and wait until new ones do."""
    create_profile(users.table, user_id, name, users.clock.now_ms(), None)
    obstacle: TableError | None = None
    for _ in backoff.attempts(time.monotonic() + _PATIENCE_SECONDS, first_seconds=0.02, longest_seconds=1.0):
        now_ms = users.clock.now_ms()
        try:
            _write(users, [sessions.ending(user_id, now_ms)], mutation, now_ms)
        except ConditionFailed:
            return  # the marker: another call with this id has done it meanwhile
        except Conflict as error:
            obstacle = error
        else:
            sessions.settle(users.clock, now_ms)
            return
    raise TryAgain from obstacle


def _write(users: Users, writes: list[Write], mutation: Once | None, now_ms: int) -> None:
    now = now_ms // 1000
    users.table.write([*writes, *([mutation.marker({}, now, now + users.retention_seconds)] if mutation else [])])


def _item(users: Users, user_id: str) -> Item | None:
    return users.table.get(profile.key(user_id), users.clock.now_ms() // 1000)


def _profile_item(users: Users, caller: Caller, trace_id: str | None) -> Item:
    """The caller's profile, made if it is missing."""
    item = _item(users, caller.id)
    if item is None or ("createdAt" not in item and "deletedAt" not in item):
        create_profile(users.table, caller.id, caller.name, users.clock.now_ms(), trace_id)
        item = _item(users, caller.id)
    assert item is not None
    return item


def _in_pool(users: Users, user_id: str, item: Item | None) -> PoolUser | None:
    """A user's entry in the pool, by the name that the profile has, else by a search."""
    name = item.get("name") if item else None
    found = users.pool.get(name) if isinstance(name, str) else None
    return found if found and found.id == user_id else users.pool.find(user_id)


def _known(users: Users, user_id: str) -> tuple[PoolUser, Item | None]:
    """A user who exists and is not being deleted. Raises NotFound."""
    item = _item(users, user_id) if validation.is_id(user_id) else None
    found = None if item and "deletedAt" in item else _in_pool(users, user_id, item)
    if found is None:
        raise NotFound("id")
    return found, item


def _shown(found: PoolUser, groups: list[str], item: Item | None) -> dict[str, Any]:
    deleted_at = item.get("deletedAt") if item else None
    return {
        "id": found.id,
        "name": found.name,
        "email": found.email,
        "groups": groups,
        "status": found.status,
        "enabled": found.enabled,
        "createdAt": times.to_iso(found.created_ms),
        "deletedAt": deleted_at,
        "profile": _shown_profile(found.id, {"name": found.name} | (item or {})),
    }


def _shown_profile(user_id: str, item: Mapping[str, Any]) -> Profile:
    return profile.from_item(profile.key(user_id)[0], item)


def _change(users: Users, entry: Entry, change: dict[str, Any]) -> dict[str, Any]:
    """A change of the log as the schema's UserChange, whole even where the push was a pointer."""
    now = users.clock.now_ms() // 1000
    if entry.reference and (item := users.table.get(entry.reference, now)):
        if notice.is_notice(item["pk"]):
            change = notice.follow(change, item)
        elif profile.is_there(item):
            change |= {"truncated": False, "profile": profile.from_item(item["pk"], item)}
    return notice.change_to_answer(change, now)


def _attributes(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if len(given) > MAX_ATTRIBUTES:
        raise InvalidInput("input.attributes", f"must be at most {MAX_ATTRIBUTES}, not {len(given)}.")
    found: dict[str, str] = {}
    for index, each in enumerate(given):
        path, name = f"input.attributes[{index}]", each["name"]
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise InvalidInput(f"{path}.name", "must be 1 to 64 letters, digits, and _ . : or -")
        if name in found:
            raise InvalidInput(f"{path}.name", f"is there twice: {name}.")
        found[name] = validation.at_most(f"{path}.value", each["value"], MAX_ATTRIBUTE_VALUE)
    return found
