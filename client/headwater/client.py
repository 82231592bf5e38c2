"""A client of a Headwater API: queries and mutations over HTTP, live rooms over one WebSocket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict

from gql import GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportError
from graphql import DocumentNode, GraphQLError, parse

from headwater.changes import MESSAGE_FIELDS, Message, message_from_wire
from headwater.credentials import Credential, iam
from headwater.credentials import api_key as api_key_credential
from headwater.endpoint import Endpoint, endpoint
from headwater.errors import GraphQLFailure, Unreachable, failure
from headwater.realtime import Realtime
from headwater.room import Room

# AppSync itself gives up a request after 30 s.
REQUEST_SECONDS = 35

SEND_MESSAGE = f"""
mutation SendMessage($input: SendMessageInput!) {{ sendMessage(input: $input) {{ {MESSAGE_FIELDS} }} }}"""

SEND_MESSAGES = f"""
mutation SendMessages($input: SendMessagesInput!) {{
  sendMessages(input: $input) {{ messages {{ {MESSAGE_FIELDS} }} }}
}}"""


class NewMessage(TypedDict, total=False):
    """A message of a batch. `text` is required; `author` counts only for callers without an identity."""

    text: str
    author: str
    originalTime: str


def connect(
    *,
    url: str | None = None,
    realtime_url: str | None = None,
    api_key: str | None = None,
    auth: Credential | None = None,
    region: str | None = None,
    ca_file: str | Path | None = None,
) -> Client:
    """A client, to be used with `async with`.

    Args:
        url: the GraphQL endpoint; without it the local instance's, from `$HEADWATER_STATE/outputs.json`.
        realtime_url: the WebSocket endpoint; by default AppSync's for `url`.
        api_key: an AppSync API key; without it, and without `auth`, the local instance's, else IAM.
        auth: who calls instead, as `headwater.iam()` or `headwater.api_key(...)` make it.
        region: the AWS region that IAM requests are signed for.
        ca_file: a certificate authority to trust as well: the local instance's `caFile` for its HTTPS port.

    Raises:
        NoEndpoint: no `url` and no local instance runs, or `ca_file` cannot be read.
    """
    authority = None if ca_file is None else Path(ca_file)
    where = endpoint(url=url, realtime_url=realtime_url, api_key=api_key, region=region, ca_file=authority)
    if auth is None:
        auth = iam() if where.api_key is None else api_key_credential(where.api_key)
    return Client(where, auth)


class Client:
    """A connection to one API as one caller. Made by `connect`."""

    def __init__(self, where: Endpoint, credential: Credential) -> None:
        self.endpoint = where
        tls = where.tls_context()
        self._http = AIOHTTPTransport(where.url, auth=credential(where), ssl=tls or True, timeout=REQUEST_SECONDS)
        self._realtime = Realtime(where, credential, tls)
        self._rooms: list[Room] = []

    async def __aenter__(self) -> Self:
        await self._http.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the live rooms and close both connections."""
        for room in self._rooms:
            await room.close()
        self._rooms.clear()
        await self._realtime.close()
        await self._http.close()

    async def query(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run a query and return its `data`.

        Raises:
            GraphQLFailure: the API answered with errors (its `data` holds what there is besides).
            Unreachable: there was no answer.
        """
        return await self._execute(document, variables)

    async def mutate(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run a mutation and return its `data`; it raises as `query` does. It is never repeated by itself: after
        `Unreachable` repeat it with the same `clientMutationId`, if at all."""
        return await self._execute(document, variables)

    async def send_message(
        self,
        room_id: str,
        text: str,
        *,
        author: str | None = None,
        original_time: str | None = None,
        client_mutation_id: str | None = None,
    ) -> Message:
        """Say something in a room, which comes into being with its first message.

        Args:
            author: the name to show; counts only for callers without an identity, such as an API key.
            original_time: when it was said, if that was elsewhere and earlier.
            client_mutation_id: the same id again has no second effect and answers as the first time.
        """
        optional = {"author": author, "originalTime": original_time, "clientMutationId": client_mutation_id}
        arguments = {"roomId": room_id, "text": text, **_given(optional)}
        answer = await self.mutate(SEND_MESSAGE, {"input": arguments})
        return message_from_wire(answer["sendMessage"])

    async def send_messages(
        self, room_id: str, messages: Iterable[NewMessage], *, client_mutation_id: str | None = None
    ) -> list[Message]:
        """Say several things in a room in one request, in their order."""
        arguments = {"roomId": room_id, "messages": list(messages), **_given({"clientMutationId": client_mutation_id})}
        answer = await self.mutate(SEND_MESSAGES, {"input": arguments})
        return [message_from_wire(message) for message in answer["sendMessages"]["messages"]]

    def room(self, room_id: str, *, after: int | None = None) -> Room:
        """The changes of a room, live: `async for change in client.room("lobby")`.

        Args:
            after: the number of the last change already known, to resume from it; by default what is new from now on.
        """
        self._rooms = [room for room in self._rooms if not room.closed]
        room = Room(self.query, self._realtime, room_id, after)
        self._rooms.append(room)
        return room

    async def _execute(self, document: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        request = GraphQLRequest(_parsed(document), variable_values=dict(variables or {}))
        try:
            result = await self._http.execute(request)
        except TransportError as error:
            reason = str(error.__cause__ or error) or type(error).__name__
            raise Unreachable(f"{self.endpoint.url}: {reason}") from error
        if result.errors:
            raise failure(result.errors, result.data)
        return result.data or {}


@lru_cache(maxsize=256)
def _parsed(document: str) -> DocumentNode:
    try:
        return parse(document)
    except GraphQLError as error:
        raise GraphQLFailure([{"message": str(error)}]) from error


def _given(arguments: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in arguments.items() if value is not None}
