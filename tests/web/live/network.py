"""A TCP proxy between a client and the server that can be cut, or fall silent, as networks do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Network:
    """Forwards connections to a port of this machine, in a thread of its own. `localhost` is its address."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = asyncio.Event()  # forwards; while it is not set, connections stay as they are and carry nothing
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._run(self._set(forward=True))

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._writers) // 2

    def cut(self) -> None:
        """Every connection ends, and new ones are closed at once."""
        self._refusing = True
        self._run(self._drop())

    def fall_silent(self) -> None:
        """Connections stay, and nothing passes any more: half-open sockets."""
        self._run(self._set(forward=False))

    def restore(self) -> None:
        """Let new connections pass. Those that fell silent end, as they do when a router has forgotten them."""
        self._run(self._drop())
        self._run(self._set(forward=True))
        self._refusing = False

    def close(self) -> None:
        """End it."""
        self._server.close()
        self._run(self._drop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _set(self, *, forward: bool) -> None:
        if forward:
            self._open.set()
        else:
            self._open.clear()

    async def _drop(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        if self._serving:
            await asyncio.wait(set(self._serving))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        self.accepted += 1
        task = asyncio.current_task()
        assert task
        self._serving.add(task)
        both = {writer}
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            both.add(back)
            self._writers |= both
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except OSError:
            pass  # the server is not there
        finally:
            for each in both:
                each.transport.abort()
            self._writers -= both
            self._serving.discard(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._wait_open(sink)
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        sink.transport.abort()

    async def _wait_open(self, sink: asyncio.StreamWriter) -> None:
        while not self._open.is_set() and not sink.transport.is_closing():
            try:
                await asyncio.wait_for(self._open.wait(), 0.05)
            except TimeoutError:
                continue
