"""Function logs: what CloudWatch Logs would hold, in `logs/<function name>.log`, and the tail that Invoke returns."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

TAIL_BYTES = 4096
"""LogType Tail returns the last 4 KB, https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""

ROTATE_BYTES = 20 * 1024 * 1024


class LogFile:
    """An append-only log that everyone may follow. Beyond `ROTATE_BYTES` it becomes `<name>.log.1`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append. The runtime separates the lines of a traceback by `\\r`, which terminals overwrite with."""
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            self._size = os.fstat(self._descriptor).st_size
        self._size += os.write(self._descriptor, data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        if self._size > ROTATE_BYTES:
            self.close()
            self._path.replace(self._path.with_suffix(".log.1"))

    def close(self) -> None:
        """Close until the next write."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class InvocationLog:
    """The log of one invocation: written through to the file, its end kept for the caller."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._tail = bytearray()

    def write(self, data: bytes) -> None:
        """Append what the function or the platform says."""
        self._file.write(data)
        self._tail += data
        if len(self._tail) > 4 * TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]

    @property
    def tail(self) -> bytes:
        """The last 4 KB."""
        return bytes(self._tail[-TAIL_BYTES:])


def start_line(request_id: str, version: str) -> bytes:
    """The platform's line before an invocation."""
    return f"START RequestId: {request_id} Version: {version}\n".encode()


def end_lines(
    request_id: str, duration_ms: float, memory_mb: int, used_mb: int, init_ms: float | None, status: str | None
) -> bytes:
    """The platform's lines after an invocation. `status` is `timeout` or `error` for one that the platform ended."""
    report = [
        f"REPORT RequestId: {request_id}", f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {int(duration_ms) + (duration_ms > int(duration_ms))} ms",
        f"Memory Size: {memory_mb} MB", f"Max Memory Used: {used_mb} MB",
    ]  # fmt: skip
    if init_ms is not None:
        report.append(f"Init Duration: {init_ms:.2f} ms")
    if status is not None:
        report.append(f"Status: {status}")
    return (f"END RequestId: {request_id}\n" + "\t".join(report) + "\t\n").encode()


def timestamp() -> str:
    """Now, as the platform stamps its own lines."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
