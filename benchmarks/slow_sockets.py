"""Claim: 200 slow sockets for a minute leave the 95th percentile of others' answers under twice what it is at rest.

    python -m benchmarks.slow_sockets [--sockets 200] [--seconds 60]

A quarter each: request heads that drip, bodies that drip, WebSocket frames that drip, and subscribers that read nothing
of a busy room. Who is ended comes again. What others get is timed all along: a query that AppSync answers itself, and a
read that a function answers.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from tests.stack.instance import Instance

LIMIT = 2.0
PAUSE_SECONDS = 0.05
DRIP_SECONDS = 1.0
FLOOR_SECONDS = 0.005
"""Of the percentile at rest: below it, a scheduler's slice more is no slowness that anybody could tell."""


@dataclass(frozen=True)
class Measured:
    """What was timed, in seconds: 95th percentiles at rest and under the sockets, and how often sockets came again."""

    rest: dict[str, float]
    loaded: dict[str, float]
    reconnected: int

    @property
    def holds(self) -> bool:
        """Whether the claim does."""
        return all(under < LIMIT * max(self.rest[name], FLOOR_SECONDS) for name, under in self.loaded.items())


def measure(instance: Instance, sockets: int, seconds: float) -> Measured:
    """Time others at rest, then under so many slow sockets."""
    room = f"room-{uuid.uuid4()}"
    for number in range(20):
        instance.send(room, f"warm {number}")
    rest = timed(instance, room, seconds)
    with slow(instance, room, sockets) as reconnections:
        loaded = timed(instance, room, seconds)
    return Measured(rest, loaded, len(reconnections))


def timed(instance: Instance, room: str, seconds: float) -> dict[str, float]:
    """The 95th percentile of each kind of request, asked in turn for some time."""
    queries = {"answered by AppSync": ("{ __typename }", {}), "answered by a function": (
        "query ($room: ID!) { messages(roomId: $room, limit: 5) { items { id } } }", {"room": room},
    )}  # fmt: skip
    found: dict[str, list[float]] = {name: [] for name in queries}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for name, (query, variables) in queries.items():
            began = time.perf_counter()
            answer = instance.graphql(query, **variables)
            found[name].append(time.perf_counter() - began)
            assert "errors" not in answer, answer
        time.sleep(PAUSE_SECONDS)
    return {name: statistics.quantiles(times, n=20)[-1] for name, times in found.items()}


@contextlib.contextmanager
def slow(instance: Instance, room: str, count: int) -> Iterator[list[str]]:
    """So many slow sockets; yields what has been opened again."""
    stop, again = threading.Event(), list[str]()
    kinds: list[Callable[[Instance, str], Slow]] = [dripping_head, dripping_body, dripping_frames, deaf_subscriber]

    def keep() -> None:
        opened = [kinds[number % len(kinds)](instance, room) for number in range(count)]
        begun.set()
        while not stop.wait(DRIP_SECONDS):
            for number, each in enumerate(opened):
                if not each.drip():
                    opened[number] = kinds[number % len(kinds)](instance, room)
                    again.append(each.kind)
        for each in opened:
            each.connection.close()

    begun = threading.Event()
    thread = threading.Thread(target=keep)
    thread.start()
    writer = threading.Thread(target=_write, args=(instance, room, stop))
    writer.start()
    try:
        assert begun.wait(60), "the sockets do not come up"
        yield again
    finally:
        stop.set()
        thread.join()
        writer.join()


def _write(instance: Instance, room: str, stop: threading.Event) -> None:
    """What the subscribers who do not read are sent."""
    while not stop.wait(DRIP_SECONDS):
        instance.send(room, "x" * 4000)


@dataclass
class Slow:
    """A connection and what it sends a byte of at a time, for ever."""

    kind: str
    connection: socket.socket
    endless: bytes
    sent: int = 0

    def drip(self) -> bool:
        """Send a byte; False when the server has ended the connection."""
        if not self.endless:
            return True
        try:
            self.connection.sendall(self.endless[self.sent % len(self.endless) :][:1])
        except OSError:
            self.connection.close()
            return False
        self.sent += 1
        return True


def dripping_head(instance: Instance, _: str) -> Slow:
    """A request whose head never ends."""
    return Slow("head", _opened(instance, _head(instance, "POST /graphql")), b"x-drip: y\r\n")


def dripping_body(instance: Instance, _: str) -> Slow:
    """A request whose body never ends."""
    return Slow("body", _opened(instance, _head(instance, "POST /graphql", "content-length: 100000") + b"\r\n"), b" ")


def dripping_frames(instance: Instance, _: str) -> Slow:
    """A WebSocket whose first frame never ends."""
    header = bytes((0x81, 0x80 | 127)) + (500_000).to_bytes(8, "big") + bytes(4)
    return Slow("frame", _upgraded(instance), header + b" " * 400_000)


def deaf_subscriber(instance: Instance, room: str) -> Slow:
    """A subscriber who never reads."""
    connection = _upgraded(instance)
    query = "subscription ($room: ID!) { onMessages(roomId: $room) { items { message { text } } } }"
    data = json.dumps({"query": query, "variables": {"room": room}})
    key = {"host": urlsplit(instance.outputs["graphql"]).netloc, "x-api-key": instance.outputs["apiKey"]}
    payload = {"data": data, "extensions": {"authorization": key}}
    connection.sendall(_frame({"type": "connection_init"}) + _frame({"id": "1", "type": "start", "payload": payload}))
    return Slow("deaf", connection, b"")


def _opened(instance: Instance, first: bytes) -> socket.socket:
    address = urlsplit(instance.outputs["graphql"])
    assert address.hostname
    assert address.port
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(10)
    connection.connect((address.hostname, address.port))
    connection.sendall(first)
    return connection


def _head(instance: Instance, request: str, *lines: str) -> bytes:
    host = urlsplit(instance.outputs["graphql"]).netloc
    first = (f"{request} HTTP/1.1", f"host: {host}", f"x-api-key: {instance.outputs['apiKey']}", *lines)
    return "".join(f"{line}\r\n" for line in first).encode()


def _upgraded(instance: Instance) -> socket.socket:
    lines = ("connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13",
             "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==", "sec-websocket-protocol: graphql-ws")  # fmt: skip
    connection = _opened(instance, _head(instance, "GET /graphql/realtime", *lines) + b"\r\n")
    assert connection.recv(4096).startswith(b"HTTP/1.1 101 ")
    return connection


def _frame(message: object) -> bytes:
    """A masked text frame of less than 64 KiB; a mask of zeros leaves the text as it is."""
    payload = json.dumps(message).encode()
    if len(payload) < 126:
        return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload
    return bytes((0x81, 0x80 | 126)) + len(payload).to_bytes(2, "big") + bytes(4) + payload


def main() -> int:
    """Print the table; the status says whether the claim held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_sockets", description=__doc__)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance(Path(folder) / "state")
        instance.start()
        try:
            measured = measure(instance, arguments.sockets, arguments.seconds)
        finally:
            instance.stop()
    table = Table("p95 of", "at rest", f"under {arguments.sockets} slow sockets", "ratio")
    for name, rest in measured.rest.items():
        under = measured.loaded[name]
        table.add_row(name, f"{rest * 1000:.1f} ms", f"{under * 1000:.1f} ms", f"{under / rest:.2f}")
    console = Console()
    console.print(table)
    console.print(f"{measured.reconnected} sockets were ended and came again")
    return int(not measured.holds)


if __name__ == "__main__":
    sys.exit(main())
