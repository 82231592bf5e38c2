"""One user of the Python client behind a network that fails: writes down what it is told and what it says.

    python -m benchmarks.cuts.subscriber FOLDER STATE NAME TOPIC URL [SECONDS]

With `SECONDS` it is a signed-in user whose tokens live so long. It tells of each `flush-...` item on its output, and
ends at the end of its input.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.chaos.records import Records, now, value_of
from benchmarks.chaos.subscribers import FLUSH, MOST_ITEMS
from headwater import Change, Resync, connect, jwt
from headwater.client import Client
from headwater.feed import Feed

WINDOW_SECONDS = 8.0
"""Within which the client promises to notice that it hears nothing: docs/python-client.md."""

LOOK_SECONDS = 0.05
KEPT = 0.7
"""Of a token's life: then the application gets another."""


async def listen(folder: Path, state: Path, name: str, topic: str, url: str, life: int | None) -> None:
    """Follow the topic until the input ends."""
    outputs = json.loads((state / "outputs.json").read_text("utf-8"))
    with (
        Records(folder / f"callbacks-{name}.jsonl") as callbacks,
        Records(folder / f"states-{name}.jsonl") as states,
    ):
        callbacks.write(event="subscribed", subscriber=name, topic=topic.partition(":")[2], **{"from": "now"})
        states.write(subscriber=name, window=WINDOW_SECONDS)
        async with _client(outputs, state, name, url, life) as client, asyncio.TaskGroup() as tasks:
            feed = client.live(topic, keep=MOST_ITEMS)
            following = tasks.create_task(_follow(feed, callbacks, name))
            looking = tasks.create_task(_look(feed, states))
            told_to_end = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
            await asyncio.wait({told_to_end, following}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                sys.exit(f"{name}: {following.exception()!r}")
            for task in (following, looking):
                task.cancel()
        callbacks.write(event="end", at=now())


def _client(outputs: dict[str, Any], state: Path, name: str, url: str, life: int | None) -> Client:
    if life is None:
        return connect(url=url, api_key=outputs["apiKey"])

    kept = ("", 0.0)

    async def token() -> str:
        nonlocal kept
        if time.monotonic() < kept[1]:
            return kept[0]
        asked = time.monotonic()
        command = ("-m", "local", "token", "--user", name, "--expires", str(life))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"HEADWATER_STATE": str(state)},
        )  # fmt: skip
        said, _ = await process.communicate()
        if process.returncode:
            raise ConnectionError("the user pool does not answer")
        kept = said.decode().strip(), asked + KEPT * life
        return kept[0]

    return connect(url=url, auth=jwt(token))


async def _follow(feed: Feed[Any], records: Records, name: str) -> None:
    async with feed:
        records.write(event="live", at=now())
        async for event in feed:
            match event:
                case Resync(items=items):
                    shown = {key: value_of(item.text) for key, item in items.items()}
                    records.write(event="anew", state=shown, at=now())
                case Change(key=key, item=item, truncated=truncated):
                    more = {"gone": True} if truncated else {}
                    records.write(
                        event="callback", item=key, value=value_of(item.text if item else None), at=now(), **more
                    )
                    if key.startswith(FLUSH):
                        print(json.dumps({"subscriber": name, "flush": key}), flush=True)


async def _look(feed: Feed[Any], records: Records) -> None:
    said = None
    while True:
        if (says := feed.state) != said:
            said = says
            records.write(state=says, at=now())
        await asyncio.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    _, folder, state, name, topic, url, *life = sys.argv
    asyncio.run(listen(Path(folder), Path(state), name, topic, url, int(life[0]) if life else None))
