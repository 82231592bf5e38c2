"""Private rooms and who belongs to them.

The room's `version` counts the changes of its membership, and each change is conditional on the one that its writer has
seen: so two changes of a room never cross, and whoever decides knows all members. A room that its owner leaves goes to
whoever has belonged to it longest, and is gone with the last.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from domain import (
    backoff,
    membership,
    page_tokens,
    presences,
    profile,
    room_rights,
    rooms,
    times,
    topics,
    ulid,
    validation,
)
from domain.caller import Caller
from domain.errors import InvalidInput, NotFound, TryAgain
from domain.idempotency import Once, once
from domain.rights import BELONGS, Standing
from domain.room_rights import Admission
from domain.rooms import Room
from domain.table import Delete, Item, Put, Set, Table, TableError, Write, free

_PATIENCE_SECONDS = 8.0
_MOST_ON_A_PAGE = 100
# What a mutation notes of itself for the case that it comes again, and what is to be written.
Decision = tuple[list[Write], dict[str, Any]]


@dataclass(frozen=True)
class Members:
    """What the use cases stand on."""

    table: Table
    retention_seconds: int


def create_room(
    members: Members,
    caller: Caller,
    *,
    id: str | None = None,  # noqa: A002 - the schema's name
    name: str | None = None,
    private: bool | None = None,
    client_mutation_id: str | None = None,
    now_ms: int,
) -> Room:
    """Make a room: a public one under an id of the caller's choice, or a private one that the caller owns.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was made.
        TryAgain: the database is too busy.
    """
    field = "Mutation.createRoom"
    if name is not None:
        validation.room_name("input.name", name)
    room_id = f"{topics.PRIVATE_ROOM}{ulid.ascending(1, now_ms)[0]}" if private else _public_id(id)
    if private and id is not None:
        raise InvalidInput("input.id", "must not be given for a private room: the server gives it.")
    mutation = _once(caller, field, "input.clientMutationId", client_mutation_id, [id, name, bool(private)], now_ms)

    def decide() -> Decision:
        room_rights.require(members.table, caller, field, now=now_ms // 1000)
        expires_at = times.hour_end_seconds(now_ms) + members.retention_seconds
        item = (
            rooms.private_item(room_id, name, now_ms)
            if private
            else rooms.public_item(room_id, name, 1, now_ms, expires_at)
        )
        if not private and members.table.get(rooms.key(room_id), now_ms // 1000):
            raise InvalidInput("input.id", "is the id of a room that exists.")
        writes: list[Write] = [Put(item, *free(now_ms // 1000))]
        if private:
            writes.append(Put(membership.to_item(room_id, caller.id, Standing.OWNER, now_ms)))
        return writes, dict(rooms.from_item(room_id, item))

    found = _carry_out(members, mutation, decide, now_ms)
    return Room(id=found["id"], name=found["name"], private=found["private"], createdAt=found["createdAt"])


def invite_member(
    members: Members,
    caller: Caller,
    *,
    room_id: str,
    user_id: str,
    client_mutation_id: str | None = None,
    now_ms: int,
) -> dict[str, Any]:
    """Invite a user to a private room of the caller's; who is invited or belongs to it already stays so.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        TryAgain: the database is too busy.
    """
    field = "Mutation.inviteMember"
    validation.room_id("roomId", room_id)
    if not validation.is_id(user_id):
        raise InvalidInput("userId", "must be the id of a user.")
    mutation = _once(caller, field, "clientMutationId", client_mutation_id, [room_id, user_id], now_ms)

    def decide() -> Decision:
        admitted = room_rights.require(members.table, caller, field, room_id, now=now_ms // 1000)
        item = members.table.get(membership.key(room_id, user_id), now_ms // 1000)
        if membership.standing_of(item) is not Standing.NONE:
            return [], {"standing": membership.standing_of(item).value, "since": membership.since(item or {})}
        item = membership.to_item(room_id, user_id, Standing.INVITED, now_ms)
        return [Put(item), _turn(room_id, admitted.room)], {"standing": item["standing"], "since": item["since"]}

    found = _carry_out(members, mutation, decide, now_ms)
    return {"userId": user_id, "displayName": _name(members, user_id, now_ms), **found}


def accept_invitation(
    members: Members, caller: Caller, *, room_id: str, client_mutation_id: str | None = None, now_ms: int
) -> dict[str, Any]:
    """Become a member of a private room that the caller is invited to; a member stays one.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        TryAgain: the database is too busy.
    """
    field = "Mutation.acceptInvitation"
    validation.room_id("roomId", room_id)
    mutation = _once(caller, field, "clientMutationId", client_mutation_id, [room_id], now_ms)

    def decide() -> Decision:
        admitted = room_rights.require(members.table, caller, field, room_id, now=now_ms // 1000)
        standing, since, writes = admitted.standing, membership.since(admitted.membership or {}), list[Write]()
        if standing is Standing.INVITED:
            standing, since = Standing.MEMBER, times.to_iso(now_ms)
            key = membership.key(room_id, caller.id)
            changes = {"standing": standing.value, "since": since}
            writes = [_change(key, Standing.INVITED, changes, remove=("expiresAt",)), _turn(room_id, admitted.room)]
        room = rooms.from_item(room_id, admitted.room or {})
        return writes, {"room": room, "standing": standing.value, "since": since}

    return _carry_out(members, mutation, decide, now_ms)


def resign_membership(
    members: Members, caller: Caller, *, room_id: str, client_mutation_id: str | None = None, now_ms: int
) -> None:
    """Leave a private room, or decline the invitation to it.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        TryAgain: the database is too busy.
    """
    field = "Mutation.resignMembership"
    validation.room_id("roomId", room_id)
    mutation = _once(caller, field, "clientMutationId", client_mutation_id, [room_id], now_ms)

    def decide() -> Decision:
        admitted = room_rights.require(members.table, caller, field, room_id, now=now_ms // 1000)
        return _leaving(members, room_id, caller.id, admitted, now_ms), {}

    _carry_out(members, mutation, decide, now_ms)
    presences.end_all(members.table, caller.id, room_id)


def expel_member(
    members: Members,
    caller: Caller,
    *,
    room_id: str,
    user_id: str,
    client_mutation_id: str | None = None,
    now_ms: int,
) -> None:
    """Take a user out of a private room of the caller's, or take an invitation back.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: the user is neither a member nor invited.
        TryAgain: the database is too busy.
    """
    field = "Mutation.expelMember"
    validation.room_id("roomId", room_id)
    mutation = _once(caller, field, "clientMutationId", client_mutation_id, [room_id, user_id], now_ms)

    def decide() -> Decision:
        admitted = room_rights.require(members.table, caller, field, room_id, now=now_ms // 1000)
        if user_id == caller.id:
            raise InvalidInput("userId", "is yours: owners leave by resigning.")
        key = membership.key(room_id, user_id)
        item = members.table.get(key, now_ms // 1000) if validation.is_id(user_id) else None
        if item is None:
            raise NotFound("userId")
        return [Delete(key), _turn(room_id, admitted.room)], {}

    _carry_out(members, mutation, decide, now_ms)
    presences.end_all(members.table, user_id, room_id)


def list_members(
    members: Members,
    caller: Caller,
    *,
    room_id: str,
    limit: int | None = None,
    next_token: str | None = None,
    now_ms: int,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the users who belong to a private room or are invited, by id, and the token of the next.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the arguments.
        TableError: the table did not answer.
    """
    validation.room_id("roomId", room_id)
    limit = validation.limit(limit, default=50, most=_MOST_ON_A_PAGE)
    room_rights.require(members.table, caller, "Query.members", room_id, now=now_ms // 1000)
    items, following = _page(
        members, membership.partition(room_id), "sk", ("Query.members", room_id), limit, next_token, now_ms
    )
    profiles = members.table.get_all([profile.key(item["sk"]) for item in items], now_ms // 1000)
    shown = [
        {
            "userId": item["sk"],
            "displayName": profile.from_item("", profiles.get(profile.key(item["sk"])) or {})["displayName"],
            "standing": membership.standing_of(item).value,
            "since": membership.since(item),
        }
        for item in items
        if membership.standing_of(item) is not Standing.NONE
    ]
    return shown, following


def memberships(
    members: Members, caller: Caller, *, limit: int | None = None, next_token: str | None = None, now_ms: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the caller's private rooms and invitations, by room, and the token of the next.

    The index may lag: one that is new may be missing for a moment. One that is gone is never shown.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the arguments.
        TableError: the table did not answer.
    """
    field, now = "Query.memberships", now_ms // 1000
    limit = validation.limit(limit, default=50, most=_MOST_ON_A_PAGE)
    room_rights.require(members.table, caller, field, now=now)
    listing = membership.listing(caller.id)
    found, following = _page(
        members, listing, f"{membership.INDEX}SK", (field, caller.id), limit, next_token, now_ms, membership.INDEX
    )
    room_ids = [membership.room_of(item["pk"]) for item in found]
    keys = [(rooms.key(room_id), membership.key(room_id, caller.id)) for room_id in room_ids]
    items = members.table.get_all([key for pair in keys for key in pair], now)
    shown = []
    for room_id, (room_key, key) in zip(room_ids, keys, strict=True):
        room, item = items.get(room_key), items.get(key)
        if room and item and membership.standing_of(item) is not Standing.NONE:
            standing = membership.standing_of(item).value
            shown.append(
                {"room": rooms.from_item(room_id, room), "standing": standing, "since": membership.since(item)}
            )  # fmt: skip
    return shown, following


def leave_all(members: Members, user_id: str, now_ms: int) -> None:
    """Take a user out of all private rooms, because the user is being deleted; may be repeated.

    Raises:
        TryAgain, TableError: a repeat goes on from there.
    """
    listing = membership.listing(user_id)
    for found in list(members.table.query(listing, now=0, index=membership.INDEX)):
        room_id = membership.room_of(found["pk"])

        def decide(room_id: str = room_id) -> Decision:
            now = now_ms // 1000
            keys = [rooms.key(room_id), membership.key(room_id, user_id)]
            items = members.table.get_all(keys, now)
            admitted = Admission(membership.standing_of(items.get(keys[1])), items.get(keys[0]), items.get(keys[1]))
            if admitted.room is None:
                return [Delete(keys[1])], {}
            return _leaving(members, room_id, user_id, admitted, now_ms), {}

        _carry_out(members, None, decide, now_ms)


# --- what they share ---


def _leaving(members: Members, room_id: str, user_id: str, admitted: Admission, now_ms: int) -> list[Write]:
    """What takes a user out of a room: the owner's place goes to the eldest member, the room with the last."""
    gone = Delete(membership.key(room_id, user_id))
    if admitted.standing is not Standing.OWNER:
        return [gone, _turn(room_id, admitted.room)]
    others = [
        item
        for item in members.table.query(membership.partition(room_id), now=now_ms // 1000)
        if item["sk"] != user_id and membership.standing_of(item) in BELONGS
    ]
    if not others:
        return [gone, Delete(rooms.key(room_id), *_unturned(admitted.room))]
    heir = min(others, key=membership.since)
    key = membership.key(room_id, heir["sk"])
    owner = _change(key, membership.standing_of(heir), {"standing": Standing.OWNER.value})
    return [gone, owner, _turn(room_id, admitted.room)]


def _change(
    key: tuple[str, str | int], standing: Standing, changes: dict[str, Any], remove: tuple[str, ...] = ()
) -> Set:
    """A change of a membership that must still be what it was when it was decided, raw writes included."""
    return Set(key, changes, "#standing = :standing_before", {":standing_before": standing.value}, remove)


def _turn(room_id: str, room: Item | None) -> Write:
    """The write that lets a change of a room's membership pass only if none came between."""
    return Set(rooms.key(room_id), {"version": _version(room) + 1}, *_unturned(room))


def _unturned(room: Item | None) -> tuple[str, dict[str, Any]]:
    if room is not None and "version" not in room:
        return "attribute_exists(pk) AND attribute_not_exists(#version)", {}
    return "#version = :version", {":version": _version(room)}


def _version(room: Item | None) -> int:
    found = (room or {}).get("version")
    return int(found) if isinstance(found, Decimal | int) else 0


def _page(
    members: Members, pk: str, sort_key: str, list_key: tuple[str, ...], limit: int, next_token: str | None,
    now_ms: int, index: str = "",
) -> tuple[list[Item], str | None]:  # fmt: skip
    position = page_tokens.decode(next_token, *list_key) if next_token is not None else None
    where, values = (f"{sort_key} > :position", {":position": position}) if position else ("", {})
    some = members.table.query(pk, where, values, now=now_ms // 1000, page_size=limit + 1, index=index)
    items = list(islice(some, limit + 1))
    following = page_tokens.encode(str(items[limit - 1][sort_key]), *list_key) if len(items) > limit else None
    return items[:limit], following


def _name(members: Members, user_id: str, now_ms: int) -> str:
    return profile.from_item("", members.table.get(profile.key(user_id), now_ms // 1000) or {})["displayName"]


def _public_id(room_id: str | None) -> str:
    if room_id is None:
        raise InvalidInput("input.id", "is needed for a public room.")
    validation.room_id("input.id", room_id)
    if topics.is_private_room(room_id):
        raise InvalidInput("input.id", f"must not begin with {topics.PRIVATE_ROOM}: such ids are the server's to give.")
    return room_id


def _once(
    caller: Caller, field: str, path: str, client_mutation_id: str | None, effect: list[Any], now_ms: int
) -> Once:
    """The mutation under the client's id; under one of ours without, so that an answer that was lost is found again."""
    if client_mutation_id is not None:
        validation.client_mutation_id(path, client_mutation_id)
    return once(caller, field, client_mutation_id or ulid.ascending(1, now_ms)[0], effect)


def _carry_out(members: Members, mutation: Once | None, decide: Callable[[], Decision], now_ms: int) -> dict[str, Any]:
    """Decide and write until nothing came between the two; what was done under the same id before is not done again."""
    now = now_ms // 1000
    obstacle: TableError | None = None
    for _ in backoff.attempts(time.monotonic() + _PATIENCE_SECONDS, first_seconds=0.02, longest_seconds=1.0):
        try:
            if mutation and (noted := mutation.outcome(members.table, now)) is not None:
                return noted
            writes, outcome = decide()
            if mutation:
                writes = [*writes, mutation.marker(outcome, now, now + members.retention_seconds)]
            members.table.write(writes)
        except TableError as error:
            obstacle = error
        else:
            return outcome
    raise TryAgain from obstacle
