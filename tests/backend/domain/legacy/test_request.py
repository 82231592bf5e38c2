"""What of a request is passed on: no way out of the base path, and nothing that only we may say."""

from __future__ import annotations

import base64
from urllib.parse import unquote

import pytest

from domain.caller import Caller, CallerKind, Scope
from domain.errors import InvalidInput
from domain.legacy import request
from domain.legacy.request import Request
from domain.legacy.settings import BaseUrl
from tests.http_event import event

BASE = BaseUrl("https", "old.example.com", 443, "/app")


def made(path: str = "/legacy/x", **more: object) -> Request:
    return request.from_event(event(path, **more), "/legacy")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/legacy/a/b", "/app/a/b"),
        ("/legacy/a/", "/app/a/"),
        ("/legacy/a b/ü", "/app/a%20b/%C3%BC"),
        ("/legacy/a%25b", "/app/a%25b"),  # the gateway leaves this one escape
        ("/legacy/100%", "/app/100%25"),
        ("/legacy/a?b#c", "/app/a%3Fb%23c"),  # escaped by the client, so part of the path
        ("//legacy/a", "/app/a"),
        ("/legacy/a:b@c;d=e", "/app/a:b@c;d=e"),
        ("/legacy/...", "/app/..."),
    ],
)
def test_a_path_goes_below_the_base_path(path: str, target: str) -> None:
    assert made(path).target(BASE) == target


@pytest.mark.parametrize(
    "path",
    ["/legacy/..", "/legacy/../admin", "/legacy/a/../../b", "/legacy/./a", "/legacy/%252e%252e/a",
     "/legacy/%25252e%25252e/a", "/legacy/%252e./a", "/legacy/..;/a", "/legacy/..;x=1/a", "/legacy/.%3b/a",
     "/legacy/..\\a", "/legacy/%255c..%255c", "/legacy/..%252fa", "/legacy//evil.example/a",
     "/legacy/http://evil.example", "/legacy/a//b", "/legacy/a\r\nhost: evil", "/legacy/a%250d%250ab", "/legacy/a\x00b",
     "/legacy/a\tb",
     "/legacy/.. /a",     "/other/a", "/legacyx/a", "/legacy", "/legacy/" + "a" * 3000],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(path)
    assert refused.value.info == {"field": "path"}


def test_a_stage_in_front_is_none_of_the_path() -> None:
    given = event("/prod/legacy/a")
    given["requestContext"]["stage"] = "prod"
    assert request.from_event(given, "/legacy").path == "/a"


def test_the_query_is_passed_on_as_it_came_but_for_our_credential() -> None:
    raw = "a=1&a=2&b=%20+x&auth_key=hwk_1_2&auth%5Fkey=x&c"
    assert made(rawQueryString=raw).query == "a=1&a=2&b=%20+x&c"
    assert made(rawQueryString="a=\u00fc x\r\n").query == "a=%C3%BC%20x%0D%0A"


def test_headers_of_the_connection_and_of_ours_are_not_passed_on() -> None:
    forged = {
        "connection": "close, x-secret",
        "x-secret": "1",
        "keep-alive": "1",
        "transfer-encoding": "chunked",
        "upgrade": "h2c",
        "te": "trailers",
        "host": "evil",
        "content-length": "7",
        "x-headwater-user": "root",
        "X_Headwater_Groups": "operators",
        "x-forwarded-for": "1.1.1.1",
        "x_forwarded_host": "evil",
        "forwarded": "for=1",
        "x-http-method-override": "DELETE",
        "x-original-url": "/admin",
        "x-auth-key": "hwk_1_2",
        "accept": "a/b",
        "if-none-match": '"1"',
        "x-own": "kept",
    }
    assert dict(made(headers=forged).headers) == {"accept": "a/b", "if-none-match": '"1"', "x-own": "kept"}


def test_the_cookie_of_a_session_stays_here() -> None:
    cookies = ["a=1", "__Host-session=secret", " __Host-session =x", "b=2"]
    assert made(cookies=cookies).headers["cookie"] == "a=1; b=2"
    assert "cookie" not in made(cookies=cookies[1:2]).headers


@pytest.mark.parametrize("headers", [{"a": "x\r\nhost: evil"}, {"a b": "x"}, {"a\n": "x"}, {"a": "\x00"}, {"": "x"}])
def test_a_header_that_would_begin_another_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        made(headers=headers)


def test_bodies_arrive_as_their_bytes() -> None:
    binary = bytes(range(256))
    assert made(body=base64.b64encode(binary).decode(), isBase64Encoded=True).body == binary
    assert made(body="ü").body == "ü".encode()
    assert made().body == b""
    with pytest.raises(InvalidInput):
        made(body="*", isBase64Encoded=True)


def test_only_methods_of_the_table_are_passed_on() -> None:
    for method in ("TRACE", "CONNECT", "OPTIONS", "BREW"):
        with pytest.raises(InvalidInput):
            made(method=method)


def test_who_calls_is_told_in_text_that_is_safe_in_a_header() -> None:
    user = Caller(CallerKind.USER, "sub-1", "Zoë\r\nx: y", frozenset({"sellers", "a,b"}))
    told = request.identity(user)
    assert told["x-headwater-kind"] == "user"
    assert told["x-headwater-user"] == "sub-1"
    assert told["x-headwater-groups"] == "a%2Cb,sellers"
    assert unquote(told["x-headwater-name"]) == user.name
    assert all(value.isascii() and value.isprintable() for value in told.values())
    key = Caller(CallerKind.LAMBDA, "01J", "importer", scopes=frozenset({Scope.WRITE, Scope.READ}))
    assert request.identity(key) == {
        "x-headwater-kind": "key",
        "x-headwater-key": "01J",
        "x-headwater-name": "importer",
        "x-headwater-scopes": "READ,WRITE",
    }
