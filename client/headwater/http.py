"""gql's HTTP transport, which asks the caller for credentials at each request."""

from __future__ import annotations

import ssl
from typing import Any

from gql import GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from graphql import ExecutionResult

from headwater.credentials import Caller, Grant

# AppSync itself gives up a request after 30 s.
REQUEST_SECONDS = 35


class HttpTransport(AIOHTTPTransport):
    """Runs queries and mutations.

    Attributes:
        grant: what the caller has shown last.
    """

    def __init__(self, url: str, caller: Caller, tls: ssl.SSLContext | None) -> None:
        super().__init__(url, ssl=tls or True, timeout=REQUEST_SECONDS)
        self.grant: Grant | None = None
        self._caller = caller

    async def execute(self, request: GraphQLRequest, **options: Any) -> ExecutionResult:
        """Run one; raises gql's exceptions, and NoCredentials."""
        self.grant = await self._caller.grant()
        # gql signs the request before it first waits, so that no other request comes between.
        self.auth = self.grant.authentication
        return await super().execute(request, **options)
