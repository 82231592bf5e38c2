"""Operators: they list what is parked, replay it, and sometimes give one up; also while everything breaks."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.simulation.kernel import Kernel
from tests.simulation.mapping import Function
from tests.simulation.storage import Storage
from tests.simulation.weather import Weather
from tests.simulation.writers import Ledger

_MOST_ROUNDS = 200


class StillParked(AssertionError):
    """Something is parked that nothing keeps from being told."""


class Operator:
    """Works through the function's operations alone, as `python -m local redrive` does."""

    def __init__(
        self, name: str, kernel: Kernel, weather: Weather, function: Function, storage: Storage, ledger: Ledger
    ) -> None:
        self._name = name
        self._kernel = kernel
        self._weather = weather
        self._function = function
        self._storage = storage
        self._ledger = ledger

    async def run(self) -> None:
        """Look after what is parked now and then, more and more rarely, until the storm is over."""
        pause = 0.3
        while self._weather.storm:
            await asyncio.sleep(pause * self._kernel.random.random())
            pause *= 1.2
            if self._weather.strikes("deployment"):
                self._ledger.poison.mend()
            if self._weather.strikes("operator discards"):
                await self._discard()
            if self._weather.strikes("operator replays"):
                await self._replay()

    async def clean_up(self) -> None:
        """Replay until nothing is parked; raises StillParked when something cannot be replayed."""
        for _ in range(_MOST_ROUNDS):
            await self._replay()
            listed = await self._call({"operation": "parked.list"})
            if listed and listed.get("items") == [] and listed["leftovers"] == 0:
                return
            await asyncio.sleep(1.0)
        raise StillParked(f"still parked: {listed}")

    async def _replay(self) -> None:
        token = None
        while True:
            answer = await self._call({"operation": "parked.replay", "nextToken": token})
            if answer is None or "error" in answer or (token := answer["nextToken"]) is None:
                return

    async def _discard(self) -> None:
        listed = await self._call({"operation": "parked.list"})
        if not listed or not listed.get("items"):
            return
        parked = self._kernel.random.choice(listed["items"])
        before = parked["eventId"] in self._ledger.given_up  # an earlier attempt may have come through
        self._ledger.given_up.add(parked["eventId"])
        event = {"operation": "parked.discard", "id": parked["id"], "eventId": parked["eventId"]}
        answer = await self._call(event)
        if answer and answer.get("error", {}).get("type") == "NotParked" and not before:
            self._ledger.given_up.discard(parked["eventId"])

    async def _call(self, event: dict[str, Any]) -> dict[str, Any] | None:
        answer = await self._function.operate(event)
        self._kernel.trace(self._name, f"{event} -> {answer}")
        return answer
