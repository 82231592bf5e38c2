"""An append-only journal of what changes too often and grows too large to be saved whole every two seconds.

`journal/<generation>.base` holds everything as it was at one instant, `journal/<generation>.log` what happened since.
A save names the generation that it needs: that base and every log from it on, in order, are the state.

Both are lines of `<CRC-32 as 8 hex digits> <JSON array of operations>`. A line is one step: all of its operations
count or none does, so that a transaction is never there in parts. A line that was cut off does not match its checksum
and is passed over.

A line is with the operating system before its request is answered: kill -9 loses nothing that is in the journal. It is
on the disk within `SYNC_SECONDS`, so that a power cut loses no more than that.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

logger = logging.getLogger("headwater.journal")

FORMAT = 1
SYNC_SECONDS = 1.0
COMPLAIN_SECONDS = 10.0

_to_disk: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync

Operation = list[Any]
"""What happened, e.g. `["put", table, item]`. The first element names who applies it at a start."""


class JournalFull(Exception):
    """The disk takes nothing more. What was to be written waits in memory, and nothing more should be acknowledged."""


@dataclass
class Replay:
    """What a replay found."""

    operations: int = 0
    unreadable: int = 0
    files: list[str] = field(default_factory=list)
    missing_base: bool = False


def encode(operations: list[Operation]) -> bytes:
    """The line of one step."""
    try:
        content = orjson.dumps(operations)
    except TypeError:  # a lone surrogate, an integer beyond 64 bits
        content = json.dumps(operations).encode()
    return b"%08x %b\n" % (zlib.crc32(content), content)


def decode(line: bytes) -> list[Operation] | None:
    """The operations of a line; None when it is not whole."""
    checksum, _, content = line.rstrip(b"\n").partition(b" ")
    try:
        if len(checksum) != 8 or int(checksum, 16) != zlib.crc32(content):
            return None
    except ValueError:
        return None
    try:
        found = orjson.loads(content)
    except ValueError:
        found = json.loads(content)
    return list(found)


class Journal:
    """The journal in `directory`. Every change happens inside a `step`; steps of different threads exclude another."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.lock = threading.RLock()
        self.base = 0
        """The generation that the next save is to name: its base is written."""
        self.base_bytes = 0
        self.log_bytes = 0
        """Of all logs since the base: what a compaction would save."""
        self.generation = 0
        """That of the log that is written."""
        self._file: int | None = None
        self._size = 0
        self._step: list[Operation] | None = None
        self._unwritten: list[bytes] = []
        self._complained = 0.0
        self._dirty = threading.Event()
        self._written_out: list[int] = []  # logs that were rotated away and are not yet known to be on the disk
        self.on_growth: Callable[[], None] = lambda: None
        """Called after each write, with the lock held."""

    # --- files ---

    def _log(self, generation: int) -> Path:
        return self._directory / f"{generation:08d}.log"

    def base_path(self, generation: int) -> Path:
        """Where the base of a generation is."""
        return self._directory / f"{generation:08d}.base"

    def _generations(self) -> list[int]:
        return sorted(int(path.stem) for path in self._directory.glob("*.log") if path.stem.isdigit())

    def put_aside(self) -> Path | None:
        """Move what is there out of the way, because no save refers to it. Returns where it went, None if nothing."""
        if not self._generations():
            return None
        aside = self._directory.with_name(f"{self._directory.name}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}")
        self._directory.rename(aside)
        return aside

    def replay(self, base: int, apply: Callable[[Operation], None]) -> Replay:
        """Apply all operations since the instant of generation `base`, then begin to write where they end.

        Nothing that is damaged stops it: it is counted, logged and passed over.
        """
        found = Replay()
        self._directory.mkdir(parents=True, exist_ok=True)
        for leftover in self._directory.glob("*.tmp"):
            leftover.unlink(missing_ok=True)
        paths = [self._log(number) for number in self._generations() if number >= base]
        if base:
            found.missing_base = not self.base_path(base).exists()
            if found.missing_base:
                logger.error("%s is missing: what was written before it is lost.", self.base_path(base))
            else:
                paths.insert(0, self.base_path(base))
                self.base_bytes = paths[0].stat().st_size
        for path in paths:
            self._replay_file(path, apply, found)
        self.base = base
        self.log_bytes = sum(path.stat().st_size for path in paths if path.suffix == ".log")
        self._open(max([base, *self._generations()]))
        self.forget_before(base)
        return found

    def _replay_file(self, path: Path, apply: Callable[[Operation], None], found: Replay) -> None:
        found.files.append(path.name)
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                operations = decode(line)
                if operations is None:
                    found.unreadable += 1
                    logger.error(
                        "%s, line %d: %d bytes are not whole and left out. The last line of a log is cut off by a "
                        "power cut before its request was answered; any other was damaged later.",
                        path, number, len(line),
                    )  # fmt: skip
                    continue
                for operation in operations:
                    if operation[0] == "format" and operation[1] > FORMAT:
                        logger.error("%s has format %d; this program knows %d.", path, operation[1], FORMAT)
                    apply(operation)
                    found.operations += 1

    def _open(self, generation: int) -> None:
        path = self._log(generation)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if self._file is not None:
            self._written_out.append(self._file)
        self.generation, self._file, self._size = generation, descriptor, os.fstat(descriptor).st_size
        if self._size == 0:
            self._write(encode([["format", FORMAT]]))
        elif not _ends_with_newline(path):
            self._write(b"\n")  # ends a line that was cut off

    def rotate(self) -> int:
        """Begin the log of the next generation, whose base is everything at this instant. Raises OSError."""
        with self.lock:
            self._open(self.generation + 1)
            return self.generation

    def base_written(self, generation: int) -> None:
        """The base of a generation is on the disk: the next save may name it."""
        with self.lock:
            self.base = generation
            self.base_bytes = self.base_path(generation).stat().st_size
            self.log_bytes = sum(self._log(n).stat().st_size for n in self._generations() if n >= generation)

    def forget_before(self, generation: int) -> None:
        """Delete what only saves before `generation` needed."""
        for path in self._directory.glob("*"):
            if path.suffix in (".base", ".log") and path.stem.isdigit() and int(path.stem) < generation:
                path.unlink(missing_ok=True)

    # --- writing ---

    @contextlib.contextmanager
    def step(self) -> Iterator[list[Operation]]:
        """What is added to the list until the outermost step ends is written as one line.

        Whatever ends it: the changes are in memory, and so they belong into the journal. Raises JournalFull.
        """
        with self.lock:
            if self._step is not None:
                yield self._step
                return
            self._step = []
            try:
                yield self._step
            finally:
                operations, self._step = self._step, None
                if operations:
                    self._append(encode(operations))

    @property
    def full(self) -> bool:
        """Whether something waits that the disk did not take. Tries again first."""
        if not self._unwritten:
            return False
        with self.lock:
            return not self._write_what_waits()

    def _append(self, line: bytes) -> None:
        if self._file is None:
            return  # before the replay: nothing of it is new
        if not self._unwritten:
            try:
                self._write(line)
            except OSError as error:
                self._unwritten.append(line)
                self._complain(error)
                raise JournalFull(str(error)) from error
            return
        self._unwritten.append(line)
        if not self._write_what_waits():
            raise JournalFull("the disk is full")

    def _write_what_waits(self) -> bool:
        while self._unwritten:
            try:
                self._write(self._unwritten[0])
            except OSError as error:
                self._complain(error)
                return False
            del self._unwritten[0]
        logger.warning("The journal is written again; everything that waited is in it.")
        return True

    def _write(self, line: bytes) -> None:
        assert self._file is not None
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)  # no half line: the next one starts clean
            raise
        self._size += len(line)
        self.log_bytes += len(line)
        if not self._dirty.is_set():
            self._dirty.set()
        self.on_growth()

    def _complain(self, error: OSError) -> None:
        if time.monotonic() - self._complained > COMPLAIN_SECONDS:
            self._complained = time.monotonic()
            logger.error(
                "%s cannot be written (%s). %d changes wait in memory, and further ones are refused. Make room.",
                self._log(self.generation), error.strerror, len(self._unwritten),
            )  # fmt: skip

    # --- the disk ---

    def start_syncing(self) -> None:
        """Force what is written to the disk every `SYNC_SECONDS`, in a thread that sleeps while there is nothing."""
        threading.Thread(target=self._keep_syncing, name="headwater-journal", daemon=True).start()

    def _keep_syncing(self) -> None:
        while True:
            self._dirty.wait()
            time.sleep(SYNC_SECONDS)
            self.sync()

    def sync(self) -> None:
        """Force what is written to the disk. Another thread may write meanwhile."""
        self._dirty.clear()
        with self.lock:
            rotated, self._written_out = self._written_out, []
            current = None if self._file is None else os.dup(self._file)
        for descriptor in [*rotated, *([] if current is None else [current])]:
            try:
                _to_disk(descriptor)
            except OSError as error:
                logger.error("The journal could not be forced to the disk: %s", error)
            os.close(descriptor)

    def close(self) -> None:
        """Write and sync the rest; for the end of the process."""
        if self.full:
            logger.error("%d changes are lost: the disk is full. None was acknowledged.", len(self._unwritten))
        self.sync()


def write_base(path: Path, steps: Iterable[list[Operation]], *, wanted: Callable[[], bool] = lambda: True) -> bool:
    """Write a base under another name, force it to the disk and give it its name. False when it is no longer wanted.

    Raises OSError.
    """
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "wb", opener=_privately) as file:
        file.write(encode([["format", FORMAT]]))
        for operations in steps:
            if not wanted():
                return False
            file.write(encode(operations))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync_directory(path.parent)
    return True


def sync_directory(directory: Path) -> None:
    """Force a directory's entries to the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # it holds secrets of sessions


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
