"""The parent's side of a fork server: an isolated interpreter that forks workers for functions with the same layers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from local.functions.errors import CannotStart
from local.functions.runtime import framing

RUNTIME = Path(__file__).parent / "runtime"
START_SECONDS = 30
STOP_SECONDS = 2


class ForkServer:
    """`path` comes before the standard library; `preload` names the modules that workers share.

    Workers of a server die with it, and it dies with this process.
    """

    def __init__(self, *, path: Sequence[str], preload: Sequence[str], log: Path) -> None:
        self._settings = {"path": list(path), "preload": list(preload)}
        self._log = log
        self._decoder = framing.Decoder()
        self._forking = asyncio.Lock()
        self._answer: asyncio.Future[None] | None = None
        self._last_id = 0
        self._exits: dict[int, Callable[[int], None]] = {}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """False before `start` and once the process is gone."""
        return self._control is not None

    @property
    def workers(self) -> int:
        """How many of its workers have not ended."""
        return len(self._exits)

    def start(self) -> None:
        """Start the process; `fork` waits until it is ready."""
        ours, theirs = socket.socketpair()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with theirs, self._log.open("ab") as log:
            # -I and -S: nothing of the environment's packages, the user's site or PYTHON* variables gets in.
            command = [sys.executable, "-I", "-S", "-X", "utf8"]
            self._process = subprocess.Popen(
                [*command, str(RUNTIME / "__main__.py"), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Without the developer's AWS configuration: see `runtime.sdk`.
                env={"PATH": os.defpath, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull},
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the runner, which stops functions in order
            )
        ours.sendall(framing.encode(self._settings))
        self._control = ours
        asyncio.get_running_loop().add_reader(ours.fileno(), self._read)

    async def fork(self, task: dict[str, Any], exited: Callable[[int], None]) -> tuple[int, socket.socket, int]:
        """Fork a worker for `task`; `exited` is called with its wait status when it ends.

        Returns its id (for `kill`), its socket and the read end of its log pipe.

        Raises:
            CannotStart: the server is gone.
        """
        async with self._forking:
            try:
                async with asyncio.timeout(START_SECONDS):
                    await asyncio.shield(self._ready)
            except TimeoutError as error:
                raise CannotStart(f"The fork server is not ready after {START_SECONDS} s; see {self._log}") from error
            if self._control is None:
                raise CannotStart(f"The fork server ended; see {self._log}")
            ours, theirs = socket.socketpair()
            log_read, log_write = os.pipe()
            self._answer = asyncio.get_running_loop().create_future()
            self._last_id += 1
            worker = self._last_id
            self._exits[worker] = exited
            try:
                # Small and to an idle server, so it does not block.
                request = framing.encode({"fork": task, "id": worker})
                socket.send_fds(self._control, [request], [theirs.fileno(), log_write])
                await self._answer
            except (OSError, CannotStart) as error:
                self._exits.pop(worker, None)
                ours.close()
                os.close(log_read)
                raise CannotStart(f"The fork server ended; see {self._log}") from error
            finally:
                self._answer = None
                theirs.close()
                os.close(log_write)
            return worker, ours, log_read

    def kill(self, worker: int) -> None:
        """Kill a worker and all that it started. Harmless when it is gone."""
        if self._control is not None and worker in self._exits:
            with contextlib.suppress(OSError):
                self._control.sendall(framing.encode({"kill": worker}))

    async def stop(self) -> None:
        """End the server; workers that still run are killed."""
        self._close()
        if self._process is not None:
            process, self._process = self._process, None
            try:
                await asyncio.to_thread(process.wait, STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)

    def _read(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close()
            if self._process is not None:  # it is ending or has lost its only purpose: this takes no time
                self._process.kill()
                self._process.wait()
                self._process = None
            return
        for header, _ in self._decoder.feed(data):
            if "ready" in header and not self._ready.done():
                self._ready.set_result(None)
            elif "forked" in header:
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(None)
            elif "exited" in header and (exited := self._exits.pop(header["exited"], None)):
                exited(header["status"])

    def _close(self) -> None:
        if self._control is None:
            return
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        self._control = None
        if not self._ready.done():
            self._ready.set_result(None)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(CannotStart("The fork server ended"))
        exits, self._exits = self._exits, {}
        for exited in exits.values():
            exited(signal.SIGKILL)  # the wait status of what the server's end does to them
