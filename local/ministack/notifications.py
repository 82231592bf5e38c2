"""Small JSON datagrams to whoever started us: what changed, so that nobody has to poll quickly.

Every receiver also polls slowly, so a lost datagram costs time only. See `local.cloud` for the receiving side.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket

NOTIFY_VARIABLE = "HEADWATER_NOTIFY"
LONGEST_NOTICE = 1000
"""Characters: escaped and in a datagram they stay below what the receiver reads at once."""


class Notifier:
    """Sends to the AF_UNIX datagram socket at `path`; without a path it does nothing. Thread safe, never blocks."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if path else None
        if self._socket:
            self._socket.setblocking(False)

    def _send(self, message: dict[str, str]) -> None:
        if self._socket is None or self._path is None:
            return
        with contextlib.suppress(OSError):  # full, or the receiver is not there (any more): it will poll
            self._socket.sendto(json.dumps(message).encode(), self._path)

    def stream(self, table: str) -> None:
        """A stream record of `table` was written."""
        self._send({"stream": table})

    def source(self, arn: str) -> None:
        """A Kinesis stream has new records, or a queue has messages that can be received."""
        self._send({"source": arn})

    def control(self, service: str) -> None:
        """The configuration of a service (`cloudformation`, `lambda`, `iam`, ...) changed."""
        self._send({"control": service})

    def notice(self, text: str) -> None:
        """Something that the user should read, such as a code that would have been mailed."""
        self._send({"notice": text[:LONGEST_NOTICE]})


def from_environment() -> Notifier:
    """The notifier of this process, by `HEADWATER_NOTIFY`."""
    return Notifier(os.environ.get(NOTIFY_VARIABLE))
