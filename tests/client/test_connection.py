"""A connection watches itself: heard, given up, followed, closed when nobody needs it. The transport is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.exceptions import TransportConnectionFailed

from headwater import clock, connection
from headwater.connection import Connection
from headwater.credentials import Caller, Grant
from headwater.endpoint import Endpoint
from headwater.network import Network
from tests.client.following import until

ENDPOINT = Endpoint("http://127.0.0.1:1/graphql", "ws://127.0.0.1:1/graphql/realtime")


class Server:
    """Answers pings, or does not."""

    def __init__(self, expires_at: float | None = None) -> None:
        self.grant = Grant(AppSyncApiKeyAuthentication("h", "k"), expires_at, "first")
        self.answers = True
        self.gone = False
        self.pings = 0
        self.closed = False
        self.reasons: list[str] = []

    async def ping(self) -> None:
        self.pings += 1
        if self.gone:
            raise TransportConnectionFailed("gone")
        if not self.answers:
            await asyncio.get_running_loop().create_future()

    async def fail(self, reason: str) -> None:
        self.gone = True
        self.reasons.append(reason)

    async def close(self) -> None:
        self.closed = True


class Listening:
    """Stands where a subscription stands, and writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def heard(self, heard: bool) -> None:
        self.told.append(heard)

    def renew(self) -> None:
        self.told.append("renew")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PING_SECONDS", 0.02)
    monkeypatch.setattr(connection, "WINDOW_SECONDS", 0.1)
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(connection, "RENEWAL_SECONDS", 0.05)


@pytest.fixture
def grants() -> list[Grant]:
    """What the caller shows from now on: the first of them, until there is another."""
    return [Grant(AppSyncApiKeyAuthentication("h", "k"), None, "first")]


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    way = Network(ENDPOINT.url)
    yield way
    await way.close()


def connected(server: Server, grants: list[Grant], network: Network) -> Connection:
    async def grant(_: Endpoint) -> Grant:
        return grants[0]

    return Connection(server, Caller(grant, ENDPOINT), network, clock.now())  # type: ignore[arg-type]


async def test_a_server_that_does_not_answer_is_unheard_then_given_up(grants: list[Grant], network: Network) -> None:
    server, listening = Server(), Listening()
    one = connected(server, grants, network)
    one.subscriptions.add(listening)  # type: ignore[arg-type]
    await until(lambda: server.pings > 2)
    assert one.heard
    assert listening.told == []
    server.answers = False
    await until(lambda: not one.heard)
    await until(lambda: listening.told == [False])
    assert not server.gone
    await until(lambda: server.gone)
    assert "answered none of" in server.reasons[0]
    await until(lambda: server.closed)
    assert not one.has_room


async def test_a_server_that_answers_again_is_heard_again(
    grants: list[Grant], network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_UNANSWERED", 1000)
    server, listening = Server(), Listening()
    one = connected(server, grants, network)
    one.subscriptions.add(listening)  # type: ignore[arg-type]
    server.answers = False
    await until(lambda: listening.told == [False])
    server.answers = True
    await until(lambda: listening.told == [False, True])
    assert one.has_room
    await one.close()


async def test_a_ping_counts_from_when_it_was_sent(grants: list[Grant], network: Network) -> None:
    """A process that was stopped between a ping and its answer has not heard the server just now."""
    server = Server()
    one = connected(server, grants, network)
    await until(lambda: server.pings > 1)
    times = iter([clock.now() - 60.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one, "_heard_at", 0.0)
        await one._ping(next(times))
        assert not one.heard
    await one.close()


async def test_a_connection_that_nobody_uses_is_closed(grants: list[Grant], network: Network) -> None:
    server = Server()
    connected(server, grants, network)
    await until(lambda: server.closed)


@pytest.mark.parametrize("newer", [True, False])
async def test_who_has_a_fresh_token_goes_over_before_the_old_one_expires(
    grants: list[Grant], network: Network, newer: bool
) -> None:
    server, listening = Server(clock.wall() + 0.2), Listening()
    grants[0] = server.grant
    one = connected(server, grants, network)
    one.subscriptions.add(listening)  # type: ignore[arg-type]
    if not newer:
        await asyncio.sleep(0.5)
        assert listening.told == []
        assert one.has_room, "the old token is all there is"
    grants[0] = Grant(server.grant.authentication, clock.wall() + 60, "second")
    await until(lambda: listening.told == ["renew"])
    assert not one.has_room
    one.subscriptions.clear()
    await until(lambda: server.closed)


async def test_it_is_the_token_that_expires_first_that_counts(grants: list[Grant], network: Network) -> None:
    server = Server(clock.wall() + 3600)
    one = connected(server, grants, network)
    one.shown(Grant(server.grant.authentication, clock.wall() + 100, "short"))
    one.shown(Grant(server.grant.authentication, clock.wall() + 1000, "long"))
    assert one._renews_at - clock.wall() == pytest.approx(75, abs=1)
    await one.close()
