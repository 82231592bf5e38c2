"""A client of a Headwater API: queries and mutations over HTTP, live topics over WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, overload
from uuid import uuid4

from gql import GraphQLRequest
from gql.transport.exceptions import TransportError
from graphql import DocumentNode, GraphQLError, parse

from headwater import messages, topics
from headwater.credentials import Caller, Credential, iam
from headwater.credentials import api_key as api_key_credential
from headwater.cursors import CursorStore
from headwater.endpoint import Endpoint, endpoint
from headwater.errors import GraphQLFailure, NotQueueable, Unauthorized, Unreachable, failure
from headwater.feed import Feed
from headwater.generated import documents
from headwater.generated.fragments import Message
from headwater.http import HttpTransport
from headwater.mutations import Mutation, Optimistic, plain, queueable
from headwater.network import Network
from headwater.outbox import Outbox, Queued
from headwater.overlays import Overlays
from headwater.present import Present
from headwater.realtime import Realtime
from headwater.states import State, States, worst


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
    outbox: str | Path | Outbox | None = None,
) -> Client:
    """A client, to be used with `async with`.

    Args:
        url: the GraphQL endpoint; without it the local instance's, from `$HEADWATER_STATE/outputs.json`.
        realtime_url: the WebSocket endpoint; by default AppSync's for `url`.
        api_key: an AppSync API key; without it, and without `auth`, the local instance's, else IAM.
        auth: who calls instead, as `headwater.iam()`, `jwt(...)`, `authorizer(...)` or `api_key(...)` make it.
        region: the AWS region that IAM requests are signed for.
        ca_file: a certificate authority to trust as well: the local instance's `caFile` for its HTTPS port.
        outbox: the file in which mutations are queued, or an Outbox on it. Entering the client then raises
            OutboxLocked while another has it, and OutboxUnusable when it is damaged.

    Raises:
        NoEndpoint: no `url` and no local instance runs, or `ca_file` cannot be read.
    """
    authority = None if ca_file is None else Path(ca_file)
    where = endpoint(url=url, realtime_url=realtime_url, api_key=api_key, region=region, ca_file=authority)
    if auth is None:
        auth = iam() if where.api_key is None else api_key_credential(where.api_key)
    return Client(where, auth, Outbox(outbox) if isinstance(outbox, str | Path) else outbox)


class Client:
    """A connection to one API as one caller. Made by `connect`.

    Attributes:
        endpoint: where the API is.
        outbox: the mutations that are queued; None without a file for them.
    """

    def __init__(self, where: Endpoint, credential: Credential, outbox: Outbox | None = None) -> None:
        self.endpoint = where
        self.outbox = outbox
        tls = where.tls_context()
        self._caller = Caller(credential, where)
        self._http = HttpTransport(where.url, self._caller, tls)
        self._network = Network(where.url)
        self._realtime = Realtime(where, self._caller, self._network, tls)
        self._feeds: list[Feed[Any]] = []
        self._presents: list[Present] = []
        self._states = States()
        self._overlays = Overlays()

    async def __aenter__(self) -> Self:
        await self._http.connect()
        if self.outbox is not None:
            try:
                await self.outbox.open(self._send, self._network.wait, self._overlays)
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave the rooms, end the feeds and close all connections."""
        await asyncio.gather(*(present.close() for present in self._presents))
        self._presents.clear()
        for feed in self.feeds:
            await feed.close()
        self._feeds.clear()
        if self.outbox is not None:
            await self.outbox.close()
        await self._realtime.close()
        await self._network.close()
        await self._http.close()
        self._states.say("closed")

    @property
    def feeds(self) -> list[Feed[Any]]:
        """The feeds that are not closed."""
        self._feeds = [feed for feed in self._feeds if not feed.closed]
        return list(self._feeds)

    @property
    def state(self) -> State:
        """The worst state of its feeds; `connecting` while there is none."""
        return "closed" if self._states.current == "closed" else worst(feed.state for feed in self.feeds)

    def states(self) -> AsyncIterator[State]:
        """The state now and each that follows, to `closed`."""
        return self._states.follow()

    async def query(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run a query and return its `data`. Variables may hold generated inputs.

        Raises:
            GraphQLFailure: the API answered with errors (its `data` holds what there is besides).
            Unreachable: there was no answer.
            ValueError: something in the variables is neither JSON nor a generated type.
        """
        return await self._execute(document, variables)

    @overload
    async def mutate(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        optimistic: Optimistic | Sequence[Optimistic] = (),
        queue: Literal[False] = False,
        ordering: str | None = None,
    ) -> dict[str, Any]: ...
    @overload
    async def mutate(
        self, document: str, variables: Mapping[str, Any] | None = None, *,
        optimistic: Optimistic | Sequence[Optimistic] = (), queue: Literal[True], ordering: str | None = None,
    ) -> Queued[dict[str, Any]]: ...  # fmt: skip
    async def mutate(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        optimistic: Optimistic | Sequence[Optimistic] = (),
        queue: bool = False,
        ordering: str | None = None,
    ) -> dict[str, Any] | Queued[dict[str, Any]]:
        """Run a mutation and return its `data`; it raises as `query` does. It is never repeated by itself: after
        `Unreachable` repeat it with the same `clientMutationId`, if at all.

        Args:
            optimistic: what it is expected to do to items of topics, for their feeds to show until it is known.
            queue: put it into the outbox instead: return when it is safely kept. `await` what is returned for its
                `data`, whenever that may be. It raises OutboxFull, and NotQueueable when the mutation takes no
                `clientMutationId` or there is no outbox.
            ordering: of what is queued, mutations of the same value are sent one after the other.
        """
        shown = [optimistic] if isinstance(optimistic, Optimistic) else list(optimistic)
        if queue:
            return await self._outbox().add(queueable(document, variables, ordering=ordering, optimistic=shown), dict)
        if not shown:
            return await self._execute(document, variables)
        mutation = Mutation(str(uuid4()), document, variables or {}, None, shown)
        self._overlays.show(mutation)
        try:
            data = await self._send(mutation)
        except BaseException:
            self._overlays.roll_back(mutation)
            raise
        self._overlays.settle(mutation, data)
        return data

    @overload
    async def send_message(
        self,
        room_id: str,
        text: str,
        *,
        author: str | None = None,
        original_time: str | None = None,
        client_mutation_id: str | None = None,
        queue: Literal[False] = False,
    ) -> Message: ...
    @overload
    async def send_message(
        self, room_id: str, text: str, *, author: str | None = None, original_time: str | None = None,
        client_mutation_id: str | None = None, queue: Literal[True],
    ) -> Queued[Message]: ...  # fmt: skip
    async def send_message(
        self,
        room_id: str,
        text: str,
        *,
        author: str | None = None,
        original_time: str | None = None,
        client_mutation_id: str | None = None,
        queue: bool = False,
    ) -> Message | Queued[Message]:
        """Say something in a room, which comes into being with its first message.

        Args:
            author: the name to show; counts only for callers without an identity, such as an API key.
            original_time: when it was said, if that was elsewhere and earlier.
            client_mutation_id: the same id again has no second effect and answers as the first time.
            queue: put it into the outbox, behind what is queued for the room, and show it in the room's feeds.
        """
        variables = messages.sending(
            room_id, text, author=author, original_time=original_time, client_mutation_id=client_mutation_id
        )
        if not queue:
            return _message(await self._execute(documents.SEND_MESSAGE, variables))
        mutation = queueable(
            documents.SEND_MESSAGE, variables, ordering=f"room:{room_id}", optimistic=messages.expected(variables)
        )
        return await self._outbox().add(mutation, _message)

    async def send_messages(
        self, room_id: str, messages: Iterable[NewMessage], *, client_mutation_id: str | None = None
    ) -> list[Message]:
        """Say several things in a room in one request, in their order."""
        arguments = {"roomId": room_id, "messages": list(messages), **_given({"clientMutationId": client_mutation_id})}
        answer = await self.mutate(documents.SEND_MESSAGES, {"input": arguments})
        return [Message.model_validate(message) for message in answer["sendMessages"]["messages"]]

    def live(
        self,
        topic: str,
        *,
        after: int | None = None,
        snapshot: bool = True,
        cursor: CursorStore | None = None,
        keep: int = 1000,
        lease: str | None = None,
    ) -> Feed[Any]:
        """A topic, live: `async for event in client.live("room:lobby")`.

        Args:
            topic: such as `room:lobby`, `presence:lobby`, `user` for the signed-in user's own, or `client:<id>`.
            after: the number of the last change already known, to resume from it; by default what is stored, else what
                is new from now on.
            snapshot: whether to read the items as they are now, for `Feed.items`.
            cursor: where to keep the number of the last change that was handled.
            keep: how many items to keep, the newest ones.
            lease: of `client:<id>`, as `registerClient` answers it.

        Raises:
            UnknownTopic: there is no such kind of topic.
            Unreachable: the client was closed.
        """
        if self._states.current == "closed":
            raise Unreachable("the client was closed")
        followed = topics.topic(topic, lease=lease)
        feed = Feed(
            self.query, self._realtime, followed,
            after=after, snapshot=snapshot, cursor=cursor, keep=keep, said=self._said,
        )  # fmt: skip
        self._overlays.attach(followed.name, feed.view, followed.item)
        self._feeds = [*self.feeds, feed]
        return feed

    def present(self, room_id: str, *, name: str | None = None, client_id: str | None = None) -> Present:
        """To be present in a room: `async with client.present("lobby"):`.

        Args:
            name: what others see; counts only for callers without a signed-in user.
            client_id: of this device, the same for as long as the program runs; by default one of this presence.
        """
        present = Present(self._execute, self._network.wait, room_id, name=name, client_id=client_id)
        self._presents = [*(each for each in self._presents if not each.closed), present]
        return present

    def _said(self) -> None:
        self._states.say(worst(feed.state for feed in self.feeds))

    def _outbox(self) -> Outbox:
        if self.outbox is None:
            raise NotQueueable("nothing to queue in: connect(outbox=...) names the file")
        return self.outbox

    async def _send(self, mutation: Mutation) -> dict[str, Any]:
        return await self._execute(mutation.document, mutation.variables)

    async def _execute(self, document: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        request = GraphQLRequest(_parsed(document), variable_values=plain(variables or {}))
        try:
            return await self._answer(request)
        except Unauthorized:
            # A token may have expired or been revoked since the application made it: nothing was done with it.
            if not await self._caller.has_other(self._http.grant):
                raise
        return await self._answer(request)

    async def _answer(self, request: GraphQLRequest) -> dict[str, Any]:
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


def _message(answer: Mapping[str, Any]) -> Message:
    return Message.model_validate(answer["sendMessage"])


def _given(arguments: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in arguments.items() if value is not None}
