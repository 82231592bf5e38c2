"""The command line of the demo: `python -m benchmarks.demo [CHAT]`. It ends with status 1 if any message was lost,
doubled or out of order, 2 if it could not run."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from benchmarks.demo.instance import InstanceError, fresh_instance
from benchmarks.demo.replay import change_log, replay, stored_ids
from benchmarks.demo.subscribers import SubscriberError, Subscribers
from benchmarks.demo.table import Run, show
from benchmarks.demo.verdict import judge_all
from local.graphql_client import GraphQLClient, Refused, Unreachable
from local.seed import EXAMPLE, SeedError
from local.seed.load import ChatFile, read

PATIENCE_SECONDS = 20.0  # without any callback, while some are still expected
QUIET_SECONDS = 1.0  # after the last expected callback: time for a duplicate to show


@dataclass(frozen=True)
class Options:
    """What the command line asks for. `state` is that of a running instance to use instead of a fresh one."""

    chat: Path
    subscribers: int
    writers: int
    per_second: float
    state: Path | None


async def demo(options: Options, console: Console) -> bool:
    """Replay the chat twice, paced and unpaced, and print both; whether both were faultless.

    Raises:
        SeedError: the file is no chat log.
        InstanceError, SubscriberError, Refused, Unreachable: it could not be carried out.
    """
    file = read(options.chat)
    async with AsyncExitStack() as parts:
        state = options.state
        if state is None:
            with console.status("Starting a fresh instance ..."):
                state = await parts.enter_async_context(fresh_instance())
            await _first_message(file, state, console)
        runs = [
            await run(file, options, state, console, room=f"demo-{file.room}-{name}", per_second=per_second)
            for name, per_second in (("paced", options.per_second), ("unpaced", None))
        ]
    return all(one.faultless for one in runs)


async def _first_message(file: ChatFile, state: Path, console: Console) -> None:
    """Send one message to a room of its own: functions start cold, which is told here and kept out of the runs."""
    outputs = _outputs(state)
    result = await replay(
        file.log.entries[:1],
        f"demo-{file.room}-first",
        url=outputs["graphql"],
        api_key=outputs["apiKey"],
        writers=1,
        per_second=None,
    )
    console.print(f"A fresh instance; its first message was acknowledged after {result.seconds * 1000:.0f} ms.\n")


def _outputs(state: Path) -> dict[str, str]:
    outputs: dict[str, str] = json.loads((state / "outputs.json").read_text("utf-8"))
    return outputs


async def run(
    file: ChatFile, options: Options, state: Path, console: Console, *, room: str, per_second: float | None
) -> Run:
    """Replay the chat once into a room that nobody else writes to, and print what the subscribers got."""
    outputs = _outputs(state)
    entries = file.log.entries
    pace = "unpaced" if per_second is None else f"{per_second:g} messages a second"
    title = f"{file.path.name}: {pace}, {options.writers} writers, {options.subscribers} subscribers"
    with Progress(console=console) as bar:
        opening = bar.add_task("Opening subscribers", total=None)
        async with Subscribers(state, room, options.subscribers) as subscribers:
            bar.remove_task(opening)
            sending = bar.add_task(f"Replaying, {pace}", total=len(entries))
            result = await replay(
                entries,
                room,
                url=outputs["graphql"],
                api_key=outputs["apiKey"],
                writers=options.writers,
                per_second=per_second,
                progress=lambda: bar.advance(sending),
            )
            bar.add_task("Waiting for the last callbacks", total=None)
            await subscribers.until_quiet(
                len(result.sent), patience_seconds=PATIENCE_SECONDS, quiet_seconds=QUIET_SECONDS
            )
        client = GraphQLClient(outputs["graphql"], outputs["apiKey"])
        try:
            stored = await stored_ids(client, room)
            log = await change_log(client, room, subscribers.position)
        finally:
            await client.close()
    sent_ids = {message.message_id for message in result.sent}
    each, total = judge_all(result.sent, log, subscribers.deliveries)
    judged = Run(
        title=title,
        lines_read=file.log.lines,
        entries=len(entries),
        stored=sum(message_id in sent_ids for message_id in stored),
        failed=result.failed,
        send_seconds=result.seconds,
        each=each,
        total=total,
    )
    show(judged, console)
    return judged


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description="Replay a chat to live subscribers.")
    parser.add_argument("chat", nargs="?", type=Path, default=EXAMPLE, help="an IRC log; by default the project's own")
    parser.add_argument("--subscribers", type=int, default=20)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--rate", type=float, default=50.0, help="messages a second of the paced run (default 50)")
    parser.add_argument("--state", type=Path, help="use the running instance with this state directory")
    found = parser.parse_args(arguments)
    if found.subscribers < 1 or found.writers < 1 or found.rate <= 0:
        parser.error("--subscribers and --writers are at least 1, --rate is more than 0")
    return Options(found.chat, found.subscribers, found.writers, found.rate, found.state)


async def _main(options: Options, console: Console) -> bool:
    running = asyncio.ensure_future(demo(options, console))
    # So that what was started is stopped, whoever asks.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    return await running


def main() -> None:
    """Run, and say in one line what stopped it."""
    console = Console()
    try:
        faultless = asyncio.run(_main(_options(sys.argv[1:]), console))
    except (SeedError, InstanceError, SubscriberError, Refused, Unreachable, FileNotFoundError) as error:
        Console(stderr=True).print(f"[red]demo:[/] {escape(str(error))}", highlight=False)
        sys.exit(2)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    sys.exit(0 if faultless else 1)


if __name__ == "__main__":
    main()
