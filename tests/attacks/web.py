"""The HTTP API under attack: raw requests, the line of its access log for each, and what functions log meanwhile."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.attacks.target import Person, Target
from tests.stack.instance import eventually

ORIGIN = "http://localhost:5173"  # of those that `WebOrigins` has by default
COOKIE = "__Host-session"
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Reply:
    """A response; `cookies` are the `Set-Cookie` headers."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    @property
    def message(self) -> Any:
        """The refusal's words."""
        return json.loads(self.body)["message"]


class Web:
    """The HTTP API of a target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        parts = urlsplit(target.instance.outputs["rest"])
        assert parts.hostname
        self._address, self._base = (parts.hostname, parts.port), parts.path

    def ask(self, method: str, path: str, headers: Headers | None = None, body: bytes = b"") -> Reply:
        """A request with exactly these headers, in this order and as often as they are there."""
        connection = http.client.HTTPConnection(*self._address, timeout=35)
        try:
            connection.putrequest(method, self._base + path, skip_accept_encoding=True)
            for name, value in headers or []:
                connection.putheader(name, value)
            if body or method == "POST":
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            found = response.getheaders()
            cookies = [value for name, value in found if name.lower() == "set-cookie"]
            return Reply(response.status, {n.lower(): v for n, v in found}, cookies, response.read())
        finally:
            connection.close()

    def session(self, person: Person) -> str:
        """The cookie of a new session, as a browser sends it back."""
        body = json.dumps({"refreshToken": person.refresh_token}).encode()
        reply = self.ask("POST", "/session", [("origin", ORIGIN)], body)
        assert reply.status == 200, reply.body
        return reply.cookies[0].partition(";")[0]

    def refresh(self, cookie: str, origin: str | None = ORIGIN) -> Reply:
        """POST /session/refresh."""
        return self.ask("POST", "/session/refresh", [("cookie", cookie), *([("origin", origin)] if origin else [])])

    def with_key(self, key: str) -> Reply:
        """GET /whoami with an auth key."""
        return self.ask("GET", "/whoami", [("x-auth-key", key)])

    def logged(self, position: int = 0) -> list[dict[str, Any]]:
        """The lines of the access log after a position."""
        (file,) = (self.target.instance.state / "logs").glob("*AccessLogGroup*.log")
        return [json.loads(line) for line in file.read_bytes()[position:].decode().splitlines()]

    def position(self) -> int:
        """Where the next line of the access log begins."""
        found = list((self.target.instance.state / "logs").glob("*AccessLogGroup*.log"))
        return found[0].stat().st_size if found else 0

    def functions_say(self, since: dict[str, int], text: str) -> bool:
        """Whether a function has logged a text since `marks`; logs are written while the answer travels."""

        def said() -> bool:
            logs = self.target.function_logs().items()
            return any(text.encode() in content[since.get(name, 0) :] for name, content in logs)

        return eventually(said)

    def marks(self) -> dict[str, int]:
        """How long the logs of functions are."""
        return {name: len(content) for name, content in self.target.function_logs().items()}
