"""An AppSync endpoint that verifies signatures and answers as a script says, to see what a caller does then."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.appsync.auth import sigv4
from local.appsync.auth.credentials import Credentials

REGION = "us-east-1"
SECRET_ACCESS_KEY = "secret"

# An answer is a status and a JSON body, or what happens to the connection instead.
Answer = tuple[int, Any] | str
HANGS, BREAKS = "hangs", "breaks"
PUBLISHED: Answer = (200, {"data": {"publishMessages": {"topic": "x"}}})
Inputs = list[dict[str, Any]]


class ScriptedAppSync(ThreadingHTTPServer):
    """Keeps the inputs of all publish mutations.

    `script` holds the next answers; then `rule` gives that to an input, and where it gives none all is well.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Answer] = []
        self.rule: Callable[[dict[str, Any]], Answer | None] = lambda _: None
        self.inputs: Inputs = []
        self.connections = 0
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/graphql"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedAppSync

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        credentials = Credentials({name.lower(): value for name, value in self.headers.items()}, body=body)
        signature = sigv4.parse(credentials, REGION, datetime.now(UTC))
        sigv4.verify(signature, credentials, SECRET_ACCESS_KEY)
        request = json.loads(body)
        self.server.inputs.append(request["variables"]["input"])
        answer = self.server.script.pop(0) if self.server.script else self.server.rule(self.server.inputs[-1])
        answer = PUBLISHED if answer is None else answer
        if isinstance(answer, str):
            if answer == HANGS:
                self.server.released.wait(30)
            self.close_connection = True
            return
        status, content = answer
        encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the overridden signature
        """Not into the test's output."""


@contextmanager
def scripted_appsync() -> Iterator[ScriptedAppSync]:
    """A server on a free port, until the block ends."""
    with ScriptedAppSync() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
