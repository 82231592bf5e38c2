"""`python -m local seed PATH`: an IRC log into a room of the running instance, through its GraphQL API.

`irc` reads the log, `load` sends it, `report` says what happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from local.graphql_client import GraphQLClient, Refused, Unreachable
from local.progress import Progress
from local.seed.load import SeedError, Summary, load, read
from local.seed.report import report

__all__ = ["EXAMPLE", "SeedError", "Summary", "seed", "seed_if_empty"]

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "2026-11-14-harbour.txt"

ANY_MESSAGE = "query($roomId: ID!) { messages(roomId: $roomId, limit: 1) { items { id } } }"


async def seed(
    path: Path, outputs: Mapping[str, Any], *, room: str | None = None, console: Console | None = None
) -> Summary:
    """Load a log and print what happened. Running it twice stores nothing twice.

    Args:
        outputs: the running instance's `outputs.json`.
        room: by default it is named after the file.

    Raises:
        SeedError: the file is no chat log, or the API did not take it.
    """
    console = console or Console()
    file = read(path, room)
    bar = ProgressBar(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    client = GraphQLClient(outputs["graphql"], outputs["apiKey"])
    try:
        with bar:
            task = bar.add_task(f"Loading into room {file.room}", total=len(file.log.entries))
            summary = await load(file, client, progress=lambda messages: bar.advance(task, messages))
    finally:
        await client.close()
    report(summary, console)
    return summary


async def seed_if_empty(outputs: Mapping[str, Any], *, progress: Progress, path: Path = EXAMPLE) -> Summary | None:
    """Load the repository's own chat unless its room has messages; None when it has, or when it could not be loaded.

    Messages expire, so a room that was filled yesterday is filled again: the ids of this run are its own. An instance
    without its example is still an instance, so a failure is only told.
    """
    file = read(path)
    client = GraphQLClient(outputs["graphql"], outputs["apiKey"])
    try:
        found = await client.execute(ANY_MESSAGE, {"roomId": file.room})
        if found["messages"]["items"]:
            return None
        with progress.step(f"Loading {len(file.log.entries)} messages into room {file.room}"):
            return await load(file, client, salt=datetime.now(UTC).isoformat())
    except (Refused, Unreachable, SeedError) as error:
        progress.problem(error)
        return None
    finally:
        await client.close()
