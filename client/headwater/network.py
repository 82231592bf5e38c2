"""Whether the API can be reached at all: a wait between two attempts that ends at once when the network returns.

While somebody waits, the API's port is tried with a bare TCP connection, which costs three packets. One that succeeds
after one that failed means that the network, or the server, is back. One that merely succeeds means nothing: whoever
was refused by a server that is there waits for the whole of its backoff.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import random
from urllib.parse import urlsplit

# A try that takes longer counts as failed. Together with the pause this bounds how late a return is noticed.
TRY_SECONDS = 0.4
PAUSE_SECONDS = 0.1

# Over how many seconds the clients of one server spread when it returns.
SPREAD_SECONDS = 0.1


class Network:
    """The way to the host of a URL."""

    def __init__(self, url: str, *, chance: Callable[[], float] = random) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or {"https": 443, "wss": 443}.get(parts.scheme, 80)
        self._chance = chance
        self._away = False
        self._returns = asyncio.Event()
        self._waiting = 0
        self._probing: asyncio.Task[None] | None = None

    async def wait(self, seconds: float) -> bool:
        """Wait for so long, or until the network returns, and then say True."""
        returns = self._returns
        self._waiting += 1
        if self._probing is None:
            self._probing = asyncio.create_task(self._probe())
        try:
            async with asyncio.timeout(seconds):
                await returns.wait()
                await asyncio.sleep(self._chance() * SPREAD_SECONDS)
            return True
        except TimeoutError:
            return returns.is_set()
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Stop trying."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    async def _probe(self) -> None:
        try:
            while self._waiting:
                was_away = self._away
                if await self.reached() and was_away:
                    # All who wait have the old event; who waits from now on gets a new one.
                    self._away = False
                    self._returns.set()
                    self._returns = asyncio.Event()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._probing = None

    async def reached(self) -> bool:
        """Whether the port takes a connection now."""
        try:
            async with asyncio.timeout(TRY_SECONDS):
                _, writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError):
            self._away = True
            return False
        writer.close()
        return True
