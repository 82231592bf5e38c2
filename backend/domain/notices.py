"""Notices: what the backend tells one client, or all clients of one user, and what they have not dismissed yet.

`send` is for the functions of all contexts; the right to call it is theirs to check. What it writes is pushed by the
stream's publisher, as everything is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from domain import backoff, client, clients, notice, page_tokens, profile, rights, times, topics, ulid, validation
from domain.caller import Caller
from domain.clients import Clients
from domain.clock import Clock
from domain.errors import InvalidInput, NotFound, TryAgain
from domain.idempotency import Once, once
from domain.notice import Notice
from domain.rights import Standing
from domain.table import Check, ConditionFailed, Delete, Put, Table, TableError, Write
from domain.topics import Topic

DAY_SECONDS = 24 * 3600
DEFAULT_SECONDS = 7 * DAY_SECONDS
MAX_PAGE = 100
# An answer of AppSync has at most 5 MB, one of Lambda 6.
MAX_PAGE_BYTES = 4_000_000
_KIND = re.compile(r"[A-Za-z][0-9A-Za-z_.-]{0,63}")
_PATIENCE_SECONDS = 8.0


@dataclass(frozen=True)
class Page:
    """A receiver's unread notices, the oldest first, and the number of the topic's newest change before they were read.

    So whoever has the page and the changes after `head_seq` has missed nothing.
    """

    topic: Topic
    items: list[Notice]
    head_seq: int
    next_token: str | None


# --- sending ---


def send(
    table: Table,
    clock: Clock,
    *,
    kind: str,
    data: Mapping[str, Any] | None = None,
    to_user: str | None = None,
    to_client: str | None = None,
    seconds: int = DEFAULT_SECONDS,
    trace_id: str | None = None,
    mutation: Once | None = None,
) -> Notice:
    """Tell one client, or all clients of one user, something; they hear of it when the write is published.

    Args:
        table: the main table; the function's role needs PutItem and ConditionCheckItem, with `mutation` GetItem too.
        clock: tells the time.
        kind: what it is about: a letter, then up to 63 letters, digits, `_`, `.` or `-`.
        data: a JSON object of up to 16 KB.
        to_user: a user's `sub`, or
        to_client: the id of a client.
        seconds: how long it is there unless its receiver dismisses it.
        trace_id: of the request.
        mutation: what makes it happen once.

    Raises:
        InvalidInput: an argument breaks a rule; `input.` is in front of its name.
        NotFound: there is no such user or client, or none any more.
        IdempotencyConflict: the mutation was made with another input.
        TryAgain: the database is too busy.
    """
    receiver, there, named = _receiver(to_user, to_client, clock.now_ms() // 1000)
    text = notice.encode("input.data", {} if data is None else data)
    if not _KIND.fullmatch(kind):
        raise InvalidInput("input.kind", "must be a letter, then up to 63 letters, digits, _ . or -")
    if not 1 <= seconds <= notice.LONGEST_SECONDS:
        raise InvalidInput("input.expiresInSeconds", f"must be 1 to {notice.LONGEST_SECONDS}, not {seconds}.")
    now_ms = clock.now_ms()
    made = _noted(kind, text, {"id": ulid.ascending(1, now_ms)[0], "sentAt": now_ms, "seconds": seconds})
    expires_at = now_ms // 1000 + seconds
    writes: list[Write] = [Put(notice.to_item(receiver, made, expires_at, trace_id)), there]
    if mutation:
        noted = {"id": made["id"], "sentAt": now_ms, "seconds": seconds}
        writes.append(mutation.marker(noted, now_ms // 1000, now_ms // 1000 + DAY_SECONDS))
    obstacle: TableError | None = None
    for _ in backoff.attempts(
        clock.monotonic() + _PATIENCE_SECONDS, first_seconds=0.02, longest_seconds=1.0, clock=clock
    ):
        try:
            # First of all: the receiver may be gone since, and the answer is the same.
            if mutation and (outcome := mutation.outcome(table, now_ms // 1000)) is not None:
                return _noted(kind, text, outcome)
            table.write(writes)
        except ConditionFailed as error:
            if 1 in error.writes:
                raise NotFound(named) from error
            obstacle = error
        except TableError as error:
            obstacle = error
        else:
            return made
    raise TryAgain from obstacle


def _noted(kind: str, text: str, chosen: Mapping[str, Any]) -> Notice:
    """A notice by its input and what was chosen when it was sent."""
    sent_ms = int(chosen["sentAt"])
    return {
        "id": str(chosen["id"]),
        "kind": kind,
        "data": text,
        "sentAt": times.to_iso(sent_ms),
        "expiresAt": times.to_iso((sent_ms // 1000 + int(chosen["seconds"])) * 1000),
    }


def _receiver(to_user: str | None, to_client: str | None, now: int) -> tuple[Topic, Check, str]:
    """The topic of a receiver, what holds as long as there is one, and how the input names it."""
    if (to_user is None) == (to_client is None):
        raise InvalidInput("input", "must name one receiver: userId or clientId.")
    if to_user is not None:
        if not validation.is_id(to_user):
            raise NotFound("input.userId")
        there = Check(profile.key(to_user), "attribute_exists(pk) AND attribute_not_exists(#deletedAt)")
        return topics.user(to_user), there, "input.userId"
    assert to_client is not None
    if not client.is_id(to_client):
        raise NotFound("input.clientId")
    return topics.client(to_client), Check(client.key(to_client), "#validUntil > :now", {":now": now}), "input.clientId"


def notify(
    table: Table,
    clock: Clock,
    caller: Caller,
    *,
    kind: str,
    data: object = None,
    user_id: str | None = None,
    client_id: str | None = None,
    expires_in_seconds: int | None = None,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> Notice:
    """Send a notice for an operator or a program.

    Raises:
        Unauthorized: the caller is neither.
        InvalidInput, NotFound, IdempotencyConflict, TryAgain: as `send`.
    """
    field = "Mutation.notify"
    rights.require(caller, field)
    seconds = DEFAULT_SECONDS if expires_in_seconds is None else expires_in_seconds
    given: Any = {} if data is None else data
    mutation = None
    if client_mutation_id is not None:
        validation.client_mutation_id("input.clientMutationId", client_mutation_id)
        effect = [kind, notice.encode("input.data", given), user_id, client_id, seconds]
        mutation = once(caller, field, client_mutation_id, effect)
    return send(
        table, clock, kind=kind, data=given, to_user=user_id, to_client=client_id, seconds=seconds, trace_id=trace_id,
        mutation=mutation,
    )  # fmt: skip


# --- what is there ---


def unread(
    here: Clients,
    caller: Caller,
    *,
    client_id: str | None = None,
    limit: int | None = None,
    next_token: str | None = None,
) -> Page:
    """A page of the unread notices to the caller, or to a client of theirs, the oldest first.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the arguments.
        TableError: the table did not answer.
    """
    field = "Query.notices"
    receiver = _own(here, caller, field, client_id)
    limit = validation.limit(limit, default=50, most=MAX_PAGE)
    after = page_tokens.decode(next_token, field, str(receiver)) if next_token is not None else None
    return page(here, receiver, limit, after)


def page(
    here: Clients, receiver: Topic, limit: int, after: str | None = None, most_bytes: int = MAX_PAGE_BYTES
) -> Page:
    """A page of a receiver's notices after one, for those who have the right to them. It also ends at some bytes.

    Raises:
        TableError: the table did not answer.
    """
    # Before the notices: what is written in between is in both, and what is in neither is not written yet.
    head_seq = here.change_log.head(receiver)
    where, values = ("sk > :after", {":after": after}) if after else ("", {})
    found = here.table.query(
        notice.partition(receiver), where, values, now=here.clock.now_ms() // 1000, page_size=limit + 1
    )
    items: list[Notice] = []
    size = 0
    for item in islice(found, limit + 1):
        shown = notice.from_item(item)
        size += len(json.dumps(shown))
        if items and (len(items) == limit or size > most_bytes):
            return Page(receiver, items, head_seq, page_tokens.encode(items[-1]["id"], "Query.notices", str(receiver)))
        items.append(shown)
    return Page(receiver, items, head_seq, None)


def dismiss(
    here: Clients,
    caller: Caller,
    *,
    id: str,  # noqa: A002 - the schema's name
    client_id: str | None = None,
    client_mutation_id: str | None = None,
) -> Topic:
    """Remove a notice to the caller, or to a client of theirs; one that is not there stays so. Returns the topic.

    Raises:
        Unauthorized, InvalidInput: nothing was removed.
        TryAgain: the database is too busy.
    """
    receiver = _own(here, caller, "Mutation.dismissNotice", client_id)
    if client_mutation_id is not None:
        validation.client_mutation_id("clientMutationId", client_mutation_id)
    if not validation.is_id(id):
        return receiver  # DynamoDB would refuse the key of a long one
    obstacle: TableError | None = None
    for _ in backoff.attempts(
        here.clock.monotonic() + _PATIENCE_SECONDS, first_seconds=0.02, longest_seconds=1.0, clock=here.clock
    ):
        try:
            here.table.write([Delete(notice.key(receiver, id))])
        except TableError as error:
            obstacle = error
        else:
            return receiver
    raise TryAgain from obstacle


def _own(here: Clients, caller: Caller, field: str, client_id: str | None) -> Topic:
    """The topic of a client of the caller's, or the caller's own. Raises Unauthorized, TableError."""
    if client_id is not None:
        clients.require(here, caller, field, client_id)
        return topics.client(client_id)
    own = topics.user(caller.id)
    rights.require(caller, field, str(own), Standing.NONE)
    return own
