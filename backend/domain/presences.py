"""Who is in a room: people and devices that join, give signs of life, and leave or fall silent.

A client joins and then sends a heartbeat in the rhythm that the server tells it. Whoever has said nothing for more than
an interval is shown as absent, and after two intervals is gone: that is the work of `domain.presence_chain`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

from domain import (
    backoff,
    catch_up,
    page_tokens,
    presence,
    presence_chain,
    room_rights,
    sessions,
    times,
    topics,
    ulid,
    validation,
)
from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import SYSTEM, Clock
from domain.errors import NotFound, TryAgain
from domain.presence import Place, Presence, Rhythm
from domain.presence_chain import Delayed
from domain.queue import QueueError
from domain.table import ConditionFailed, Delete, Item, Put, Set, Table, TableError, Write

logger = logging.getLogger("headwater.presences")

_PATIENCE_SECONDS = 8.0
_REMOVAL_SECONDS = 2.0
_MOST_ON_A_PAGE = 100


@dataclass(frozen=True)
class Presences:
    """What the use cases stand on.

    `count` takes a token from the bucket of a caller's mutations, or raises TooManyRequests.
    """

    table: Table
    change_log: ChangeLog
    queue: Delayed
    clock: Clock
    rhythm: Rhythm
    count: Callable[[Caller, str], None]


# --- the caller's own presence ---


def join_room(
    presences: Presences,
    caller: Caller,
    *,
    room_id: str,
    client_id: str,
    name: str | None = None,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> Presence:
    """Be present in a room. Who joins again, under the same id of the client, has one presence.

    Raises:
        Unauthorized, InvalidInput: nothing was changed.
        TryAgain: the database is too busy.
    """
    field = "Mutation.joinRoom"
    where = _place(caller, room_id, client_id, client_mutation_id)
    if name is not None:
        validation.author("input.name", name)
    shown_name = caller.name[: validation.MAX_AUTHOR] if caller.has_person or name is None else name
    obstacle: Exception | None = None
    for _ in backoff.attempts(presences.clock.monotonic() + _PATIENCE_SECONDS, clock=presences.clock, **_PACE):
        now_ms = presences.clock.now_ms()
        try:
            room_rights.require(presences.table, caller, field, room_id, now=now_ms // 1000)
            found = presences.table.get_all([where.key, where.heartbeat_key], 0)
            item = found.get(where.key)
            here = presence.is_here(found.get(where.heartbeat_key), now_ms, presences.rhythm)
            if item and here and item.get("name") == shown_name:
                state, seen_ms = _beat(presences, where, now_ms)
                if state is not _State.GONE:
                    return presence.shown(where, item | _seen(seen_ms))
            joined_at = str(item["joinedAt"]) if item and here and "joinedAt" in item else times.to_iso(now_ms)
            entered = presence.to_item(where, caller.user_id, shown_name, joined_at, now_ms, presences.rhythm, trace_id)
            _enter(presences, caller, where, entered, found.get(where.heartbeat_key), now_ms)
            return presence.shown(where, entered)
        except (TableError, QueueError) as error:
            obstacle = error
    raise TryAgain from obstacle


def heartbeat(
    presences: Presences, caller: Caller, *, room_id: str, client_id: str, client_mutation_id: str | None = None
) -> int:
    """Give a sign of life. Returns when the last one was, this one as a rule, in epoch milliseconds.

    In the rhythm it costs no token. One that comes too early, or for nothing, costs one like any mutation.

    Raises:
        Unauthorized, InvalidInput, TooManyRequests: nothing was changed.
        NotFound: the presence is gone: the client is to join again.
        TryAgain: the database is too busy.
    """
    field = "Mutation.heartbeat"
    where = _place(caller, room_id, client_id, client_mutation_id)
    obstacle: Exception | None = None
    for _ in backoff.attempts(presences.clock.monotonic() + _PATIENCE_SECONDS, clock=presences.clock, **_PACE):
        now_ms = presences.clock.now_ms()
        try:
            room_rights.require(presences.table, caller, field, room_id, now=now_ms // 1000)
            state, seen_ms = _beat(presences, where, now_ms)
        except (TableError, QueueError) as error:
            obstacle = error
            continue
        if state is not _State.TAKEN:
            presences.count(caller, field)
        if state is _State.GONE:
            raise NotFound("input.clientId")
        return seen_ms
    raise TryAgain from obstacle


def leave_room(
    presences: Presences, caller: Caller, *, room_id: str, client_id: str, client_mutation_id: str | None = None
) -> str:
    """Be present no more; who is not stays so. Returns the presence's id.

    Raises:
        Unauthorized, InvalidInput: nothing was changed.
        TryAgain: the database is too busy.
    """
    field = "Mutation.leaveRoom"
    where = _place(caller, room_id, client_id, client_mutation_id)
    obstacle: Exception | None = None
    for _ in backoff.attempts(presences.clock.monotonic() + _PATIENCE_SECONDS, clock=presences.clock, **_PACE):
        try:
            room_rights.require(presences.table, caller, field, room_id, now=presences.clock.now_ms() // 1000)
            presences.table.write(_removal(where))
        except TableError as error:
            obstacle = error
        else:
            return where.id
    raise TryAgain from obstacle


# --- what others see ---


def list_presence(
    presences: Presences,
    caller: Caller,
    *,
    room_id: str,
    limit: int | None = None,
    next_token: str | None = None,
) -> tuple[list[Presence], str | None]:
    """A page of who is in a room, each with the last heartbeat until now, and the token of the next.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the arguments.
        TableError: the table did not answer.
    """
    field, table, now_ms = "Query.presence", presences.table, presences.clock.now_ms()
    validation.room_id("roomId", room_id)
    limit = validation.limit(limit, default=50, most=_MOST_ON_A_PAGE)
    room_rights.require(table, caller, field, room_id, now=now_ms // 1000)
    position = page_tokens.decode(next_token, field, room_id) if next_token is not None else None
    where, values = ("sk > :position", {":position": position}) if position else ("", {})
    pk = f"{presence.PREFIX}{room_id}"
    items = list(islice(table.query(pk, where, values, now=now_ms // 1000, page_size=limit + 1), limit + 1))
    following = page_tokens.encode(str(items[limit - 1]["sk"]), field, room_id) if len(items) > limit else None
    places = {
        str(item["sk"]): Place(room_id, str(item["owner"]), str(item["sk"]))
        for item in items[:limit]
        if "owner" in item  # one that somebody put there by hand has no heartbeat, and lasts until it expires
    }
    # Also those that expired: that there was a heartbeat, and when, decides.
    heartbeats = table.get_all([each.heartbeat_key for each in places.values()], 0)
    shown = []
    for item in items[:limit]:
        its = places.get(str(item["sk"]))
        last = heartbeats.get(its.heartbeat_key) if its else None
        if last is None:
            shown.append(presence.from_item(pk, str(item["sk"]), item))
        elif presence.is_here(last, now_ms, presences.rhythm):
            beat = presence.number(last, "beat")
            told = {"lastSeen": times.to_iso(beat), "absent": now_ms >= beat + presences.rhythm.late}
            shown.append(presence.from_item(pk, str(item["sk"]), item | told))
    return shown, following


def presence_changes(
    presences: Presences, caller: Caller, *, room_id: str, after: int, limit: int | None = None
) -> dict[str, Any]:
    """The changes of who is in a room after a known one, as the schema's PresenceChangePage.

    Raises:
        Unauthorized, InvalidInput: the caller, the arguments.
        TableError: the table did not answer.
    """
    topic = topics.presence(validation.room_id("roomId", room_id))
    now = presences.clock.now_ms() // 1000
    room_rights.require(presences.table, caller, "Query.presenceChanges", room_id, now=now)

    def shown(item: Item) -> object:
        return presence.from_item(item["pk"], item["sk"], item)

    whole = catch_up.followed(presences.table, presences.clock, "presence", shown)
    return catch_up.page(presences.change_log, topic, after, limit, whole, time.monotonic() + _PATIENCE_SECONDS)


def on_presence(presences: Presences, caller: Caller, *, room_id: str) -> str:
    """The topic that a subscriber to who is in a room gets.

    Raises:
        Unauthorized, InvalidInput: the arguments.
        TableError: the table did not answer.
    """
    topic = str(topics.presence(validation.room_id("roomId", room_id)))
    now = presences.clock.now_ms() // 1000
    room_rights.require(presences.table, caller, "Subscription.onPresence", room_id, now=now)
    return topic


# --- ends that others make ---


def remove_all(table: Table, owner: str, room_id: str | None = None, clock: Clock = SYSTEM) -> None:
    """Remove the presences of a user, in one room or in all, whose right is gone. May be repeated.

    Whoever has no right any more cannot join, so nothing comes behind it.

    Raises:
        TableError: some may be left. Their heartbeats are refused, so that they go within two intervals.
    """
    for item in list(table.query(f"{presence.HEARTBEAT_PREFIX}{owner}", now=0)):
        where = presence.place_of((str(item["pk"]), str(item["sk"])))
        if room_id is None or where.room_id == room_id:
            _remove(table, clock, where)


def end_all(table: Table, owner: str, room_id: str | None = None, clock: Clock = SYSTEM) -> None:
    """The same after something that has happened already, and does not fail any more with it."""
    try:
        remove_all(table, owner, room_id, clock)
    except TableError as error:
        logger.warning("Some presences of %s are left to their chains", owner, exc_info=error)


# --- what they share ---

_PACE = {"first_seconds": 0.02, "longest_seconds": 1.0}


class _State(Enum):
    TAKEN = "taken"
    EARLY = "early"
    GONE = "gone"


def _place(caller: Caller, room_id: str, client_id: str, client_mutation_id: str | None) -> Place:
    validation.room_id("input.roomId", room_id)
    validation.client_id("input.clientId", client_id)
    if client_mutation_id is not None:
        # Doing any of this again changes nothing more, with an id or without.
        validation.client_mutation_id("input.clientMutationId", client_mutation_id)
    return presence.place(caller, room_id, client_id)


def _beat(presences: Presences, where: Place, now_ms: int) -> tuple[_State, int]:
    """Write a heartbeat, and tell others of it where that is due; when the last one was.

    Raises:
        TableError, QueueError: a repeat does it.
    """
    rhythm = presences.rhythm
    condition = "#beat > :gone AND #beat <= :early AND #absent = :no AND #shown > :stale AND #wakeAt > :lost"
    values = {
        ":gone": now_ms - rhythm.gone, ":early": now_ms - rhythm.early, ":no": False, ":stale": now_ms - rhythm.stale,
        ":lost": now_ms - rhythm.lost,
    }  # fmt: skip
    try:
        presences.table.write([Set(where.heartbeat_key, presence.beaten(now_ms), condition, values, tell=True)])
    except ConditionFailed as error:
        found = error.item
    else:
        return _State.TAKEN, now_ms
    if found is None or not presence.is_here(found, now_ms, rhythm):
        return _State.GONE, 0
    if (beat := presence.number(found, "beat")) > now_ms - rhythm.early:
        return _State.EARLY, beat
    return _renew(presences, where, found, now_ms)


def _renew(presences: Presences, where: Place, found: Item, now_ms: int) -> tuple[_State, int]:
    """A heartbeat that others are told of: it ends an absence, or they have not heard of one for long."""
    rhythm = presences.rhythm
    renewed = presence.beaten(now_ms) | {"absent": False, "shown": now_ms}
    if presence.number(found, "wakeAt") <= now_ms - rhythm.lost:
        renewed |= _new_chain(presences, where, now_ms)
    unchanged = "#chain = :chain_before AND #beat = :beat_before"
    values = {":chain_before": found["chain"], ":beat_before": found["beat"]}
    try:
        presences.table.write(
            [
                Set(where.heartbeat_key, renewed, unchanged, values),
                Set(where.key, presence.refreshed(now_ms, rhythm), "attribute_exists(pk)"),
            ]
        )
    except ConditionFailed as error:
        if error.writes != (1,):
            raise
        # Somebody has removed by hand what is shown.
        presences.table.write([Delete(where.heartbeat_key, unchanged, values)])
        return _State.GONE, 0
    return _State.TAKEN, now_ms


def _enter(presences: Presences, caller: Caller, where: Place, item: Item, found: Item | None, now_ms: int) -> None:
    """Write a presence, whoever writes it at the same time, as long as the caller has the right to it."""
    pk, sk = where.heartbeat_key
    beat = presence.beaten(now_ms)
    # Another container's clock may be ahead of this one's.
    beat["beat"] = max(now_ms, presence.number(found or {}, "beat"))
    written = {"pk": pk, "sk": sk, "absent": False, "shown": now_ms, **beat, **_new_chain(presences, where, now_ms)}
    # A write that takes effect late must not undo a later one.
    latest = Put(written, "attribute_not_exists(pk) OR #beat <= :beat_now", {":beat_now": beat["beat"]})
    kept = [*sessions.kept(caller), *room_rights.kept(caller, where.room_id)]
    presences.table.write([latest, Put(item), *kept])


def _new_chain(presences: Presences, where: Place, now_ms: int) -> dict[str, Any]:
    """Send a chain's first message. Returns what must be written so that the chain counts."""
    chain, wake_ms = ulid.ascending(1, now_ms)[0], now_ms + presences.rhythm.late
    presence_chain.begin(presences.queue, where, chain, wake_ms, now_ms)
    return {"chain": chain, "turn": 0, "wakeAt": wake_ms}


def _seen(seen_ms: int) -> dict[str, Any]:
    return {"lastSeen": times.to_iso(seen_ms), "absent": False}


def _removal(where: Place) -> list[Write]:
    return [Delete(where.heartbeat_key), Delete(where.key)]


def _remove(table: Table, clock: Clock, where: Place) -> None:
    obstacle: TableError | None = None
    for _ in backoff.attempts(clock.monotonic() + _REMOVAL_SECONDS, clock=clock, **_PACE):
        try:
            table.write(_removal(where))
        except TableError as error:
            obstacle = error
        else:
            return
    assert obstacle is not None
    raise obstacle
