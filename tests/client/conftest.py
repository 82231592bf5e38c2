from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.client.chat_api import ChatApi


@pytest.fixture
async def api() -> AsyncIterator[ChatApi]:
    """The data plane with a room whose log and pushes the test controls."""
    served = ChatApi()
    await served.start()
    yield served
    await served.stop()
