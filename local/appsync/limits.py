"""The quotas of one request and one published payload (AWS General Reference, AppSync, crawled 2026)."""

from __future__ import annotations

from dataclasses import dataclass

QUERY_TOKENS = 15_000
REQUEST_SECONDS = 30.0
RESOLVERS_PER_REQUEST = 10_000
PUBLISHED_PAYLOAD_BYTES = 240 * 1024
INVALIDATIONS_PER_REQUEST = 5
FUNCTIONS_PER_PIPELINE = 10


@dataclass(frozen=True)
class Limits:
    """What an engine enforces; the defaults are AppSync's. Depth and count 0 mean that the API sets none."""

    query_tokens: int = QUERY_TOKENS
    request_seconds: float = REQUEST_SECONDS
    resolvers_per_request: int = RESOLVERS_PER_REQUEST
    published_payload_bytes: int = PUBLISHED_PAYLOAD_BYTES
    invalidations_per_request: int = INVALIDATIONS_PER_REQUEST
    cached_documents: int = 1_000
