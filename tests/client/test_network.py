"""A wait that ends at once when the network returns, and only then."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from headwater import network
from headwater.network import Network


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture
async def way(port: int) -> AsyncIterator[Network]:
    between = Network(f"http://127.0.0.1:{port}/graphql", chance=lambda: 0.5)
    yield between
    await between.close()


async def server(port: int) -> asyncio.Server:
    return await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)


async def test_all_who_wait_are_woken_when_the_network_returns(way: Network, port: int) -> None:
    waiting = [asyncio.create_task(way.wait(30)) for _ in range(3)]
    await asyncio.sleep(0.1)
    listening = await server(port)
    returned = time.monotonic()
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert time.monotonic() - returned < network.TRY_SECONDS + network.PAUSE_SECONDS + network.SPREAD_SECONDS
    listening.close()


async def test_a_network_that_was_there_all_the_time_wakes_nobody(way: Network, port: int) -> None:
    listening = await server(port)
    assert await way.wait(0.5) is False
    assert await way.wait(0.1) is False
    listening.close()


async def test_a_network_that_stays_away_wakes_nobody(way: Network) -> None:
    assert await way.wait(0.2) is False


async def test_who_waits_later_is_woken_by_the_next_return_only(way: Network, port: int) -> None:
    assert await way.reached() is False
    listening = await server(port)
    assert await way.wait(10) is True
    assert await way.wait(0.4) is False
    listening.close()


async def test_nothing_is_tried_while_nobody_waits(way: Network, port: int) -> None:
    tried = 0

    def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tried
        tried += 1
        writer.close()

    listening = await asyncio.start_server(count, "127.0.0.1", port)
    await way.wait(0.05)
    await asyncio.sleep(2 * network.PAUSE_SECONDS)
    assert tried == 1
    listening.close()


@pytest.mark.parametrize(
    ("url", "port"), [("https://h/graphql", 443), ("http://h", 80), ("wss://h:4001/x", 4001), ("https://h:1/", 1)]
)
def test_the_port_is_the_urls(url: str, port: int) -> None:
    assert Network(url)._port == port
