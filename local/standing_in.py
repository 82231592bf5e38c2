"""Stand-ins for services that a template is told of by a URL: on a laptop a folder of files answers in their place.

Beside the template, `local/stand_ins/RatesUrl/` is what the service of the parameter `RatesUrl` answers: GET of
`/v1/latest` gets the file `v1/latest`, or `v1/latest.json`, as it is then, whatever the query string says. Each of them
has a port of its own on the loopback interface, which it keeps over restarts as long as nobody else takes it: the URL
is part of the deployment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import mimetypes
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from local.appsync.http1 import HttpConnection
from local.appsync.http_messages import Request, Response, plain_response
from local.deploy import Template
from local.faults import Faults

FOLDER = Path("local") / "stand_ins"
HOST = "127.0.0.1"
_SUFFIXES = ("", ".json")
_SWEEP_SECONDS = 5.0


class StandIns:
    """The stand-ins of one instance, whose state directory is `state`."""

    def __init__(self, state: Path, faults: Faults) -> None:
        self._file = state / "stand-ins.json"
        self._faults = faults
        self._served: dict[str, tuple[asyncio.Server, str]] = {}
        self._connections: set[HttpConnection] = set()
        self._sweeper: asyncio.Task[None] | None = None

    async def parameters(self, template: Template) -> dict[str, str]:
        """The URLs of the stand-ins of a template's parameters, by parameter; they listen from now on."""
        found = {}
        for name in template.body.get("Parameters", {}):
            folder = template.path.parent / FOLDER / name
            if folder.is_dir():
                found[name] = await self._serve(name, folder)
        return found

    async def stop(self) -> None:
        """Listen no more, and hang up."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for server, _ in self._served.values():
            server.close()
        self._served.clear()
        for connection in list(self._connections):
            connection.abort()

    async def _serve(self, name: str, folder: Path) -> str:
        if name not in self._served:
            ports = self._ports()
            listening = _listening(ports.get(name, 0))
            port = listening.getsockname()[1]
            if ports.get(name) != port:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.write_text(json.dumps({**ports, name: port}))
            files = _Files(name, folder, self._faults)
            loop = asyncio.get_running_loop()
            server = await loop.create_server(
                lambda: HttpConnection(files, self._connections, secure=False, clock=time.monotonic), sock=listening
            )
            self._served[name] = server, f"http://{HOST}:{port}"
            self._sweeper = self._sweeper or loop.create_task(self._sweep())
        return self._served[name][1]

    def _ports(self) -> Mapping[str, int]:
        try:
            return {str(name): int(port) for name, port in json.loads(self._file.read_text()).items()}
        except (OSError, ValueError, TypeError, AttributeError):  # there is none yet, or it was cut off: new ports do
            return {}

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for connection in list(self._connections):
                connection.expire(time.monotonic())


class _Files:
    """Answers with the files of a folder."""

    def __init__(self, name: str, folder: Path, faults: Faults) -> None:
        self._name = name
        self._folder = folder.resolve()
        self._faults = faults

    async def respond(self, request: Request) -> Response:
        """The file of the path; 404 where there is none."""
        if self._faults.active and (strike := self._faults.strike("stand-in", parameter=self._name)):
            seconds, status, body = (strike.options[name] for name in ("seconds", "status", "body"))
            strike.did(f"{request.method} {request.path}: waited {seconds:g} s" + (f", {status}" if status else ""))
            await asyncio.sleep(seconds)
            if status is not None or body is not None:
                return Response(status or 200, [("content-type", "application/json")], (body or "").encode())
        if request.method not in ("GET", "HEAD"):
            return plain_response(405, "The stand-in has files only.")
        for suffix in _SUFFIXES:
            with contextlib.suppress(OSError, ValueError):
                file = (self._folder / (unquote(request.path).lstrip("/") + suffix)).resolve()
                if file.is_relative_to(self._folder) and file.is_file():
                    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                    return Response(200, [("content-type", kind)], file.read_bytes())
        return plain_response(404, f"The stand-in of {self._name} has no {request.path}.")

    async def upgrade(self, request: Request) -> Response:
        """There is nothing to upgrade to."""
        return await self.respond(request)


def _listening(port: int) -> socket.socket:
    """A socket on a port, or on any other one when it is taken by now."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.bind((HOST, 0))
    return listening
