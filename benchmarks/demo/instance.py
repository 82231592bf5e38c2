"""A fresh instance of Headwater: `python -m local up` as a child, with ports and state of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.stack.instance import free_ports

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240.0  # a first start downloads the dependencies of the functions
STOP_SECONDS = 15.0
LOG_LINES = 30


class InstanceError(Exception):
    """The instance did not start; the message has the end of its log."""


@asynccontextmanager
async def fresh_instance() -> AsyncIterator[Path]:
    """The state directory of a running instance, which ends with the context.

    Raises:
        InstanceError: it ended by itself, or was not ready within START_SECONDS. Its state is then kept and named.
    """
    state = Path(tempfile.mkdtemp(prefix="headwater-demo-"))
    log = state / "up.log"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "local", "up",
            cwd=ROOT, env=os.environ | _environment(state), stdout=output, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
    keep = False
    try:
        await _ready(child, state / "outputs.json", log)
        yield state
    except InstanceError:
        keep = True
        raise
    finally:
        await stop(child)
        if not keep:
            await asyncio.to_thread(shutil.rmtree, state, ignore_errors=True)


async def stop(child: asyncio.subprocess.Process) -> None:
    """Ask a child to end, and make it when it does not."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), STOP_SECONDS)
        except TimeoutError:
            child.kill()
            await child.wait()


async def _ready(child: asyncio.subprocess.Process, outputs: Path, log: Path) -> None:
    ended = asyncio.ensure_future(child.wait())
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    try:
        while not outputs.exists():  # noqa: ASYNC240 - a file of another process: there is nothing to wait on
            await asyncio.wait({ended}, timeout=0.1)
            if ended.done():
                raise InstanceError(f"the instance ended with status {child.returncode}; {_tail(log)}")
            if asyncio.get_running_loop().time() > deadline:
                raise InstanceError(f"the instance was not ready in {START_SECONDS:.0f} s; {_tail(log)}")
    finally:
        ended.cancel()


def _tail(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
    return "\n".join([f"its log, {log}, ends:", *lines])


def _environment(state: Path) -> dict[str, str]:
    return {**free_ports(), "HEADWATER_STATE": str(state), "HEADWATER_SEED": "0"}
