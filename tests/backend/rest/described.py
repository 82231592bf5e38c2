"""Answers held against the OpenAPI document that clients have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from tests.conftest import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "resolvers" / "rest" / "openapi.json").read_text())


def _closed(value: Any) -> Any:
    """Schemas with no room for members that they do not name."""
    if isinstance(value, dict):
        closed = {name: _closed(each) for name, each in value.items()}
        return closed | {"additionalProperties": False} if "properties" in value else closed
    return [_closed(each) for each in value] if isinstance(value, list) else value


_SCHEMAS = _closed(DOCUMENT["components"]["schemas"])


def require(path: str, status: int, body: Any) -> None:
    """Fail for an answer to GET that the document does not describe; `path` has no query."""
    answers = _operation(path)["responses"]
    assert str(status) in answers, (path, status)
    schema = {**answers[str(status)]["content"]["application/json"]["schema"], "components": {"schemas": _SCHEMAS}}
    jsonschema.validate(body, schema)


def _operation(path: str) -> Mapping[str, Any]:
    for template, item in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\\?\{\w+\\?\}", "[^/]+", re.escape(template)), path):
            found: Mapping[str, Any] = item["get"]
            return found
    raise AssertionError(f"{path} is not in the document")
