"""What MiniStack announces while it runs: datagrams on a socket of ours, told to whoever asked to be called."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from pathlib import Path

LONGEST_BYTES = 4096
AT_ONCE = 256
"""Different announcements that are told in one turn of the event loop."""


class Announcements:
    """The announcements on an `AF_UNIX` socket, once it is listened on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._notifications: socket.socket | None = None
        self._stream_callbacks: list[Callable[[str], None]] = []
        self._source_callbacks: list[Callable[[str], None]] = []
        self._control_callbacks: list[Callable[[str], None]] = []
        self._notice_callbacks: list[Callable[[str], None]] = []

    def listen(self) -> None:
        """Take announcements from now on. Needs a running event loop."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notifications.setblocking(False)
        self._notifications.bind(str(self._path))
        asyncio.get_running_loop().add_reader(self._notifications, self._receive)

    def deafen(self) -> None:
        """Take none any more. Harmless when none are taken."""
        if self._notifications is not None:
            asyncio.get_running_loop().remove_reader(self._notifications)
            self._notifications.close()
            self._notifications = None

    def _receive(self) -> None:
        assert self._notifications is not None
        changed: dict[tuple[str, str], None] = {}  # in order, each once: many records of one table are one wake-up
        with contextlib.suppress(BlockingIOError):
            while len(changed) < AT_ONCE:
                message = json.loads(self._notifications.recv(LONGEST_BYTES))
                changed[next(iter(message.items()))] = None
        callbacks = {
            "stream": self._stream_callbacks, "source": self._source_callbacks, "notice": self._notice_callbacks,
        }  # fmt: skip
        for kind, name in changed:
            for callback in callbacks.get(kind, self._control_callbacks):
                callback(name)

    def on_stream(self, callback: Callable[[str], None]) -> None:
        """Call `callback(table name)` on the event loop after new records on the table's stream."""
        self._stream_callbacks.append(callback)

    def on_source(self, callback: Callable[[str], None]) -> None:
        """Call `callback(ARN)` on the event loop after new records of a Kinesis stream, or messages of a mapped queue.

        A message is announced when it becomes visible, also if that is again.
        """
        self._source_callbacks.append(callback)

    def on_control(self, callback: Callable[[str], None]) -> None:
        """Call `callback(service)` on the event loop after a change of a service's configuration."""
        self._control_callbacks.append(callback)

    def on_notice(self, callback: Callable[[str], None]) -> None:
        """Call `callback(text)` on the event loop when there is something to tell the user, such as a mailed code."""
        self._notice_callbacks.append(callback)
