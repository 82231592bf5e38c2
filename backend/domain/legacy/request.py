"""A request of the HTTP API as the legacy system is to get it: what of it is passed on, and what is refused.

The gateway has taken the path apart from its escapes: in an event of format 2.0 `rawPath` is decoded, except that `%25`
stays. So it is escaped again here, and no escape can hide a way out of the base path.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from domain import web_sessions
from domain.caller import Caller, CallerKind
from domain.errors import InvalidInput
from domain.legacy.settings import METHODS, BaseUrl

MAX_PATH = 2048
IDENTITY = "x-headwater-"
"""How the names of headers begin that only we write."""

# Of one connection (RFC 9110, 7.6.1), and those that the gateway makes anew.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "http2-settings"}
)  # fmt: skip
_OURS = frozenset({"host", "content-length", "expect", "cookie"})
# What servers believe about where a request came from or what it is: a caller's word on it counts nothing. Of methods
# especially: the table and a key's scopes go by the real one.
_BELIEVED = frozenset(
    {"client-ip", "forwarded", "true-client-ip", "via", "x-auth-key", "x-client-ip", "x-cluster-client-ip",
     "x-http-method", "x-http-method-override", "x-method-override", "x-original-host", "x-original-method",
     "x-original-uri", "x-original-url", "x-real-ip", "x-remote-user", "x-rewrite-url", "remote-user"}
)  # fmt: skip
_BELIEVED_PREFIXES = (IDENTITY, "x-forwarded-", "x-amzn-oidc-", "x-apigateway-")

_HEADER_NAME = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]{1,256}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PATH_SAFE = "/!$&'()*+,;=:@-._~"
_KEY_PARAMETER = "auth_key"
_DECODINGS = 3


@dataclass(frozen=True)
class Request:
    """What is passed on.

    Attributes:
        method: in capitals.
        path: begins with a slash; as the caller meant it, without `/legacy`.
        query: as it came, without credentials of ours.
        headers: by names in lower case, without those that the strangler writes itself.
        body: its bytes.
        address: the caller's IP address.
        host: the host that was asked.
        prefix: what was in front of the path.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    address: str
    host: str
    prefix: str

    def target(self, base: BaseUrl) -> str:
        """Path and query below a base URL, as in the request line."""
        escaped = quote(re.sub("%(?!25)", "%25", self.path), safe=f"{_PATH_SAFE}%")
        return f"{base.path}{escaped}{'?' if self.query else ''}{self.query}"


def from_event(event: Mapping[str, Any], prefix: str) -> Request:
    """A request by its event of format 2.0.

    Args:
        event: what API Gateway sends.
        prefix: the part of the route that is ours, as `/legacy`.

    Raises:
        InvalidInput: the path leads elsewhere, or a header is none.
    """
    context = event["requestContext"]
    method = str(context["http"]["method"]).upper()
    if method not in METHODS:
        raise InvalidInput("method", f"must be one of {', '.join(METHODS)}.")
    return Request(
        method,
        _path(event, prefix),
        _query(str(event.get("rawQueryString") or "")),
        _headers(event.get("headers") or {}, event.get("cookies") or ()),
        _body(event),
        str(context["http"].get("sourceIp") or ""),
        str(context.get("domainName") or ""),
        prefix,
    )


def identity(caller: Caller) -> dict[str, str]:
    """Who calls, as the legacy system is told. Names are percent-encoded UTF-8: they may hold anything."""
    if caller.kind is CallerKind.USER:
        told = {
            "kind": "user",
            "user": caller.id,
            "name": quote(caller.name, safe=""),
            "groups": ",".join(quote(each, safe="") for each in sorted(caller.groups)),
        }
    else:
        told = {
            "kind": "key",
            "key": caller.id,
            "name": quote(caller.name, safe=""),
            "scopes": ",".join(sorted(each.value for each in caller.scopes)),
        }
    return {f"{IDENTITY}{name}": value for name, value in told.items()}


def forwarded(request: Request) -> dict[str, str]:
    """For whom the request is passed on, and where it came in."""
    return {
        "x-forwarded-for": request.address,
        "x-forwarded-host": request.host,
        "x-forwarded-prefix": request.prefix,
        "x-forwarded-proto": "https",
    }


def _path(event: Mapping[str, Any], prefix: str) -> str:
    path, stage = str(event["rawPath"]), event["requestContext"].get("stage")
    if stage and stage != "$default":
        path = path.removeprefix(f"/{stage}")
    path = "/" + path.lstrip("/")  # the gateway takes more of them for one
    if not path.startswith(f"{prefix}/"):
        raise InvalidInput("path", f"must begin with {prefix}/.")
    path = path.removeprefix(prefix)
    if len(path) > MAX_PATH:
        raise InvalidInput("path", f"must have at most {MAX_PATH} characters, not {len(path)}.")
    decoded = path
    for _ in range(_DECODINGS + 1):
        _require_plain(decoded)
        decoded = unquote(decoded)
    return path


def _require_plain(path: str) -> None:
    """No way up or to another host, however a server that is lenient reads it."""
    if _CONTROL.search(path) or "\t" in path:
        raise InvalidInput("path", "must have no control characters.")
    if "\\" in path:
        raise InvalidInput("path", "must have no backslashes.")
    segments = path.split("/")[1:]
    if any(not each for each in segments[:-1]):
        raise InvalidInput("path", "must have no empty segments.")
    # Servers for Java take off what follows a semicolon before they look for dots.
    if any(each.partition(";")[0].strip(" ") in (".", "..") for each in segments):
        raise InvalidInput("path", "must not lead up.")


def _query(raw: str) -> str:
    parts = [each for each in raw.split("&") if unquote_plus(each.partition("=")[0]) != _KEY_PARAMETER]
    return quote("&".join(parts), safe="!$&'()*+,;=:@-._~/?%[]")


def _headers(given: Mapping[str, Any], cookies: Iterable[str]) -> dict[str, str]:
    lower = {str(name).lower(): str(value) for name, value in given.items()}
    named = {each.strip().lower() for each in lower.get("connection", "").split(",")} - {""}
    kept = {}
    for name, value in lower.items():
        # CGI and WSGI make the same of both characters.
        plain = name.replace("_", "-")
        if plain in _HOP_BY_HOP | _OURS | _BELIEVED | named or plain.startswith(_BELIEVED_PREFIXES):
            continue
        if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise InvalidInput("headers", "have a control character.")
        kept[name] = value
    # A session's refresh token is sent to every path of this host: it is ours alone.
    own = [each for each in cookies if each.strip().partition("=")[0].strip() != web_sessions.COOKIE]
    if any(_CONTROL.search(each) for each in own):
        raise InvalidInput("cookies", "have a control character.")
    if own:
        kept["cookie"] = "; ".join(own)
    return kept


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("body", "is no Base64.") from error
