"""The demo's parts together: real subscribers' processes, real sockets, writers, verdict."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.demo.__main__ import Options, run
from benchmarks.demo.replay import shares
from benchmarks.demo.subscribers import SubscriberError, Subscribers
from benchmarks.demo.table import Run
from local.seed import EXAMPLE
from local.seed.irc import Entry
from local.seed.load import read
from tests.client.chat_api import KEY, ROOM, ChatApi


@pytest.fixture
async def api() -> AsyncIterator[ChatApi]:
    served = ChatApi()
    await served.start()
    served.chat.on_sent = served.live
    yield served
    await served.stop()


@pytest.fixture
def state(api: ChatApi, tmp_path: Path) -> Path:
    """A state directory as a running instance keeps it."""
    url = f"127.0.0.1:{api.port}/graphql"
    outputs = {"graphql": f"http://{url}", "realtime": f"ws://{url}/realtime", "apiKey": KEY, "region": "us-east-1"}
    (tmp_path / "outputs.json").write_text(json.dumps(outputs))
    return tmp_path


async def replayed(state: Path, per_second: float | None) -> tuple[Run, str]:
    text = io.StringIO()
    options = Options(EXAMPLE, subscribers=3, writers=4, per_second=500.0, state=state)
    result = await run(read(EXAMPLE), options, state, Console(file=text, width=200), room=ROOM, per_second=per_second)
    return result, text.getvalue()


@pytest.mark.parametrize("per_second", [500.0, None])
async def test_an_undisturbed_replay_is_faultless(state: Path, per_second: float | None) -> None:
    result, printed = await replayed(state, per_second)
    assert result.faultless
    assert [one.delivered for one in result.each] == [result.entries] * 3
    assert (result.total.pushes, result.total.catch_ups) == (3 * result.entries, 0)
    assert (result.stored, result.lines_read) == (result.entries, 205)
    assert "stored 191" in printed
    assert "not faultless" not in printed


async def test_pushes_that_get_lost_are_caught_up(state: Path, api: ChatApi) -> None:
    async def forgetful(said: dict[str, object]) -> dict[str, object]:
        if len(api.chat.log) % 10 == 5:
            api.commit(str(said.pop("text")), **said)
            return dict(api.chat.log[-1]["message"])
        return await api.live(said)

    api.chat.on_sent = forgetful
    result, _ = await replayed(state, None)
    assert result.faultless
    assert result.total.catch_ups > 0


async def test_a_subscriber_that_cannot_connect_is_named(state: Path, api: ChatApi) -> None:
    await api.stop()
    with pytest.raises(SubscriberError, match="a subscriber ended: Unreachable: "):
        async with Subscribers(state, ROOM, 2):
            pass


def test_every_nickname_has_one_writer_and_every_writer_its_order() -> None:
    entries = [Entry(n, f"nick{n % 7}", "x", "00:00") for n in range(50)]
    places = shares(entries, 4)
    assert sorted(place for own in places for place in own) == list(range(50))
    assert all(own == sorted(own) for own in places)
    owners: dict[str, set[int]] = {}
    for writer, own in enumerate(places):
        for place in own:
            owners.setdefault(entries[place].author, set()).add(writer)
    assert all(len(writers) == 1 for writers in owners.values())
    assert all(own for own in places)


def test_fewer_nicknames_than_writers_leave_writers_idle() -> None:
    assert shares([Entry(1, "ada", "x", "00:00")], 3) == [[0], [], []]
