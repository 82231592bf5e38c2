"""The files that the checker reads, written line by line as things happen."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

VALUE_LENGTH = 100
"""Of a text, so much stands for it: it begins with what no other text begins with."""


class Records:
    """One file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, **line: Any) -> None:
        """Append a line, whole."""
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._file.flush()


def value_of(text: str | None) -> str | None:
    """What stands for a text in the files."""
    return text if text is None else text[:VALUE_LENGTH]


def now() -> int:
    """Nanoseconds of a clock that all processes of a machine share."""
    return time.monotonic_ns()
