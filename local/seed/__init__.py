"""`python -m local seed PATH`: real data into the running instance, through its GraphQL API.

An IRC log goes into a room: `irc` reads the log, `load` sends it, `report` says what happened. A CSV file of products
goes into the shop: `products_csv` reads it, `made_up` fills what it lacks, `products` sends it as a `seller` and keeps
a `journal`, `product_report` says what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.text import Text

from local.graphql_client import GraphQLClient, Refused, Unreachable
from local.progress import Progress
from local.seed.load import SeedError, Summary, load, read
from local.seed.product_report import report_products
from local.seed.products import Loaded, ProductFile, journal_of, load_products, read_products
from local.seed.report import report
from local.seed.seller import Seller
from local.token import token

__all__ = [
    "EXAMPLE", "EXAMPLE_PRODUCTS", "Loaded", "SeedError", "Summary", "seed", "seed_if_empty", "seed_products",
    "seed_products_if_empty",
]  # fmt: skip

_EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
EXAMPLE = _EXAMPLES / "2026-11-14-harbour.txt"
EXAMPLE_PRODUCTS = _EXAMPLES / "books.csv"

SELLER = "importer"
"""Whom products are loaded as; made when there is no such user."""

ANY_MESSAGE = "query($roomId: ID!) { messages(roomId: $roomId, limit: 1) { items { id } } }"

ANY_PRODUCT = "query($id: ID!) { product(id: $id) { id } }"


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """Nothing before there is a rate."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


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


async def seed_products(
    path: Path, outputs: Mapping[str, Any], state: Path, *, rejects: Path | None = None, console: Console | None = None
) -> Loaded:
    """Load a list of products and print what happened. Running it twice changes nothing; one that was killed goes on.

    Args:
        outputs: the running instance's `outputs.json`.
        state: the instance's state directory.
        rejects: where to write the lines that were refused; beside the journal when omitted.

    Raises:
        SeedError: the file is no list of products, or the API did not take it.
    """
    console = console or Console()
    file = read_products(path)
    bar = ProgressBar(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(),
        console=console,
    )  # fmt: skip
    with bar:
        task = bar.add_task("Loading products", total=len(file.list.rows) + len(file.list.rejects))
        loaded = await _load(file, outputs, state, lambda products: bar.advance(task, products))
    report_products(loaded, rejects or state / "seed" / f"{path.stem}.rejected.csv", console)
    return loaded


async def seed_products_if_empty(
    outputs: Mapping[str, Any], state: Path, *, progress: Progress, path: Path = EXAMPLE_PRODUCTS
) -> Loaded | None:
    """Load the repository's own books unless the first of them is there; None when it is, or when loading failed."""
    file = read_products(path)
    client = GraphQLClient(outputs["graphql"], outputs["apiKey"])
    try:
        if (await client.execute(ANY_PRODUCT, {"id": file.list.rows[0].id}))["product"]:
            return None
        with progress.step(f"Loading {len(file.list.rows)} products"):
            return await _load(file, outputs, state, lambda _: None)
    except (Refused, Unreachable, SeedError) as error:
        progress.problem(error)
        return None
    finally:
        await client.close()


async def _load(file: ProductFile, outputs: Mapping[str, Any], state: Path, progress: Callable[[int], None]) -> Loaded:
    seller = Seller(outputs["graphql"], lambda: token(outputs, SELLER, ["sellers"], kind="id", seconds=None))
    try:
        return await load_products(file, seller, journal_of(file, outputs, state), progress=progress)
    finally:
        await seller.close()
