"""A legacy system on a loopback port: it tells what it was asked, and answers as a test wants it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[BaseHTTPRequestHandler, bytes], None]


@dataclass
class Asked:
    """A request as it arrived; names of headers in lower case, each with all its values."""

    method: str
    target: str
    headers: Mapping[str, list[str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The one value of a header."""
        values = self.headers.get(name)
        if values is None:
            return None
        (value,) = values
        return value


@dataclass
class LegacySystem:
    """What it was asked, and how it behaves: a behaviour for a path, else an echo in JSON."""

    url: str
    port: int
    asked: list[Asked] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    connections: int = 0

    def answers(
        self, path: str, status: int = 200, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Answer a path with this."""

        def behave(handler: BaseHTTPRequestHandler, given: bytes) -> None:
            del given
            handler.send_response(status)
            for name, value in headers:
                handler.send_header(name, value)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(b"" if handler.command == "HEAD" else body)

        self.behaviours[path] = behave

    def answers_json(self, path: str, value: Any, status: int = 200) -> None:
        """Answer a path with JSON."""
        self.answers(path, status, json.dumps(value).encode(), (("content-type", "application/json"),))

    @property
    def last(self) -> Asked:
        """The last request."""
        return self.asked[-1]


@contextmanager
def legacy_system() -> Iterator[LegacySystem]:
    """A started one, which is stopped afterwards."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def setup(self) -> None:
            super().setup()
            system.connections += 1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers: dict[str, list[str]] = {}
            for name, value in self.headers.items():
                headers.setdefault(name.lower(), []).append(value)
            asked = Asked(self.command, self.path, headers, body)
            system.asked.append(asked)
            behaviour = system.behaviours.get(self.path.partition("?")[0])
            if behaviour is not None:
                behaviour(self, body)
                return
            told = json.dumps({"method": asked.method, "target": asked.target, "body": body.decode("latin-1")}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else told)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Silent."""

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._answer)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Whoever hangs up in the middle is what tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    port = int(server.server_address[1])
    system = LegacySystem(f"http://127.0.0.1:{port}", port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield system
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
