"""The fork server: imports what functions share once, then forks one worker per request.

Single-threaded on purpose, so that forking is safe. Speaks frames on its control socket:

- in, once and first: `{"path": [...], "preload": [...]}`
- in: `{"fork": {...}, "id": n}` with two descriptors (the worker's socket, its log pipe); `{"kill": n}`
- out: `{"ready": true}`; `{"forked": n}`; `{"exited": n, "status": wait status}`

When the control socket closes, everything that was forked is killed and the server ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import select
import signal
import site
import socket
import sys
from typing import Any

from . import framing, sdk

PR_SET_PDEATHSIG = 1


def serve(control_fd: int) -> dict[str, Any] | None:
    """Serve until the control socket closes (None), or, in a forked child, return what the worker is to run."""
    die_with(os.getppid())
    control = socket.socket(fileno=control_fd)
    settings = framing.receive(control)
    if settings is None:
        return None
    # `-S` keeps the environment's packages out of sys.path; it also left out these builtins of a normal interpreter.
    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.path[:0] = settings[0]["path"]
    for name in settings[0]["preload"]:
        # A layer's broken module is the function's error to report when it imports it, not the fork server's.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if "boto3" in sys.modules:
        with contextlib.suppress(Exception):  # a layer's own version may differ
            sdk.warm()
    gc.collect()
    gc.freeze()
    return _loop(control)


def _loop(control: socket.socket) -> dict[str, Any] | None:
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, int] = {}  # process id -> the parent's id of the worker
    control.sendall(framing.encode({"ready": True}))
    while True:
        readable, _, _ = select.select([control.fileno(), wake_read], [], [])
        if wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(wake_read, 4096)
        if control.fileno() in readable:
            lengths, descriptors, _, _ = socket.recv_fds(control, framing.LENGTHS.size, 2)
            frame = framing.receive_body(control, lengths) if len(lengths) == framing.LENGTHS.size else None
            if frame is None:
                for child in children:
                    kill_group(child)
                return None
            request = frame[0]
            for child in [child for child, worker in children.items() if worker == request.get("kill")]:
                kill_group(child)
            if "fork" in request:
                server = os.getpid()
                child = os.fork()
                if not child:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for descriptor in (wake_read, wake_write):
                        os.close(descriptor)
                    control.close()
                    os.setsid()
                    die_with(server)
                    return {**request["fork"], "socket": descriptors[0], "log": descriptors[1]}
                children[child] = request["id"]
                control.sendall(framing.encode({"forked": request["id"]}))
            for descriptor in descriptors:
                os.close(descriptor)
        _reap(control, children)


def _reap(control: socket.socket, children: dict[int, int]) -> None:
    while children:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)  # what the worker started and left behind
        if child in children:
            with contextlib.suppress(OSError):
                control.sendall(framing.encode({"exited": children.pop(child), "status": status}))


def kill_group(leader: int) -> None:
    """Kill a worker with everything it started."""
    for kill in (os.killpg, os.kill):  # a worker that was just forked may lead no group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(leader, signal.SIGKILL)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends in any way (Linux; elsewhere closed sockets tell)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
