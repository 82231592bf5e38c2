"""The process that writes: to each topic one thing after the other, in all ways that there are.

    python -m benchmarks.chaos.writers FOLDER STATE SEED TOPICS RATE

`RATE` is writes per second of all topics together. Lines of its input tell it to write some texts that are poison
(`poison on`, `poison off`), to end that (`over`), and to write an item of a name to every topic (`flush NAME`).
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.chaos.plan import POISON
from benchmarks.chaos.records import Records, now, value_of
from benchmarks.chaos.subscribers import topic
from headwater import connect
from headwater.client import Client
from headwater.errors import HeadwaterError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS = 5
LARGE = 250_000
MOST_OPEN_ITEMS = 12


class Table:
    """The main table, written to by someone who has the right to."""

    def __init__(self, state: Path) -> None:
        outputs = json.loads((state / "outputs.json").read_text("utf-8"))
        # Sent once: what is sent again could overtake what comes next.
        config = Config(retries={"total_max_attempts": 1}, read_timeout=30, connect_timeout=5, max_pool_connections=64)
        self._client: DynamoDBClient = boto3.client(
            "dynamodb", endpoint_url=outputs["aws"], region_name=outputs["region"], config=config,
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip
        self._name = next(name for name in self._client.list_tables()["TableNames"] if "MainTable" in name)
        self._hour = datetime.now(UTC).strftime("%Y%m%d%H")
        self._began_ms = time.time_ns() // 1_000_000

    def key(self, room_id: str, item: str) -> dict[str, Any]:
        """The key of an item."""
        return {"pk": {"S": f"MESSAGES#{room_id}#{self._hour}#0"}, "sk": {"S": f"{self._began_ms:013d}#{item}"}}

    def put(self, room_id: str, item: str, text: str) -> None:
        """Write an item whole. Raises BotoCoreError, ClientError."""
        self._client.put_item(TableName=self._name, Item={**self.key(room_id, item), "text": {"S": text}})

    def update(self, room_id: str, item: str, text: str) -> None:
        """Write its text alone. Raises BotoCoreError, ClientError."""
        self._client.update_item(
            TableName=self._name, Key=self.key(room_id, item), UpdateExpression="SET #text = :text",
            ExpressionAttributeNames={"#text": "text"}, ExpressionAttributeValues={":text": {"S": text}},
        )  # fmt: skip

    def delete(self, room_id: str, item: str) -> None:
        """Delete it, if it is there. Raises BotoCoreError, ClientError."""
        key = self.key(room_id, item)
        self._client.delete_item(TableName=self._name, Key=key, ConditionExpression="attribute_exists(pk)")


class Writer:
    """Writes to one topic. An item of which it does not know what became of a write is left alone from then on."""

    def __init__(
        self, number: int, table: Table, client: Client, records: Records, seed: int, poison: asyncio.Event
    ) -> None:
        self._room_id = topic(number)
        self._table = table
        self._client = client
        self._records = records
        self._chance = random.Random(f"{seed}-{number}")
        self._poison = poison
        self._count = 0
        self._open: list[str] = []
        self._left: set[str] = set()

    async def write(self) -> None:
        """One write, of some kind."""
        fate = self._chance.random()
        if fate < 0.25:
            await self._send(1)
        elif fate < 0.32:
            await self._send(self._chance.randint(2, 10))
        elif fate < 0.325:
            await self._store(self._new_item(), self._table.put, "x" * LARGE, rule="large")
        elif fate < 0.55 or not self._open:
            item = self._new_item()
            await self._store(item, self._table.put)
            if item not in self._left:
                self._open.append(item)
        elif fate < 0.85:
            poison = POISON if self._poison.is_set() and self._chance.random() < 0.1 else ""
            item = self._chance.choice(self._open)
            await self._store(item, self._chance.choice([self._table.put, self._table.update]), poison)
            if poison and item in self._open:
                # Two more writes, which wait behind it; then it is left alone.
                await self._store(item, self._table.update)
                await self._store(item, self._table.put)
                self._open = [each for each in self._open if each != item]
        else:
            await self._remove(self._chance.choice(self._open))
        while len(self._open) > MOST_OPEN_ITEMS:
            self._open.pop(0)

    async def flush(self, name: str) -> None:
        """Write an item by which everyone sees that nothing is missing; repeat it until it is answered."""
        while True:
            await self._store(name, self._table.put)
            if name not in self._left:
                return
            self._left.discard(name)
            await asyncio.sleep(0.5)

    def _new_item(self) -> str:
        self._count += 1
        return f"{self._room_id}-item-{self._count}"

    def _text(self, item: str, more: str = "") -> str:
        self._count += 1
        return f"{item} {self._count} {self._chance.getrandbits(64):x} {more}"

    async def _store(
        self, item: str, store: Callable[[str, str, str], None], more: str = "", rule: str = "each"
    ) -> None:
        text = self._text(item, more)
        await self._attempt(item, text, lambda: store(self._room_id, item, text), rule)

    async def _remove(self, item: str) -> None:
        await self._attempt(item, None, lambda: self._table.delete(self._room_id, item), "each")
        self._open = [each for each in self._open if each != item]

    async def _attempt(self, item: str, text: str | None, call: Callable[[], None], rule: str) -> None:
        begun = now()
        try:
            await asyncio.to_thread(call)
            outcome = "acknowledged"
        except (BotoCoreError, ClientError) as error:
            if "ConditionalCheckFailed" in str(error):
                raise SystemExit(f"{item} was acknowledged, and is not there") from error
            outcome = "unknown"
            self._left.add(item)
            self._open = [each for each in self._open if each != item]
        self._record(item, text, begun, outcome, rule)

    async def _send(self, count: int) -> None:
        """Send messages by a mutation, again if no answer came: its clientMutationId makes that safe."""
        texts = [self._text(f"{self._room_id}-sent-{self._count}") for _ in range(count)]
        mutation_id = f"{self._chance.getrandbits(96):x}"
        begun = now()
        for attempt in range(ATTEMPTS):
            try:
                if count == 1:
                    sent = [await self._client.send_message(self._room_id, texts[0], client_mutation_id=mutation_id)]
                else:
                    batch = [{"text": text} for text in texts]
                    sent = await self._client.send_messages(self._room_id, batch, client_mutation_id=mutation_id)  # type: ignore[arg-type]
            except HeadwaterError:
                if attempt == 0:
                    for text in texts:
                        self._record(None, text, begun, "unknown", "each")
                await asyncio.sleep(self._chance.random() * 2**attempt * 0.2)
            else:
                for message, text in zip(sent, texts, strict=True):
                    self._record(message.id, text, begun, "acknowledged", "each")
                return

    def _record(self, item: str | None, text: str | None, begun: int, outcome: str, rule: str) -> None:
        self._records.write(
            topic=self._room_id, item=item, value=value_of(text), begun=begun, ended=now(), outcome=outcome, rule=rule
        )


async def run(writer: Writer, seed: int, number: int, per_second: float, over: asyncio.Event) -> None:
    """Write at a rate until it is over."""
    chance = random.Random(f"{seed}-pace-{number}")
    while not over.is_set():
        await writer.write()
        try:
            async with asyncio.timeout(chance.expovariate(per_second)):
                await over.wait()
        except TimeoutError:
            pass


async def main(arguments: Sequence[str]) -> None:
    """Write, as the input says, until it ends."""
    folder, state = map(Path, arguments[:2])
    seed, topics, rate = int(arguments[2]), int(arguments[3]), float(arguments[4])
    poison = asyncio.Event()
    outputs = json.loads((state / "outputs.json").read_text("utf-8"))
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
    table = Table(state)
    over = asyncio.Event()
    with Records(folder / "writes-0.jsonl") as records:
        async with connect(
            url=outputs["graphql"], realtime_url=outputs["realtime"], api_key=outputs["apiKey"]
        ) as client:
            writers = [Writer(number, table, client, records, seed, poison) for number in range(topics)]
            tasks = [
                asyncio.create_task(run(writer, seed, number, rate / topics, over))
                for number, writer in enumerate(writers)
            ]
            while words := (await asyncio.to_thread(sys.stdin.readline)).split():
                if words[0] == "over":
                    over.set()
                    await asyncio.gather(*tasks)
                elif words == ["poison", "on"]:
                    poison.set()
                elif words == ["poison", "off"]:
                    poison.clear()
                elif words[0] == "flush":
                    await asyncio.gather(*(writer.flush(words[1]) for writer in writers))
                print(words[0], flush=True)
            over.set()
            await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
