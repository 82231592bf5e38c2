"""The parent's side of a worker process: one execution environment, one invocation at a time."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from dataclasses import dataclass
from typing import Any, cast

from local.functions.fork_server import ForkServer
from local.functions.logs import InvocationLog, LogFile
from local.functions.runtime import framing

SOCKET_END_SECONDS = 0.5
EXIT_SECONDS = 1.0


class WorkerEnded(Exception):
    """The process ended; `status` is its wait status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"worker ended with wait status {status}")
        self.status = status


@dataclass(frozen=True)
class Answer:
    """What the runtime client posted. `failed` tells an error payload."""

    payload: bytes
    failed: bool
    peak_mb: int


class Worker(asyncio.Protocol):
    """`generation` is the state of code and configuration that it was started with.

    `expires_at` (epoch seconds) is when its credentials end. Made by `launch`.
    """

    def __init__(self, server: ForkServer, log: LogFile, generation: int, expires_at: float) -> None:
        self.generation = generation
        self.expires_at = expires_at
        self.idle_since = 0.0
        self.ended = False
        self.doomed = False  # its initialisation failed: it ends by itself
        self._server = server
        self._file = log
        self._log: InvocationLog | None = None
        self._id = 0
        self._log_fd = -1
        self._decoder = framing.Decoder()
        self._transport: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._frame: asyncio.Future[tuple[dict[str, Any], bytes]] = self._loop.create_future()
        self._end: asyncio.Future[int] = self._loop.create_future()

    @classmethod
    async def launch(
        cls, server: ForkServer, task: dict[str, Any], log: LogFile, *, generation: int, expires_at: float
    ) -> Worker:
        """Fork a worker for `task`. Raises CannotStart."""
        worker = cls(server, log, generation, expires_at)
        worker._id, connection, worker._log_fd = await server.fork(task, worker._exited)
        os.set_blocking(worker._log_fd, False)
        worker._loop.add_reader(worker._log_fd, worker._read_log)
        await _connect(worker._loop, worker, connection)
        return worker

    async def initialised(self, log: InvocationLog) -> Answer | None:
        """Wait until it is ready (None), or for the error of its initialisation, after which it ends.

        Raises:
            WorkerEnded: it ended without a word.
        """
        self._log = log
        header, payload = await self._next_frame()
        return Answer(payload, True, header["maxRssKb"] // 1024) if "initError" in header else None

    async def call(self, header: dict[str, Any], event: bytes, log: InvocationLog) -> Answer:
        """Run one invocation.

        Raises:
            WorkerEnded: it ended before it answered.
        """
        self._log = log
        self._frame = self._loop.create_future()
        if self._transport is not None and not self.ended:
            self._transport.write(framing.encode(header, event))
        answer, payload = await self._next_frame()
        return Answer(payload, "error" in answer, answer["maxRssKb"] // 1024)

    async def _next_frame(self) -> tuple[dict[str, Any], bytes]:
        if self.ended and not self._frame.done():
            self._frame.set_exception(WorkerEnded(self._end.result()))
        try:
            frame = await self._frame
        except WorkerEnded:
            self._read_log()
            raise
        self._read_log()  # what was printed before the answer is in the pipe already
        return frame

    def rest(self) -> None:
        """The invocation is over: what is printed from now on belongs to none."""
        self._log = None
        self.idle_since = time.monotonic()

    def kill(self) -> None:
        """Kill the process and all that it started."""
        self._server.kill(self._id)

    def close(self) -> None:
        """Let an idle worker end, exit handlers included; threads that keep it alive are not waited for."""
        if self._transport is not None:
            self._transport.close()
        if not self.ended:
            self._loop.call_later(EXIT_SECONDS, self.kill)

    @property
    def usable(self) -> bool:
        """Whether it can take another invocation."""
        return self._transport is not None and not self.ended and not self.doomed

    async def wait(self) -> int:
        """Wait for the end of the process; returns its wait status."""
        return await asyncio.shield(self._end)

    def _exited(self, status: int) -> None:
        self.ended = True
        self._end.set_result(status)
        self._read_log()
        if self._log_fd >= 0:
            # Something it started in a session of its own may hold the pipe; nobody listens to that.
            self._close_log()
        if self._frame.done() or self._transport is None:
            self._give_up()
        else:
            # Its last frame may still be unread: the end of its socket comes after that (see `connection_lost`), unless
            # something that it left behind in a session of its own holds the socket open.
            self._loop.call_later(SOCKET_END_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if not self._frame.done():
            self._frame.set_exception(WorkerEnded(self._end.result()))
            self._frame.exception()  # nobody may be waiting
        if self._transport is not None:
            self._transport.close()

    def _read_log(self) -> None:
        while self._log_fd >= 0:
            try:
                data = os.read(self._log_fd, 65536)
            except BlockingIOError:
                return
            if not data:
                self._close_log()
                return
            (self._log or self._file).write(data)

    def _close_log(self) -> None:
        self._loop.remove_reader(self._log_fd)
        os.close(self._log_fd)
        self._log_fd = -1

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            if not self._frame.done():
                self._frame.set_result(frame)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        if self.ended:
            self._give_up()
        # Else it is about to end and its status follows, or its time-out will end it.


async def _connect(loop: asyncio.AbstractEventLoop, worker: Worker, connection: socket.socket) -> None:
    connection.setblocking(False)
    await loop.create_unix_connection(lambda: worker, sock=connection)
