"""The client of a running instance's control socket (`local/control.py`): what the commands use.

    answer = ControlClient(settings.state).get("/faults")

ControlError
└── NoInstanceError
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

SOCKET_NAME = "control.sock"
SECONDS = 30.0
"""How long an answer may take, unless the caller says otherwise."""


class ControlError(Exception):
    """An instance did not do what it was asked. `code` is for programs, the message says what to do."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class NoInstanceError(ControlError):
    """No instance answers on the state directory."""

    def __init__(self, state: Path, reason: object) -> None:
        message = f"no instance answers on {state} ({reason}): start one with `make dev`, or set HEADWATER_STATE"
        super().__init__("NoInstance", message, 503)


class ControlClient:
    """Asks the instance whose state directory is `state`. One connection per question; blocks."""

    def __init__(self, state: Path, seconds: float = SECONDS) -> None:
        self._state = state
        self._seconds = seconds

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Ask for something. Raises ControlError."""
        return self.request("GET", path, query=query)

    def post(self, path: str, body: Any = None) -> Any:
        """Have something done. Raises ControlError."""
        return self.request("POST", path, body)

    def delete(self, path: str) -> Any:
        """Take something away. Raises ControlError."""
        return self.request("DELETE", path)

    def request(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        """The JSON value of the answer. `path` is unquoted (`/topics/room:1`).

        Raises:
            NoInstanceError: nothing listens there, or it ended before it answered.
            ControlError: the instance refused.
        """
        target = quote(path) + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else json.dumps(body).encode()
        headers = {"host": "control"} | ({"content-type": "application/json"} if content is not None else {})
        with contextlib.closing(_Connection(socket_path(self._state), self._seconds)) as connection:
            try:
                connection.request(method, target, content, headers)
                answer = connection.getresponse()
                status, text = answer.status, answer.read()
            except TimeoutError as error:
                raise ControlError("TimedOut", f"no answer within {self._seconds:g} s", 504) from error
            except (OSError, http.client.HTTPException) as error:
                raise NoInstanceError(self._state, _reason(error)) from error
        value = json.loads(text)
        if status != 200:
            refusal = value["error"]
            raise ControlError(refusal["code"], refusal["message"], status)
        return value


def socket_path(state: Path) -> Path:
    """Where the socket of an instance is: in a longer state directory, a symbolic link says where it was put."""
    path = state / SOCKET_NAME
    try:
        return path.readlink()
    except OSError:  # no link, or nothing at all
        return path


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("control", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
