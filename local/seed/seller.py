"""The signed-in seller that products are loaded as: several connections, a token that is renewed, and patience."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from local.graphql_client import GraphQLClient, Refused, Unreachable

CONNECTIONS = 4
ATTEMPTS = 8
_FIRST_SECONDS, _LONGEST_SECONDS = 0.2, 5.0

# What the same call may not meet again. Everything that is imported may be sent twice.
_TRANSIENT = frozenset({"TryAgain", "TooManyRequestsException", "InternalFailure", "ExecutionTimeout"})
_TRANSIENT_PREFIX = "Lambda:"
_EXPIRED = "UnauthorizedException"


class Seller:
    """Calls the API as a user of the group `sellers`, who signs in by `sign_in` for a token; `connections` at once."""

    def __init__(self, url: str, sign_in: Callable[[], Awaitable[str]], *, connections: int = CONNECTIONS) -> None:
        self.connections = connections
        self._url = url
        self._sign_in = sign_in
        self._free: asyncio.Queue[GraphQLClient | None] = asyncio.Queue()
        for _ in range(connections):
            self._free.put_nowait(None)  # made when it is needed, with the token of that moment
        self._token: str | None = None
        self._signing_in = asyncio.Lock()

    async def call(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Run an operation, again after what passes: limits, a busy database, a lost connection, an expired token.

        Raises:
            Refused, Unreachable: it did not pass, or never will.
            Exception: whatever `sign_in` raises.
        """
        client = await self._free.get()
        attempt = 0
        try:
            while True:
                token = await self._signed_in()
                client = client or GraphQLClient(self._url, token=token)
                try:
                    return await client.execute(query, variables)
                except (Refused, Unreachable) as error:
                    if (pause := getattr(error, "pause_seconds", None)) is None:
                        attempt += 1
                        if attempt == ATTEMPTS or not _passes(error):
                            raise
                        pause = random.uniform(0, min(_LONGEST_SECONDS, _FIRST_SECONDS * 2**attempt))  # noqa: S311 - no secret
                    if isinstance(error, Refused) and error.type == _EXPIRED:
                        if attempt > 1:  # not even a new token is taken
                            raise
                        await client.close()
                        client = None
                        await self._sign_out(token)
                await asyncio.sleep(pause)
        finally:
            self._free.put_nowait(client)

    async def close(self) -> None:
        """Close the connections, once nothing is called any more."""
        while not self._free.empty():
            client = self._free.get_nowait()
            if client is not None:
                await client.close()

    async def _signed_in(self) -> str:
        async with self._signing_in:
            if self._token is None:
                self._token = await self._sign_in()
            return self._token

    async def _sign_out(self, token: str) -> None:
        async with self._signing_in:
            if self._token == token:  # somebody else may have a new one by now
                self._token = None


def _passes(error: Refused | Unreachable) -> bool:
    if isinstance(error, Unreachable):
        return True
    kind = error.type or ""
    return kind in _TRANSIENT or kind == _EXPIRED or kind.startswith(_TRANSIENT_PREFIX)
