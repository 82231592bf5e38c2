"""What to do with the damaged file of an outbox: put it aside whole, and read of it what can be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from headwater.errors import OutboxUnusable
from headwater.outbox_file import COLUMNS, Entry, OutboxFile, checksum, entry_of, typed


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What is left of a damaged outbox: the whole file at `kept_as`, and the entries that could still be read."""

    kept_as: Path
    entries: list[Entry]


def salvage(path: str | Path) -> Salvaged:
    """Put the damaged file of an outbox aside, so that the next `connect` begins with an empty one.

    What is read can be queued again by `Outbox.restore`: entries keep their ids, so that none happens twice.

    Raises:
        OutboxLocked: somebody has it open.
        ValueError: the file is not damaged.
        OutboxUnusable: it cannot be renamed.
    """
    path = Path(path)
    file = OutboxFile(path, 0)
    try:
        file.open()
    except OutboxUnusable:
        pass
    else:
        file.close()
        raise ValueError(f"{path} is not damaged")
    kept_as = next(name for number in range(1, 10**6) if not (name := Path(f"{path}.damaged-{number}")).exists())
    with typed(path):
        path.rename(kept_as)
        with suppress(FileNotFoundError):
            Path(f"{path}-journal").rename(f"{kept_as}-journal")
    return Salvaged(kept_as, list(_readable(kept_as)))


def _readable(path: Path) -> Iterator[Entry]:
    """From both ends to where reading fails."""
    found: dict[int, Entry] = {}
    for order in ("ASC", "DESC"):
        with (
            suppress(sqlite3.Error, ValueError),
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection,
        ):
            for row in connection.execute(f"SELECT {COLUMNS}, checksum FROM entries ORDER BY number {order}"):  # noqa: S608
                if checksum(row[:-1]) == row[-1]:
                    found.setdefault(row[0], entry_of(row[:-1]))
    yield from (found[number] for number in sorted(found))
