"""A data plane in a process of its own: it prints its port, then answers each line `cpu` with its CPU seconds."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

START_SECONDS = 60.0


class PeerAbsent(Exception):
    """A data plane cannot be had on this machine; the message says why."""


class Plane:
    """A served data plane, seen from the load's side."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def cpu_seconds(self) -> float:
        """The CPU time that the process has used, all its threads together."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"cpu\n")
        async with asyncio.timeout(START_SECONDS):
            return float(await self._process.stdout.readline())


@asynccontextmanager
async def started(command: Sequence[str], folder: Path) -> AsyncIterator[Plane]:
    """Start a data plane and end it afterwards.

    Raises PeerAbsent when it ends or stays silent instead of printing its port.
    """
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said: list[bytes] = []
    listening = asyncio.ensure_future(_drain(process.stderr, said))
    try:
        try:
            async with asyncio.timeout(START_SECONDS):
                port = await process.stdout.readline()
        except TimeoutError:
            port = b""
        if not port.strip():
            raise PeerAbsent(b"".join(said).decode(errors="replace")[-2_000:] or f"{command[0]} says nothing")
        yield Plane(process, int(port))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening


async def _drain(stream: asyncio.StreamReader, said: list[bytes]) -> None:
    """Read on, for a full pipe would stop the process; keep the end."""
    while line := await stream.readline():
        said.append(line)
        del said[:-50]
