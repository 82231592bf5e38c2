"""What an import has done, in a file of the state directory, so that one that was killed goes on where it was.

One JSON object a line, appended when a batch is answered. The last line may be cut off; then that batch is sent again,
which changes nothing. An import that came to its end leaves no journal.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FORGOTTEN_SECONDS = 30.0
"""What was answered last is sent again: an instance that is killed loses up to two seconds of what it had answered."""


class JournalBusyError(Exception):
    """Another process is at work on the same import."""


class Journal:
    """The journal of one import; `done` has the answers that need not be asked for again, by batch."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.done: dict[int, Mapping[str, Any]] = {}

    def __enter__(self) -> Self:
        """Open and lock it. Raises JournalBusyError, OSError."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._open = self._file.open("a+")
        try:
            fcntl.flock(self._open, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._open.close()
            raise JournalBusyError from None
        self._open.seek(0)
        entries = [entry for line in self._open if (entry := _entry(line)) is not None]
        last = max((entry["at"] for entry in entries), default=0.0)
        self.done = {entry["batch"]: entry["answer"] for entry in entries if entry["at"] < last - FORGOTTEN_SECONDS}
        self._open.write("\n")  # ends a line that was cut off
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; the lock goes with the file."""
        if kind is None:
            self._file.unlink(missing_ok=True)
        self._open.close()

    def record(self, batch: int, answer: Mapping[str, Any]) -> None:
        """A batch was answered."""
        self._open.write(json.dumps({"batch": batch, "at": time.time(), "answer": answer}) + "\n")
        self._open.flush()


def _entry(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
        return {"batch": int(found["batch"]), "at": float(found["at"]), "answer": dict(found["answer"])}
    except (ValueError, KeyError, TypeError):
        return None
