"""JSON documents of identity providers: discovery documents and JSON Web Key Sets, fetched off the event loop."""

from __future__ import annotations

import asyncio
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import orjson

SOCKET_SECONDS = 5.0
TOTAL_SECONDS = 8.0
LARGEST_DOCUMENT_BYTES = 1024 * 1024

# Its own threads: a provider that hangs must not hold those that everything else shares.
_executor = ThreadPoolExecutor(4, thread_name_prefix="identity-provider")


class FetchError(Exception):
    """A document that cannot be had; the message has the URL and the reason."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"{url}: {reason}")


Fetch = Callable[[str], Awaitable[dict[str, Any]]]
"""The JSON object at an http or https URL. Raises FetchError."""


_COGNITO = re.compile(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?(?=/)")


def at_local_cloud(endpoint: str, fetch: Fetch) -> Fetch:
    """A Fetch that asks the local cloud for what user pools publish: nothing meant for AWS leaves this machine."""

    async def located(url: str) -> dict[str, Any]:
        return await fetch(_COGNITO.sub(endpoint, url))

    return located


async def fetch_json(url: str) -> dict[str, Any]:
    """The JSON object at an http or https URL, within `TOTAL_SECONDS`. Raises FetchError."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(_executor, _get, url)
    except TimeoutError:
        raise FetchError(url, f"no answer within {TOTAL_SECONDS:.0f} s") from None


def _get(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise FetchError(url, "not an http or https URL")
        with _opener(parts.hostname).open(url, timeout=SOCKET_SECONDS) as response:
            body = response.read(LARGEST_DOCUMENT_BYTES + 1)
        document = orjson.loads(body) if len(body) <= LARGEST_DOCUMENT_BYTES else None
    except urllib.error.HTTPError as error:
        with error:
            raise FetchError(url, f"HTTP {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise FetchError(url, error) from error
    if not isinstance(document, dict):
        raise FetchError(url, "not a JSON object of at most 1 MB")
    return document


def _opener(host: str) -> urllib.request.OpenerDirector:
    """Only http and https, also after a redirect; proxies as the environment says, but never for this machine."""
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler({} if host in {"127.0.0.1", "::1", "localhost"} else None))
    for handler in (
        urllib.request.UnknownHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPRedirectHandler, urllib.request.HTTPErrorProcessor,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener
