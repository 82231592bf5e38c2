"""What tests of feeds share: to take what comes, to expect that nothing comes, and to wait for a state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from headwater import Change, Feed

DEADLINE_SECONDS = 20.0
SILENCE_SECONDS = 0.2


async def take(feed: Feed[Any], count: int) -> list[Change[Any]]:
    """The next changes; a `Resync` is none."""
    taken = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(count):
            event = await anext(feed)
            assert isinstance(event, Change), event
            taken.append(event)
    return taken


async def expect_silence(feed: Feed[Any]) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(feed), SILENCE_SECONDS)


async def expect_pending(task: asyncio.Task[Any]) -> None:
    done, _ = await asyncio.wait({task}, timeout=SILENCE_SECONDS)
    assert not done


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def brief(changes: list[Change[Any]]) -> list[tuple[int, str]]:
    return [(change.seq, change.source) for change in changes]


def texts(feed: Feed[Any]) -> list[str]:
    """What the feed's items say, in their order."""
    return [message.text for message in feed.items.values()]
