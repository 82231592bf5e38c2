"""Replaying a log: some writers, each with a share of the nicknames, each waiting for its own messages."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from benchmarks.demo.verdict import Sent
from local.graphql_client import GraphQLClient, Refused, Unreachable
from local.seed.irc import Entry

ATTEMPTS = 3

SEND_MESSAGE = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }"

MESSAGES = """
query($roomId: ID!, $nextToken: String) {
  messages(roomId: $roomId, order: OLDEST_FIRST, limit: 100, nextToken: $nextToken) { items { id } nextToken }
}"""

CHANGES = """
query($roomId: ID!, $after: Int!) {
  messageChanges(roomId: $roomId, after: $after, limit: 1000) { items { seq key } lastSeq headSeq resyncRequired }
}"""


@dataclass
class Replay:
    """What was sent. `sent` has each writer's messages in its order, `failed` a reason for each that was not taken."""

    sent: list[Sent] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0


def shares(entries: Sequence[Entry], writers: int) -> list[list[int]]:
    """For each writer the places of the entries that it sends, ascending.

    Every nickname belongs to one writer: the most talkative is given away first, to whoever has least to send.
    """
    owner: dict[str, int] = {}
    load = [0] * writers
    for author, count in Counter(entry.author for entry in entries).most_common():
        writer = load.index(min(load))
        owner[author] = writer
        load[writer] += count
    places: list[list[int]] = [[] for _ in range(writers)]
    for place, entry in enumerate(entries):
        places[owner[entry.author]].append(place)
    return places


async def replay(
    entries: Sequence[Entry],
    room: str,
    *,
    url: str,
    api_key: str,
    writers: int,
    per_second: float | None,
    progress: Callable[[], None] = lambda: None,
) -> Replay:
    """Send a log to a room; entry number n is due n / `per_second` seconds after the start, or at once without."""
    run = uuid4().hex
    result = Replay()
    began = time.monotonic()

    async def write(writer: int, places: list[int]) -> list[Sent]:
        client = GraphQLClient(url, api_key)
        sent: list[Sent] = []
        try:
            for place in places:
                if per_second is not None:
                    await asyncio.sleep(max(0.0, began + place / per_second - time.monotonic()))
                entry = entries[place]
                arguments = {
                    "roomId": room,
                    "author": entry.author,
                    "text": entry.text,
                    "originalTime": entry.time,
                    "clientMutationId": f"{run}-{place}",
                }
                sent_ns = time.monotonic_ns()
                try:
                    message_id = await _send(client, arguments)
                except (Refused, Unreachable) as error:
                    result.failed.append(f"line {entry.line}: {error}")
                else:
                    sent.append(Sent(message_id, writer, sent_ns, time.monotonic_ns()))
                progress()
        finally:
            await client.close()
        return sent

    async with asyncio.TaskGroup() as tasks:
        writing = [tasks.create_task(write(writer, places)) for writer, places in enumerate(shares(entries, writers))]
    for task in writing:
        result.sent += task.result()
    result.seconds = time.monotonic() - began
    return result


async def stored_ids(client: GraphQLClient, room: str) -> list[str]:
    """The ids of a room's messages, oldest first."""
    ids: list[str] = []
    token: str | None = None
    while True:
        page = (await client.execute(MESSAGES, {"roomId": room, "nextToken": token}))["messages"]
        ids += [message["id"] for message in page["items"]]
        token = page["nextToken"]
        if token is None:
            return ids


async def change_log(client: GraphQLClient, room: str, after: int) -> dict[int, str]:
    """The message id by number, for every entry of a room's change log after a number."""
    log: dict[int, str] = {}
    while True:
        page = (await client.execute(CHANGES, {"roomId": room, "after": after}))["messageChanges"]
        log |= {item["seq"]: item["key"] for item in page["items"]}
        if page["lastSeq"] >= page["headSeq"] or page["lastSeq"] <= after:
            return log
        after = page["lastSeq"]


async def _send(client: GraphQLClient, arguments: dict[str, str]) -> str:
    """Send one message, again if no answer came or too many were sent: its clientMutationId makes that safe."""
    attempt = 1
    while True:
        try:
            answer = await client.execute(SEND_MESSAGE, {"input": arguments})
            return str(answer["sendMessage"]["id"])
        except Refused as error:
            if error.pause_seconds is None:
                raise
            await asyncio.sleep(error.pause_seconds)
        except Unreachable:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(0.2 * attempt)
            attempt += 1
