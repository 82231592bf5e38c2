"""Answers of the HTTP API as functions give them, and which status each error has.

Errors are `{"type", "message", "info"}`, of the types in docs/errors.md and those of the strangler in docs/rest.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.errors import DomainError, Internal, TooManyRequests, TryAgain
from domain.legacy.errors import LegacyError
from domain.table import TableError

Answer = dict[str, Any]
"""`statusCode`, `headers`, `body`, `isBase64Encoded`."""

STATUS: Mapping[str, int] = {
    "InvalidInput": 400,
    "InvalidPageToken": 400,
    "IdempotencyConflict": 409,
    "VersionConflict": 409,
    "NotFound": 404,
    "TakenOver": 409,
    "Unauthorized": 403,
    "OutOfStock": 409,
    "PriceChanged": 409,
    "TooManyRequests": 429,
    "TryAgain": 503,
    "Internal": 500,
}
"""Of each type of `domain.errors`. A caller who is not known at all gets 401 from the authorizers."""

_RETRY_SECONDS = 1


def answered(status: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with JSON in it, which nobody keeps unless `headers` say so."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    named = {"content-type": "application/json", "cache-control": "no-store"} | dict(headers or {})
    return {"statusCode": status, "headers": named, "body": text, "isBase64Encoded": False}


def unauthenticated() -> Answer:
    """A token that counts no more, worded as the authorizer words its own refusals."""
    return answered(401, {"type": "Unauthorized", "message": "Unauthorized"})


def failed(error: Exception) -> Answer:
    """The answer for what went wrong. Only errors of ours tell what it was."""
    if isinstance(error, LegacyError):
        return answered(error.status, {"type": error.type, "message": error.message})
    if isinstance(error, TableError):
        error = TryAgain()
    shown = error if isinstance(error, DomainError) else Internal()
    body: dict[str, Any] = {"type": shown.type, "message": shown.message}
    if shown.info:
        body["info"] = shown.info
    return answered(STATUS[shown.type], body, _retry(shown))


def _retry(error: DomainError) -> dict[str, str]:
    if isinstance(error, TooManyRequests):
        waits = (error.info or {}).get("retryAfterMs", 0)
        return {"retry-after": str(max(1, -(-int(waits) // 1000)))}
    return {"retry-after": str(_RETRY_SECONDS)} if isinstance(error, TryAgain) else {}
