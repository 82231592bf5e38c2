"""The network between clients and an instance: one port for each client, which can fail like a network.

    python -m benchmarks.cuts.proxy STATE COUNT

The first line of its output holds the ports. Each line of its input says what one of them is from now on, and is
answered by the same line:

    3 open      bytes go both ways
    3 cut       all connections are broken, and new ones are refused
    3 stall     nothing goes through; what was sent meanwhile comes late, when the port is open again
    3 dead      the connections that there are say nothing any more, for ever, and nobody is told; new ones work
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

Mode = Literal["open", "cut", "stall", "dead"]

_CHUNK = 65536


class Link:
    """One port, and the connections through it."""

    def __init__(self, state: Path) -> None:
        self._outputs = state / "outputs.json"
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, asyncio.Event] = {}
        self._open = True
        self._mortal: set[asyncio.Task[None]] = set()
        self.port = 0

    async def listen(self) -> None:
        """Take connections, always at the same port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def become(self, mode: Mode) -> None:
        """Fail, or not any more."""
        if mode == "open" and self._server is None:
            await self.listen()
        if mode == "cut":
            if self._server is not None:
                self._server.close()
                self._server = None
            for writer in list(self._connections):
                writer.transport.abort()
            self._connections.clear()
        elif mode == "dead":
            for flows in self._connections.values():
                flows.clear()
            self._connections.clear()  # nobody will set them again
        else:
            self._open = mode == "open"
            for flows in self._connections.values():
                (flows.set if self._open else flows.clear)()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flows = asyncio.Event()
        if self._open:
            flows.set()
        self._connections[writer] = flows
        try:
            await flows.wait()
            address = urlsplit(json.loads(self._outputs.read_text("utf-8"))["graphql"])
            upstream_reader, upstream = await asyncio.open_connection(address.hostname, address.port)
        except (OSError, ValueError):
            self._connections.pop(writer, None)
            writer.transport.abort()  # the instance is not there
            return
        self._connections[upstream] = flows
        both = [
            asyncio.create_task(_pump(reader, upstream, flows)),
            asyncio.create_task(_pump(upstream_reader, writer, flows)),
        ]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        # A dead connection ends for nobody: whoever closes his end only waits.
        await flows.wait()
        for task in both:
            task.cancel()
        for each in (writer, upstream):
            self._connections.pop(each, None)
            each.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            await flows.wait()
            writer.write(data)
            await writer.drain()


async def main(arguments: list[str]) -> None:
    """Serve until the input ends."""
    links = [Link(Path(arguments[0])) for _ in range(int(arguments[1]))]
    for link in links:
        await link.listen()
    print(json.dumps([link.port for link in links]), flush=True)
    while words := (await asyncio.to_thread(sys.stdin.readline)).split():
        number, mode = words
        await links[int(number)].become(cast("Mode", mode))
        print(*words, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
