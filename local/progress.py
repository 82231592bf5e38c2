"""What `up` shows: each step with its time, then where everything is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape

_LABELS = {
    "graphql": "GraphQL", "realtime": "real-time", "graphqlTls": "GraphQL (TLS)", "realtimeTls": "real-time (TLS)",
    "caFile": "certificate authority", "apiKey": "API key", "aws": "AWS endpoint", "web": "web", "console": "console",
}  # fmt: skip


class Progress:
    """Lines on a terminal or in a log; nothing that needs a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announce a step, then say how long it took."""
        began = time.monotonic()
        with self.console.status(f"{escape(text)} ..."):
            yield
        self.console.print(f"[green]✓[/] {escape(text)} [dim]{time.monotonic() - began:.1f} s[/]")

    def line(self, text: str) -> None:
        """One line of plain news."""
        self.console.print(escape(text))

    def problem(self, error: Exception) -> None:
        """Something failed that does not stop the instance."""
        self.console.print(f"[red]✗[/] {escape(str(error) or type(error).__name__)}", soft_wrap=True)

    def ready(self, outputs: Mapping[str, Any]) -> None:
        """URLs and keys."""
        width = max(map(len, _LABELS.values()))
        self.console.print()
        for name, label in _LABELS.items():
            if name in outputs:  # whole, however long: people copy these
                self.console.print(f"[dim]{label:{width}}[/]  {escape(str(outputs[name]))}", soft_wrap=True)
        self.console.print("\nServing until Ctrl-C.")
