"""Where a program keeps how far it has come in each topic, so that it goes on there when it is started again."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Protocol

from headwater.errors import CursorsUnreadable


class CursorStore(Protocol):
    """What a feed asks of a store. Both may also be coroutines."""

    def load(self, topic: str) -> int | Awaitable[int | None] | None:
        """The number of the last change that was handled; None when there is none."""

    def save(self, topic: str, seq: int) -> Awaitable[None] | None:
        """Keep it."""


class FileCursors:
    """Cursors in a JSON file, one for each topic. For one process at a time, which may have several of these on it.

    The file is replaced as a whole, so that a crash leaves the old one or the new one. It is not forced to the disk: an
    older one after a power cut means that some changes come once more.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def load(self, topic: str) -> int | None:
        """The topic's cursor.

        Raises:
            CursorsUnreadable: the file holds something else, or cannot be read.
        """
        return self._read().get(topic)

    def save(self, topic: str, seq: int) -> None:
        """Replace the topic's cursor."""
        known = self._read()  # anew: another feed of the program may keep its cursor here, too
        known[topic] = seq
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        new.write_text(json.dumps(known, indent=0, sort_keys=True), "utf-8")
        new.replace(self._path)

    def _read(self) -> dict[str, int]:
        try:
            read = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise CursorsUnreadable(f"{self._path}: {error}") from error
        if not isinstance(read, dict) or not all(type(seq) is int and seq >= 0 for seq in read.values()):
            raise CursorsUnreadable(f"{self._path} holds no cursors")
        return read
