"""A program of its own that follows a topic, to be stopped and woken: `python -m tests.client.follower URL KEY TOPIC`.

It prints a line of JSON for each state and each change, and looks at its state as often as it can.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from headwater import Feed, connect


async def main(url: str, key: str, topic: str) -> None:
    """Follow until the input ends."""
    async with connect(url=url, api_key=key) as client, client.live(topic) as feed:
        tasks = [asyncio.create_task(each) for each in (_follow(feed), _states(feed), _look(feed))]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()


async def _follow(feed: Feed[Any]) -> None:
    async for event in feed:
        _print(seq=event.position)


async def _states(feed: Feed[Any]) -> None:
    async for state in feed.states():
        _print(state=state)


async def _look(feed: Feed[Any]) -> None:
    said = None
    while True:
        if (says := feed.state) != said:
            said = says
            _print(looks=says)
        await asyncio.sleep(0.001)


def _print(**line: object) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
