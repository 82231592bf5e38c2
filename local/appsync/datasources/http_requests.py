"""Request objects of the HTTP data source: checked, and put into the form in which they are sent.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-http-js.html
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import quote

import orjson

from local.appsync.datasources.interface import rejected
from local.appsync.encoding import encode

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})

# Headers that a request cannot set. They are left out rather than refused: `util.http.copyHeaders` lets `user-agent`
# through, and resolvers pass its result on. The guide writes EXPECTATION for Expect.
_OWN_HEADERS = frozenset({"host", "connection", "user-agent", "expect", "transfer-encoding", "content-length"})


@dataclass(frozen=True)
class HttpRequest:
    """`target` is the path with the query. `headers` may repeat a name."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


def read(request: Any) -> HttpRequest:
    """The request of a handler's object `{method, resourcePath, params: {headers, query, body}}`.

    Raises DataSourceError (`MappingTemplate`). Other members, such as `version`, are tolerated.
    """
    given = request if isinstance(request, dict) else {}
    method, path = _text(given, "method"), _text(given, "resourcePath")
    if method not in METHODS:
        raise rejected(f"Unsupported HTTP method '{method}'.")
    if not path.startswith("/"):
        raise rejected(f"Value '{path}' for field '$[resourcePath]' does not start with '/'.")
    params = _object(given.get("params"))
    pairs = [f"{_quoted(name)}={_quoted(value)}" for name, value in _entries(params, "query")]
    headers = [(name, value) for name, value in _entries(params, "headers") if name.lower() not in _OWN_HEADERS]
    body = params.get("body")
    content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    if content_type is None and isinstance(body, dict | list):
        headers.append(("Content-Type", "application/json"))
    target = path + ("&" if "?" in path else "?") + "&".join(pairs) if pairs else path
    return HttpRequest(method, target, tuple(headers), _body(body, charset(content_type)))


def charset(content_type: str | None) -> str:
    """The charset that a content type names, in Python's name for it; UTF-8 without one or with an unknown one."""
    message = Message()
    message["content-type"] = content_type or ""
    try:
        return codecs.lookup(message.get_content_charset("utf-8")).name
    except LookupError:
        return "utf-8"


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        raise rejected(f"Value for field '$[{name}]' not found.")
    if not isinstance(value, str):
        raise rejected(f"Unable to convert {_json(value)} to String.")
    return value


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise rejected(f"Unable to convert {value if isinstance(value, str) else _json(value)} to Object.")
    return value


def _entries(params: dict[str, Any], name: str) -> list[tuple[str, str]]:
    """Name and value pairs of `headers` or `query`; a list repeats its name, null leaves it out."""
    pairs = []
    for key, value in _object(params.get(name)).items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict | list):
                raise rejected(f"Value for field '$[params][{name}][{key}]' is no string.")
            if each is None:
                continue
            text = each if isinstance(each, str) else _json(each)
            if name == "headers" and not (_is_token(key) and text.isprintable() and text.isascii()):
                raise rejected(f"Value for field '$[params][headers][{key}]' is no header.")
            pairs.append((key, text))
    return pairs


def _is_token(name: str) -> bool:
    return bool(name) and name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~", errors="replace")


def _body(body: Any, encoding: str) -> bytes | None:
    """Text as it is, anything else as JSON."""
    if body is None:
        return None
    if isinstance(body, str):
        return body.encode(encoding, "replace")
    return encode(body)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value)
