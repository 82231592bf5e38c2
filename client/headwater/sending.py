"""What `headwater send` and `headwater query` do."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

from headwater.client import Client
from headwater.errors import GraphQLFailure, HeadwaterError
from headwater.generated.fragments import Message
from headwater.lines import printable, wire, write, write_json
from headwater.outbox import Outbox, Queued

# How many lines are queued ahead of their answers; less than an outbox holds.
MOST_WAITING: Final = 500


async def send(connect: Callable[..., Client], given: argparse.Namespace) -> None:
    """Send messages to a room, one after the other: the text, or each line of standard input that is not blank. With
    --outbox they are queued in a file first: a lost network or a crash neither loses nor doubles one, what an earlier
    run has left goes first, and one that is refused does not hold up the next."""
    async with connect(outbox=given.outbox) as client:
        if client.outbox is not None:
            await _send_queued(client, client.outbox, given)
            return
        async for text in _texts(given.text):
            _tell(await client.send_message(given.room, text, author=given.author), as_json=given.json)


async def _send_queued(client: Client, outbox: Outbox, given: argparse.Namespace) -> None:
    """A line is safe as soon as it was read; its answer is told when it comes."""
    if len(outbox):
        print(f"-- {len(outbox)} from before are sent first", file=sys.stderr)
    waiting: asyncio.Queue[Queued[Message] | None] = asyncio.Queue(MOST_WAITING)
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(_tell_answers(waiting, as_json=given.json))
        async for text in _texts(given.text):
            await waiting.put(await client.send_message(given.room, text, author=given.author, queue=True))
        await waiting.put(None)
    errors = telling.result()
    await outbox.drained()
    for entry in outbox.failed():  # of what an earlier run has left
        assert entry.failure is not None
        errors.append(entry.failure)
        await outbox.take(entry.mutation.id)
    if errors:
        raise ExceptionGroup("some messages were not sent", errors)


async def _tell_answers(waiting: asyncio.Queue[Queued[Message] | None], *, as_json: bool) -> list[HeadwaterError]:
    errors = []
    while (queued := await waiting.get()) is not None:
        try:
            _tell(await queued, as_json=as_json)
        except HeadwaterError as error:
            errors.append(error)
    return errors


async def query(connect: Callable[..., Client], given: argparse.Namespace) -> None:
    """Run a query or a mutation and print its `data`. An error leaves status 1, and prints what data there is."""
    document = await asyncio.to_thread(_document, given.document)
    async with connect() as client:
        run = client.mutate if _is_mutation(document) else client.query
        try:
            data = await run(document, given.variables)
        except GraphQLFailure as error:
            if error.data is not None:
                _print_data(error.data, as_json=given.json)
            raise
        _print_data(data, as_json=given.json)


async def _texts(words: list[str]) -> AsyncIterator[str]:
    if words != ["-"]:
        yield " ".join(words)
        return
    async for line in _standard_input():
        if line.strip():
            yield line


async def _standard_input() -> AsyncIterator[str]:
    """Its lines. A thread reads it: a regular file cannot be waited for, and a read that blocks must not hold up the
    end of the program, as one of the event loop's own threads would."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue(1)

    def hand_over(line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    def read() -> None:
        rest = b""
        with suppress(RuntimeError, CancelledError):  # the loop has ended
            while chunk := os.read(sys.stdin.fileno(), 1 << 16):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    hand_over(line.decode("utf-8", "replace").rstrip("\r"))
            if rest:
                hand_over(rest.decode("utf-8", "replace"))
            hand_over(None)

    Thread(target=read, name="headwater-stdin", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


def _tell(message: Message, *, as_json: bool) -> None:
    if as_json:
        write_json(wire(message))
    else:
        write(printable(f"{message.id} {message.author}: {message.text}"))


def _print_data(data: Any, *, as_json: bool) -> None:
    if as_json:
        write_json(data)
    else:
        # JSON writes ESC and its like as escapes; what else may steer a terminal is written so here.
        write("\n".join(map(printable, json.dumps(data, ensure_ascii=False, indent=2).split("\n"))))


def _document(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    if "{" not in given:
        try:
            return Path(given).read_text("utf-8")
        except OSError as error:
            raise GraphQLFailure([{"message": f"neither a document nor a file: {error}"}]) from error
    return given


def _is_mutation(document: str) -> bool:
    try:
        definitions = parse(document).definitions
    except GraphQLError:
        return False  # the client tells
    return any(
        isinstance(each, OperationDefinitionNode) and each.operation is OperationType.MUTATION for each in definitions
    )
