"""Credentials that are asked for each time, and connections that are followed by others before their token expires."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headwater import (
    Change,
    Client,
    Feed,
    NoCredentials,
    State,
    Unauthorized,
    authorizer,
    connect,
    connection,
    credentials,
    jwt,
)
from tests.client.chat_api import KEY, TOPIC, ChatApi, token
from tests.client.following import brief, take, until
from tests.client.link import Link
from tests.local.appsync.auth.issuers import Publisher, publishing

LIFE_SECONDS = 6.0


class Tokens:
    """An application's tokens: kept while they have half of their life left. `asked` counts, `made` keeps all."""

    def __init__(self, life: float = LIFE_SECONDS) -> None:
        self.life = life
        self.asked = 0
        self.made: list[str] = []
        self.failure: Exception | None = None
        self._until = 0.0

    async def __call__(self) -> str:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        if time.time() > self._until:
            self._until = time.time() + self.life / 2
            self.made.append(token(self.life))
        return self.made[-1]


@pytest.fixture
def user_pool() -> Any:
    with publishing() as web:
        yield web


@pytest.fixture
async def api(user_pool: Publisher) -> AsyncIterator[ChatApi]:
    served = ChatApi(user_pool)
    await served.start()
    yield served
    await served.stop()


@pytest.fixture
async def link(api: ChatApi) -> AsyncIterator[Link]:
    between = Link(api.port)
    await between.open()
    yield between
    await between.close()


def signed_in(link: Link, tokens: Tokens | str) -> Client:
    return connect(url=f"http://127.0.0.1:{link.port}/graphql", auth=jwt(tokens))


async def test_a_token_is_asked_for_at_each_request_handshake_and_subscription(api: ChatApi, link: Link) -> None:
    tokens = Tokens(3600)
    async with signed_in(link, tokens) as client:
        await client.send_message("lobby", "one")
        assert tokens.asked == 1
        async with client.live(TOPIC, after=0, snapshot=False):
            assert tokens.asked == 1 + 3, "the handshake, the subscription, the log"
            async with client.live("room:other", after=0, snapshot=False):
                assert tokens.asked == 4 + 2, "the same connection"


async def test_a_connection_is_followed_by_another_before_its_token_expires(
    api: ChatApi, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PING_SECONDS", 0.1)
    tokens = Tokens()
    seen: list[int] = []
    said: list[State] = []
    async with signed_in(link, tokens) as client, client.live(TOPIC) as feed, client.live("room:other") as other:
        tasks = [asyncio.create_task(_follow(feed, seen)), asyncio.create_task(_states(feed, said))]
        end = time.monotonic() + 2.5 * LIFE_SECONDS
        while time.monotonic() < end:
            await api.say("without a pause")
            await asyncio.sleep(0.02)
        await until(lambda: len(seen) == len(api.chat.log))
        assert said == ["live"], "no gap"
        assert other.state == "live"
        connections = client._realtime.connections
        await until(lambda: sum(not each.closed for each in connections) == 1)
        for task in tasks:
            task.cancel()
    assert seen == list(range(1, len(seen) + 1)), "each once and in order"
    assert link.opened >= 3
    assert len(tokens.made) >= 3


async def _follow(feed: Feed[Any], seen: list[int]) -> None:
    async for event in feed:
        assert isinstance(event, Change)
        seen.append(event.seq)


async def _states(feed: Feed[Any], said: list[State]) -> None:
    async for state in feed.states():
        said.append(state)  # noqa: PERF401 - to be read meanwhile


async def test_a_request_that_is_refused_is_made_again_with_another_token(api: ChatApi, link: Link) -> None:
    answers = [token(-10), token(60), token(60)]

    async def get_token() -> str:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async with signed_in(link, get_token) as client:  # type: ignore[arg-type]
        assert (await client.send_message("lobby", "one")).text == "one"


async def test_a_token_that_stays_refused_is_told(api: ChatApi, link: Link) -> None:
    async with signed_in(link, token(-10)) as client:
        with pytest.raises(Unauthorized):
            await client.send_message("lobby", "one")
        with pytest.raises(Unauthorized):
            await client.live(TOPIC).start()
        with pytest.raises(Unauthorized):
            await take(client.live(TOPIC), 1)


async def test_tokens_that_cannot_be_had_for_now_are_waited_for(api: ChatApi, link: Link) -> None:
    tokens = Tokens(3600)
    async with signed_in(link, tokens) as client, client.live(TOPIC) as feed:
        tokens.failure = ConnectionError("the user pool is away")
        with pytest.raises(NoCredentials, match="the user pool is away"):
            await client.send_message("lobby", "one")
        link.cut()
        await link.open()
        await until(lambda: feed.state != "live")
        api.commit("meanwhile")
        tokens.failure = None
        assert brief(await take(feed, 1)) == [(1, "catch-up")]


def test_the_expiry_of_a_token_is_read_and_of_other_texts_is_not_known() -> None:
    assert credentials.expiry(token(60)) == pytest.approx(time.time() + 60, abs=5)
    assert credentials.expiry("Bearer " + token(60)) is not None
    for text in ("", "a token", "a.b.c", "a.e30.c", "a.W10.c", "a.eyJleHAiOiJzb29uIn0.c", "a.€.c", KEY):
        assert credentials.expiry(text) is None


@pytest.mark.parametrize(("life", "lead"), [(3600.0, 60.0), (240.0, 60.0), (60.0, 15.0), (-5.0, 0.0)])
def test_the_successor_of_a_token_is_looked_for_in_good_time(life: float, lead: float) -> None:
    assert credentials.renewal(1000.0 + life, 1000.0) == 1000.0 + life - lead


async def test_an_authorizers_token_goes_into_the_same_header(api: ChatApi) -> None:
    grant = await credentials.Caller(authorizer("let me in"), api.client().endpoint).grant()
    assert grant.authentication.get_headers()["Authorization"] == "let me in"
    assert grant.expires_at is None
