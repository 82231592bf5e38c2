"""Queries and mutations against the real data plane."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.credentials import Credentials

from headwater import GraphQLFailure, InvalidInput, Message, Unauthorized, Unreachable, connect, iam
from local.appsync.datasources import DataSourceError
from tests.client.chat_api import ACCESS_KEY, SECRET_KEY, ChatApi

HEAD = "query($roomId: ID!) { messageChanges(roomId: $roomId, after: 0) { headSeq } }"


async def test_a_query_answers_with_its_data(api: ChatApi) -> None:
    api.commit("one", "two")
    async with api.client() as client:
        assert await client.query(HEAD, {"roomId": "lobby"}) == {"messageChanges": {"headSeq": 2}}


async def test_a_sent_message_comes_back(api: ChatApi) -> None:
    async with api.client() as client:
        sent = await client.send_message(
            "lobby", "hello", author="ada", original_time="2004-12-25T03:14", client_mutation_id="1"
        )
    assert sent == Message(
        id="m1",
        room_id="lobby",
        author="ada",
        text="hello",
        sent_at=datetime(2026, 11, 21, 12, 0, 0, 123_000, UTC),
        version=1,
        original_time="2004-12-25T03:14",
    )
    assert api.chat.sent[0]["clientMutationId"] == "1"


async def test_what_is_not_given_is_not_sent(api: ChatApi) -> None:
    async with api.client() as client:
        await client.send_message("lobby", "hello")
    assert set(api.chat.sent[0]) == {"roomId", "text"}


async def test_a_batch_keeps_its_order(api: ChatApi) -> None:
    async with api.client() as client:
        sent = await client.send_messages("lobby", [{"text": "one", "author": "ada"}, {"text": "two"}])
    assert [message.text for message in sent] == ["one", "two"]


async def test_an_error_of_the_api_is_typed(api: ChatApi) -> None:
    api.chat.refuse = DataSourceError("input.text must not be empty.", "InvalidInput")
    async with api.client() as client:
        with pytest.raises(InvalidInput, match=r"input\.text must not be empty\.") as raised:
            await client.send_message("lobby", "")
    assert raised.value.data == {"sendMessage": None}


async def test_a_document_that_does_not_validate(api: ChatApi) -> None:
    async with api.client() as client:
        with pytest.raises(GraphQLFailure, match="FieldUndefined"):
            await client.query("{ nothing }")


async def test_a_document_that_does_not_parse(api: ChatApi) -> None:
    async with api.client() as client:
        with pytest.raises(GraphQLFailure, match="Syntax Error"):
            await client.query("{")


async def test_a_wrong_key_is_unauthorized(api: ChatApi) -> None:
    async with api.client(key="da2-00000000000000000000000000") as client:
        with pytest.raises(Unauthorized):
            await client.query(HEAD, {"roomId": "lobby"})


async def test_an_iam_caller_signs(api: ChatApi) -> None:
    async with connect(
        url=f"http://127.0.0.1:{api.port}/graphql",
        auth=iam(credentials=Credentials(ACCESS_KEY, SECRET_KEY), region="us-east-1"),
    ) as client:
        assert await client.query(HEAD, {"roomId": "lobby"}) == {"messageChanges": {"headSeq": 0}}


async def test_a_wrong_secret_is_refused(api: ChatApi) -> None:
    async with connect(
        url=f"http://127.0.0.1:{api.port}/graphql",
        auth=iam(credentials=Credentials(ACCESS_KEY, "wrong"), region="us-east-1"),
    ) as client:
        with pytest.raises(GraphQLFailure, match="signature"):
            await client.query(HEAD, {"roomId": "lobby"})


async def test_no_server_is_unreachable(api: ChatApi) -> None:
    await api.stop()
    async with api.client() as client:
        with pytest.raises(Unreachable, match=rf"http://127\.0\.0\.1:{api.port}/graphql: "):
            await client.query(HEAD, {"roomId": "lobby"})
