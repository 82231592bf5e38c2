"""Requests, heads, frames and variables that are too large, and such that never end."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from tests.attacks.target import Target
from tests.contract.realtime import session

pytestmark = pytest.mark.stack

MEBIBYTE = 1024 * 1024
ROOM = 'subscription { onMessages(roomId: "lobby") { topic } }'


def padded(size: int) -> bytes:
    """A valid request of so many bytes."""
    body = b'{"query": "{ __typename }"}'
    return body + b" " * (size - len(body))


def raw(target: Target) -> socket.socket:
    """A connection to the API."""
    address = urlsplit(target.api.url)
    assert address.hostname
    assert address.port
    return socket.create_connection((address.hostname, address.port), 10)


def head(target: Target, *lines: str) -> bytes:
    """A request's head without its end."""
    first = ("POST /graphql HTTP/1.1", f"host: {target.api.host}", f"x-api-key: {target.api.key}", *lines)
    return "".join(f"{line}\r\n" for line in first).encode()


def test_a_body_has_a_mebibyte_at_most(target: Target) -> None:
    assert target.api.post(padded(MEBIBYTE)).data == {"__typename": "Query"}
    answer = target.api.post(padded(MEBIBYTE + 1))
    assert (answer.status, answer.error["errorType"]) == (413, "RequestEntityTooLargeException")


def test_a_body_that_claims_to_be_small_or_endless_is_bounded_too(target: Target) -> None:
    with raw(target) as connection:
        connection.sendall(head(target, "content-length: 99999999999999") + b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")
    with raw(target) as connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(head(target, "transfer-encoding: chunked") + b"\r\n")
        for _ in range(40):
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")
    with raw(target) as connection:  # two lengths: request smuggling
        connection.sendall(head(target, "content-length: 2", "content-length: 40") + b"\r\n{}GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
    with raw(target) as connection:
        both = head(target, "content-length: 2", "transfer-encoding: chunked")
        connection.sendall(both + b"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("lines", [["x: " + "v" * 70_000], [f"x-{number}: v" for number in range(20_000)]])
def test_a_head_has_64_kib_at_most(target: Target, lines: list[str]) -> None:
    with raw(target) as connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(head(target, *lines) + b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 431 ")
    headers = {"x-api-key": target.api.key, **{f"x-{number}": "v" * 50 for number in range(50)}}
    assert target.api.send("POST", b'{"query": "{ __typename }"}', headers).status == 200


@pytest.mark.parametrize(
    "variables",
    ['{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", '{"a": ' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}",
     '{"a": 1' + "0" * 100_000 + "}", '{"a": "\\ud800"}', "[]", '"text"', "1"],
    ids=["brackets", "braces", "a long number", "half a character", "a list", "a text", "a number"],
)  # fmt: skip
def test_variables_that_are_none_are_refused(target: Target, variables: str) -> None:
    body = '{"query": "query ($a: ID!) { room(id: $a) { id } }", "variables": ' + variables + "}"
    answer = target.api.post(body)
    assert answer.status in {200, 400}
    assert answer.json.get("data") in (None, {"room": None}), answer.body[:300]
    assert answer.errors


def test_large_texts_are_told_by_their_field(target: Target) -> None:
    query = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id } }"
    for text, allowed in (("x" * 4000, True), ("x" * 4001, False), ("x" * 900_000, False)):
        answer = target.api.run(query, {"input": {"roomId": "large", "text": text}})
        if allowed:
            assert answer.data["sendMessage"]["id"]
        else:
            assert (answer.error["errorType"], answer.error["errorInfo"]) == ("InvalidInput", {"field": "input.text"})


def test_a_frame_has_a_mebibyte_at_most(target: Target) -> None:
    with session(target.api) as connection:
        connection.send(" " * (MEBIBYTE - 100) + json.dumps({"type": "stop", "id": "none"}))
        assert connection.frame()["type"] == "error"  # it was read: there is no such subscription
        connection.subscribe(ROOM)  # the twin
    with session(target.api) as connection:
        with contextlib.suppress(ConnectionClosed, OSError):
            connection.send("x" * (MEBIBYTE + 1))
        assert connection.closed()
    with session(target.api) as connection:
        assert connection.silent()
        connection.subscribe(ROOM)


def test_a_connection_has_a_hundred_or_so_subscriptions_at_most(target: Target) -> None:
    with session(target.api) as connection:
        kinds = []
        for _ in range(250):
            connection.start(ROOM)
            kinds.append(connection.frame()["type"])
        assert "error" in kinds
        assert kinds.count("start_ack") <= 200


@contextlib.contextmanager
def dripping(target: Target, count: int, first: bytes) -> Iterator[list[socket.socket]]:
    """Connections that have each sent the beginning of a request."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(raw(target)) for _ in range(count)]
        for connection in sockets:
            connection.sendall(first)
        yield sockets


def test_requests_that_drip_are_ended_and_hold_nobody_up(target: Target) -> None:
    """Slowloris: a head gets 15 seconds, whatever comes of it meanwhile. Others are answered at once."""
    began = time.monotonic()
    with dripping(target, 50, head(target)) as sockets:
        slowest = 0.0
        while time.monotonic() - began < 14:
            for connection in sockets:
                connection.sendall(b"x: y\r\n")
            asked = time.monotonic()
            assert target.api.run("{ __typename }").status == 200
            slowest = max(slowest, time.monotonic() - asked)
            sockets[0].settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                assert not sockets[0].recv(1000)
        for connection in sockets:
            connection.settimeout(10)
            assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 25
    assert slowest < 2
