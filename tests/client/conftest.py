from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater import Client, Feed, Message
from tests.client.chat_api import TOPIC, ChatApi


@pytest.fixture
async def api() -> AsyncIterator[ChatApi]:
    """The data plane with a room whose log and pushes the test controls."""
    served = ChatApi()
    await served.start()
    yield served
    await served.stop()


@pytest.fixture
async def client(api: ChatApi) -> AsyncIterator[Client]:
    async with api.client() as connected:
        yield connected


@pytest.fixture
async def feed(client: Client) -> AsyncIterator[Feed[Message]]:
    """A live feed of a room with nothing in it."""
    async with client.live(TOPIC) as live:
        yield live
