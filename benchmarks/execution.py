"""Claim: executing is cheap and an event costs what its own subscribers cost. Engine only, no network, constant data.

`.venv/bin/python -m benchmarks.execution`: medians of five rounds, process CPU time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from graphql import build_schema, execute_sync, parse
from rich.console import Console
from rich.table import Table

from local.appsync.definition import ApiDefinition, AuthMode, AuthProvider, ResolverDefinition
from local.appsync.engine import Engine, Subscription
from local.appsync.javascript import JavaScript
from local.appsync.request import Caller, OperationRequest, RequestInfo

SDL = """
type Query { hello: String rows: [Row!]! }
type Row { id: ID! name: String! size: Int open: Boolean at: AWSDateTime }
type Mutation { send(room: ID!, text: String): Message }
type Subscription { onSend(room: ID): Message @aws_subscribe(mutations: ["send"]) }
type Message { id: ID! room: ID! text: String at: AWSDateTime! }
"""
AT = "2026-11-21T00:00:00.000Z"
ROWS = [{"id": str(n), "name": f"row {n}", "size": n, "open": True, "at": AT} for n in range(100)]
LIST = "{ rows { id name size open at } }"
SEND = 'mutation { send(room: "lobby", text: "hello") { id room text at } }'
ROUNDS = 5

CALLER = Caller(AuthMode.API_KEY)
REQUEST = RequestInfo({"host": "localhost"}, "request")


class Constant:
    """A data source that answers by field, as a Lambda would, without a process behind it."""

    async def call(self, _request: Any, context: Any) -> Any:
        """With a request object."""
        return await self.call_direct(context)

    async def call_batch(self, requests: Any, contexts: Any) -> list[Any]:
        """In a batch."""
        return [await self.call(request, context) for request, context in zip(requests, contexts, strict=True)]

    async def call_direct(self, context: Any) -> Any:
        """Direct."""
        if context.info.field_name == "send":
            return {"id": "1", "at": AT, **context.arguments}
        return ROWS if context.info.field_name == "rows" else "world"

    async def call_direct_batch(self, contexts: Any) -> list[Any]:
        """Direct, in a batch."""
        return [await self.call_direct(context) for context in contexts]


def engine() -> Engine:
    """An engine with constant data."""
    fields = (("Query", "hello"), ("Query", "rows"), ("Mutation", "send"))
    api = ApiDefinition(
        id="api",
        arn="arn:aws:appsync:us-east-1:000000000000:apis/api",
        name="api",
        region="us-east-1",
        account_id="000000000000",
        schema=SDL,
        providers=(AuthProvider(AuthMode.API_KEY),),
        resolvers={
            f"{owner}.{name}": ResolverDefinition(owner, name, data_source="constant") for owner, name in fields
        },
    )
    return Engine(api, data_sources={"constant": Constant()}, javascript=JavaScript())


async def microseconds(action: Callable[[], Awaitable[Any]], times: int) -> float:
    """CPU time of one call."""
    await action()
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            await action()
        rounds.append((time.process_time() - start) / times * 1e6)
    return statistics.median(rounds)


async def subscribers(plane: Engine, room: Callable[[int], str], count: int) -> list[Subscription]:
    """Subscribers that do nothing with what they get."""
    live = []
    for number in range(count):
        query = f'subscription {{ onSend(room: "{room(number)}") {{ id room text at }} }}'
        subscription = await plane.subscribe(OperationRequest(query), CALLER, REQUEST, lambda _body: None)
        assert isinstance(subscription, Subscription)
        live.append(subscription)
    return live


def graphql_core(query: str) -> Callable[[], Awaitable[Any]]:
    """The same by graphql-core's executor, parsed and validated beforehand, not encoded."""
    schema = build_schema(SDL.replace("AWSDateTime", "String").split("type Mutation", maxsplit=1)[0])
    document = parse(query)

    async def run() -> Any:
        return execute_sync(schema, document, {"hello": "world", "rows": ROWS})

    return run


async def measure() -> Table:
    """The table."""
    table = Table("operation", "CPU us", title="engine, one core")

    def row(name: str, value: float, note: str = "") -> None:
        table.add_row(name + note, f"{value:,.1f}")

    plane = engine()

    def operation(query: str) -> Callable[[], Awaitable[Any]]:
        request = OperationRequest(query)
        return lambda: plane.execute(request, CALLER, REQUEST)

    row("small query", await microseconds(operation("{ hello }"), 2_000))
    row("small query, graphql-core's executor", await microseconds(graphql_core("{ hello }"), 1_000))
    row("list of 100 x 5 fields", await microseconds(operation(LIST), 200))
    row("list of 100 x 5 fields, graphql-core's executor", await microseconds(graphql_core(LIST), 50))
    row("mutation, no subscriber", await microseconds(operation(SEND), 1_000))
    mine = await subscribers(plane, lambda _: "lobby", 1)
    row("mutation, 1 subscriber", await microseconds(operation(SEND), 1_000))
    others = await subscribers(plane, lambda number: f"room {number}", 3_000)
    row("mutation, 1 subscriber beside 3,000 others", await microseconds(operation(SEND), 1_000))
    mine += await subscribers(plane, lambda _: "lobby", 999)
    publish = await microseconds(operation(SEND), 100)
    row("mutation, 1,000 subscribers", publish)
    row("per subscriber", publish / 1_000)
    del mine, others
    return table


if __name__ == "__main__":
    Console().print(uvloop.run(measure()))
