"""A room of the real schema on the real data plane, whose change log the test writes and whose pushes it controls."""

from __future__ import annotations

import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater import Client, connect
from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.context import ResolverContext
from local.appsync.datasources import DataSourceError
from local.appsync.definition import (
    ApiDefinition,
    ApiKey,
    AuthMode,
    AuthProvider,
    DataSourceDefinition,
    ResolverDefinition,
)
from local.appsync.engine import Engine
from local.appsync.javascript import JavaScript
from local.appsync.request import Caller, OperationRequest, RequestInfo
from local.appsync.server import Server
from tests.local.appsync.auth.issuers import Publisher, jwk, rsa_key, sign

HOST = "127.0.0.1"
KEY = "da2-abcdefghijklmnopqrstuvwxyz"
ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLE000000000", "secret"
POOL = "us-east-1_Pool"
ROOM = "lobby"
TOPIC = f"room:{ROOM}"
AT = "2026-11-21T12:00:00.123Z"
FIELDS = (
    ("Query", "messageChanges"),
    ("Query", "messages"),
    ("Mutation", "sendMessage"),
    ("Mutation", "sendMessages"),
    ("Mutation", "publishMessages"),
)

PUBLISH = """
mutation($input: PublishMessagesInput!) {
  publishMessages(input: $input) {
    roomId topic firstSeq lastSeq
    items { seq eventId kind at traceId key truncated message { id roomId author text sentAt version originalTime } }
  }
}"""


@dataclass
class Chat:
    """The data source behind all fields: direct Lambda resolvers answer from this change log, in memory."""

    log: list[dict[str, Any]] = field(default_factory=list)
    oldest: int = 1  # the number of the first change that the log still has
    large: dict[int, dict[str, Any]] = field(default_factory=dict)  # by number, what a pointer in the log stands for
    refuse: DataSourceError | None = None
    reads: list[int] = field(default_factory=list)  # the cursors that were asked for
    sent: list[dict[str, Any]] = field(default_factory=list)
    sent_at: str = AT
    answered: dict[str, Any] = field(default_factory=dict)  # by clientMutationId
    on_sent: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] | None = None  # instead of only keeping it

    async def call_direct(self, context: ResolverContext) -> Any:
        if self.refuse is not None:
            raise self.refuse
        arguments = context.arguments
        match context.info.field_name:
            case "messageChanges":
                return self._page(arguments["after"], arguments.get("limit", 100))
            case "publishMessages":
                return arguments["input"]
            case "messages":
                return self._newest(arguments.get("limit", 50), int(arguments.get("nextToken") or 0))
            case "sendMessage":
                return await self._once(arguments["input"], self._send)
            case "sendMessages":
                return await self._once(arguments["input"], self._send_all)
        raise AssertionError(context.info.field_name)

    async def call(self, *_: object, **__: object) -> Any:
        raise AssertionError("every resolver is direct")

    async def call_batch(self, *_: object, **__: object) -> list[Any]:
        raise AssertionError("every resolver is direct")

    async def call_direct_batch(self, *_: object, **__: object) -> list[Any]:
        raise AssertionError("nothing is batched")

    def _newest(self, limit: int, first: int) -> dict[str, Any]:
        """The room as it is after all that the log, or what it had, tells of."""
        found: dict[str, dict[str, Any]] = {}
        for entry in self.log:
            found.pop(entry["key"], None)
            entry = entry | self.large.get(entry["seq"], {})
            if entry["message"] is not None:
                found[entry["key"]] = entry["message"]
        newest = list(found.values())[::-1]
        last = first + limit
        return {"items": newest[first:last], "nextToken": str(last) if newest[last:] else None}

    async def _once(self, given: dict[str, Any], send: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
        mutation_id = given.get("clientMutationId")
        if mutation_id is None:
            return await send(given)
        if mutation_id not in self.answered:
            self.answered[mutation_id] = await send(given)
        return self.answered[mutation_id]

    async def _send_all(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [await self._send(one) for one in given["messages"]]}

    async def _send(self, given: dict[str, Any]) -> dict[str, Any]:
        self.sent.append(given)
        said = {name: value for name, value in given.items() if name in {"author", "text", "originalTime"}}
        if self.on_sent is not None:
            return await self.on_sent(said)
        return message(len(self.sent), sent_at=self.sent_at, **said)

    def _page(self, after: int, limit: int) -> dict[str, Any]:
        self.reads.append(after)
        head = max((entry["seq"] for entry in self.log), default=0)
        resync_required = after + 1 < self.oldest and after < head
        items = [] if resync_required else [entry for entry in self.log if entry["seq"] > after][:limit]
        pointers = [index for index, entry in enumerate(items) if entry["truncated"]]
        if pointers:
            # A page ends before what is too large for it, and then holds that alone, whole while it exists.
            items = items[: pointers[0]] or [items[0] | self.large.get(items[0]["seq"], {})]
        return {
            "roomId": ROOM,
            "topic": f"room:{ROOM}",
            "items": items,
            "lastSeq": items[-1]["seq"] if items else after,
            "headSeq": head,
            "resyncRequired": resync_required,
        }


def message(
    number: int,
    *,
    author: str = "ada",
    text: str = "hello",
    originalTime: str | None = None,  # noqa: N803 - the wire's name
    sent_at: str = AT,
) -> dict[str, Any]:
    """A `Message` of the schema."""
    return {
        "id": f"m{number}", "roomId": ROOM, "author": author, "text": text, "sentAt": sent_at, "version": 1,
        "originalTime": originalTime,
    }  # fmt: skip


class ChatApi:
    """The API, served. `commit` appends to the change log and `push` publishes entries of it: apart, on purpose."""

    def __init__(self, user_pool: Publisher | None = None) -> None:
        self.chat = Chat()
        self.port = 0
        self._aws_endpoint = "" if user_pool is None else user_pool.url
        if user_pool is not None:
            keys = {"keys": [jwk(rsa_key("pool"), "pool")]}
            user_pool.documents[f"/{POOL}/.well-known/jwks.json"] = keys
        definition = ApiDefinition(
            id="abcdefghijklmnopqrstuvwxyz",
            arn="arn:aws:appsync:us-east-1:000000000000:apis/abcdefghijklmnopqrstuvwxyz",
            name="chat",
            region="us-east-1",
            account_id="000000000000",
            schema=(Path(__file__).parents[2] / "schema.graphql").read_text("utf-8"),
            providers=(
                AuthProvider(AuthMode.API_KEY),
                AuthProvider(AuthMode.AWS_IAM),
                AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, {"UserPoolId": POOL}),
            ),
            api_keys=(ApiKey(KEY, int(time.time()) + 86_400),),
            data_sources={"Chat": DataSourceDefinition("Chat", "AWS_LAMBDA")},
            resolvers={f"{kind}.{name}": ResolverDefinition(kind, name, data_source="Chat") for kind, name in FIELDS},
        )
        self._definition = definition
        self._engine = Engine(definition, data_sources={"Chat": self.chat}, javascript=JavaScript())
        self._server: Server | None = None

    async def start(self) -> None:
        """Serve, on the same port as before."""
        apis = Apis(Principals(_principal), aws_endpoint=self._aws_endpoint)
        await apis.serve(self._definition, self._engine)
        self._server = Server(apis)
        self.port = await self._server.listen(HOST, self.port)

    async def listen_with(self, tls: ssl.SSLContext) -> int:
        """Serve HTTPS too, and return its port."""
        assert self._server is not None
        return await self._server.listen(HOST, 0, tls)

    async def stop(self) -> None:
        """Stop serving; every connection ends."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    def client(self, key: str = KEY, **arguments: Any) -> Client:
        """A client of this API."""
        return connect(**{"url": f"http://{HOST}:{self.port}/graphql", "api_key": key, **arguments})

    def commit(self, *texts: str, **said: Any) -> None:
        """Append an insertion per text to the change log, without a push."""
        for text in texts:
            seq = len(self.chat.log) + 1
            self.chat.log.append(
                {
                    "seq": seq, "eventId": f"e{seq}", "kind": "INSERT", "at": AT, "traceId": None, "key": f"m{seq}",
                    "truncated": False, "message": message(seq, text=text, **said),
                }
            )  # fmt: skip

    def commit_large(self, text: str) -> None:
        """Append an insertion that is too large for a push."""
        self.commit(text)
        entry = self.chat.log[-1]
        self.chat.large[entry["seq"]] = {"truncated": False, "message": entry["message"]}
        self.chat.log[-1] = entry | {"truncated": True, "message": None}

    async def live(self, said: dict[str, Any]) -> dict[str, Any]:
        """Commit and push what a client sends: set as `chat.on_sent`, the room behaves as the whole backend does."""
        self.commit(said.pop("text"), **said)
        entry = self.chat.log[-1]
        await self.push(entry["seq"], entry["seq"])
        return dict(entry["message"])

    async def push(self, first: int, last: int, *, room: str = ROOM) -> None:
        """Publish the log's entries `first` to `last`, as the stream's publisher does."""
        envelope = {
            "roomId": room,
            "topic": f"room:{room}",
            "firstSeq": first,
            "lastSeq": last,
            "items": self.chat.log[first - 1 : last],
        }
        result = await self._engine.execute(
            OperationRequest(PUBLISH, {"input": envelope}), Caller(AuthMode.AWS_IAM), RequestInfo({}, "request")
        )
        assert result.errors == []

    async def say(self, *texts: str) -> None:
        """Commit, then push in one envelope."""
        first = len(self.chat.log) + 1
        self.commit(*texts)
        await self.push(first, first + len(texts) - 1)


def token(expires_in: float) -> str:
    """A token of the user pool."""
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
    claims = {"iss": issuer, "sub": "ann", "client_id": "app", "token_use": "access", "username": "ann"}
    return sign({**claims, "exp": time.time() + expires_in}, rsa_key("pool"), "pool")


@dataclass(frozen=True)
class _Root:
    secret_access_key: str = SECRET_KEY
    arn: str = "arn:aws:iam::000000000000:root"
    account_id: str = "000000000000"
    user_id: str = "000000000000"
    root: bool = True
    policies: Sequence[Mapping[str, Any]] = ()
    limits: Sequence[Sequence[Mapping[str, Any]]] = ()


async def _principal(access_key_id: str, session_token: str | None) -> _Root | None:
    return _Root() if access_key_id == ACCESS_KEY else None
