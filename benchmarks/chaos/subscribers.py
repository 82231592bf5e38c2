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

import boto3
from gql.transport.appsync_auth import AppSyncJWTAuthentication

from benchmarks.chaos.records import Records, now, value_of
from headwater import connect
from headwater.changes import Change
from headwater.errors import HeadwaterError, ResyncRequired

CONNECT_SECONDS = 2.0
FLUSH = "flush-"


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
                except ResyncRequired as error:
                    self._records.write(event="anew", state=await asyncio.to_thread(self._read_state), at=now())
                    self._position = error.head_seq
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
            auth=None if token is None else lambda endpoint: AppSyncJWTAuthentication(endpoint.host, token),
        ) as client:
            room = client.room(self._room_id, after=self._position)
            try:
                async with room:
                    self._records.write(event="live", at=now())
                    patience = self._chance.uniform(3.0, 40.0) if self._restless else None
                    async with asyncio.timeout(patience):
                        async for change in room:
                            self._called_back(change)
            except TimeoutError:
                pass  # it goes away
            finally:
                self._position = room.position
        await asyncio.sleep(self._chance.random() * 5.0)

    def _called_back(self, change: Change) -> None:
        text = change.message.text if change.message else None
        more = {"gone": True} if change.truncated else {}
        self._records.write(event="callback", item=change.key, value=value_of(text), at=now(), seq=change.seq, **more)
        if change.key.startswith(FLUSH):
            self._tell(flush=change.key)

    def _tell(self, **what: str) -> None:
        print(json.dumps({"subscriber": self._name, **what}), flush=True)

    def _read_state(self) -> dict[str, str]:
        return read_state(self._state, self._room_id)


def read_state(state: Path, room_id: str) -> dict[str, str]:
    """A room's items as the table has them: value by key."""
    outputs = json.loads((state / "outputs.json").read_text("utf-8"))
    client = boto3.client(
        "dynamodb", endpoint_url=outputs["aws"], region_name=outputs["region"],
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip
    name = next(name for name in client.list_tables()["TableNames"] if "MainTable" in name)
    pages = client.get_paginator("scan").paginate(
        TableName=name, ConsistentRead=True, FilterExpression="begins_with(pk, :pk)",
        ExpressionAttributeValues={":pk": {"S": f"MESSAGES#{room_id}#"}},
    )  # fmt: skip
    items = [item for page in pages for item in page["Items"]]
    return {item["sk"]["S"].partition("#")[2]: item["text"]["S"][:100] for item in items}


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
