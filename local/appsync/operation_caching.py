"""The API cache with OPERATION_LEVEL_CACHING: whole responses of successful queries.

https://docs.aws.amazon.com/appsync/latest/devguide/enabling-caching.html names what makes two requests the same.
"""

from __future__ import annotations

import re

from graphql import GraphQLObjectType

from local.appsync.caching import Clock, Entries, digest
from local.appsync.request import Caller, OperationRequest, RequestInfo
from local.appsync.result import Result
from local.appsync.schema import Schema

MAX_RESPONSE_BYTES = 15 * 1024 * 1024

_NAME = re.compile(r"\w+", re.ASCII)

# Headers that tell requests apart without changing what is asked (Developer Guide, "Operation level caching").
_RESERVED_HEADERS = frozenset(
    {
        "authorization",
        "cloudfront-forwarded-proto",
        "cloudfront-is-desktop-viewer",
        "cloudfront-is-mobile-viewer",
        "cloudfront-is-smarttv-viewer",
        "cloudfront-is-tablet-viewer",
        "cloudfront-viewer-asn",
        "cloudfront-viewer-country",
        "content-length",
        "host",
        "priority",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "via",
        "x-amz-cf-id",
        "x-amz-date",
        "x-amz-security-token",
        "x-amzn-appsync-is-vpce-request",
        "x-amzn-remote-ip",
        "x-amzn-requestid",
        "x-amzn-trace-id",
        "x-forwarded-for",
    }
)


class OperationCache:
    """Responses by everything that they depend on."""

    def __init__(self, ttl_seconds: float, schema: Schema, clock: Clock) -> None:
        self._ttl_seconds = ttl_seconds
        self._coordinates = [
            (each.name, field)
            for each in schema.graphql.type_map.values()
            if isinstance(each, GraphQLObjectType) and not each.name.startswith("__")
            for field in each.fields
        ]
        self._entries: Entries[Result] = Entries(clock)

    def key(self, operation: OperationRequest, caller: Caller, request: RequestInfo) -> bytes:
        """The key of a query. Raises NotEmulated, as the caller's policies do."""
        identity = {name: value for name, value in (caller.identity or {}).items() if name != "sourceIp"}
        headers = {name: value for name, value in request.headers.items() if name not in _RESERVED_HEADERS}
        # AWS has the lists of what a caller may and may not do; what they say of the fields named here is as good.
        named = set(_NAME.findall(operation.query))
        denied = [each for each in self._coordinates if each[1] in named and not caller.may_call(*each)]
        parts = [operation.query, operation.operation_name, operation.variables, identity, headers]
        return digest([*parts, caller.mode.value, sorted(caller.groups), denied])

    def get(self, key: bytes) -> Result | None:
        """A response that is still good."""
        return self._entries.get(key)

    def put(self, key: bytes, result: Result) -> None:
        """Keeps a response without errors that is not too large."""
        if not result.errors and len(result.body) <= MAX_RESPONSE_BYTES:
            # What was computed on the way stays out: the text is the response.
            kept = Result(result.body, None, [], dict(result.headers))
            self._entries.put(key, kept, len(result.body), self._ttl_seconds)
