"""Requests as the HTTP API sends them to a function."""

from __future__ import annotations

from typing import Any


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
