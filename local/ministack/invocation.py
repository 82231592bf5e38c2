"""Hands Lambda invocations to Headwater's function workers: HTTP over the AF_UNIX socket `HEADWATER_INVOKE`."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

INVOKE_VARIABLE = "HEADWATER_INVOKE"

LONGEST_INVOCATION_SECONDS = 900
"""AWS's limit of a function's time-out; the workers enforce each function's own."""


@dataclass(frozen=True)
class Answer:
    """What the workers answered. `status` 200 with `function_error` when the function failed, 429 when throttled."""

    status: int
    payload: bytes
    function_error: str | None
    log_tail: str


class WorkersUnavailable(Exception):
    """Nobody serves the invocation socket."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=LONGEST_INVOCATION_SECONDS + 30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def invoke(function_arn: str, event: Any, request_id: str) -> Answer:
    """Run a function and wait for its answer (blocking). Raises WorkersUnavailable."""
    path = os.environ.get(INVOKE_VARIABLE)
    if not path:
        raise WorkersUnavailable(f"{INVOKE_VARIABLE} is not set: this MiniStack was started without function workers.")
    connection = _UnixConnection(path)
    try:
        connection.request(
            "POST",
            f"/2015-03-31/functions/{quote(function_arn, safe='')}/invocations",
            body=json.dumps(event, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json", "X-Amz-Request-Id": request_id},
        )
        response = connection.getresponse()
        payload = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise WorkersUnavailable(f"The function workers do not answer at {path}: {error!r}") from error
    finally:
        connection.close()
    log = base64.b64decode(response.headers.get("X-Amz-Log-Result", ""))
    return Answer(response.status, payload, response.headers.get("X-Amz-Function-Error"), log.decode(errors="replace"))
