"""The public keys of an identity provider: its JSON Web Key Set (RFC 7517), cached and fetched again when keys rotate.

An unknown key id is a reason to look again, but one that anybody can cause: a provider is asked at most once in
`REFETCH_SECONDS`, and only once by requests that arrive together.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import jwt

from local.appsync.auth.fetching import FetchError

REFETCH_SECONDS = 2.0
STALE_SECONDS = 3600.0
RETRY_STALE_SECONDS = 60.0

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

log = logging.getLogger(__name__)

Load = Callable[[], Awaitable[Mapping[str, Any]]]
"""Fetches a key set, `{"keys": [...]}`. Raises FetchError."""


class KeySet:
    """One provider's keys. `clock` gives seconds that only grow."""

    def __init__(self, load: Load, clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._clock = clock
        self._keys: dict[str, Mapping[str, Any]] = {}
        self._prepared: dict[tuple[str, str], jwt.PyJWK] = {}
        self._loading: asyncio.Task[None] | None = None
        self._next_attempt = float("-inf")
        self._stale_at = float("-inf")

    async def key(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        """The key with an id, for an asymmetric signature algorithm; None when the provider has no such key."""
        if key_id not in self._keys or self._clock() >= self._stale_at:
            await self._refresh()
        prepared = self._prepared.get((key_id, algorithm))
        if prepared is None and key_id in self._keys and _fits(self._keys[key_id], algorithm):
            try:
                prepared = jwt.PyJWK(dict(self._keys[key_id]), algorithm)
            except jwt.PyJWTError as error:
                log.warning("the key %r of an identity provider is unusable: %s", key_id, error)
                return None
            self._prepared[key_id, algorithm] = prepared
        return prepared

    async def _refresh(self) -> None:
        if self._loading is None or self._loading.done():
            if self._clock() < self._next_attempt:
                return
            self._next_attempt = self._clock() + REFETCH_SECONDS
            self._loading = asyncio.ensure_future(self._fetch())
        # A caller that goes away must not take the fetch from the others.
        await asyncio.shield(self._loading)

    async def _fetch(self) -> None:
        try:
            found = (await self._load()).get("keys")
        except FetchError as error:
            # The keys from before stay: a provider that is down for a moment signs nobody out.
            log.warning("no keys of an identity provider: %s", error)
            self._stale_at = self._clock() + RETRY_STALE_SECONDS
            return
        keys = found if isinstance(found, list) else []
        self._keys = {key["kid"]: key for key in keys if isinstance(key, dict) and isinstance(key.get("kid"), str)}
        self._prepared.clear()
        self._stale_at = self._clock() + STALE_SECONDS


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a key may verify an algorithm: by its type, and by what it says of itself. Never a symmetric one."""
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    if algorithm in _CURVES:
        return key.get("kty") == "EC" and key.get("crv") == _CURVES[algorithm]
    return key.get("kty") == "RSA" and algorithm[:2] in {"RS", "PS"}
