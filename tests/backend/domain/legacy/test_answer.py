"""The legacy system's replies as answers of ours."""

from __future__ import annotations

import base64

import pytest

from domain.legacy import answer
from domain.legacy.errors import LegacyError
from domain.legacy.server import LARGEST_ANSWER_BYTES, Reply
from domain.legacy.settings import BaseUrl

BASE = BaseUrl("https", "old.example.com", 443, "/app")
ROOT = BaseUrl("http", "old.example.com", 8080, "")


def made(*headers: tuple[str, str], body: bytes = b"", base: BaseUrl = BASE, target: str = "/app/a/b") -> answer.Answer:
    return answer.from_reply(Reply(200, headers, body), base, "/legacy", target)


@pytest.mark.parametrize(
    ("base", "location", "ours"),
    [
        (BASE, "https://old.example.com/app/x?y=1#z", "/legacy/x?y=1#z"),
        (BASE, "https://OLD.example.com:443/app", "/legacy/"),
        (BASE, "http://old.example.com/app/x", "/legacy/x"),
        (BASE, "//old.example.com/app/x", "/legacy/x"),
        (BASE, "/app/x", "/legacy/x"),
        (BASE, "c", "/legacy/a/c"),
        (BASE, "../c?d", "/legacy/c?d"),
        (BASE, "/elsewhere", "https://old.example.com/elsewhere"),
        (BASE, "/application", "https://old.example.com/application"),
        (BASE, "https://other.example.com/app/x", "https://other.example.com/app/x"),
        (BASE, "https://old.example.com:8443/app/x", "https://old.example.com:8443/app/x"),
        (BASE, "https://old.example.com@evil.example/app", "https://old.example.com@evil.example/app"),
        (BASE, "mailto:a@example.com", "mailto:a@example.com"),
        (BASE, "https://[", "https://["),
        (ROOT, "http://old.example.com:8080/x", "/legacy/x"),
        (ROOT, "/", "/legacy/"),
        (ROOT, "https://old.example.com/x", "https://old.example.com/x"),
    ],
)
def test_addresses_of_the_legacy_system_become_ours(base: BaseUrl, location: str, ours: str) -> None:
    assert made(("Location", location), base=base)["headers"] == {"location": ours}


def test_headers_of_the_connection_and_of_the_api_go() -> None:
    found = made(
        ("Connection", "close, X-Hop"),
        ("X-Hop", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "3"),
        ("Access-Control-Allow-Origin", "*"),
        ("Strict-Transport-Security", "max-age=1"),
        ("X-Headwater-User", "x"),
        ("ETag", '"1"'),
        ("Vary", "a"),
        ("vary", "b"),
        ("X-Folded", "a\r\n b"),
        ("X-Broken", "a\r\nSet-Cookie: b"),
    )
    assert found["headers"] == {"etag": '"1"', "vary": "a, b", "x-folded": "a b"}


def test_each_cookie_is_one_for_our_host_and_path() -> None:
    found = made(
        (
            "Set-Cookie",
            "a=1; Domain=old.example.com; Path=/app; Secure; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        ),
        ("Set-Cookie", "b=2"),
        ("Set-Cookie", "c=3; Path=/app/deep/"),
        ("Set-Cookie", "d=4; path=/"),
        ("Set-Cookie", "__Host-e=5; Secure; Path=/"),
        ("Set-Cookie", "__Host-session=stolen; Secure; Path=/"),
    )
    assert found["cookies"] == [
        "a=1; Path=/legacy; Secure; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
        "b=2",
        "c=3; Path=/legacy/deep",
        "d=4; Path=/legacy",
        "__Host-e=5; Secure; Path=/",
    ]
    assert "cookies" not in made()


def test_bodies_keep_their_bytes() -> None:
    for body in (b"", "ü\x00".encode(), b"\xff\xfe", bytes(range(256))):
        found = made(body=body)
        given = base64.b64decode(found["body"]) if found["isBase64Encoded"] else found["body"].encode()
        assert given == body


def test_what_lambda_would_not_pass_on_is_refused_as_such() -> None:
    assert made(body=b"a" * (LARGEST_ANSWER_BYTES - 1000))["statusCode"] == 200
    for body in (b"\xff" * (LARGEST_ANSWER_BYTES * 3 // 4), b"\x01" * (LARGEST_ANSWER_BYTES // 5)):
        with pytest.raises(LegacyError) as refused:
            made(body=body)
        assert (refused.value.status, refused.value.type) == (502, "LegacyTooLarge")
