"""Random operations over HTTP: whatever is asked, the answer is one of AppSync's and comes in time."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from local.appsync.document import LARGE_CHARACTERS
from tests.fuzz.documents import Documents
from tests.fuzz.plane import ANSWER_SECONDS, API_KEY, EVERYTHING, HEADWATER, Plane, encoded, plane
from tests.fuzz.rounds import fuzz
from tests.fuzz.values import TEXTS

CONNECTIONS, OPERATIONS = 8, 10  # in a round; operations on each connection

CREDENTIALS = (
    *(f"x-api-key: {API_KEY}",) * 20,
    "x-api-key: da2-wrong",
    "authorization: AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/appsync/aws4_request, SignedHeaders=host, "
    "Signature=00",
    "authorization: eyJhbGciOiJub25lIn0.e30.",
    "x-nothing: 1",
)


async def post(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> tuple[int, Any]:
    """The status and the decoded body of the answer."""
    reader, writer = connection
    writer.write(request)
    async with asyncio.timeout(ANSWER_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length, head
        body = await reader.readexactly(int(length[1]))
    if b"content-encoding: gzip" in head.lower():
        body = zlib.decompress(body, wbits=31)
    return int(head.split()[1]), json.loads(body)


def request(random: Random, operation: dict[str, Any], credentials: str) -> bytes:
    head = f"host: localhost\r\n{credentials}\r\naccept-encoding: {random.choice(('gzip', 'identity'))}\r\n"
    if random.random() < 0.1:
        members = "&".join(
            f"{name}={quote(value if isinstance(value, str) else json.dumps(value), errors='replace')}"
            for name, value in operation.items()
        )
        if len(members) < 30_000:
            return f"GET /graphql?{members} HTTP/1.1\r\n{head}\r\n".encode()
    return posting(encoded(operation, escaped=random.random() < 0.7), head)


def posting(body: bytes, head: str = f"host: localhost\r\nx-api-key: {API_KEY}\r\n") -> bytes:
    return f"POST /graphql HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


def check(operation: dict[str, Any], status: int, body: Any) -> None:
    """What every answer to an operation has in common."""
    assert status in {200, 400, 401}, (status, body, operation)
    assert "InternalFailure" not in json.dumps(body), (body, operation)
    if status == 200:
        assert "data" in body, (body, operation)
    for error in body.get("errors", []):
        assert isinstance(error["message"], str), (error, operation)
    assert status == 200 or body["errors"], (body, operation)


async def still_serves(served: Plane) -> None:
    """A correct request has its answer."""
    async with served.connect() as connection:
        body = encoded({"query": "{ __typename }"})
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-api-key: {API_KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        assert await post(connection, head.encode() + body) == (200, {"data": {"__typename": "Query"}})


@pytest.mark.parametrize("schema", [EVERYTHING, HEADWATER], ids=["every kind of type", "Headwater"])
async def test_any_operation_has_an_answer(schema: Path) -> None:
    async with plane(schema) as served:

        async def worker(random: Random) -> None:
            documents = Documents(random, served.schema)
            async with served.connect() as connection:
                for _ in range(OPERATIONS):
                    operation = documents.operation()
                    status, body = await post(connection, request(random, operation, random.choice(CREDENTIALS)))
                    check(operation, status, body)

        async def one_round(random: Random) -> None:
            await asyncio.gather(*(worker(Random(random.random())) for _ in range(CONNECTIONS)))
            await still_serves(served)
            await forget_documents(served)

        await fuzz(served, one_round)


async def forget_documents(served: Plane) -> None:
    """Fill the caches of documents with equal ones, so that what is kept does not depend on the round."""
    async with served.connect() as connection:
        for number in range(20):
            for size in (0, LARGE_CHARACTERS):  # each kind has a cache of its own
                text = f"query Forget{number} {{ __typename }} #{'x' * size}"
                await post(connection, request(Random(0), {"query": text}, CREDENTIALS[0]))


async def test_any_json_is_an_answerable_body() -> None:
    async with plane(EVERYTHING) as served:

        async def one_round(random: Random) -> None:
            values = Documents(random, served.schema).values
            for _ in range(100):
                members = {name: values.anything() for name in ("query", "variables", "operationName", *TEXTS[:2])}
                operation = random.choice((members, values.anything(), [members]))
                async with served.connect() as connection:
                    body = encoded(operation, escaped=random.random() < 0.7)
                    head = (
                        f"POST /graphql HTTP/1.1\r\nhost: a\r\n{CREDENTIALS[0]}\r\ncontent-length: {len(body)}\r\n\r\n"
                    )
                    check({"body": operation}, *await post(connection, head.encode() + body))
            await still_serves(served)
            await forget_documents(served)

        await fuzz(served, one_round)
