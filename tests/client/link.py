"""The network between a client and a server on this machine: a port that can fail as networks do."""

from __future__ import annotations

import asyncio
from contextlib import suppress

_CHUNK = 65536


class Link:
    """Passes bytes on to a port, until it is told otherwise.

    Attributes:
        lets_websockets_through: whether requests for the real-time endpoint get an answer from the server, or a 403.
        opened: how many WebSockets were asked for.
    """

    def __init__(self, upstream: int) -> None:
        self.port = 0
        self.lets_websockets_through = True
        self.opened = 0
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()

    async def open(self) -> None:
        """Take connections, always at the same port; what waited in the connections that there are goes on."""
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        self.refuse()
        for writer in list(self._writers):
            writer.transport.abort()

    def freeze(self) -> None:
        """Say nothing any more to anyone, and tell nobody: connections are half-open, new ones are refused."""
        self.refuse()
        self._flows.clear()
        self._flows = asyncio.Event()  # nobody will set the old one

    def stall(self) -> None:
        """Hold all bytes back, until `open`."""
        self._flows.clear()

    def refuse(self) -> None:
        """Take no new connections."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self) -> None:
        """End everything."""
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not as a coroutine: those that are cancelled at the end would be complained of.
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flows = self._flows
        self._writers.add(writer)
        try:
            first = await reader.readuntil(b"\r\n")
        except asyncio.IncompleteReadError:
            writer.close()  # who only tries whether the port is open
            self._writers.discard(writer)
            return
        if b"/realtime" in first:
            self.opened += 1
            if not self.lets_websockets_through:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                writer.close()
                self._writers.discard(writer)
                return
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(upstream)
        upstream.write(first)
        both = [
            asyncio.create_task(_pump(reader, upstream, flows)),
            asyncio.create_task(_pump(upstream_reader, writer, flows)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for each in (writer, upstream):
                self._writers.discard(each)
                each.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            await flows.wait()
            writer.write(data)
            await writer.drain()
