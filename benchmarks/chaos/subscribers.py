"""A process with some of the subscribers: each with a client of its own, its room, its habits and its file.

    python -m benchmarks.chaos.subscribers FOLDER STATE SEED FIRST COUNT TOPICS

Every tenth is a signed-in user with the token in FOLDER's neighbour `token`; the others have the API key. The process
reads `end` from its input, and tells of each `flush-...` item that a subscriber was called back with.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

from benchmarks.chaos.records import Records, now, value_of
from headwater import Change, Message, Resync, connect, jwt
from headwater.errors import HeadwaterError

CONNECT_SECONDS = 2.0
FLUSH = "flush-"
MOST_ITEMS = 1_000_000  # of a room: a state that is read anew must be whole


def topic(number: int) -> str:
    """The room of a number."""
    return f"chaos-{number}"


class Subscriber:
    """Listens to one room; goes away now and then and comes back to where it was."""

    def __init__(self, number: int, topics: int, state: Path, folder: Path, seed: int) -> None:
        self._room_id = topic(number % topics)
        self._name = f"subscriber-{number}"
        self._chance = random.Random(f"{seed}-{number}")
        self._state = state
        self._token = (folder.parent / "token").read_text("utf-8") if number % 10 == 7 else None
        self._records = Records(folder / f"callbacks-{number:03}.jsonl")
        self._position: int | None = 0 if number % 3 == 0 else None
        self._restless = number % 2 == 1
        start = "now" if self._position is None else "start"
        what = {"subscriber": self._name, "topic": self._room_id, "from": start}
        self._records.write(event="subscribed", **what)

    async def listen(self) -> None:
        """Listen until cancelled."""
        try:
            while True:
                try:
                    await self._listen_once()
                except (HeadwaterError, FileNotFoundError, ValueError) as error:
                    print(
                        json.dumps({"subscriber": self._name, "error": f"{type(error).__name__}: {error}"}), flush=True
                    )
                    await asyncio.sleep(self._chance.random() * CONNECT_SECONDS)
        finally:
            self._records.write(event="end", at=now())

    async def _listen_once(self) -> None:
        outputs = json.loads((self._state / "outputs.json").read_text("utf-8"))
        token = self._token
        async with connect(
            url=outputs["graphql"],
            realtime_url=outputs["realtime"],
            api_key=outputs["apiKey"],
            auth=None if token is None else jwt(token),
        ) as client:
            feed = client.live(f"room:{self._room_id}", after=self._position, snapshot=False, keep=MOST_ITEMS)
            try:
                async with feed:
                    self._records.write(event="live", at=now())
                    patience = self._chance.uniform(3.0, 40.0) if self._restless else None
                    async with asyncio.timeout(patience):
                        async for event in feed:
                            self._called_back(event)
            except TimeoutError:
                pass  # it goes away
            finally:
                self._position = feed.position
        await asyncio.sleep(self._chance.random() * 5.0)

    def _called_back(self, change: Change[Message] | Resync[Message]) -> None:
        if isinstance(change, Resync):
            state = {key: value_of(message.text) for key, message in change.items.items()}
            self._records.write(event="anew", state=state, at=now())
            return
        text = change.item.text if change.item else None
        more = {"gone": True} if change.truncated else {}
        self._records.write(event="callback", item=change.key, value=value_of(text), at=now(), seq=change.seq, **more)
        if change.key.startswith(FLUSH):
            self._tell(flush=change.key)

    def _tell(self, **what: str) -> None:
        print(json.dumps({"subscriber": self._name, **what}), flush=True)


async def main(arguments: list[str]) -> None:
    """Run the subscribers until the input says `end`."""
    folder, state = map(Path, arguments[:2])
    seed, first, count, topics = map(int, arguments[2:])
    subscribers = [Subscriber(number, topics, state, folder, seed) for number in range(first, first + count)]
    listening = [asyncio.create_task(subscriber.listen()) for subscriber in subscribers]
    await asyncio.to_thread(sys.stdin.readline)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
