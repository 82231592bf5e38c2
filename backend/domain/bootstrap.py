"""What a client needs at its start, in one answer: features, rooms with their newest messages, unread notices.

It reads and writes nothing: the client is registered before (`domain.clients`), by the mutation whose answer can hold
this one. Each part is read after the number of its topic's newest change, so that a client that subscribes and fills up
from there misses nothing, whatever is written meanwhile.

What it costs is bounded: by the number of rooms, of their messages, of notices, of bytes, and by time. A room that
cannot be had is told of with the reason, and the others are there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from domain import chat, client, clients, members, notice, notices, rights, times, topics, validation
from domain.caller import Caller
from domain.chat import Backlog, Chat
from domain.clients import Clients
from domain.errors import DomainError, Internal, InvalidInput, TryAgain
from domain.features import Features
from domain.members import Members
from domain.rights import BELONGS, Standing
from domain.table import TableError

logger = logging.getLogger("headwater.bootstrap")

MEMBERSHIPS = 20  # of which it tells
NOTICES = 50  # of the client, and of the user
DEFAULT_BACKLOG = 20
# An answer of AppSync has at most 5 MB, one of Lambda 6.
ROOM_BYTES, NOTICE_BYTES = 3_000_000, 600_000
_READERS = 8
# Of the 25 that the function has. A room that is not begun by then is left for another call.
_SECONDS = 12.0


@dataclass(frozen=True)
class Start:
    """What the use case stands on."""

    clients: Clients
    chat: Chat
    members: Members
    features: Features


def bootstrap(
    start: Start,
    caller: Caller,
    *,
    client_id: str,
    rooms: Sequence[str] | None = None,
    backlog_limit: int | None = None,
) -> dict[str, Any]:
    """The schema's Bootstrap, without what other functions answer.

    Raises:
        Unauthorized, InvalidInput: the caller, the arguments.
        TableError: the table did not answer.
    """
    item = clients.require(start.clients, caller, "Query.bootstrap", client_id)
    asked = list(dict.fromkeys(rooms or ()))
    if len(asked) > validation.MAX_BOOTSTRAP_ROOMS:
        raise InvalidInput("rooms", f"must be at most {validation.MAX_BOOTSTRAP_ROOMS}, not {len(asked)}.")
    limit = validation.limit(
        backlog_limit, default=DEFAULT_BACKLOG, most=validation.MAX_BACKLOG, field="backlogLimit", least=0
    )
    now_ms = start.clients.clock.now_ms()
    deadline = start.clients.clock.monotonic() + _SECONDS
    mine: list[dict[str, Any]] = []
    following = None
    if rights.may(caller, "Query.memberships"):
        mine, following = members.memberships(start.members, caller, limit=MEMBERSHIPS, now_ms=now_ms)
    invited = {each["room"]["id"]: each for each in mine if Standing(each["standing"]) not in BELONGS}
    wanted = list(dict.fromkeys([*asked, *(each["room"]["id"] for each in mine)]))
    most_bytes = ROOM_BYTES // max(len(wanted), 1)

    def read(room_id: str) -> dict[str, Any]:
        if room_id in invited:  # which gives no right but to accept
            return _room(room_id, room=invited[room_id]["room"], standing=Standing.INVITED.value)
        if start.clients.clock.monotonic() > deadline:
            return _room(room_id, problem=_problem(TryAgain()))
        return _guarded(
            room_id,
            lambda: chat.backlog(
                start.chat, caller, room_id=room_id, limit=limit, most_bytes=most_bytes, now_ms=now_ms
            ),
        )

    receivers = [topics.client(client_id), *([topics.user(caller.user_id)] if caller.user_id else [])]
    with ThreadPoolExecutor(_READERS) as readers:
        pages = readers.map(
            lambda receiver: notices.page(start.clients, receiver, NOTICES, most_bytes=NOTICE_BYTES), receivers
        )
        found = list(readers.map(read, wanted))
        of_client, *of_user = map(shown_page, pages)
    return {
        "client": {
            "id": client_id,
            "lease": client.lease_of(item),
            "validUntil": times.to_iso(int(item["validUntil"]) * 1000),
        },
        "features": start.features.shown(),
        "rooms": found,
        "membershipsNextToken": following,
        "userNotices": of_user[0] if of_user else None,
        "clientNotices": of_client,
    }


def shown_page(page: notices.Page) -> dict[str, Any]:
    """A page of notices as the schema's NoticeConnection."""
    return {
        "topic": str(page.topic),
        "items": [notice.to_answer(each) for each in page.items],
        "headSeq": page.head_seq,
        "nextToken": page.next_token,
    }


def _guarded(room_id: str, read: Callable[[], Backlog]) -> dict[str, Any]:
    """A room, or why there is none: what is wrong with one must not spoil the others."""
    try:
        found = read()
    except DomainError as error:
        return _room(room_id, problem=_problem(error))
    except TableError as error:
        logger.warning("A room cannot be read", exc_info=error)
        return _room(room_id, problem=_problem(TryAgain()))
    except Exception:
        # The edge: as for a field of its own.
        logger.exception("A room cannot be told of")
        return _room(room_id, problem=_problem(Internal()))
    return _room(
        room_id,
        room=found.room,
        standing=None if found.standing is Standing.NONE else found.standing.value,
        headSeq=found.head_seq,
        messages={"items": found.items, "nextToken": found.next_token},
    )


def _room(room_id: str, **members: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("room", "standing", "headSeq", "messages", "problem"))
    return {"roomId": room_id, **nothing, **members}


def _problem(error: DomainError) -> dict[str, str]:
    return {"errorType": error.type, "message": error.message}
