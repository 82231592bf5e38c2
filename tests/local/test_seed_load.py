"""Loading logs over HTTP into the real data plane."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from local.appsync.datasources import DataSourceError
from local.graphql_client import GraphQLClient, Refused, Unreachable
from local.progress import Progress
from local.seed import EXAMPLE, SeedError, seed, seed_if_empty
from local.seed.load import BATCH_SIZE
from tests.client.chat_api import KEY, ChatApi

LONG_AGO, FAR_AHEAD = "2001-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


@pytest.fixture
async def api() -> AsyncIterator[ChatApi]:
    served = ChatApi()
    await served.start()
    yield served
    await served.stop()


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def outputs(api: ChatApi) -> dict[str, str]:
    return {"graphql": f"http://127.0.0.1:{api.port}/graphql", "apiKey": KEY}


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\s+", " ", console.file.getvalue())


def chat_file(folder: Path, messages: int) -> Path:
    file = folder / "2004-12-25.txt"
    file.write_text("=== topic\n" + "".join(f"[03:{n % 60:02}] <nick{n % 3}> text {n}\n" for n in range(messages)))
    return file


async def test_every_message_is_sent_in_order_with_its_original_time(
    api: ChatApi, tmp_path: Path, console: Console
) -> None:
    count = 2 * BATCH_SIZE + 3
    api.chat.sent_at = FAR_AHEAD
    summary = await seed(chat_file(tmp_path, count), outputs(api), console=console)
    assert [sent["text"] for sent in api.chat.sent] == [f"text {n}" for n in range(count)]
    assert api.chat.sent[1] == {"author": "nick1", "text": "text 1", "originalTime": "2004-12-25T03:01"}
    assert (summary.file.room, summary.stored, summary.already_there) == ("2004-12-25", count, 0)


async def test_the_summary_tells_where_every_line_went(api: ChatApi, tmp_path: Path, console: Console) -> None:
    api.chat.sent_at = FAR_AHEAD
    file = tmp_path / "chat.txt"
    file.write_bytes(b"=== x\n[00:01] <a> caf\xe9\n[00:02]  * a waves\n?\n\n[00:03] <a> \n")
    await seed(file, outputs(api), room="tea", console=console)
    text = printed(console)
    for row in (
        "lines read │ 6",
        "messages stored │ 2",
        "said │ 1",
        "actions (* nick does) │ 1",
        "service lines (=== ...), left out │ 1",
        "blank lines │ 1",
        "say nothing, left out │ 1",
        "no known form, left out │ 1",
        "read as Windows-1252 │ 1",
        "lines 4",
    ):
        assert row in text.replace("┃", "│")


async def test_loading_twice_stores_once(api: ChatApi, tmp_path: Path, console: Console) -> None:
    file = chat_file(tmp_path, BATCH_SIZE + 1)
    api.chat.sent_at = LONG_AGO
    await seed(file, outputs(api), console=console)
    summary = await seed(file, outputs(api), console=console)
    assert len(api.chat.sent) == BATCH_SIZE + 1
    assert (summary.stored, summary.already_there) == (0, BATCH_SIZE + 1)


async def test_another_room_is_another_load(api: ChatApi, tmp_path: Path, console: Console) -> None:
    file = chat_file(tmp_path, 3)
    await seed(file, outputs(api), console=console)
    await seed(file, outputs(api), room="other", console=console)
    assert len(api.chat.sent) == 6


async def test_a_refusal_says_how_far_it_came(api: ChatApi, tmp_path: Path, console: Console) -> None:
    api.chat.refuse = DataSourceError("input.roomId must not begin or end with a blank.", "InvalidInput")
    with pytest.raises(SeedError, match=r"lines 2 to 4 of .* were not stored: InvalidInput: .* 0 of 3 messages are"):
        await seed(chat_file(tmp_path, 3), outputs(api), room=" x", console=console)


async def test_whoever_is_limited_waits_and_goes_on(api: ChatApi, tmp_path: Path, console: Console) -> None:
    api.chat.refuse = DataSourceError("Too many mutations.", "TooManyRequests")
    asyncio.get_running_loop().call_later(0.3, setattr, api.chat, "refuse", None)
    api.chat.sent_at = FAR_AHEAD
    summary = await seed(chat_file(tmp_path, 3), outputs(api), console=console)
    assert (summary.stored, len(api.chat.sent)) == (3, 3)


def test_the_pause_is_what_the_api_says_and_some_chance() -> None:
    limited = {"errorType": "TooManyRequests", "message": "Too many.", "errorInfo": {"retryAfterMs": 2000}}
    for _ in range(100):
        assert 2 <= (Refused([limited], None).pause_seconds or 0) <= 4
    assert Refused([{"errorType": "InvalidInput", "message": "No."}], None).pause_seconds is None


async def test_an_empty_instance_gets_the_repositorys_own_chat_once(api: ChatApi, console: Console) -> None:
    api.chat.on_sent = api.live
    first = await seed_if_empty(outputs(api), progress=Progress(console))
    assert first is not None
    sent = len(api.chat.sent)
    assert sent == len(first.file.log.entries)
    assert first.file.path == EXAMPLE
    assert await seed_if_empty(outputs(api), progress=Progress(console)) is None
    assert len(api.chat.sent) == sent


async def test_an_instance_that_cannot_be_filled_is_told_and_lives_on(api: ChatApi, console: Console) -> None:
    api.chat.refuse = DataSourceError("boom", "Lambda:Unhandled")
    assert await seed_if_empty(outputs(api), progress=Progress(console)) is None
    assert "Lambda:Unhandled: boom" in printed(console)


async def test_no_server_is_unreachable(api: ChatApi) -> None:
    await api.stop()
    client = GraphQLClient(f"http://127.0.0.1:{api.port}/graphql", KEY)
    with pytest.raises(Unreachable, match=rf"http://127\.0\.0\.1:{api.port}/graphql: "):
        await client.execute("{ __typename }")
    await client.close()


async def test_a_kept_connection_that_the_server_closed_is_made_anew(api: ChatApi) -> None:
    client = GraphQLClient(f"http://127.0.0.1:{api.port}/graphql", KEY)
    assert await client.execute("{ __typename }") == {"__typename": "Query"}
    await api.stop()
    await api.start()
    assert await client.execute("{ __typename }") == {"__typename": "Query"}
    await client.close()


async def test_requests_follow_each_other_on_one_connection() -> None:
    connections: list[int] = []
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        body = b'{"data":{"a":1}}'
        while (await reader.read(65536)).endswith(b"}"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        client = GraphQLClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql", KEY)
        for _ in range(3):
            assert await client.execute("{ a }") == {"a": 1}
        await client.close()
        await asyncio.wait_for(ended.wait(), 5)
    assert len(connections) == 1
