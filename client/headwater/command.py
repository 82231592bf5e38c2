"""`headwater`, the command: `headwater watch TOPIC`, `headwater send ROOM TEXT`, `headwater query FILE|TEXT`.

Results go to standard output, all else to standard error. The exit status is

    0   done; for `watch` also: stopped by Ctrl-C, SIGTERM, or because nobody reads its output any more
    1   the API refused, or answered with errors
    2   the arguments are wrong
    3   the API cannot be found or reached
    130 `send` or `query` was interrupted
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from headwater import sending, watching
from headwater.client import Client, connect
from headwater.credentials import Credential, iam, jwt
from headwater.errors import GraphQLFailure, HeadwaterError, NoEndpoint, Unreachable
from headwater.lines import printable

DONE: Final = 0
REFUSED: Final = 1
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130

Connect = Callable[..., Client]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and exit."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.run is watching.watch and given.cursor is not None and given.subscribers != 1:
        parser.error("--cursor is for one subscriber")
    try:
        run = given.run(partial(_connect, given), given)
        status = asyncio.run(_until_told_to_stop(run, given.stopped))
    except* BrokenPipeError:
        # Who reads has enough. What Python would write at its end must not fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = DONE
    except* HeadwaterError as group:
        errors = list(_leaves(group))
        for line in dict.fromkeys(map(_told, errors)):
            print(line, file=sys.stderr)
        status = UNREACHABLE if all(isinstance(error, Unreachable | NoEndpoint) for error in errors) else REFUSED
    sys.exit(status)


async def _until_told_to_stop(run: Coroutine[Any, Any, None], stopped: int) -> int:
    """Run to the end, or to SIGINT or SIGTERM; then everything is closed, and the status is `stopped`."""
    running = asyncio.ensure_future(run)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return stopped
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headwater",
        description="A Headwater API from a shell. Without --url it is the running local instance.",
        epilog="Exit status: 0 done, 1 refused by the API, 2 wrong arguments, 3 not reached, 130 interrupted.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    watch = commands.add_parser("watch", help="print a topic's changes as they come", description=watching.__doc__)
    watch.add_argument("topic", help="such as room:lobby, or user")
    watch.add_argument("--after", type=_number, metavar="N", help="begin after this number; by default what is new")
    watch.add_argument("--cursor", type=Path, metavar="FILE", help="keep the number here, and go on after it")
    watch.add_argument("--lease", help="of client:ID, as registerClient has answered it")
    watch.add_argument("--subscribers", type=_number, metavar="N", default=1, help="as so many clients (default 1)")
    watch.set_defaults(run=watching.watch, stopped=DONE)

    send = commands.add_parser("send", help="send messages to a room", description=sending.send.__doc__)
    send.add_argument("room", help="the id of the room")
    send.add_argument("text", nargs="+", help="the message, or - for one per line of standard input")
    send.add_argument("--author", help="a name to show, for callers without an identity")
    send.add_argument("--outbox", type=Path, metavar="FILE", help="queue them here, and wait until they are sent")
    send.set_defaults(run=sending.send, stopped=INTERRUPTED)

    query = commands.add_parser("query", help="run a query or mutation", description=sending.query.__doc__)
    query.add_argument("document", help="a file with it, the text itself, or - for standard input")
    query.add_argument("--variables", type=_object, default={}, metavar="JSON", help="an object, or @FILE with one")
    query.set_defaults(run=sending.query, stopped=INTERRUPTED)

    for command in (watch, send, query):
        command.add_argument("--json", action="store_true", help="JSON lines")
        _add_connection(command)
    return parser


def _add_connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument("--url", help="the GraphQL endpoint")
    group.add_argument(
        "--realtime-url", metavar="URL", help="the WebSocket endpoint, where it does not follow from that"
    )
    group.add_argument("--ca-file", type=Path, metavar="FILE", help="a certificate authority to trust as well")
    group.add_argument("--region", help="the AWS region, for --iam")
    caller = group.add_mutually_exclusive_group()
    caller.add_argument("--api-key", type=_content_of, metavar="KEY", help="an API key, or @FILE with one")
    caller.add_argument("--token", help="a user's JWT, or an authorizer's token; @FILE is read each time it is needed")
    caller.add_argument("--iam", action="store_true", help="whoever the AWS configuration says")


def _connect(given: argparse.Namespace, **more: Any) -> Client:
    return connect(
        url=given.url, realtime_url=given.realtime_url, ca_file=given.ca_file, region=given.region,
        api_key=given.api_key, auth=_caller(given), **more,
    )  # fmt: skip


def _caller(given: argparse.Namespace) -> Credential | None:
    if given.iam:
        return iam()
    if given.token is None:
        return None

    async def token() -> str:
        return await asyncio.to_thread(_content, given.token)

    return jwt(token)


def _content(value: str) -> str:
    return Path(value[1:]).read_text("utf-8").strip() if value.startswith("@") else value


def _content_of(value: str) -> str:
    try:
        return _content(value)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_content_of(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return value


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _told(error: BaseException) -> str:
    kind = (error.type if isinstance(error, GraphQLFailure) else None) or type(error).__name__
    return printable(f"{kind}: {error}")
