"""The live subscribers: processes of `headwater watch`, each with several clients, each with its socket."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.demo.instance import ROOT, stop
from benchmarks.demo.verdict import Delivery

LIVE_SECONDS = 60.0
PROCESSES = 2


class SubscriberError(Exception):
    """A subscriber's process ended by itself, or did not go live."""


class Subscribers:
    """Some subscribers of one room of the instance with the state directory `state`.

    `deliveries` has each subscriber's callbacks in their order.
    """

    def __init__(self, state: Path, room: str, count: int) -> None:
        self._state = state
        self._room = room
        self._shares = [len(range(first, count, PROCESSES)) for first in range(min(PROCESSES, count))]
        self._children: list[asyncio.subprocess.Process] = []
        self._readers: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._positions: list[int] = []
        self._errors: list[str] = []
        self.deliveries: list[list[Delivery]] = [[] for _ in range(count)]

    @property
    def position(self) -> int:
        """The number of the room's newest change when the first of the subscribers went live."""
        return min(self._positions)

    async def __aenter__(self) -> Self:
        try:
            first = 0
            for share in self._shares:
                await self._start(first, share)
                first += share
            async with asyncio.timeout(LIVE_SECONDS):
                while len(self._positions) < len(self.deliveries):
                    await self._next_news()
        except TimeoutError:
            await self._stop()
            raise SubscriberError(
                f"{len(self._positions)} of {len(self.deliveries)} subscribers were live after {LIVE_SECONDS:.0f} s"
            ) from None
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def until_quiet(self, expected: int, *, patience_seconds: float, quiet_seconds: float) -> None:
        """Wait until each has `expected` callbacks and nothing more comes for `quiet_seconds`, or until nothing at all
        has come for `patience_seconds`.

        Raises:
            SubscriberError: a process ended.
        """
        while True:
            complete = all(len(deliveries) >= expected for deliveries in self.deliveries)
            try:
                async with asyncio.timeout(quiet_seconds if complete else patience_seconds):
                    await self._next_news()
            except TimeoutError:
                return

    async def _start(self, first: int, share: int) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "headwater", "watch", f"room:{self._room}", "--json", "--subscribers", str(share),
            cwd=ROOT,
            env=os.environ | {"HEADWATER_STATE": str(self._state), "PYTHONPATH": str(ROOT / "client")},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=1 << 20,
        )  # fmt: skip
        self._children.append(child)
        self._readers.append(asyncio.create_task(self._read(child, first)))

    async def _read(self, child: asyncio.subprocess.Process, first: int) -> None:
        assert child.stdout is not None
        assert child.stderr is not None
        async for line in child.stdout:
            self._take(json.loads(line), first)
            self._news.set()
        errors = (await child.stderr.read()).decode("utf-8", "replace").strip()
        self._errors.append(errors or f"status {await child.wait()}")
        self._news.set()

    def _take(self, line: dict[str, Any], first: int) -> None:
        match line["event"]:
            case "live":
                self._positions.append(line["position"])
            case "change":
                delivery = Delivery(line["seq"], line["key"], line["kind"], line["source"], line["monotonicNs"])
                self.deliveries[first + line["subscriber"]].append(delivery)

    async def _next_news(self) -> None:
        await self._news.wait()
        self._news.clear()
        if self._errors:
            raise SubscriberError(f"a subscriber ended: {self._errors[0]}")

    async def _stop(self) -> None:
        await asyncio.gather(*(stop(child) for child in self._children))
        await asyncio.gather(*self._readers)
