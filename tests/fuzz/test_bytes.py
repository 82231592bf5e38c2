"""Random bytes on the server's port: the server answers or closes in time, and serves on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

from tests.fuzz.plane import ANSWER_SECONDS, API_KEY, EVERYTHING, Plane, plane, send
from tests.fuzz.rounds import fuzz
from tests.fuzz.sockets import damaged, handshake
from tests.fuzz.test_queries import forget_documents, posting, still_serves

CONNECTIONS = 60  # in a round

BODY = b'{"query":"{ __typename }"}'
POST = posting(BODY)
CHUNKED = (
    f"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-api-key: {API_KEY}\r\ntransfer-encoding: chunked\r\n\r\n"
).encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
SEEDS = (
    POST,
    CHUNKED,
    POST * 3,
    POST + handshake(),
    handshake() + POST,
    b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: a\r\norigin: null\r\naccess-control-request-method: POST\r\n\r\n",
    b"HEAD //graphql/../graphql HTTP/1.0\r\nconnection: keep-alive, upgrade\r\nupgrade: h2c\r\n\r\n",
    b"GET /graphql HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x00" * 100,
    b"\r\n" * 50,
)


async def test_the_server_survives_random_bytes() -> None:
    async with plane(EVERYTHING) as served:

        async def one_round(random: Random) -> None:
            await asyncio.gather(*(connection(served, Random(random.random())) for _ in range(CONNECTIONS)))
            await still_serves(served)
            await forget_documents(served)

        await fuzz(served, one_round)


async def connection(served: Plane, random: Random) -> None:
    """Write something, end it in one of the ways, and read what comes until the server has closed."""
    data = random.choice(SEEDS)
    if random.random() < 0.8:
        data = damaged(random, data)
    if random.random() < 0.1:
        data += random.randbytes(random.choice((10, 5_000, 200_000)))
    async with served.connect() as (reader, writer):
        reading = asyncio.ensure_future(reader.read())
        with suppress(ConnectionError):
            at = 0
            while at < len(data):
                size = random.choice((1, 10, 1_000, len(data)))
                await send(writer, data[at : at + size])
                at += size
            if random.random() < 0.2:
                writer.transport.abort()
            else:
                await send(writer, b"")
                writer.write_eof()
        with suppress(ConnectionError):
            answer = await asyncio.wait_for(reading, ANSWER_SECONDS)
            assert b" 500 " not in answer, (data, answer)
