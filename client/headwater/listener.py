"""What the one who follows a topic tells the one who asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from headwater.changes import Change

T = TypeVar("T")


class Listener(Protocol[T]):
    """What is told of a topic, in this order: where it begins, then changes, or that it begins anew."""

    async def cursor(self) -> int | None:
        """After which number to begin; None for the newest."""

    async def begun(self, items: Sequence[tuple[str, T]] | None, shown: int, position: int) -> None:
        """The items as they are at number `shown` or later; what follows are the changes after `position`."""

    def changed(self, changes: Sequence[Change[T]]) -> None:
        """The next changes."""

    def restarted(self, items: Sequence[tuple[str, T]], position: int) -> None:
        """The log no longer reaches back: the items as they are instead; what follows are the changes after that."""

    def said(self) -> None:
        """The state may be another."""
