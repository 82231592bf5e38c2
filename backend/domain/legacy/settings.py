"""Where the legacy system is, and which routes it still answers: a parameter that changes without a deployment.

    {
      "baseUrl": "https://legacy.example.com/api",
      "timeoutSeconds": 20,
      "sendAuthorization": false,
      "routes": [
        {"path": "/products", "methods": ["GET", "HEAD"], "to": "new"},
        {"path": "/products/*", "methods": ["GET"], "to": "shadow", "ignore": ["updatedAt", "items.*.rating"]}
      ]
    }

The first row that matches decides; what none matches is the legacy system's. `*` stands for one segment of a path, `**`
at the end for any number. Paths are without `/legacy`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""What an HTTP API passes on. OPTIONS is answered by the API itself."""

READING = frozenset({"GET", "HEAD"})

LONGEST_SECONDS = 25.0
"""An HTTP API waits 30 seconds, its function 28: what is left is for the answer that says so."""

DEFAULT_SECONDS = 20.0
MOST_ROUTES = 200  # a standard parameter has 4 KB

_SEGMENT = re.compile(r"[^/?#\x00-\x20\x7f]+")
_HOST = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,1024}")
_BASE_PATH = re.compile(r"(/[0-9A-Za-z._~!$&'()*+,;=:@%-]+)*/?")


class Target(Enum):
    """Who answers a route."""

    LEGACY = "legacy"
    NEW = "new"
    SHADOW = "shadow"


@dataclass(frozen=True)
class BaseUrl:
    """Where the legacy system is. `path` has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What its Host header says."""
        usual = {"http": 80, "https": 443}[self.scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True)
class Route:
    """A row of the table.

    Attributes:
        path: the pattern.
        methods: to which it applies.
        to: who answers.
        ignore: members of JSON answers that may differ in a shadow, as `items.*.rating`; `**.updatedAt` is anywhere.
    """

    path: str
    methods: frozenset[str]
    to: Target
    ignore: tuple[str, ...] = ()

    def matches(self, method: str, path: str) -> bool:
        """Whether the row is about a request; a slash at the path's end makes no difference."""
        if method not in self.methods:
            return False
        wanted, given = _segments(self.path), _segments(path)
        if wanted and wanted[-1] == "**":
            wanted = wanted[:-1]
            given = given[: len(wanted)] if len(given) >= len(wanted) else given
        return len(wanted) == len(given) and all(
            one in ("*", other) for one, other in zip(wanted, given, strict=True)
        )  # fmt: skip


REST = Route("**", frozenset(METHODS), Target.LEGACY)
"""What no row matches."""


@dataclass(frozen=True)
class LegacySettings:
    """What is known of the legacy system.

    Attributes:
        base: where it is; None when there is none.
        seconds: how long it may take.
        send_authorization: whether it gets the caller's token, to check it by itself.
        routes: the table.
    """

    base: BaseUrl | None
    seconds: float = DEFAULT_SECONDS
    send_authorization: bool = False
    routes: tuple[Route, ...] = ()

    def route(self, method: str, path: str) -> Route:
        """The row for a request."""
        return next((each for each in self.routes if each.matches(method, path)), REST)


def base_url(text: str) -> BaseUrl | None:
    """A base URL; None for an empty text.

    Raises:
        ValueError: it is no plain HTTP address.
    """
    if not text:
        return None
    if not _PRINTABLE.fullmatch(text):  # some of the rest would be left out without a word
        raise ValueError("baseUrl has a blank or a control character")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise ValueError("baseUrl is no URL") from error
    if url.scheme not in ("http", "https") or not url.hostname or not _HOST.fullmatch(url.hostname):
        raise ValueError("baseUrl must begin with https:// or http:// and the name of a host")
    if "@" in url.netloc or url.query or url.fragment or "?" in text or "#" in text:
        raise ValueError("baseUrl must have no user, no query and no fragment")
    if not _BASE_PATH.fullmatch(url.path) or any(each in (".", "..") for each in url.path.split("/")):
        raise ValueError("baseUrl must have a plain path, or none")
    return BaseUrl(url.scheme, url.hostname, port or {"http": 80, "https": 443}[url.scheme], url.path.rstrip("/"))


def parse(text: str, deployed: BaseUrl | None) -> LegacySettings:
    """The settings that a parameter's text says.

    Args:
        text: JSON as above; every member may be missing.
        deployed: the address that the deployment names, for a text without one.

    Raises:
        ValueError: it is something else. Also a name that is misspelt is: whoever turns a route wants it turned.
    """
    try:
        given = json.loads(text)
    except RecursionError as error:
        raise ValueError("brackets too deep") from error
    document = _members(given, "the settings", {"baseUrl", "timeoutSeconds", "sendAuthorization", "routes"})
    seconds = document.get("timeoutSeconds", DEFAULT_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.1 <= seconds <= LONGEST_SECONDS:
        raise ValueError(f"timeoutSeconds must be 0.1 to {LONGEST_SECONDS:g}")
    sends = document.get("sendAuthorization", False)
    if not isinstance(sends, bool):
        raise ValueError("sendAuthorization must be true or false")
    named = document.get("baseUrl")
    if named is not None and not isinstance(named, str):
        raise ValueError("baseUrl must be a text")
    rows = document.get("routes", [])
    if not isinstance(rows, list) or len(rows) > MOST_ROUTES:
        raise ValueError(f"routes must be a list of at most {MOST_ROUTES}")
    return LegacySettings(
        base_url(named) if named is not None else deployed,
        float(seconds),
        sends,
        tuple(_route(row, f"routes[{index}]") for index, row in enumerate(rows)),
    )


def _route(given: Any, where: str) -> Route:
    row = _members(given, where, {"path", "methods", "to", "ignore"})
    path = row.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(f"{where}.path must begin with a slash")
    segments = _segments(path)
    if any(not _SEGMENT.fullmatch(each) or each in (".", "..") for each in segments) or "**" in segments[:-1]:
        raise ValueError(f"{where}.path is no pattern of a path")
    methods = _texts(row.get("methods", list(METHODS)), f"{where}.methods")
    if not methods or not set(methods) <= set(METHODS):
        raise ValueError(f"{where}.methods must be some of {', '.join(METHODS)}")
    to = row.get("to")
    if to not in [each.value for each in Target]:
        raise ValueError(f"{where}.to must be legacy, new or shadow")
    return Route(path, frozenset(methods), Target(to), tuple(_texts(row.get("ignore", []), f"{where}.ignore")))


def _members(given: Any, where: str, names: set[str]) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"{where} must be an object")
    unknown = sorted(given.keys() - names)
    if unknown:
        raise ValueError(f"{where} has unknown members: {', '.join(unknown)[:100]}")
    return given


def _texts(given: Any, where: str) -> Sequence[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{where} must be a list of texts")
    return given


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []
