"""Mutations of a client: shown before they are answered, and queued where the network may be gone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    Client,
    Feed,
    InvalidInput,
    Message,
    NotQueueable,
    Optimistic,
    Outbox,
    OutboxFull,
    OutboxLocked,
    OutboxUnusable,
    Unreachable,
)
from headwater.generated.documents import SEND_MESSAGE, SEND_MESSAGES
from headwater.generated.input_types import SendMessageInput
from local.appsync.datasources import DataSourceError
from tests.client.chat_api import AT, ROOM, TOPIC, ChatApi
from tests.client.following import take, texts, until

REFUSED = DataSourceError("input.text must not be empty.", "InvalidInput")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def item(key: str, text: str) -> dict[str, Any]:
    return {"id": key, "roomId": ROOM, "author": "ada", "text": text, "sentAt": AT, "version": 0}


def outbox(client: Client) -> Outbox:
    assert client.outbox is not None
    return client.outbox


async def test_an_expected_message_is_shown_at_once_and_replaced_by_the_server_s(
    api: ChatApi, client: Client, feed: Feed[Message]
) -> None:
    answer, answered = asyncio.Event(), asyncio.Event()

    async def slowly(said: dict[str, Any]) -> dict[str, Any]:
        answer.set()
        await answered.wait()
        return await api.live(said)

    api.chat.on_sent = slowly
    shown = Optimistic(TOPIC, "mine", item("mine", "hello"))
    sending = asyncio.create_task(
        client.mutate(SEND_MESSAGE, {"input": {"roomId": ROOM, "text": "hello"}}, optimistic=shown)
    )
    await answer.wait()
    assert (texts(feed), feed.pending) == (["hello"], frozenset({"mine"}))
    answered.set()
    data = await sending
    await take(feed, 1)
    assert list(feed.items) == [data["sendMessage"]["id"]]
    assert feed.pending == frozenset()


async def test_a_refused_message_is_shown_no_more(api: ChatApi, client: Client, feed: Feed[Message]) -> None:
    api.chat.refuse = REFUSED
    with pytest.raises(InvalidInput):
        await client.mutate(
            SEND_MESSAGE,
            {"input": {"roomId": ROOM, "text": ""}},
            optimistic=Optimistic(TOPIC, "mine", item("mine", "hello")),
        )
    assert feed.items == {}


async def test_several_items_of_one_mutation(api: ChatApi, client: Client, feed: Feed[Message]) -> None:
    shown = [
        Optimistic(TOPIC, f"mine{number}", item(f"mine{number}", text), answer_key=("messages", number, "id"))
        for number, text in enumerate(("one", "two"))
    ]
    api.chat.on_sent = api.live
    said = [{"text": "one"}, {"text": "two"}]
    await client.mutate(SEND_MESSAGES, {"input": {"roomId": ROOM, "messages": said}}, optimistic=shown)
    await take(feed, 2)
    assert texts(feed) == ["one", "two"]


async def test_queued_messages_survive_the_server_s_absence_and_the_process(api: ChatApi, path: Path) -> None:
    texts_said = [f"message {number}" for number in range(5)]
    await api.stop()
    async with api.client(outbox=path) as client:
        for text in texts_said:
            await client.send_message(ROOM, text, author="ada", queue=True)
        queued = await client.send_message(ROOM, "last", author="ada", queue=True)
        assert len(outbox(client)) == 6
    with pytest.raises(Unreachable, match="still queued"):
        await queued
    await api.start()
    async with api.client(outbox=path) as client:
        await outbox(client).drained()
    assert [sent["text"] for sent in api.chat.sent] == [*texts_said, "last"]


async def test_a_queued_message_is_answered_as_one_that_is_sent(api: ChatApi, path: Path) -> None:
    async with api.client(outbox=str(path)) as client:
        message = await (await client.send_message(ROOM, "hello", author="ada", queue=True))
    assert (message.text, message.author, message.room_id) == ("hello", "ada", ROOM)


async def test_queued_messages_go_when_the_server_returns(api: ChatApi, path: Path) -> None:
    async with api.client(outbox=path) as client:
        await api.stop()
        queued = await client.send_message(ROOM, "hello", queue=True)
        await asyncio.sleep(1)  # what follows is measured in a backoff that has grown
        await api.start()
        began = asyncio.get_running_loop().time()
        await queued
        assert asyncio.get_running_loop().time() - began < 1.0


async def test_a_queued_message_is_shown_in_the_room_also_after_a_restart(api: ChatApi, path: Path) -> None:
    api.chat.on_sent = api.live
    await api.stop()
    async with api.client(outbox=path) as client:
        await client.send_message(ROOM, "hello", author="ada", queue=True)
        assert texts(client.live(TOPIC)) == ["hello"]
    async with api.client(outbox=path) as client:
        feed = client.live(TOPIC)
        assert (texts(feed), len(feed.pending)) == (["hello"], 1)
        await api.start()
        async with feed:
            await outbox(client).drained()
            await until(lambda: list(feed.items) == ["m1"])
            assert (texts(feed), feed.pending) == (["hello"], frozenset())


async def test_mutations_of_any_kind_can_be_queued(api: ChatApi, path: Path) -> None:
    variables = {"input": {"roomId": ROOM, "messages": [{"text": "one"}, {"text": "two"}]}}
    async with api.client(outbox=path) as client:
        queued = await client.mutate(SEND_MESSAGES, variables, queue=True, ordering=TOPIC)
        data = await queued
    assert [message["text"] for message in data["sendMessages"]["messages"]] == ["one", "two"]
    assert list(api.chat.answered) == [queued.id]


async def test_an_error_that_lasts_is_raised_where_it_is_awaited(api: ChatApi, path: Path) -> None:
    async with api.client(outbox=path) as client:
        api.chat.refuse = REFUSED
        refused = await client.send_message(ROOM, " ", queue=True)
        with pytest.raises(InvalidInput):
            await refused
        api.chat.refuse = None
        await (await client.send_message(ROOM, "hello", queue=True))
    assert [sent["text"] for sent in api.chat.sent] == ["hello"]


async def test_an_error_that_lasts_is_told_after_a_restart(api: ChatApi, path: Path) -> None:
    async with api.client(outbox=path) as client:
        api.chat.refuse = REFUSED
        await client.send_message(ROOM, " ", queue=True)
        await outbox(client).drained()
    async with api.client(outbox=path) as client:
        entry = await anext(outbox(client).failures())
        assert isinstance(entry.failure, InvalidInput)
        assert entry.mutation.variables["input"]["text"] == " "


async def test_generated_inputs_are_variables_and_what_is_no_json_is_named(api: ChatApi, client: Client) -> None:
    await client.mutate(SEND_MESSAGE, {"input": SendMessageInput(room_id=ROOM, text="hello")})
    assert api.chat.sent == [{"roomId": ROOM, "text": "hello"}]
    for wrong in (object(), "half of an emoji: \ud83d"):
        with pytest.raises(ValueError, match="no JSON"):
            await client.mutate(SEND_MESSAGE, {"input": {"roomId": ROOM, "text": wrong}})


async def test_without_an_outbox_nothing_is_queued(client: Client) -> None:
    with pytest.raises(NotQueueable, match="names the file"):
        await client.send_message(ROOM, "hello", queue=True)


async def test_settings_of_an_outbox(api: ChatApi, path: Path) -> None:
    await api.stop()
    async with api.client(outbox=Outbox(path, limit=1)) as client:
        await client.send_message(ROOM, "hello", queue=True)
        with pytest.raises(OutboxFull):
            await client.send_message(ROOM, "hello", queue=True)


async def test_a_second_client_of_an_outbox_is_refused(api: ChatApi, path: Path) -> None:
    async with api.client(outbox=path) as client:
        with pytest.raises(OutboxLocked):
            async with api.client(outbox=path):
                pass
        await (await client.send_message(ROOM, "hello", queue=True))


@pytest.fixture
def damaged(path: Path) -> Path:
    path.write_bytes(b"half of a fi")
    return path


async def test_a_damaged_outbox_is_refused(api: ChatApi, damaged: Path) -> None:
    with pytest.raises(OutboxUnusable):
        async with api.client(outbox=damaged):
            pass
