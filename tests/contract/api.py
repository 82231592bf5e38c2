"""One AppSync API as its clients see it: an HTTP endpoint and the credentials to use there."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

SECONDS = 35.0  # AppSync itself gives up after 30


@dataclass(frozen=True)
class Answer:
    """An HTTP response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        encoded = self.headers.get("content-encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if encoded else self.body)

    @property
    def data(self) -> Any:
        """`data` of a response that must have no errors."""
        found = self.json
        assert self.status == 200, (self.status, found)
        assert "errors" not in found, found
        return found["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """`errors`, which must be there."""
        found: list[dict[str, Any]] = self.json["errors"]
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The only error."""
        (found,) = self.errors
        return found


@dataclass(frozen=True)
class Api:
    """`url` is the GraphQL endpoint, `realtime_url` the one for WebSockets, `key` a valid API key."""

    url: str
    realtime_url: str
    key: str

    @property
    def host(self) -> str:
        """The host name, with its port where there is one."""
        return urlsplit(self.url).netloc

    def send(
        self,
        method: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        query: str = "",
        path: str = "",
    ) -> Answer:
        """A request with exactly these headers, besides `host` and `content-length`."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=SECONDS)
        try:
            target = path or parts.path
            connection.request(method, f"{target}?{query}" if query else target, body or None, dict(headers or {}))
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def post(self, body: bytes | str, **headers: str) -> Answer:
        """A POST of raw bytes with the API key. Underscores in header names stand for hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        text = body.encode() if isinstance(body, str) else body
        return self.send("POST", text, {"content-type": "application/json", "x-api-key": self.key, **given})

    def run(
        self, query: str, variables: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """An operation with the API key; `headers` take the key's place."""
        members: dict[str, Any] = {"query": query}
        if variables is not None:
            members["variables"] = variables
        credentials = {"x-api-key": self.key} if headers is None else headers
        return self.send("POST", json.dumps(members).encode(), {"content-type": "application/json", **credentials})

    def value(self, field: str, **arguments: Any) -> Any:
        """An AWSJSON field of Query, asked with the API key, decoded. Arguments are AWSJSON."""
        return json.loads(self.text(field, **arguments))

    def text(self, field: str, **arguments: Any) -> str:
        """An AWSJSON field of Query as its text."""
        declared = ", ".join(f"${name}: AWSJSON" + ("!" if name == "request" else "") for name in arguments)
        given = ", ".join(f"{name}: ${name}" for name in arguments)
        query = f"query ({declared}) {{ {field}({given}) }}" if arguments else f"{{ {field} }}"
        answer = self.run(query, {name: json.dumps(value) for name, value in arguments.items()})
        found: str = answer.data[field]
        return found

    def resolve(self, field: str, value: Any, selection: str) -> Answer:
        """A field of Query whose resolver returns `value`."""
        query = f"query ($value: AWSJSON) {{ {field}(value: $value) {selection} }}"
        return self.run(query, {"value": json.dumps(value)})

    def publish(self, value: Mapping[str, Any], selection: str | None = None, mutation: str = "publish") -> Answer:
        """Publish an event; by default all its members are selected."""
        chosen = selection or "{ " + " ".join(name for name in value) + " }"
        query = f"mutation ($value: AWSJSON) {{ {mutation}(value: $value) {chosen} }}"
        return self.run(query, {"value": json.dumps(value)})
