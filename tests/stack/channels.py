"""Clients of a running instance: registered devices, what they hear, and the operations that concern them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.stack.instance import Instance
from tests.stack.users import Listener, User, listening

START = """mutation ($input: RegisterClientInput!, $rooms: [ID!]) { registerClient(input: $input) {
    client { id lease validUntil }
    bootstrap(rooms: $rooms) {
        client { id lease }
        features { apiVersion topics flags retentionSeconds heartbeatSeconds limits { messageCharacters } }
        rooms { roomId headSeq standing room { id } messages { items { id text } nextToken } problem { errorType } }
        userNotices { topic headSeq items { id kind data } }
        clientNotices { topic headSeq items { id kind data } }
        membershipsNextToken } } }"""
REGISTER = "mutation ($input: RegisterClientInput!) { registerClient(input: $input) { client { id lease } } }"
ME = "query ($id: ID!) { bootstrap(clientId: $id) { me { id } } }"
CHANGE = "seq kind key truncated notice { id kind data }"
ON_CLIENT = f"""subscription ($id: ID!, $lease: ID!) {{ onClient(clientId: $id, lease: $lease) {{
    clientId topic firstSeq lastSeq items {{ {CHANGE} }} }} }}"""
ON_USER = f"subscription {{ onUser {{ userId topic firstSeq lastSeq items {{ {CHANGE} profile {{ id }} }} }} }}"
CLIENT_CHANGES = f"""query ($id: ID!, $after: Int!) {{ clientChanges(clientId: $id, after: $after, limit: 1000) {{
    topic headSeq lastSeq resyncRequired items {{ {CHANGE} }} }} }}"""
USER_CHANGES = f"""query ($after: Int!) {{ userChanges(after: $after, limit: 1000) {{
    topic headSeq items {{ {CHANGE} profile {{ id }} }} }} }}"""
NOTICES = "query ($id: ID) { notices(clientId: $id, limit: 100) { topic headSeq items { id kind data } } }"
NOTIFY = "mutation ($input: NotifyInput!) { notify(input: $input) { id kind data sentAt expiresAt } }"
DISMISS = "mutation ($id: ID!, $client: ID) { dismissNotice(id: $id, clientId: $client) { id topic } }"
PUBLISH = "mutation ($input: PublishClientsInput!) { publishClients(input: $input) { topic } }"
ON_MESSAGES = """subscription ($room: ID!) { onMessages(roomId: $room) {
    topic firstSeq lastSeq items { seq message { id } } } }"""
MESSAGE_CHANGES = """query ($room: ID!, $after: Int!) { messageChanges(roomId: $room, after: $after, limit: 1000) {
    items { seq message { id } } } }"""


@dataclass
class Device:
    """A registered client of a user, or of nobody in particular."""

    instance: Instance
    user: User | None
    id: str
    lease: str

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        return self.user.ask(query, **variables) if self.user else self.instance.graphql(query, **variables)

    def again(self) -> Device:
        """The same id on another connection, which takes it over."""
        return device(self.instance, self.user, self.id)

    @asynccontextmanager
    async def listening(self, *more: tuple[str, dict[str, Any]]) -> AsyncIterator[Listener]:
        queries: list[tuple[str, dict[str, Any]]] = [(ON_CLIENT, {"id": self.id, "lease": self.lease}), *more]
        async with listening(self.instance, self.user.access if self.user else None, *queries) as listener:
            yield listener


def device(instance: Instance, user: User | None, client_id: str | None = None) -> Device:
    given = {"clientId": client_id} if client_id else {}
    answer = user.ask(REGISTER, input=given) if user else instance.graphql(REGISTER, input=given)
    assert "errors" not in answer, answer
    made = answer["data"]["registerClient"]["client"]
    return Device(instance, user, made["id"], made["lease"])


def notify(op: User, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = op.data(NOTIFY, input={"kind": "k", **given})
    return found


@dataclass
class Heard:
    """What a subscription has told, in the order of its frames."""

    items: list[dict[str, Any]] = field(default_factory=list)

    def take(self, envelope: Any) -> None:
        assert [each["seq"] for each in envelope["items"]] == list(range(envelope["firstSeq"], envelope["lastSeq"] + 1))
        self.items += envelope["items"]

    @property
    def data(self) -> list[Any]:
        return [json.loads(each["notice"]["data"]) for each in self.items if each["notice"]]


async def hear(listener: Listener, until: Callable[[Heard], bool]) -> Heard:
    """Everything that is pushed until something holds."""
    heard = Heard()
    while not until(heard):
        heard.take(await listener.pushed())
    return heard
