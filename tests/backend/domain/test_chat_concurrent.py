"""Writers at the same moment, and answers that get lost on the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from domain import chat as use
from domain.caller import ANONYMOUS
from domain.chat import Chat
from domain.message import Message
from domain.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000
WRITERS = 8


def messages_in(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["pk"].startswith("MESSAGES#")]


def at_once(send: Callable[[int], Message]) -> list[Message]:
    with ThreadPoolExecutor(WRITERS) as writers:
        return list(writers.map(send, range(WRITERS)))


def test_the_first_messages_of_a_room_may_come_together(chat: Chat, another_container: Callable[[], Chat]) -> None:
    containers = [another_container() for _ in range(WRITERS)]
    sent = at_once(
        lambda number: use.send_message(containers[number], ANONYMOUS, room_id="new", text=str(number), now_ms=NOON)
    )
    found, _ = use.messages(chat, ANONYMOUS, room_id="new", now_ms=NOON)
    assert sorted(each["id"] for each in found) == sorted(each["id"] for each in sent)


def test_one_mutation_sent_by_all_at_once_happens_once(
    chat: Chat, another_container: Callable[[], Chat], all_items: Callable[[Table], list[dict[str, Any]]]
) -> None:
    containers = [another_container() for _ in range(WRITERS)]
    sent = at_once(
        lambda number: use.send_message(
            containers[number], ANONYMOUS, room_id="new", text="hi", client_mutation_id="m", now_ms=NOON + number
        )
    )
    assert sent == [sent[0]] * WRITERS
    assert [item["id"] for item in messages_in(all_items(chat.table))] == [sent[0]["id"]]


@contextmanager
def answers_lost(client: DynamoDBClient, operation: str, times: int) -> Iterator[None]:
    """Let requests be carried out and their answers not come back."""
    left = [times]

    def lose(**_: Any) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise ReadTimeoutError(endpoint_url="the table")

    event = f"after-call.dynamodb.{operation}"
    client.meta.events.register(event, lose)
    try:
        yield
    finally:
        client.meta.events.unregister(event, lose)


@pytest.mark.parametrize("client_mutation_id", [None, "m-1"])
def test_a_lost_answer_stores_nothing_twice(
    chat: Chat,
    dynamodb_client: DynamoDBClient,
    all_items: Callable[[Table], list[dict[str, Any]]],
    client_mutation_id: str | None,
) -> None:
    for number, operation in enumerate(("TransactWriteItems", "PutItem" if not client_mutation_id else "Query")):
        with answers_lost(dynamodb_client, operation, 2):
            sent = use.send_message(
                chat,
                ANONYMOUS,
                room_id="lobby",
                text=str(number),
                client_mutation_id=client_mutation_id and f"{client_mutation_id}-{number}",
                now_ms=NOON + number,
            )
        stored = messages_in(all_items(chat.table))
        assert len(stored) == number + 1
        assert sent["id"] in {item["id"] for item in stored}
