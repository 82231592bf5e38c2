"""The command `headwater`, as a shell runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from headwater.command import main
from headwater.lines import printable
from headwater.outbox_file import OutboxFile
from local.appsync.datasources import DataSourceError
from tests.client.chat_api import HOST, KEY, ROOM, TOPIC, ChatApi
from tests.client.following import until

PROJECT = Path(__file__).parents[2]


class Ended(NamedTuple):
    status: int | None
    output: str
    errors: str

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.output.splitlines()]


@asynccontextmanager
async def started(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "headwater", *arguments,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "client"), "HEADWATER_STATE": "/nowhere", **environment},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process, given: str | None = None) -> Ended:
    async with asyncio.timeout(20):
        output, errors = await process.communicate(None if given is None else given.encode())
    return Ended(process.returncode, output.decode(), errors.decode())


async def run(*arguments: str, given: str | None = None, **environment: str) -> Ended:
    async with started(*arguments, **environment) as process:
        return await ended(process, given)


def at(api: ChatApi, key: str = KEY) -> tuple[str, ...]:
    return "--url", f"http://{HOST}:{api.port}/graphql", "--api-key", key


async def line_of(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while line := await process.stdout.readline():
            told: dict[str, Any] = json.loads(line)
            if told["event"] == event:
                return told
    raise AssertionError(f"it ended without the event {event}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_watch_prints_changes_as_they_come_and_stops_when_told(api: ChatApi, number: int) -> None:
    async with started("watch", TOPIC, "--json", *at(api)) as process:
        assert await line_of(process, "live") == {"event": "live", "subscriber": 0, "topic": TOPIC, "position": 0}
        await api.say("hello")
        change = await line_of(process, "change")
        assert (change["seq"], change["kind"], change["key"], change["source"]) == (1, "INSERT", "m1", "push")
        assert change["item"]["text"] == "hello"
        assert change["item"]["sentAt"].startswith("2026-11-21T12:00:00.123")
        assert change["monotonicNs"] > 0
        process.send_signal(number)
        told = await ended(process)
    assert (told.status, told.errors) == (0, "")


async def test_watch_resumes_after_a_number(api: ChatApi) -> None:
    api.commit("one", "two")
    async with started("watch", TOPIC, "--json", "--after", "1", *at(api)) as process:
        assert (await line_of(process, "change"))["seq"] == 2


async def test_watch_goes_on_where_its_cursor_is(api: ChatApi, tmp_path: Path) -> None:
    cursor = ("--cursor", str(tmp_path / "cursor"), "--json")
    async with started("watch", TOPIC, *cursor, *at(api)) as process:
        await line_of(process, "live")
        await api.say("one", "two")
        assert (await line_of(process, "change"))["seq"] == 1
        assert (await line_of(process, "change"))["seq"] == 2
        await until(lambda: '"room:lobby": 2' in (tmp_path / "cursor").read_text())
    api.commit("three")
    async with started("watch", TOPIC, *cursor, *at(api)) as process:
        assert (await line_of(process, "change"))["seq"] == 3


async def test_watch_is_readable(api: ChatApi) -> None:
    async with started("watch", TOPIC, *at(api), "--after", "0", TZ="UTC") as process:
        api.commit("hello")
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
    assert line.decode() == "     1 12:00:00 + ada: hello\n"


async def test_watch_of_several_clients_at_once(api: ChatApi) -> None:
    async with started("watch", TOPIC, "--json", "--subscribers", "3", *at(api)) as process:
        for _ in range(3):
            await line_of(process, "live")
        await api.say("hello")
        assert {(await line_of(process, "change"))["subscriber"] for _ in range(3)} == {0, 1, 2}


async def test_watch_tells_its_states(api: ChatApi) -> None:
    async with started("watch", TOPIC, "--json", *at(api)) as process:
        await line_of(process, "live")
        await api.stop()
        while (await line_of(process, "state"))["state"] != "offline":
            pass
        await api.start()
        while (await line_of(process, "state"))["state"] != "live":
            pass


async def test_watch_ends_quietly_when_nobody_reads(api: ChatApi) -> None:
    async with started("watch", TOPIC, "--json", *at(api)) as process:
        await line_of(process, "live")
        assert process.stdout is not None
        process.stdout._transport.close()  # type: ignore[attr-defined]  # as `| head` does
        await api.say("one")
        await api.say("two")
        assert process.stderr is not None
        assert (await asyncio.wait_for(process.wait(), 20), await process.stderr.read()) == (0, b"")


async def test_send_says_its_words(api: ChatApi) -> None:
    told = await run("send", ROOM, "hello", "there", "--author", "ada", *at(api))
    assert (told.status, told.output, told.errors) == (0, "m1 ada: hello there\n", "")


async def test_send_says_each_line_of_its_input(api: ChatApi) -> None:
    told = await run("send", ROOM, "-", "--json", *at(api), given="one\r\n\n  \ntwo\nthrée")
    assert [message["text"] for message in told.lines] == ["one", "two", "thrée"]
    assert [sent["text"] for sent in api.chat.sent] == ["one", "two", "thrée"]


async def test_send_stops_while_it_waits_for_input(api: ChatApi) -> None:
    async with started("send", ROOM, "-", *at(api)) as process:
        assert process.stdin is not None
        process.stdin.write(b"one\n")
        await until(lambda: len(api.chat.sent) == 1)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            assert await process.wait() == 130


async def test_send_ends_at_the_first_message_that_is_refused(api: ChatApi) -> None:
    api.chat.refuse = DataSourceError("input.text must not be empty.", "InvalidInput")
    told = await run("send", ROOM, "-", *at(api), given="one\ntwo\n")
    assert (told.status, told.output, told.errors) == (1, "", "InvalidInput: input.text must not be empty.\n")


async def test_send_by_an_outbox_goes_on_after_what_was_refused(api: ChatApi, tmp_path: Path) -> None:
    refusals = iter([DataSourceError("input.text must not be empty.", "InvalidInput")])

    async def answer(said: dict[str, Any]) -> dict[str, Any]:
        if refusal := next(refusals, None):
            raise refusal
        return await api.live(said)

    api.chat.on_sent = answer
    told = await run("send", ROOM, "-", "--outbox", str(tmp_path / "outbox"), *at(api), given="one\ntwo\nthree\n")
    assert told.status == 1
    assert told.output.splitlines() == ["m1 ada: two", "m2 ada: three"]
    assert told.errors == "InvalidInput: input.text must not be empty.\n"


async def test_send_by_an_outbox_survives_kill_9(api: ChatApi, tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    await api.stop()
    async with started("send", ROOM, "-", "--outbox", str(path), *at(api)) as process:
        assert process.stdin is not None
        process.stdin.write("".join(f"message {number}\n" for number in range(20)).encode())
        process.stdin.close()
        await until(lambda: path.exists() and b"message 5" in path.read_bytes())
        process.kill()
        await process.wait()
    kept = said_in(path)
    assert kept == [f"message {number}" for number in range(len(kept))]
    await api.start()
    told = await run("send", ROOM, "last", "--outbox", str(path), *at(api))
    assert told.errors == f"-- {len(kept)} from before are sent first\n"
    assert (told.status, told.output) == (0, f"m{len(kept) + 1} ada: last\n")
    assert [sent["text"] for sent in api.chat.sent] == [*kept, "last"]


def said_in(path: Path) -> list[str]:
    file = OutboxFile(path, 0)
    try:
        return [entry.mutation.variables["input"]["text"] for entry in file.open()]
    finally:
        file.close()


MESSAGES = "query($room: ID!) { messages(roomId: $room) { items { text } } }"


async def test_query_prints_what_is_answered(api: ChatApi, tmp_path: Path) -> None:
    api.commit("hello \u202e\x1b]0;title\x07")
    variables = json.dumps({"room": ROOM})
    data = {"messages": {"items": [{"text": "hello \u202e\x1b]0;title\x07"}]}}
    told = await run("query", MESSAGES, "--variables", variables, "--json", *at(api))
    assert (told.status, told.lines) == (0, [data])
    file, values = tmp_path / "messages.graphql", tmp_path / "variables.json"
    file.write_text(MESSAGES)
    values.write_text(variables)
    told = await run("query", str(file), "--variables", f"@{values}", *at(api))
    assert "\u202e" not in told.output
    assert json.loads(told.output) == data
    told = await run("query", "-", "--variables", variables, *at(api), given=MESSAGES)
    assert json.loads(told.output) == data


async def test_query_runs_mutations_too(api: ChatApi) -> None:
    document = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { text } }"
    told = await run("query", document, "--variables", '{"input": {"roomId": "lobby", "text": "hi"}}', *at(api))
    assert json.loads(told.output) == {"sendMessage": {"text": "hi"}}


async def test_the_exit_status_tells_what_went_wrong(api: ChatApi) -> None:
    refused = await run("query", "{ nothing }", *at(api))
    assert refused.status == 1
    assert "nothing" in refused.errors
    assert (await run("query", MESSAGES, *at(api, "da2-nobodys"))).status == 1
    unreachable = await run(
        "query", "{ rooms { items { id } } }", "--url", "http://127.0.0.1:9/graphql", "--api-key", "k"
    )
    assert (unreachable.status, unreachable.errors.count("Unreachable: ")) == (3, 1)
    nowhere = await run("watch", TOPIC)
    assert (nowhere.status, nowhere.errors.count("NoEndpoint: ")) == (3, 1)
    unknown = await run("watch", "weather", *at(api))
    assert (unknown.status, "UnknownTopic" in unknown.errors) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("watch",),
        ("watch", TOPIC, "--after", "-1"),
        ("watch", TOPIC, "--cursor", "f", "--subscribers", "2"),
        ("query", "{ a }", "--variables", "[]"),
        ("query", "{ a }", "--variables", "{"),
        ("query", "{ a }", "--variables", "@nothing/there"),
        ("query", "{ a }", "--api-key", "@nothing/there"),
        ("send", ROOM),
        ("send", ROOM, "a", "--iam", "--token", "t"),
    ],
)
def test_wrong_arguments_end_with_status_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended_with:
        main(arguments)
    assert ended_with.value.code == 2
    told = capsys.readouterr()
    assert (told.out, told.err.startswith("usage: headwater")) == ("", True)


def test_texts_of_strangers_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[2Jb\x9b\r\n\u2028") == "a\\x1b[2Jb\\x9b\\r\\n\\u2028"
    assert printable("größer 👩\u200d👧 日本") == "größer 👩\u200d👧 日本"
