"""A legacy system for each test, and events as API Gateway sends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.legacy.server import LegacyServer
from tests.legacy_system import LegacySystem, legacy_system


@pytest.fixture
def system() -> Iterator[LegacySystem]:
    with legacy_system() as found:
        yield found


@pytest.fixture
def server() -> Iterator[LegacyServer]:
    found = LegacyServer()
    yield found
    found.close()


def event(path: str = "/legacy/x", method: str = "GET", prefix: str = "/legacy", **more: Any) -> dict[str, Any]:
    """An event of format 2.0; further members as keywords."""
    given: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"ANY {prefix}/{{proxy+}}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "domainName": "api.example.com",
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9"},
        },
        "isBase64Encoded": False,
    }
    return given | more
