"""How a running instance is asked and told things: HTTP with JSON over a Unix socket in its state directory.

Only the user who started the instance may connect (mode 0600), hence no credentials. Parts register what they answer
with `Control.route`; commands are thin clients (`local/control_client.py`).

    control.route("GET", "/topics/{topic}", handler)

A handler's value is the answer's JSON, with status 200. What it cannot do it says with a ControlError, which the client
raises again; on the wire `{"error": {"code": "NotFound", "message": "..."}}`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from local.appsync.encoding import encode
from local.appsync.http1 import HttpConnection
from local.appsync.http_messages import Request, Response
from local.control_client import SOCKET_NAME, ControlError

log = logging.getLogger("headwater.control")

MAX_PATH_BYTES = 103
"""The shortest limit of a Unix socket's path, macOS's; Linux takes 107 bytes."""

SWEEP_SECONDS = 5.0
STOP_SECONDS = 1.0
_FOLDER_PREFIX = "headwater-control-"


@dataclass(frozen=True)
class ControlRequest:
    """What a handler gets: the path's `{parameters}`, the query string's members, the body's JSON (None: no body)."""

    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


ControlHandler = Callable[[ControlRequest], Awaitable[Any]]


class Control:
    """The control socket of the instance whose state directory is `state`, which only that instance uses."""

    def __init__(self, state: Path) -> None:
        self._path = state / SOCKET_NAME
        self._routes: list[tuple[str, re.Pattern[str], ControlHandler]] = []
        self._connections: set[HttpConnection] = set()
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    def route(self, method: str, path: str, handler: ControlHandler) -> None:
        """Answer a method and a path, in which `{name}` stands for any text without a slash (quoted on the wire)."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        self._routes.append((method, re.compile(pattern), handler))

    async def start(self) -> None:
        """Listen, in the place of what a killed instance left behind."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._remove()
        loop = asyncio.get_running_loop()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path = self._place()
            listening.bind(str(path))
            path.chmod(0o600)  # before it listens: nobody else gets in meanwhile
            self._listener = await loop.create_unix_server(
                lambda: HttpConnection(self, self._connections, secure=False, clock=time.monotonic), sock=listening
            )
        except BaseException:
            listening.close()
            raise
        self._sweeper = loop.create_task(self._sweep())

    async def stop(self) -> None:
        """Answer what was asked, within a second, and close the socket. Harmless when it is not open."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        assert self._sweeper is not None
        self._sweeper.cancel()
        running = [task for connection in list(self._connections) if (task := connection.drain()) is not None]
        if running:
            _, late = await asyncio.wait(running, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for connection in list(self._connections):
            connection.abort()
        self._remove()

    async def respond(self, request: Request) -> Response:
        """The answer to any request; never raises."""
        try:
            value, status = await self._answer(request), 200
        except ControlError as error:
            value, status = _refusal(error), error.status
        except Exception as error:
            log.exception("%s %s failed", request.method, request.path)
            value, status = _refusal(ControlError("Internal", f"{type(error).__name__}: {error}")), 500
        try:
            body = encode(value)
        except TypeError as error:
            log.exception("the answer to %s %s is no JSON", request.method, request.path)
            body, status = encode(_refusal(ControlError("Internal", str(error)))), 500
        return Response(status, [("content-type", "application/json")], body)

    async def upgrade(self, request: Request) -> Response:
        """There is nothing to upgrade to."""
        return await self.respond(request)

    async def _answer(self, request: Request) -> Any:
        methods = []
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(request.path)
            if found is None:
                continue
            if method != request.method:
                methods.append(method)
                continue
            try:
                body = orjson.loads(request.body) if request.body else None
            except orjson.JSONDecodeError as error:
                raise ControlError("BadRequest", f"the body is no JSON: {error}") from None
            parameters = {name: unquote(value) for name, value in found.groupdict().items()}
            query = dict(parse_qsl(request.query, keep_blank_values=True))
            return await handler(ControlRequest(parameters, query, body))
        if methods:
            raise ControlError("BadMethod", f"{request.path} takes {', '.join(sorted(methods))}", 405)
        raise ControlError("NotFound", f"this instance has nothing at {request.path}", 404)

    def _place(self) -> Path:
        """Where the socket goes: into the state directory, or a link there when its path would be too long."""
        if len(os.fsencode(self._path)) <= MAX_PATH_BYTES:
            return self._path
        place = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX)) / SOCKET_NAME  # a folder of mode 0700
        self._path.symlink_to(place)
        return place

    def _remove(self) -> None:
        """Remove the socket, ours or a dead instance's: the state directory is locked, so nobody listens there."""
        if self._path.is_symlink():
            folder = self._path.readlink().parent
            if folder.name.startswith(_FOLDER_PREFIX):
                shutil.rmtree(folder, ignore_errors=True)
        self._path.unlink(missing_ok=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for connection in list(self._connections):
                connection.expire(now)


def _refusal(error: ControlError) -> dict[str, dict[str, str]]:
    return {"error": {"code": error.code, "message": str(error)}}
