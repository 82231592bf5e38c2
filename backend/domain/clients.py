"""Clients: who registers an id, and what becomes of it when another connection or another identity comes.

The first to register an id owns it. Its owner may register it again from anywhere, and takes it over: the connection of
before keeps what it has heard, hears nothing more, and is told `TakenOver` when it comes back. To all others the id is
`Unauthorized`, like one that does not exist.

A write decides between two that register at once, and it is conditional on what its writer has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain import backoff, catch_up, client, notice, profile, rights, topics, ulid, validation
from domain.caller import Caller, CallerKind
from domain.changes import ChangeLog
from domain.clock import Clock
from domain.errors import InvalidInput, TakenOver, TryAgain, Unauthorized
from domain.events import Entry
from domain.rights import Standing
from domain.table import Check, ConditionFailed, Delete, Item, Put, Set, Table, TableError, Write, free
from domain.topics import Topic

_PATIENCE_SECONDS = 8.0


@dataclass(frozen=True)
class Clients:
    """What the use cases stand on."""

    table: Table
    change_log: ChangeLog
    clock: Clock
    retention_seconds: int

    @property
    def kept_seconds(self) -> int:
        """How long after a registration something that was told under it can still be there."""
        return max(notice.LONGEST_SECONDS, self.retention_seconds) + client.DAY_SECONDS


@dataclass(frozen=True)
class Registration:
    """A client's id, the lease under which it may subscribe, and until when (epoch seconds) it is registered.

    `ended` are the rights that another lease lost by it.
    """

    client_id: str
    lease: str
    expires_at: int
    ended: tuple[Topic, ...] = ()


@dataclass(frozen=True)
class Listening:
    """What a subscription of a client is to: its topic, and the right that it rests on."""

    topic: Topic
    right: Topic


def register(
    clients: Clients,
    caller: Caller,
    *,
    client_id: str | None = None,
    lease: str | None = None,
    client_mutation_id: str | None = None,
) -> Registration:
    """Register a client: under a new id, under one that nobody has, or under one of the caller's, which it takes over.

    With the lease that counts it only lives longer. Nothing is noted of the `client_mutation_id`: a repeat takes over
    what the call before had registered, of which nobody has heard.

    Raises:
        Unauthorized: the id is not the caller's to have.
        TakenOver: the lease does not count any more.
        InvalidInput: the id, or a lease without one.
        TryAgain: the database is too busy.
    """
    field = "Mutation.registerClient"
    rights.require(caller, field)
    if client_id is not None and not client.is_id(client_id):
        raise InvalidInput("input.clientId", "must be 16 to 64 letters, digits, _ or -")
    if lease is not None and client_id is None:
        raise InvalidInput("input.lease", "is of a client: give its clientId too.")
    if client_mutation_id is not None:
        validation.client_mutation_id("input.clientMutationId", client_mutation_id)
    chosen = client_id or client.new_id(caller)
    obstacle: TableError | None = None
    for _ in backoff.attempts(
        clients.clock.monotonic() + _PATIENCE_SECONDS, first_seconds=0.02, longest_seconds=1.0, clock=clients.clock
    ):
        try:
            return _register(clients, caller, chosen, lease, given=client_id is not None)
        except TableError as error:
            obstacle = error
    raise TryAgain from obstacle


def _register(clients: Clients, caller: Caller, client_id: str, lease: str | None, *, given: bool) -> Registration:
    """One attempt, by what the table has now. Raises TableError when that has changed meanwhile."""
    now_ms = clients.clock.now_ms()
    key, now = client.key(client_id), now_ms // 1000
    # Whoever knows that nobody has an id need not ask.
    item = clients.table.get(key, now) if given else None
    if item is None:
        if (given and not client.may_choose(caller, client_id)) or lease is not None:
            raise Unauthorized("Mutation.registerClient")
        made = client.to_item(caller, client_id, ulid.ascending(1, now_ms)[0], now_ms, clients.kept_seconds)
        _write(clients, caller, Put(made, *free(now)))
        return Registration(client_id, made["lease"], made["validUntil"])
    if item.get("owner") != client.owner_of(caller):
        raise Unauthorized("Mutation.registerClient")
    seen = client.lease_of(item)
    if lease is not None and lease != seen:
        raise TakenOver
    changed = client.registration(caller, lease or ulid.ascending(1, now_ms)[0], now_ms, clients.kept_seconds)
    held, values = ("#lease = :seen", {":seen": item["lease"]}) if "lease" in item else (_NO_LEASE, {})
    _write(clients, caller, Set(key, changed, f"#owner = :owner AND {held}", {":owner": item["owner"], **values}))
    ended = () if lease or not seen else client.rights(client_id, seen)
    return Registration(client_id, changed["lease"], changed["validUntil"], ended)


_NO_LEASE = "attribute_not_exists(#lease)"


def _write(clients: Clients, caller: Caller, write: Write) -> None:
    """Carry out a write, of a user together with a check that they are not being deleted."""
    if caller.user_id is None:
        clients.table.write([write])
        return
    stays = Check(profile.key(caller.user_id), "attribute_not_exists(#deletedAt)")
    try:
        clients.table.write([write, stays])
    except ConditionFailed as error:
        if 1 in error.writes:
            raise Unauthorized("Mutation.registerClient") from error
        raise


def standing(table: Table, caller: Caller, client_id: str, now: int) -> tuple[Standing, Item | None]:
    """What a caller is to a client, with the client's item: its owner, or nobody. Raises TableError."""
    item = table.get(client.key(client_id), now) if client.is_id(client_id) else None
    owns = item is not None and client.is_registered(item, now) and item.get("owner") == client.owner_of(caller)
    return (Standing.OWNER, item) if owns else (Standing.NONE, None)


def require(clients: Clients, caller: Caller, field: str, client_id: str) -> Item:
    """Let only the client's owner pass; answers the client's item.

    Raises:
        Unauthorized: the caller is not. It is the same whether or not there is such a client.
        TableError: the table did not answer.
    """
    found, item = standing(clients.table, caller, client_id, clients.clock.now_ms() // 1000)
    rights.require(caller, field, str(topics.client(client_id)), found)
    assert item is not None
    return item


def on_client(clients: Clients, caller: Caller, *, client_id: str, lease: str) -> Listening:
    """What the holder of a client's lease gets who subscribes.

    Raises:
        Unauthorized: the client is not the caller's.
        TakenOver: the lease does not count any more.
        TableError: the table did not answer.
    """
    item = require(clients, caller, "Subscription.onClient", client_id)
    if not lease or lease != client.lease_of(item):
        raise TakenOver
    return Listening(topics.client(client_id), client.right(client_id, lease))


def client_changes(
    clients: Clients, caller: Caller, *, client_id: str, after: int, limit: int | None = None
) -> dict[str, Any]:
    """What a client was told after a known change, as the schema's ClientChangePage; whatever lease asks.

    Raises:
        Unauthorized, InvalidInput: the caller, the arguments.
        TableError: the table did not answer.
    """
    require(clients, caller, "Query.clientChanges", client_id)
    deadline = clients.clock.monotonic() + _PATIENCE_SECONDS
    return catch_up.page(
        clients.change_log, topics.client(client_id), after, limit, whole(clients.table, clients.clock), deadline
    )


def whole(table: Table, clock: Clock) -> Callable[[Entry, dict[str, Any]], dict[str, Any]]:
    """What makes a change of notices one that a function may answer, whole even where the push was a pointer."""

    def made_whole(entry: Entry, change: dict[str, Any]) -> dict[str, Any]:
        now = clock.now_ms() // 1000
        if entry.reference and (item := table.get(entry.reference, now)):
            change = notice.follow(change, item)
        return notice.change_to_answer(change, now)

    return made_whole


def remove_all(clients: Clients, user_id: str) -> None:
    """Remove what there is of a user who is being deleted: the notices to them and their clients, whose ids stay taken.

    Nobody gets such an id as long as the log has what was told to it. May be repeated.

    Raises:
        TableError: a repeat goes on from there.
    """
    table, now = clients.table, clients.clock.now_ms() // 1000
    _clear(table, topics.user(user_id))
    owned = [client.id_of(str(item["pk"])) for item in table.query(client.listing(user_id), now=0, index=client.INDEX)]
    mine = ("#owner = :owner", {":owner": f"{CallerKind.USER.value}#{user_id}"})
    for client_id in owned:
        key = client.key(client_id)
        try:
            # First no notice can be sent to it any more, then it has none, and only then is it not to be found again.
            table.write([Set(key, {"validUntil": now}, *mine)])
            _clear(table, topics.client(client_id))
            left = {"owner": client.NOBODY, "expiresAt": now + clients.kept_seconds}
            index = (f"{client.INDEX}PK", f"{client.INDEX}SK")
            table.write([Set(key, left, *mine, remove=(*index, "lease", "registeredAt"))])
        except ConditionFailed:
            continue  # the index is behind


def _clear(table: Table, receiver: Topic) -> None:
    for item in table.query(notice.partition(receiver), now=0):
        table.write([Delete((str(item["pk"]), str(item["sk"])))])
