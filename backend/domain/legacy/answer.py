"""The legacy system's reply as the answer of a function: headers of the connection gone, addresses turned to ours."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from domain import web_sessions
from domain.legacy import errors
from domain.legacy.server import LARGEST_ANSWER_BYTES, Reply
from domain.legacy.settings import BaseUrl

Answer = dict[str, Any]
"""As an HTTP API takes it from a function: `statusCode`, `headers`, `cookies`, `body`, `isBase64Encoded`."""

# Of the connection, made anew by the gateway, or its own (CORS).
_DROPPED = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-connection", "set-cookie",
     "set-cookie2", "te", "trailer", "transfer-encoding", "upgrade", "alt-svc",
     "strict-transport-security", "public-key-pins"}
)  # fmt: skip
_DROPPED_PREFIXES = ("access-control-", "x-amzn-remapped-", "x-headwater-")
_LOCATIONS = frozenset({"location", "content-location"})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FOLD = re.compile(r"\r?\n[ \t]+")
# Below this nothing that JSON does to a text makes it too large.
_SURELY_SMALL = LARGEST_ANSWER_BYTES // 8


def from_reply(reply: Reply, base: BaseUrl, prefix: str, target: str) -> Answer:
    """What the function answers.

    Args:
        reply: what the legacy system said.
        base: where it is.
        prefix: what our paths have in front of its.
        target: the path that was asked for, by which relative addresses are read.

    Raises:
        LegacyError: 502, the answer is larger than a function's may be.
    """
    named = {each.strip().lower() for name, value in reply.headers if name.lower() == "connection"
             for each in value.split(",")}  # fmt: skip
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in reply.headers:
        plain, text = name.lower(), _FOLD.sub(" ", value)
        if _CONTROL.search(text):
            continue  # a header that would end, or begin others
        if plain == "set-cookie":
            cookie = _cookie(text, base, prefix)
            if cookie is not None:
                cookies.append(cookie)
        elif plain not in _DROPPED | named and not plain.startswith(_DROPPED_PREFIXES):
            shown = _location(text, base, prefix, target) if plain in _LOCATIONS else text
            headers[plain] = f"{headers[plain]}, {shown}" if plain in headers else shown
    answer: Answer = {"statusCode": reply.status, "headers": headers, "isBase64Encoded": False, "body": ""}
    if cookies:
        answer["cookies"] = cookies
    try:
        answer["body"] = reply.body.decode()
    except UnicodeDecodeError:
        answer |= {"body": base64.b64encode(reply.body).decode(), "isBase64Encoded": True}
    require_small(answer, len(reply.body))
    return answer


def require_small(answer: Mapping[str, Any], body_bytes: int) -> None:
    """Raises LegacyError (502) for what Lambda would refuse to pass on."""
    if body_bytes > _SURELY_SMALL and len(json.dumps(answer).encode()) > LARGEST_ANSWER_BYTES:
        raise errors.too_large(LARGEST_ANSWER_BYTES)


def _location(value: str, base: BaseUrl, prefix: str, target: str) -> str:
    """An address of the legacy system's as ours; one of another host as it is."""
    try:
        absolute = urljoin(f"{base.origin}{target}", value)
        url = urlsplit(absolute)
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    except ValueError:
        return value
    # Behind something that ends TLS it does not know that it is asked by https. The other way round is for the client
    # to see: turned to ours it would lead here again and again.
    unaware = (base.scheme, base.port, url.scheme, port) == ("https", 443, "http", 80)
    if url.hostname != base.host or not (unaware or (url.scheme, port) == (base.scheme, base.port)):
        return value
    below = url.path == base.path or url.path.startswith(f"{base.path}/")
    if not below:
        return absolute  # nothing of ours leads there
    rest = url.path.removeprefix(base.path) or "/"
    return (
        f"{prefix}{rest}{f'?{url.query}' if url.query else ''}{f'#{url.fragment}' if url.fragment else ''}"
    )  # fmt: skip


def _cookie(value: str, base: BaseUrl, prefix: str) -> str | None:
    """A cookie for our host and our path. None for one that is ours alone: nobody else begins a session here."""
    pair, *attributes = [each.strip() for each in value.split(";")]
    name = pair.partition("=")[0].strip()
    if name == web_sessions.COOKIE:
        return None
    kept = [pair]
    for each in attributes:
        attribute, _, argument = each.partition("=")
        attribute = attribute.strip().lower()
        if attribute == "domain":
            continue  # of its host, which browsers would refuse from ours; never of the domain above both
        if attribute == "path" and not name.startswith("__Host-"):
            path = argument.strip()
            rest = path.removeprefix(base.path) if path == base.path or path.startswith(f"{base.path}/") else "/"
            each = f"Path={prefix}{rest.rstrip('/')}"
        if each:
            kept.append(each)
    return "; ".join(kept)
