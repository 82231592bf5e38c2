"""What a client catches up with: a room's changes as the schema has them, large ones whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from domain import chat as use
from domain import message, topics, validation
from domain.caller import ANONYMOUS
from domain.changes import Event
from domain.chat import Chat
from domain.clock import SYSTEM
from domain.errors import InvalidInput
from domain.table import Item, Put, from_attributes, to_attributes
from tests.backend.domain.schema import schema

ROOM = topics.room("lobby")
LARGE = 300_000


@pytest.fixture
def store(chat: Chat) -> Callable[[str, str], Event]:
    """Stores a message as any hand may, and tells what the stream tells of it."""

    def put(name: str, text: str) -> Event:
        pk, sk = "MESSAGES#lobby#2026112112#0", f"1795262400000#{name}"
        item: Item = from_attributes(to_attributes({"pk": pk, "sk": sk, "author": "ann", "text": text, "version": 1}))
        chat.table.write([Put(item)])
        shown = json.dumps(message.from_item(pk, sk, item), ensure_ascii=False)
        return Event(f"event-{name}", "INSERT", name, shown, reference=(pk, sk))

    return put


def append(chat: Chat, *events: Event) -> None:
    chat.change_log.append(ROOM, events, time.monotonic() + 10)


def page(chat: Chat, after: int, limit: int | None = None) -> dict[str, Any]:
    return use.message_changes(chat, ANONYMOUS, room_id="lobby", after=after, limit=limit, now_ms=SYSTEM.now_ms())


def lengths(answer: dict[str, Any]) -> list[tuple[int, bool, int]]:
    return [(item["seq"], item["truncated"], len(item["message"]["text"])) for item in answer["items"]]


def test_a_change_has_all_that_the_schema_promises(chat: Chat, store: Callable[[str, str], Event]) -> None:
    append(chat, store("a", "é"))
    answer = page(chat, 0)
    assert answer.keys() == set(schema().type_map["MessageChangePage"].fields)  # type: ignore[attr-defined]
    (item,) = answer["items"]
    assert item.keys() == set(schema().type_map["MessageChange"].fields)  # type: ignore[attr-defined]
    assert item["message"] == {
        "id": "a", "roomId": "lobby", "author": "ann", "text": "é", "sentAt": "2026-11-21T12:00:00.000Z", "version": 1,
        "originalTime": None,
    }  # fmt: skip


def test_what_was_too_large_for_a_push_is_answered_whole_and_alone(
    chat: Chat, store: Callable[[str, str], Event]
) -> None:
    append(chat, store("a", "x"), store("b", "x" * LARGE), store("c", "x" * LARGE), store("d", "x"))
    assert lengths(page(chat, 0)) == [(1, False, 1)]
    assert lengths(page(chat, 1)) == [(2, False, LARGE)]
    assert lengths(page(chat, 1, limit=1)) == [(2, False, LARGE)]
    assert lengths(page(chat, 2)) == [(3, False, LARGE)]
    answer = page(chat, 3)
    assert lengths(answer) == [(4, False, 1)]
    assert (answer["lastSeq"], answer["headSeq"]) == (4, 4)


def test_a_large_message_is_the_one_of_now(chat: Chat, store: Callable[[str, str], Event]) -> None:
    append(chat, store("a", "x" * LARGE))
    store("a", "x")
    assert lengths(page(chat, 0)) == [(1, False, 1)]


def test_a_large_message_that_is_gone_stays_a_pointer(chat: Chat, store: Callable[[str, str], Event]) -> None:
    event = store("a", "x" * LARGE)
    append(chat, event, Event("event-gone", "REMOVE", "a", None))
    assert event.reference is not None
    chat.table.write([Put({"pk": event.reference[0], "sk": event.reference[1], "expiresAt": 1})])
    (pointer,) = page(chat, 0)["items"]
    assert (pointer["key"], pointer["truncated"], pointer["message"]) == ("a", True, None)
    (removal,) = page(chat, 1)["items"]
    assert (removal["kind"], removal["key"], removal["truncated"]) == ("REMOVE", "a", False)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_bad_limit_is_refused(chat: Chat, limit: int) -> None:
    with pytest.raises(InvalidInput):
        page(chat, 0, limit)


def test_a_cursor_beyond_graphqls_integers_finds_nothing(chat: Chat) -> None:
    assert page(chat, validation.MAX_SEQ)["resyncRequired"]
