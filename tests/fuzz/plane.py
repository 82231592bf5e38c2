"""A real server and engine in this process, whose data sources answer at random, and raw sockets to it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from graphql import GraphQLSchema, ObjectTypeDefinitionNode, parse

from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.context import ResolverContext
from local.appsync.datasources import DataSource
from local.appsync.datasources.none import NoneDataSource
from local.appsync.definition import ApiDefinition, ApiKey, AuthMode, AuthProvider, ResolverDefinition
from local.appsync.engine import Engine
from local.appsync.javascript import JavaScript
from local.appsync.limits import Limits
from local.appsync.server import Server
from tests.fuzz.values import Values

ROOT = Path(__file__).resolve().parent.parent.parent
HEADWATER = ROOT / "schema.graphql"
EVERYTHING = Path(__file__).with_name("schema.graphql")

BELOW = ("Leaf.owner", "Tree.leaves", "Tree.any")  # fields below the roots that have a resolver

API_KEY = "da2-abcdefghijklmnopqrstuvwxyz"
ANSWER_SECONDS = 20.0  # the longest that an answer may take; the slowest documents keep the loop busy for two
CACHED_DOCUMENTS = 20  # few, so that the cache is full after the first round


class AnyData:
    """Answers every field with a random value that mostly fits the field's type. `random` is set by each round."""

    def __init__(self) -> None:
        self.random = Random(0)
        self.schema: GraphQLSchema

    async def call_direct(self, context: ResolverContext) -> Any:
        if self.random.random() < 0.1:
            await asyncio.sleep(0)
        info = context.info
        parent: Any = self.schema.type_map[info.parent_type_name]
        return Values(self.random, self.schema).output(parent.fields[info.field_name].type)

    async def call(self, _request: Any, context: ResolverContext) -> Any:
        return await self.call_direct(context)

    async def call_direct_batch(self, contexts: Any) -> list[Any]:
        return [await self.call_direct(context) for context in contexts]

    async def call_batch(self, _requests: Any, contexts: Any) -> list[Any]:
        return await self.call_direct_batch(contexts)


class Topics:
    """Answers `Subscription.onMessages` of Headwater as its function does."""

    async def call(self, _request: Any, context: ResolverContext) -> Any:
        return {"data": {"topic": f"room:{context.arguments.get('roomId')}"}}


class Plane:
    """A served plane. `log` are the errors and exceptions that it has logged, which nothing a client does may cause."""

    def __init__(self, server: Server, engine: Engine, data: AnyData, port: int, log: list[str]) -> None:
        self.server = server
        self.engine = engine
        self.data = data
        self.port = port
        self.log = log

    @property
    def schema(self) -> GraphQLSchema:
        return self.engine.schema.graphql

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A TCP connection, reset in the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**26)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


@asynccontextmanager
async def plane(file: Path) -> AsyncIterator[Plane]:
    """Serve a schema: Headwater's with its own publishing and subscribing, or the one with every kind of type."""
    sdl = await asyncio.to_thread(file.read_text)
    data = AnyData()
    sources: dict[str, DataSource] = {"any": data, "none": NoneDataSource(), "topics": Topics()}
    definition = ApiDefinition(
        id="fuzzed",
        arn="arn:aws:appsync:us-east-1:000000000000:apis/fuzzed",
        name="fuzzed",
        region="us-east-1",
        account_id="000000000000",
        schema=sdl,
        providers=(AuthProvider(AuthMode.API_KEY), AuthProvider(AuthMode.AWS_IAM)),
        api_keys=(ApiKey(API_KEY, int(time.time()) + 86_400),),
        resolvers={resolver.coordinate: resolver for resolver in _resolvers(sdl, headwater=file == HEADWATER)},
    )

    async def principal(access_key_id: str, session_token: str | None) -> None:
        return None

    limits = Limits(cached_documents=CACHED_DOCUMENTS, request_seconds=10)
    engine = Engine(definition, data_sources=sources, javascript=JavaScript(), limits=limits)
    data.schema = engine.schema.graphql
    apis = Apis(Principals(principal))
    await apis.serve(definition, engine)
    server = Server(apis)
    log = _ErrorLog()
    logging.getLogger("local").addHandler(log)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: log.lines.append(f"event loop: {context}"))
    try:
        yield Plane(server, engine, data, await server.listen("127.0.0.1", 0), log.lines)
    finally:
        await server.stop()
        loop.set_exception_handler(None)
        logging.getLogger("local").removeHandler(log)


class _ErrorLog(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.setFormatter(logging.Formatter("%(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def _resolvers(sdl: str, *, headwater: bool) -> list[ResolverDefinition]:
    """A resolver on every root field, and on some fields below."""
    own: list[ResolverDefinition] = []
    if headwater:
        folder = ROOT / "resolvers" / "appsync"
        publishing = (folder / "Mutation.publishMessages.js").read_text()
        subscribing = (folder / "subscription.js").read_text()
        own = [
            ResolverDefinition("Mutation", "publishMessages", data_source="none", code=publishing),
            ResolverDefinition("Subscription", "onMessages", data_source="topics", code=subscribing),
        ]
    roots = [node for node in parse(sdl).definitions if isinstance(node, ObjectTypeDefinitionNode)]
    fields = [f"{node.name.value}.{field.name.value}" for node in roots for field in node.fields or ()]
    known = {resolver.coordinate for resolver in own}
    answered = [each for each in fields if each.startswith(("Query.", "Mutation.")) or each in BELOW]
    rest = [each.split(".") for each in answered if each not in known]
    return own + [ResolverDefinition(owner, name, data_source="any") for owner, name in rest]


async def send(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Write, and wait until the server takes more. Raises ConnectionError when the server has closed."""
    if writer.transport.is_closing():  # uvloop raises something of its own then
        raise ConnectionResetError
    writer.write(data)
    async with asyncio.timeout(ANSWER_SECONDS):
        await writer.drain()


def encoded(operation: Any, *, escaped: bool = True) -> bytes:
    """JSON, with half surrogate pairs escaped or, which is no UTF-8, written out."""
    return json.dumps(operation, ensure_ascii=escaped).encode(errors="surrogatepass")
