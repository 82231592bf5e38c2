"""gql's HTTP transport, which asks the caller for credentials at each request."""

from __future__ import annotations

import ssl
from typing import Any

from aiohttp import TCPConnector
from gql import GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from graphql import ExecutionResult

from headwater.credentials import Caller, Grant

# AppSync itself gives up a request after 30 s.
REQUEST_SECONDS = 35

# How long an idle connection is kept for the next request. Shorter than it takes to notice that the network is gone: a
# request after its return must not wait for an answer on a connection that has died meanwhile.
IDLE_SECONDS = 3.0


class HttpTransport(AIOHTTPTransport):
    """Runs queries and mutations.

    Attributes:
        grant: what the caller has shown last.
    """

    def __init__(self, url: str, caller: Caller, tls: ssl.SSLContext | None) -> None:
        super().__init__(url, ssl=tls or True, timeout=REQUEST_SECONDS)
        self.grant: Grant | None = None
        self._caller = caller

    async def connect(self) -> None:
        """Begin; requests make their connections themselves."""
        self.client_session_args = {"connector": TCPConnector(keepalive_timeout=IDLE_SECONDS)}
        await super().connect()

    async def execute(self, request: GraphQLRequest, **options: Any) -> ExecutionResult:
        """Run one; raises gql's exceptions, and NoCredentials."""
        self.grant = await self._caller.grant()
        # gql signs the request before it first waits, so that no other request comes between.
        self.auth = self.grant.authentication
        return await super().execute(request, **options)
