"""The processes of a run: started, told what to do, listened to, and ended."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.chaos.subscribers import FLUSH
from tests.stack.instance import PROJECT, Instance

FLUSH_SECONDS = 420.0
"""For the last change to reach everyone: a half-open connection is given up after 300 s."""


class ChaosError(Exception):
    """The run could not be carried out."""


class Child:
    """A process of the run: lines in, lines of words or JSON out. Without a module the arguments are its command."""

    def __init__(self, module: str | None, *arguments: object, log: Path, news: queue.SimpleQueue[str]) -> None:
        python = [] if module is None else [sys.executable, "-m", module]
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [*python, *map(str, arguments)],
                cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                env={"PYTHONPATH": f"{PROJECT}:{PROJECT / 'client'}", "PATH": "/usr/bin:/bin"},
            )  # fmt: skip
        self._news = news
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def say(self, line: str) -> None:
        """Send a line."""
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self, seconds: float = 60.0) -> None:
        """Close its input, and wait until it has ended."""
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ChaosError(f"{self.process.args!r} did not end") from None
        if self.process.returncode:
            raise ChaosError(f"{self.process.args!r} ended with {self.process.returncode}")

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._news.put(line.strip())


@contextmanager
def serving(state: Path) -> Iterator[Instance]:
    """An instance of its own, until the block ends."""
    instance = Instance(state)
    instance.start()
    try:
        yield instance
    finally:
        instance.stop()


def await_word(word: str, news: queue.SimpleQueue[str], seconds: float = 60.0) -> None:
    """Wait until one of the processes has said it. Raises ChaosError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if news.get(timeout=max(0.0, deadline - time.monotonic())) == word:
                return
        except queue.Empty:
            raise ChaosError(f"the writers did not say {word!r} within {seconds:.0f} s") from None


def flush(name: str, writers: Child, news: queue.SimpleQueue[str], count: int, among: Sequence[Child] = ()) -> None:
    """Write to every topic, until everyone was called back with that; give up after a while: the checker will tell.

    Raises:
        ChaosError: one of the processes of `among` has ended.
    """
    writers.say(f"flush {FLUSH}{name}")
    seen: set[str] = set()
    began = time.monotonic()
    while len(seen) < count:
        for child in among:
            if child.process.poll() is not None:
                raise ChaosError(f"{child.process.args!r} ended with {child.process.returncode}")
        try:
            line = news.get(timeout=1.0)
        except queue.Empty:
            if time.monotonic() < began + FLUSH_SECONDS:
                continue
            print(f"{count - len(seen)} subscribers did not see the end within {FLUSH_SECONDS:.0f} s")
            return
        told: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
        if told.get("flush") == f"{FLUSH}{name}":
            seen.add(told["subscriber"])
    print(f"everyone saw the end of it after {time.monotonic() - began:.1f} s")
