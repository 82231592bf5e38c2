"""Chat: rooms that exist as soon as someone writes to them, and their messages."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Literal

from domain import backoff, message, page_tokens, room_rights, times, topics, ulid, validation
from domain.authors import Authors, Place
from domain.caller import Caller
from domain.changes import DEFAULT_PAGE, LARGEST_PAGE, ChangeLog
from domain.errors import InvalidInput, InvalidPageToken, TryAgain
from domain.events import Entry
from domain.idempotency import Once, named
from domain.message import Message, Partition
from domain.rights import Standing
from domain.rooms import Placement, Room, Rooms, bucket_key, draw, from_item, key, shards_of
from domain.table import Item, Put, Table, TableError, Throttled, Write

Order = Literal["OLDEST_FIRST", "NEWEST_FIRST"]

_PATIENCE_SECONDS = 8.0  # of a mutation, under throttling or conflicts; AppSync waits 30
_SHARD_READERS = 8
# An answer of AppSync has at most 5 MB, one of Lambda 6. A message put by hand may have 400 KB, and six times that when
# it is all escapes. https://docs.aws.amazon.com/general/latest/gr/appsync.html
_MAX_PAGE_BYTES = 4_000_000
_BEFORE_ALL = "9999999999#~"  # a position from which a list that begins with the newest is whole


@dataclass(frozen=True)
class Chat:
    """What the use cases stand on."""

    table: Table
    rooms: Rooms
    change_log: ChangeLog
    retention_seconds: int
    authors: Authors = field(default_factory=Authors)


@dataclass(frozen=True)
class Draft:
    """A message as its writer gives it, with the name of its author resolved."""

    text: str
    author: str
    original_time: str | None


def send_message(
    chat: Chat,
    caller: Caller,
    *,
    room_id: str,
    text: str,
    author: str | None = None,
    original_time: str | None = None,
    client_mutation_id: str | None = None,
    now_ms: int,
    trace_id: str | None = None,
) -> Message:
    """Store a message; the first of a room makes the room.

    Raises:
        Unauthorized, InvalidInput: nothing was stored.
        IdempotencyConflict: the `client_mutation_id` was used with another input.
        TryAgain: the database is too busy.
    """
    field = "Mutation.sendMessage"
    validation.room_id("input.roomId", room_id)
    room_rights.require(chat.table, caller, field, room_id, now=now_ms // 1000)
    draft = _draft(caller, "input.", text, author, original_time)
    mutation = _once(caller, field, client_mutation_id, room_id, [draft])
    return _store(chat, caller, field, room_id, [draft], mutation, now_ms, trace_id)[0]


def send_messages(
    chat: Chat,
    caller: Caller,
    *,
    room_id: str,
    messages: Sequence[Mapping[str, Any]],
    client_mutation_id: str | None = None,
    now_ms: int,
    trace_id: str | None = None,
) -> list[Message]:
    """Store 1 to 90 messages, all or none, whose ids and places keep their order.

    Args:
        messages: each with `text` and, if given, `author` and `originalTime`.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict, TryAgain: as `send_message`.
    """
    field = "Mutation.sendMessages"
    validation.room_id("input.roomId", room_id)
    room_rights.require(chat.table, caller, field, room_id, now=now_ms // 1000)
    if not 1 <= len(messages) <= validation.MAX_MESSAGES:
        raise InvalidInput("input.messages", f"must be 1 to {validation.MAX_MESSAGES}, not {len(messages)}.")
    drafts = [
        _draft(caller, f"input.messages[{index}].", each["text"], each.get("author"), each.get("originalTime"))
        for index, each in enumerate(messages)
    ]
    mutation = _once(caller, field, client_mutation_id, room_id, drafts)
    return _store(chat, caller, field, room_id, drafts, mutation, now_ms, trace_id)


def messages(
    chat: Chat,
    caller: Caller,
    *,
    room_id: str,
    order: Order | None = None,
    limit: int | None = None,
    next_token: str | None = None,
    now_ms: int,
) -> tuple[list[Message], str | None]:
    """A page of a room's messages, the newest first unless told otherwise, and the token of the next.

    It ends early, but not before the first message, where it would become too large for an answer.

    Raises:
        Unauthorized, InvalidInput: the arguments.
        InvalidPageToken: the token is broken, or of another room or order.
        TableError: the table did not answer.
    """
    validation.room_id("roomId", room_id)
    room_rights.require(chat.table, caller, "Query.messages", room_id, now=now_ms // 1000)
    limit = validation.limit(limit, default=50, most=100)
    order = order or "NEWEST_FIRST"
    position = page_tokens.decode(next_token, *_list_key(room_id, order)) if next_token is not None else None
    if position is not None and not position.partition("#")[2]:
        raise InvalidPageToken  # a token made by hand: DynamoDB has no empty keys
    return _page(chat.table, room_id, order, limit, position, now_ms // 1000)


@dataclass(frozen=True)
class Backlog:
    """A room's newest messages, the newest first, and the number of its newest change before they were read.

    So whoever has them and the changes after `head_seq` has missed nothing. `room` is None when there is none yet.
    """

    room: Room | None
    standing: Standing
    head_seq: int
    items: list[Message]
    next_token: str | None


def backlog(chat: Chat, caller: Caller, *, room_id: str, limit: int, most_bytes: int, now_ms: int) -> Backlog:
    """What a client that begins needs of a room: at most so many messages, and of so many bytes together.

    Raises:
        Unauthorized, InvalidInput: the arguments.
        TableError: the table did not answer.
    """
    topic, now = topics.room(validation.room_id("rooms", room_id)), now_ms // 1000
    admitted = room_rights.require(chat.table, caller, "Query.messages", room_id, now=now)
    head_seq = chat.change_log.head(topic)
    item = admitted.room or chat.table.get(key(room_id), now)
    items, next_token = (
        _page(chat.table, room_id, "NEWEST_FIRST", limit, None, now, most_bytes, at_least=0) if limit else ([], None)
    )
    return Backlog(from_item(room_id, item) if item else None, admitted.standing, head_seq, items, next_token)


def _list_key(room_id: str, order: Order) -> tuple[str, str, str]:
    return "Query.messages", room_id, order


def _page(
    table: Table, room_id: str, order: Order, limit: int, position: str | None, now: int,
    most_bytes: int = _MAX_PAGE_BYTES, at_least: int = 1,
) -> tuple[list[Message], str | None]:  # fmt: skip
    """The messages behind a position, and the token of what follows."""
    items: list[Message] = []
    size = 0
    for place, item in _walk(table, room_id, order == "NEWEST_FIRST", position, limit + 1, now):
        shown = message.from_item(item["pk"], item["sk"], item)
        size += len(json.dumps(shown))
        if len(items) == limit or (size > most_bytes and len(items) >= at_least):
            return items, page_tokens.encode(position or _BEFORE_ALL, *_list_key(room_id, order))
        items.append(shown)
        position = place
    return items, None


def message_changes(
    chat: Chat, caller: Caller, *, room_id: str, after: int, limit: int | None = None, now_ms: int
) -> dict[str, Any]:
    """The changes of a room after a known one, as the schema's MessageChangePage.

    Raises:
        Unauthorized, InvalidInput: the arguments.
        TableError: the table did not answer.
    """
    topic = topics.room(validation.room_id("roomId", room_id))
    room_rights.require(chat.table, caller, "Query.messageChanges", room_id, now=now_ms // 1000)
    limit = validation.limit(limit, default=DEFAULT_PAGE, most=LARGEST_PAGE)
    page = chat.change_log.read(topic, after, limit, time.monotonic() + _PATIENCE_SECONDS)
    return {
        "roomId": room_id,
        "topic": str(topic),
        "items": [_change(chat.table, entry, now_ms // 1000) for entry in page.items],
        "lastSeq": page.last_seq,
        "headSeq": page.head_seq,
        "resyncRequired": page.resync_required,
    }


def _change(table: Table, entry: Entry, now: int) -> dict[str, Any]:
    """A change of the log as the schema's MessageChange, whole even where the push was a pointer.

    Then its message is the one of now. If that is gone, a later change tells so, and the pointer stays one.
    """
    change: dict[str, Any] = json.loads(entry.text)
    if entry.reference and (item := table.get(entry.reference, now)):
        change |= {"truncated": False, "message": message.from_item(item["pk"], item["sk"], item)}
    return change


def on_messages(chat: Chat, caller: Caller, *, room_id: str, now_ms: int) -> str:
    """The topic that a subscriber of a room's messages gets.

    Raises:
        Unauthorized, InvalidInput: the arguments.
        TableError: the table did not answer.
    """
    topic = str(topics.room(validation.room_id("roomId", room_id)))
    room_rights.require(chat.table, caller, "Subscription.onMessages", room_id, now=now_ms // 1000)
    return topic


def _draft(caller: Caller, path: str, text: str, author: str | None, original_time: str | None) -> Draft:
    validation.text(f"{path}text", text)
    if author is not None:
        validation.author(f"{path}author", author)
    if original_time is not None:
        validation.original_time(f"{path}originalTime", original_time)
    name = caller.name[: validation.MAX_AUTHOR]
    return Draft(text, name if caller.has_person or author is None else author, original_time)


def _once(caller: Caller, field: str, client_mutation_id: str | None, room_id: str, drafts: list[Draft]) -> Once | None:
    effect = [room_id, *([draft.text, draft.author, draft.original_time] for draft in drafts)]
    return named(caller, field, client_mutation_id, effect)


def _store(
    chat: Chat,
    caller: Caller,
    field: str,
    room_id: str,
    drafts: list[Draft],
    mutation: Once | None,
    now_ms: int,
    trace_id: str | None,
) -> list[Message]:
    """Write messages, and what they need, in one transaction; repeat it until it holds or patience ends."""
    now, expires_at = now_ms // 1000, now_ms // 1000 + chat.retention_seconds
    ids, lots = ulid.ascending(len(drafts), now_ms), [draw() for _ in drafts]
    marker = [mutation.marker({"ids": ids, "sentAt": now_ms}, now, expires_at)] if mutation else []
    obstacle: TableError | None = None
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for _ in backoff.attempts(deadline, first_seconds=0.02, longest_seconds=1.0):
        placement: Placement | None = None
        try:
            # After an obstacle too: a write whose answer was lost has happened.
            if mutation and obstacle and (outcome := mutation.outcome(chat.table, now)):
                return _messages(room_id, drafts, outcome["ids"], outcome["sentAt"])
            if obstacle:  # the obstacle may be that the right is gone
                room_rights.require(chat.table, caller, field, room_id, now=now)
            placement = chat.rooms.place(room_id, now_ms)
            stored = _messages(room_id, drafts, ids, now_ms)
            items = [
                message.to_item(each, placement.partition(lot), now_ms, expires_at, trace_id, caller.user_id)
                for each, lot in zip(stored, lots, strict=True)
            ]
            place = Place(placement.hour, room_id)
            # The hour's last message expires the retention after the hour's end.
            notes = chat.authors.notes(caller.user_id, place, times.hour_end_seconds(now_ms) + chat.retention_seconds)
            writes: list[Write] = [*marker, *map(Put, items), *placement.writes, *notes]
            writes += room_rights.kept(caller, room_id)
            chat.table.write(writes)
        except TableError as error:
            obstacle = error
            if placement and isinstance(error, Throttled):
                chat.rooms.spread(placement)
            elif placement:
                chat.rooms.forget(placement)
        else:
            chat.rooms.remember(placement, now_ms)
            chat.authors.remember(caller.user_id, place)
            return stored
    raise TryAgain from obstacle


def _messages(room_id: str, drafts: list[Draft], ids: list[str], sent_at_ms: int) -> list[Message]:
    return [
        Message(
            id=message_id,
            roomId=room_id,
            author=draft.author,
            text=draft.text,
            sentAt=times.to_iso(sent_at_ms),
            version=1,
            originalTime=draft.original_time,
        )
        for message_id, draft in zip(ids, drafts, strict=True)
    ]


def _walk(
    table: Table, room_id: str, newest_first: bool, position: str | None, page_size: int, now: int
) -> Iterator[tuple[str, Item]]:
    """The room's items behind a position, each with its own: the hours in order, each merged over its shards."""
    hour, _, sk = (position or "").partition("#")
    pk, prefix = bucket_key(room_id, "")
    buckets = table.query(pk, "begins_with(sk, :prefix)", {":prefix": prefix}, now=now, forward=not newest_first)
    for bucket in buckets:
        bucket_hour = bucket["sk"].removeprefix(prefix)
        if position and (bucket_hour > hour if newest_first else bucket_hour < hour):
            continue
        where, values = "", {}
        if bucket_hour == hour:
            where, values = "sk < :position" if newest_first else "sk > :position", {":position": sk}
        shards = [
            table.query(
                Partition(room_id, bucket_hour, shard).pk, where, values,
                now=now, forward=not newest_first, page_size=page_size,
            )
            for shard in range(shards_of(bucket))
        ]  # fmt: skip
        merged = heapq.merge(*_started(shards), key=lambda item: item["sk"], reverse=newest_first)
        yield from ((f"{bucket_hour}#{item['sk']}", item) for item in merged)


def _started(shards: list[Iterator[Item]]) -> list[Iterator[Item]]:
    """The same iterators with their first requests made side by side."""
    if len(shards) == 1:
        return shards

    def start(items: Iterator[Item]) -> Iterator[Item]:
        return chain(list(islice(items, 1)), items)

    with ThreadPoolExecutor(_SHARD_READERS) as readers:
        return list(readers.map(start, shards))
