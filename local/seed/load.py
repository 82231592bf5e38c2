"""Loading a chat log through the GraphQL API: in order, in batches, and safe to run again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from local.graphql_client import GraphQLClient, Refused, Unreachable
from local.seed.irc import Entry, Log, parse

BATCH_SIZE = 50  # sendMessages takes 90; smaller ones show progress
MAX_BYTES = 64 * 1024 * 1024
MAX_ROOM_LENGTH = 128
ATTEMPTS = 4
MOST_MINUTES_BACK = 120

SEND_MESSAGES = """
mutation SendMessages($input: SendMessagesInput!) { sendMessages(input: $input) { messages { id sentAt } } }"""


class SeedError(Exception):
    """The file cannot be loaded; the message says why and what to do."""


@dataclass(frozen=True)
class ChatFile:
    """A log that is ready to be loaded. `times` are the entries' own, with the date where the file's name has one."""

    path: Path
    room: str
    digest: str
    log: Log
    times: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """What loading did. `already_there` counts messages that an earlier run had stored."""

    file: ChatFile
    stored: int
    already_there: int


def read(path: Path, room: str | None = None) -> ChatFile:
    """Read and check a file.

    Raises:
        SeedError: it is missing, unreadable, empty, larger than MAX_BYTES, or no IRC log.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SeedError(f"{path} has {size / 1e6:,.0f} MB; at most {MAX_BYTES // 1_000_000} MB: split it")
        data = path.read_bytes()
    except FileNotFoundError:
        raise SeedError(f"there is no file {path}") from None
    except OSError as error:
        raise SeedError(f"{path} cannot be read: {error.strerror}") from error
    if not data.strip():
        raise SeedError(f"{path} is empty")
    if b"\0" in data:
        raise SeedError(f"{path} is not text: it has zero bytes")
    log = parse(data)
    if not log.entries:
        raise SeedError(f"{path} has no message: none of its {log.lines:,} lines reads `[HH:MM] <nick> text`")
    return ChatFile(
        path=path,
        room=room if room is not None else room_name(path),
        digest=sha256(data).hexdigest(),
        log=log,
        times=tuple(original_times(log.entries, date_in(path.name))),
    )


def room_name(path: Path) -> str:
    """The room that a file is loaded into: its name up to the first dot, as far as a URL takes it unquoted."""
    name = re.sub(r"[^\w-]+", "-", path.name.lstrip(".").split(".")[0]).strip("-")
    return name[:MAX_ROOM_LENGTH] or "chat"


def date_in(name: str) -> date | None:
    """The first date, `2004-12-25`, in a file's name."""
    for found in re.findall(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", name):
        try:
            return date.fromisoformat(found)
        except ValueError:
            continue
    return None


def original_times(entries: list[Entry], day: date | None) -> list[str]:
    """`2004-12-25T03:14`, or `03:14` without a day.

    A clock that goes back has passed midnight, unless by less than MOST_MINUTES_BACK: clocks are set, and summer ends.
    """
    if day is None:
        return [entry.time for entry in entries]
    times: list[str] = []
    before = 0
    for entry in entries:
        minutes = int(entry.time[:2]) * 60 + int(entry.time[3:5])
        if before - minutes > MOST_MINUTES_BACK:
            day += timedelta(days=1)
        before = minutes
        times.append(f"{day.isoformat()}T{entry.time}")
    return times


async def load(
    file: ChatFile,
    client: GraphQLClient,
    *,
    salt: str = "",
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Send a file's messages in their order; `progress` is told how many each step sent.

    Every batch has a clientMutationId made from the file's content, the room and the batch's place, so that a run that
    was cut off is repeated from the start and doubles nothing. Another `salt` makes other ids.

    Raises:
        SeedError: the API refused a batch or could not be reached; says how far it came.
    """
    stored = already_there = 0
    began = datetime.now(UTC)
    entries = file.log.entries
    for start in range(0, len(entries), BATCH_SIZE):
        batch = entries[start : start + BATCH_SIZE]
        arguments = {
            "roomId": file.room,
            "clientMutationId": _mutation_id(file, start, salt),
            "messages": [
                {"author": entry.author, "text": entry.text, "originalTime": time}
                for entry, time in zip(batch, file.times[start:], strict=False)
            ],
        }
        try:
            answer = await _send(client, arguments)
        except (Refused, Unreachable) as error:
            raise SeedError(
                f"lines {batch[0].line} to {batch[-1].line} of {file.path} were not stored: {error}. "
                f"{start:,} of {len(entries):,} messages are; run it again to go on"
            ) from error
        for message in answer["sendMessages"]["messages"]:
            if datetime.fromisoformat(message["sentAt"]) < began:
                already_there += 1
            else:
                stored += 1
        if progress is not None:
            progress(len(batch))
    return Summary(file, stored, already_there)


async def _send(client: GraphQLClient, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Send a batch, again if no answer came or too many were sent: the clientMutationId makes that safe."""
    attempt = 0
    while True:
        try:
            return await client.execute(SEND_MESSAGES, {"input": arguments})
        except Refused as error:
            if error.pause_seconds is None:
                raise
            await asyncio.sleep(error.pause_seconds)
        except Unreachable:
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(0.2 * 2**attempt)
            attempt += 1


def _mutation_id(file: ChatFile, start: int, salt: str) -> str:
    identity = f"{file.digest}\0{file.room}\0{BATCH_SIZE}\0{salt}"
    return f"seed-{sha256(identity.encode()).hexdigest()[:32]}-{start}"
