"""A small GraphQL client over HTTP for the runner's own needs: one kept connection, one request at a time.

`local` imports none of the project's other parts, the Python client included.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httptools
import orjson

REQUEST_SECONDS = 35.0  # AppSync itself gives up after 30


class Unreachable(Exception):
    """No answer: the server is not there, hung up, or took too long."""


class Refused(Exception):
    """The API answered with errors. `type` is the first one's `errorType`, `data` the partial result."""

    def __init__(self, errors: list[dict[str, Any]], data: Any) -> None:
        first = errors[0] if errors else {}
        self.type: str | None = first.get("errorType")
        self.errors = errors
        self.data = data
        message = str(first.get("message"))
        super().__init__(f"{self.type}: {message}" if self.type else message)

    @property
    def pause_seconds(self) -> float | None:
        """After which the same call may succeed, where the API limits its callers; None for any other refusal.

        Longer than what the API says, by chance, so that those who wait together do not come back together.
        """
        if self.type != "TooManyRequests":
            return None
        info = self.errors[0].get("errorInfo") or {}
        return float(info.get("retryAfterMs", 1000)) / 1000 * random.uniform(1, 2)  # noqa: S311 - no secret


class GraphQLClient:
    """A caller with an API key, or a signed-in user with a token. Requests of one client follow each other; for more at
    once take several."""

    def __init__(self, url: str, api_key: str = "", *, token: str | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._url = url
        self._head = (
            f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"{f'Authorization: {token}' if token else f'x-api-key: {api_key}'}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode("latin-1")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def execute(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run an operation and return its `data`.

        Raises:
            Refused: the answer has errors.
            Unreachable: there is no answer that could be read.
        """
        body = orjson.dumps({"query": query, "variables": variables or {}})
        async with self._turn:
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    status, answer = await self._exchange(body)
            except (OSError, TimeoutError, httptools.HttpParserError) as error:
                await self._hang_up()
                raise Unreachable(f"{self._url}: {error or type(error).__name__}") from error
            except BaseException:
                await self._hang_up()  # half an exchange is on the connection
                raise
        try:
            result = orjson.loads(answer)
            errors, data = result.get("errors"), result.get("data")
        except (orjson.JSONDecodeError, AttributeError) as error:
            raise Unreachable(f"{self._url}: HTTP {status} with a body that is no GraphQL response") from error
        if errors or data is None:
            raise Refused(errors or [{"message": f"HTTP {status} without data"}], data)
        return dict(data)

    async def close(self) -> None:
        """Close the connection."""
        async with self._turn:
            await self._hang_up()

    async def _exchange(self, body: bytes) -> tuple[int, bytes]:
        if self._streams is not None and (self._streams[0].at_eof() or self._streams[1].is_closing()):
            await self._hang_up()  # the server has, while nothing was asked
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._ssl)
        reader, writer = self._streams
        writer.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        await writer.drain()
        response = _Response()
        while not response.complete:
            chunk = await reader.read(65536)
            if not chunk:
                raise ConnectionResetError("the server closed the connection before it answered")
            response.parser.feed_data(chunk)
        if not response.keep_alive:
            await self._hang_up()
        return response.parser.get_status_code(), bytes(response.body)

    async def _hang_up(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()


class _Response:
    """What httptools tells while it parses."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.body = bytearray()
        self.keep_alive = False
        self.complete = False

    def on_headers_complete(self) -> None:
        self.keep_alive = self.parser.should_keep_alive()  # the parser forgets it with the end of the message

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True
