"""Lambda's Invoke over HTTP on an AF_UNIX socket: where the local cloud forwards every invocation that it triggers.

`POST /2015-03-31/functions/{name or ARN}/invocations[?Qualifier=]`, synchronous only: retries and destinations of
asynchronous invocations are the caller's.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, unquote

import httptools

from local.errors import NotEmulated
from local.functions.errors import FunctionsError, TooManyRequests
from local.functions.invocation import Invocation

Invoke = Callable[..., Awaitable[Invocation]]

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 413: "Content Too Large", 429: "Too Many Requests"}


class InvokeEndpoint:
    """Serves `invoke` (see `Functions.invoke`) on `path`."""

    def __init__(self, path: Path, invoke: Invoke) -> None:
        self._path = path
        self._invoke = invoke
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def start(self) -> None:
        """Listen; a socket that a dead process left behind is replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: _Connection(self._invoke, self._connections), str(self._path), backlog=512
        )
        self._path.chmod(0o600)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.close()
            await self._server.wait_closed()
            self._server = None
        self._path.unlink(missing_ok=True)


class _Connection(asyncio.Protocol):
    """One request at a time; a pipelined one waits in the socket."""

    def __init__(self, invoke: Invoke, connections: set[_Connection]) -> None:
        self._invoke = invoke
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        # The invocation goes on, as in Lambda when a client goes away.
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._answer(400, _error("InvalidRequestContentException", str(error)))
            self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body = b"", {}, []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        assert self._transport is not None
        self._transport.pause_reading()
        keep_alive = self._parser.should_keep_alive()
        work = self._respond(self._parser.get_method(), self._url, self._headers, b"".join(self._body), keep_alive)
        self._task = asyncio.create_task(work)

    async def _respond(
        self, method: bytes, target: bytes, headers: dict[str, str], body: bytes, keep_alive: bool
    ) -> None:
        path, _, query = target.decode("latin-1").partition("?")
        match = _PATH.fullmatch(path)
        if match is None or method != b"POST":
            self._answer(404, _error("UnknownOperationException", f"{method.decode()} {path} is not served here"))
        elif headers.get("x-amz-invocation-type", "RequestResponse") != "RequestResponse":
            self._answer(400, _error("InvalidParameterValueException", "Only RequestResponse is served here"))
        else:
            function = unquote(match[1])
            for qualifier in parse_qs(query).get("Qualifier", []):
                function = f"{function}:{qualifier}"
            await self._run(function, headers, body)
        if not keep_alive:
            self.close()
        elif self._transport is not None:
            self._transport.resume_reading()

    async def _run(self, function: str, headers: dict[str, str], body: bytes) -> None:
        context = headers.get("x-amz-client-context")
        try:
            result = await self._invoke(
                function,
                body or b"{}",
                request_id=headers.get("x-amz-request-id"),
                client_context=base64.b64decode(context).decode() if context else None,
                trace_id=headers.get("x-amzn-trace-id"),
            )
        except FunctionsError as error:
            extra = {"Reason": error.reason} if isinstance(error, TooManyRequests) else {}
            self._answer(error.status, _error(error.code, str(error), **extra), {"X-Amzn-ErrorType": error.code})
        except NotEmulated as error:
            self._answer(501, _error("NotEmulated", str(error)), {"X-Amzn-ErrorType": "NotEmulated"})
        except ValueError as error:
            self._answer(400, _error("InvalidRequestContentException", f"Client context is not base64: {error}"))
        else:
            answer = {"X-Amz-Log-Result": base64.b64encode(result.log_tail).decode()}
            if result.function_error:
                answer["X-Amz-Function-Error"] = result.function_error
            self._answer(200, result.payload, answer)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        if self._transport is None:
            return
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        with contextlib.suppress(OSError):
            self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def _error(code: str, message: str, **extra: Any) -> bytes:
    return json.dumps({"Type": "User", "Code": code, "Message": message, **extra}).encode()
