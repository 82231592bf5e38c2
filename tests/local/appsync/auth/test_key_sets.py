"""Key sets: fetched once, again on rotation, seldom for nonsense, and kept while their provider is down."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.appsync.auth import fetching
from local.appsync.auth.fetching import LARGEST_DOCUMENT_BYTES, FetchError, fetch_json
from local.appsync.auth.key_sets import REFETCH_SECONDS, RETRY_STALE_SECONDS, STALE_SECONDS, KeySet
from tests.local.appsync.auth.issuers import elliptic_key, jwk, publishing, rsa_key

FILE = Path(__file__).as_uri()
ONE, TWO = jwk(rsa_key("one"), "1"), jwk(rsa_key("two"), "2")


class Source:
    """A key set's source and clock."""

    def __init__(self, *keys: Any) -> None:
        self.keys = list(keys)
        self.fetches = 0
        self.now = 0.0
        self.down = False
        self.set = KeySet(self.load, lambda: self.now)

    async def load(self) -> Mapping[str, Any]:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.down:
            raise FetchError("http://keys", "down")
        return {"keys": self.keys}

    async def has(self, key_id: str, algorithm: str = "RS256") -> bool:
        return await self.set.key(key_id, algorithm) is not None


async def test_keys_are_fetched_once_for_all_who_ask() -> None:
    source = Source(ONE, TWO)
    assert all(await asyncio.gather(*(source.has(key_id) for key_id in ("1", "2", "1", "2"))))
    assert source.fetches == 1


async def test_a_rotated_key_is_found() -> None:
    source = Source(ONE)
    assert await source.has("1")
    source.keys = [TWO]
    source.now += REFETCH_SECONDS
    assert await source.has("2")
    assert not await source.has("1")


async def test_unknown_keys_do_not_make_more_fetches_than_time_allows() -> None:
    source = Source(ONE)
    for number in range(50):
        assert not await source.has(f"nonsense {number}")
    assert source.fetches == 1
    source.now += REFETCH_SECONDS
    assert not any(await asyncio.gather(*(source.has(f"nonsense {number}") for number in range(50))))
    assert source.fetches == 2
    assert await source.has("1")


async def test_keys_grow_old() -> None:
    source = Source(ONE)
    assert await source.has("1")
    source.keys = []
    source.now += STALE_SECONDS - 1
    assert await source.has("1")
    source.now += 1
    assert not await source.has("1")


async def test_keys_outlive_a_provider_that_is_down() -> None:
    source = Source(ONE)
    assert await source.has("1")
    source.down = True
    source.now += STALE_SECONDS
    assert await source.has("1")
    assert (await source.has("1"), source.fetches) == (True, 2)
    source.down, source.keys = False, [TWO]
    source.now += RETRY_STALE_SECONDS
    assert not await source.has("1")


async def test_a_provider_that_was_down_at_first_is_asked_again() -> None:
    source = Source(ONE)
    source.down = True
    assert not await source.has("1")
    source.down = False
    source.now += REFETCH_SECONDS
    assert await source.has("1")


@pytest.mark.parametrize(
    ("key", "algorithm", "fits"),
    [
        (ONE, "RS256", True),
        (ONE, "PS512", True),
        (ONE, "ES256", False),
        (ONE | {"alg": "RS512"}, "RS512", True),
        (ONE | {"alg": "RS512"}, "RS256", False),
        (ONE | {"use": "sig"}, "RS256", True),
        (ONE | {"use": "enc"}, "RS256", False),
        (ONE | {"kty": "oct", "k": "c2VjcmV0"}, "RS256", False),
        ({"kty": "oct", "kid": "1", "k": "c2VjcmV0"}, "HS256", False),
        (jwk(elliptic_key("ES256"), "1"), "ES256", True),
        (jwk(elliptic_key("ES256"), "1"), "ES384", False),
        (jwk(elliptic_key("ES256"), "1"), "RS256", False),
        ({"kty": "RSA", "kid": "1"}, "RS256", False),
        ({"kty": "RSA", "kid": "1", "n": "?", "e": "?"}, "RS256", False),
        (jwk(rsa_key("one"), None), "RS256", False),
        ("no object", "RS256", False),
    ],
)
async def test_a_key_is_used_for_what_it_is_made_for(key: Any, algorithm: str, fits: bool) -> None:
    assert await Source(key).has("1", algorithm) is fits


async def test_documents_come_over_http_from_the_url_and_nowhere_else() -> None:
    with publishing() as web:
        web.documents = {
            "/keys": {"keys": []},
            "/list": [],
            "/text": b"{",
            "/big": b" " * LARGEST_DOCUMENT_BYTES + b"{}",
        }
        web.redirects = {"/moved": f"{web.url}/keys", "/file": FILE, "/ftp": "ftp://127.0.0.1/keys"}
        assert await fetch_json(f"{web.url}/keys") == {"keys": []}
        assert await fetch_json(f"{web.url}/moved") == {"keys": []}
        for path in ("/list", "/text", "/big", "/absent", "/file", "/ftp"):
            with pytest.raises(FetchError, match=path):
                await fetch_json(web.url + path)
    for url in (FILE, "ftp://127.0.0.1/x", "keys", "http://", "http://[", f"{web.url}/closed"):
        with pytest.raises(FetchError):
            await fetch_json(url)


async def test_a_provider_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TOTAL_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(FetchError, match="no answer within"):
            await fetch_json(f"http://127.0.0.1:{silent.getsockname()[1]}/keys")
        accepted, _ = silent.accept()
        accepted.close()  # ends the thread that still waits
