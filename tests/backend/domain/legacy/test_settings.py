"""The table of the strangler: which row a request has, and which texts are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.clock import SYSTEM
from domain.legacy import settings
from domain.legacy.settings import BaseUrl, LegacySettings, Target
from domain.parameters import RunTimeSetting

DEPLOYED = settings.base_url("https://old.example.com/app/")


def parsed(**given: Any) -> settings.LegacySettings:
    return settings.parse(json.dumps(given), DEPLOYED)


def test_a_base_url_has_its_parts() -> None:
    assert settings.base_url("") is None
    assert BaseUrl("https", "old.example.com", 443, "/app") == DEPLOYED
    found = settings.base_url("http://127.0.0.1:8080")
    assert found is not None
    assert (found.path, found.authority, found.origin) == ("", "127.0.0.1:8080", "http://127.0.0.1:8080")


@pytest.mark.parametrize(
    "text",
    ["ftp://a", "//a", "a", "https://", "https://u@a", "https://a/?x", "https://a/#x", "https://a?", "https://a/../b",
     "https://a/b c", "https://a:x", "https://a:99999", "https://a\r\nb", "gopher://a", "https://[::1", "https://a/%"
     "\n"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="baseUrl"):
        settings.base_url(text)


def test_without_rows_everything_is_the_legacy_systems() -> None:
    found = parsed()
    assert (found.base, found.seconds, found.send_authorization) == (DEPLOYED, 20.0, False)
    assert found.route("GET", "/anything").to is Target.LEGACY


def test_a_parameter_may_name_another_address() -> None:
    assert parsed(baseUrl="http://127.0.0.1:1").base == settings.base_url("http://127.0.0.1:1")
    assert parsed(baseUrl="").base is None


def test_the_first_row_that_matches_decides() -> None:
    found = parsed(
        routes=[
            {"path": "/products/special", "to": "legacy"},
            {"path": "/products/*", "methods": ["GET", "HEAD"], "to": "new"},
            {"path": "/products/*", "to": "shadow", "ignore": ["a.b"]},
            {"path": "/reports/**", "to": "new"},
            {"path": "/", "to": "new"},
        ]
    )
    asked = {
        ("GET", "/products/special"): "legacy",
        ("GET", "/products/1"): "new",
        ("GET", "/products/1/"): "new",
        ("POST", "/products/1"): "shadow",
        ("GET", "/products"): "legacy",
        ("GET", "/products/1/2"): "legacy",
        ("GET", "/reports"): "new",
        ("GET", "/reports/a/b/c"): "new",
        ("GET", "/reportsx"): "legacy",
        ("GET", "/"): "new",
        ("GET", "/Products/1"): "legacy",
    }
    assert {one: found.route(*one).to.value for one in asked} == asked


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "null", '{"route": []}', '{"routes": {}}', '{"routes": [1]}', '{"routes": [{}]}', "[" * 100_000,
     '{"routes": [{"path": "/a", "to": "old"}]}', '{"routes": [{"path": "a", "to": "new"}]}',
     '{"routes": [{"path": "/a/../b", "to": "new"}]}', '{"routes": [{"path": "/**/a", "to": "new"}]}',
     '{"routes": [{"path": "/a//b", "to": "new"}]}',
     '{"routes": [{"path": "/a", "to": "new", "methods": ["OPTIONS"]}]}',
     '{"routes": [{"path": "/a", "to": "new", "methods": []}]}', '{"routes": [{"path": "/a", "to": "new", "x": 1}]}',
     '{"routes": [{"path": "/a", "to": "shadow", "ignore": "x"}]}', '{"timeoutSeconds": 29}',
     '{"timeoutSeconds": true}',
     '{"timeoutSeconds": 0}', '{"baseUrl": 1}', '{"baseUrl": "ftp://a"}', '{"sendAuthorization": 1}'],
)  # fmt: skip
def test_a_text_that_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        settings.parse(text, None)


def test_a_text_that_is_no_table_leaves_what_was() -> None:
    """In a container that has read none yet, the deployment's address with every route the legacy system's."""
    texts = iter(['{"routes": 1}', '{"routes": [{"path": "/a", "to": "new"}]}', "{", '{"routes": []}'])
    first = LegacySettings(DEPLOYED)
    table = RunTimeSetting(lambda: next(texts), lambda text: settings.parse(text, DEPLOYED), first, 0, SYSTEM)
    told = []
    for _ in range(4):
        now = table()
        told.append((now.base, now.route("GET", "/a").to.value))
    assert told == [(DEPLOYED, "legacy"), (DEPLOYED, "new"), (DEPLOYED, "new"), (DEPLOYED, "legacy")]
