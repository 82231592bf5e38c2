"""Loading a list of products through the GraphQL API: in batches side by side, and safe to kill and to repeat.

Every product is an upsert by its id, so nothing that is sent twice is there twice. An import that ended early goes on
from its journal (`journal`), which belongs to the file's content and the instance.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from local.graphql_client import Refused, Unreachable
from local.seed.journal import Journal, JournalBusyError
from local.seed.load import SeedError
from local.seed.products_csv import Category, MalformedCsvError, ProductList, Reject, Row, parse
from local.seed.seller import Seller
from local.token import TokenError

BATCH_PRODUCTS = 50  # what importProducts takes
BATCH_BYTES = 500_000  # half of what a request may have
MAX_BYTES = 256 * 1024 * 1024
_FORMAT = "1"  # of the journal and of what is made up: another one begins anew

CREATE_CATEGORY = "mutation ($input: CreateCategoryInput!) { createCategory(input: $input) { id } }"
IMPORT_PRODUCTS = """
mutation ($input: ImportProductsInput!) {
  importProducts(input: $input) { created updated unchanged rejected { index id field message } }
}"""


@dataclass(frozen=True)
class ProductFile:
    """A list that is ready to be loaded."""

    path: Path
    digest: str
    list: ProductList


@dataclass(frozen=True)
class Loaded:
    """What loading did; `rejects` are those of the file and those of the API, by line. `skipped`: known from before."""

    file: ProductFile
    created: int
    updated: int
    unchanged: int
    rejects: tuple[Reject, ...]
    skipped: int
    seconds: float


def read_products(path: Path) -> ProductFile:
    """Read and check a file.

    Raises:
        SeedError: it is missing, unreadable, too large, or no CSV of products.
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
    try:
        return ProductFile(path, sha256(data).hexdigest(), parse(data))
    except MalformedCsvError as error:
        raise SeedError(f"{path}: {error}. Nothing was loaded") from None


def journal_of(file: ProductFile, outputs: Mapping[str, Any], state: Path) -> Path:
    """Where what was done is noted: one place for each file's content and instance."""
    what = (_FORMAT, file.digest, str(outputs.get("stack")), str(outputs.get("userPoolId")), str(BATCH_PRODUCTS))
    return state / "seed" / f"{sha256(chr(0).join(what).encode()).hexdigest()[:32]}.jsonl"


async def load_products(
    file: ProductFile, seller: Seller, notes: Path, *, progress: Callable[[int], None] = lambda _: None
) -> Loaded:
    """Send a file's categories, then its products.

    Args:
        file: the list.
        seller: who calls the API.
        notes: the journal's file (`journal_of`).
        progress: is told how many each step dealt with.

    Raises:
        SeedError: the API refused a batch or could not be reached, or another process loads the same file. What was
            sent is remembered.
    """
    began = time.monotonic()
    batches = list(_batches(file.list.rows))
    try:
        with Journal(notes) as journal:
            skipped = sum(len(batches[number]) for number in journal.done)
            progress(skipped + len(file.list.rejects))
            await _make_categories(file, seller)
            answers = await _send_all(batches, seller, journal, progress)
    except JournalBusyError:
        raise SeedError(f"another process is loading {file.path} into this instance") from None
    except OSError as error:
        raise SeedError(f"{notes}: {error.strerror}") from error
    except TokenError as error:
        raise SeedError(f"{file.path} needs a user of the group sellers: {error}") from error
    rejects = sorted([*file.list.rejects, *_refused(batches, answers)], key=lambda each: each.line)
    created, updated, unchanged = (
        sum(answer[name] for answer in answers.values()) for name in ("created", "updated", "unchanged")
    )
    seconds = time.monotonic() - began
    return Loaded(file, created, updated, unchanged, tuple(rejects), skipped, seconds)


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Runs of products that fit into a request: the same of the same file, whenever it is read."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row.product).encode())
        if batch and (len(batch) == BATCH_PRODUCTS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch


async def _make_categories(file: ProductFile, seller: Seller) -> None:
    """Level by level, parents first. One that is there under another name, or elsewhere, is taken as it is."""
    waiting = list(file.list.categories.values())
    made: set[str | None] = {None}
    while waiting:
        level = [each for each in waiting if each.parent in made]
        waiting = [each for each in waiting if each.parent not in made]
        for refusal in await asyncio.gather(*(_make_category(each, seller) for each in level), return_exceptions=True):
            if isinstance(refusal, Refused | Unreachable):
                raise SeedError(f"not every category of {file.path} was made: {refusal}") from refusal
            if refusal is not None:
                raise refusal
        made |= {each.id for each in level}


async def _make_category(category: Category, seller: Seller) -> None:
    arguments = {"id": category.id, "name": category.name, "parent": category.parent}
    try:
        await seller.call(CREATE_CATEGORY, {"input": arguments})
    except Refused as error:
        if error.type != "InvalidInput" or _field(error) != "input.id":
            raise


async def _send_all(
    batches: Sequence[Sequence[Row]], seller: Seller, journal: Journal, progress: Callable[[int], None]
) -> dict[int, Mapping[str, Any]]:
    answers = dict(journal.done)
    waiting = iter([number for number in range(len(batches)) if number not in answers])

    async def send() -> None:
        for number in waiting:
            batch = batches[number]
            variables = {"input": {"products": [row.product for row in batch]}}
            try:
                answer = (await seller.call(IMPORT_PRODUCTS, variables))["importProducts"]
            except (Refused, Unreachable) as error:
                raise SeedError(
                    f"lines {batch[0].line} to {batch[-1].line} were not loaded: {error}. "
                    f"{sum(len(batches[each]) for each in answers):,} products are; run it again to go on"
                ) from error
            journal.record(number, answer)
            answers[number] = answer
            progress(len(batch))

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(seller.connections):
                tasks.create_task(send())
    except ExceptionGroup as errors:  # the first to fail; the others were cancelled
        raise errors.exceptions[0] from None
    return answers


def _refused(batches: Sequence[Sequence[Row]], answers: Mapping[int, Mapping[str, Any]]) -> Iterator[Reject]:
    for number, answer in answers.items():
        for each in answer["rejected"]:
            row = batches[number][each["index"]]
            yield Reject(row.line, row.id, each["message"].removeprefix(f"input.products[{each['index']}]."))


def _field(error: Refused) -> str | None:
    info = error.errors[0].get("errorInfo") or {}
    found: str | None = info.get("field")
    return found
