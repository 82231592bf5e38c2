"""The file of the offline queue: SQLite, one transaction per step, forced to the disk before the step is done.

    entries   number   its place, never given twice
              id       the `clientMutationId`
              mutation document, variables, ordering, what it is expected to do; JSON
              queued_at, sent_at   milliseconds since 1970; sent_at is that of the first attempt
              failure  why it ended, until somebody has taken that; JSON
              checksum of all the above, for SQLite finds broken pages but not changed ones
    kept      count    how many entries there are, so that none is missed without a word

The journal is a rollback journal and no write-ahead log: SQLite drops what follows a broken frame of such a log without
a word, and with it what callers were told is kept. The file is locked from `open` to `close`; a killed process's lock
goes with it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from headwater.errors import GraphQLFailure, HeadwaterError, OutboxExpired, OutboxFull, OutboxLocked, OutboxUnusable
from headwater.errors import failure as failure_of
from headwater.mutations import Mutation, Optimistic

T = TypeVar("T")

APPLICATION_ID: Final = 0x48775131  # "HwQ1", in the file's header
FORMAT: Final = 1

_TABLES: Final = """
CREATE TABLE entries (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, mutation TEXT NOT NULL,
  queued_at INTEGER NOT NULL, sent_at INTEGER, failure TEXT, checksum INTEGER NOT NULL
);
CREATE TABLE kept (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL);
INSERT INTO kept VALUES (1, 0);
"""
COLUMNS: Final = "number, id, mutation, queued_at, sent_at, failure"


@dataclass(frozen=True, slots=True)
class Entry:
    """A queued mutation.

    Attributes:
        number: its place in the queue.
        queued_at: when it was queued, in milliseconds since 1970.
        sent_at: when it was sent for the first time; None before that.
        failure: why it ended, where it failed and nobody has taken that yet.
    """

    number: int
    mutation: Mutation
    queued_at: int
    sent_at: int | None = None
    failure: HeadwaterError | None = None


class OutboxFile:
    """The entries, on disk. Every method is one transaction, and returns when that is safe. For one thread at a time.

    Raises:
        OutboxUnusable: from any method, when the disk refuses.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._connection: sqlite3.Connection | None = None

    def open(self) -> list[Entry]:
        """Take the file, made where there is none, and read it whole.

        Raises:
            OutboxLocked: somebody has it open.
            OutboxUnusable: it is damaged, of a newer version of this client, or cannot be made.
        """
        with typed(self._path):
            _make(self._path)
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                _prepare(connection)
                _check(connection, self._path)
                entries = [entry_of(row) for row in _rows(connection, self._path)]
            except BaseException:
                connection.close()
                raise
        self._connection = connection
        return entries

    def close(self) -> None:
        """Let go of the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def add(self, mutation: Mutation, queued_at: int, sent_at: int | None = None) -> Entry:
        """Keep a mutation. One whose id is there already stays as it is, and is answered.

        Raises:
            OutboxFull: there are `limit` entries; nothing was kept.
        """
        with self._transaction() as connection:
            held = connection.execute(f"SELECT {COLUMNS} FROM entries WHERE id = ?", (mutation.id,)).fetchone()  # noqa: S608
            if held is not None:
                return entry_of(held)
            (count,) = connection.execute("SELECT count FROM kept").fetchone()
            if count >= self._limit:
                raise OutboxFull(f"the outbox holds {count} mutations, and may hold {self._limit}")
            cursor = connection.execute(
                "INSERT INTO entries (id, mutation, queued_at, sent_at, checksum) VALUES (?, ?, ?, ?, 0)",
                (mutation.id, _text(mutation), queued_at, sent_at),
            )
            number = int(cursor.lastrowid or 0)
            _seal(connection, number)
            connection.execute("UPDATE kept SET count = count + 1")
        return Entry(number, mutation, queued_at, sent_at)

    def sent(self, entry: Entry, at: int) -> None:
        """Note when an entry is sent for the first time: before it is."""
        with self._transaction() as connection:
            connection.execute("UPDATE entries SET sent_at = ? WHERE number = ?", (at, entry.number))
            _seal(connection, entry.number)

    def failed(self, entry: Entry, error: HeadwaterError) -> None:
        """Note why an entry ended. It stays until it is removed."""
        with self._transaction() as connection:
            connection.execute("UPDATE entries SET failure = ? WHERE number = ?", (_flat(error), entry.number))
            _seal(connection, entry.number)

    def remove(self, entry: Entry) -> None:
        """Drop an entry; one that is gone already is fine."""
        with self._transaction() as connection:
            if connection.execute("DELETE FROM entries WHERE number = ?", (entry.number,)).rowcount:
                connection.execute("UPDATE kept SET count = count - 1")

    def together(self, steps: Sequence[Callable[[], T]]) -> list[T | OutboxFull]:
        """Several steps in one transaction, for the disk's sake. A full outbox fails its own step only."""

        def outcome(step: Callable[[], T]) -> T | OutboxFull:
            try:
                return step()
            except OutboxFull as error:  # raised before the step has written anything
                return error

        with self._transaction():
            return [outcome(step) for step in steps]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        if connection is None:
            raise OutboxUnusable(f"{self._path} is closed")
        if connection.in_transaction:
            yield connection
            return
        with typed(self._path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself after some errors
                    connection.execute("ROLLBACK")
                raise


def _make(path: Path) -> None:
    """An empty outbox where there is no file. It appears whole: a file without content is a damaged one."""
    if path.exists():
        if path.stat().st_size == 0:
            raise OutboxUnusable(f"{path} is empty, and an outbox never is: it was cut off")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = Path(f"{path}.{os.getpid()}.{os.urandom(4).hex()}.new")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.executescript(
                f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; COMMIT;"
            )
        with suppress(FileExistsError):  # somebody else was quicker
            _appear(new, path)
    finally:
        new.unlink(missing_ok=True)


def _appear(new: Path, path: Path) -> None:
    try:
        os.link(new, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is free, or was a moment ago
        new.rename(path)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = FULL")
    # From the first write lock on, the connection keeps it.
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise OutboxUnusable(f"{path} is not an outbox")
    if version != FORMAT:
        raise OutboxUnusable(f"{path} has format {version}, and this client knows {FORMAT}")
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise OutboxUnusable(f"{path} is damaged: {verdict}")


def _rows(connection: sqlite3.Connection, path: Path) -> list[tuple[Any, ...]]:
    rows = connection.execute(f"SELECT {COLUMNS}, checksum FROM entries ORDER BY number").fetchall()  # noqa: S608
    kept = connection.execute("SELECT count FROM kept").fetchone()
    if kept is None or kept[0] != len(rows):
        raise OutboxUnusable(f"{path} is damaged: it has {len(rows)} entries of {kept and kept[0]}")
    for row in rows:
        if checksum(row[:-1]) != row[-1]:
            raise OutboxUnusable(f"{path} is damaged: entry {row[0]} is not as it was written")
    return [row[:-1] for row in rows]


def _seal(connection: sqlite3.Connection, number: int) -> None:
    row = connection.execute(f"SELECT {COLUMNS} FROM entries WHERE number = ?", (number,)).fetchone()  # noqa: S608
    if row is not None:
        connection.execute("UPDATE entries SET checksum = ? WHERE number = ?", (checksum(row), number))


def checksum(row: tuple[Any, ...]) -> int:
    """Of a row's COLUMNS."""
    return zlib.crc32(repr(row).encode())


def _text(mutation: Mutation) -> str:
    shown = [[each.topic, each.key, each.wire(), each.answer_key] for each in mutation.optimistic]
    return json.dumps([mutation.document, mutation.variables, mutation.ordering, shown], ensure_ascii=False)


def entry_of(row: tuple[Any, ...]) -> Entry:
    """A row's COLUMNS, read."""
    number, id_, text, queued_at, sent_at, failure = row
    document, variables, ordering, shown = json.loads(text)
    optimistic = [Optimistic(topic, key, item, tuple(answer_key)) for topic, key, item, answer_key in shown]
    error = None if failure is None else _unflat(failure)
    return Entry(number, Mutation(id_, document, variables, ordering, optimistic), queued_at, sent_at, error)


def _flat(error: HeadwaterError) -> str:
    if isinstance(error, GraphQLFailure):
        return json.dumps({"errors": error.errors, "data": error.data}, default=str)
    return json.dumps({"expired": error.id} if isinstance(error, OutboxExpired) else {"message": str(error)})


def _unflat(text: str) -> HeadwaterError:
    flat: dict[str, Any] = json.loads(text)
    if "expired" in flat:
        return OutboxExpired(flat["expired"])
    return failure_of(flat["errors"], flat["data"]) if "errors" in flat else HeadwaterError(flat["message"])


@contextmanager
def typed(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors as this client's."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise OutboxLocked(f"{path} is in use: one client at a time has an outbox") from error
        raise OutboxUnusable(f"{path} cannot be used: {error}") from error
    except (OSError, ValueError) as error:
        raise OutboxUnusable(f"{path} cannot be used: {error}") from error
