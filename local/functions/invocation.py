"""One invocation as the Lambda service answers it: the payload, the errors that the platform makes, the log's tail."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass

LARGEST_REQUEST_BYTES = 6 * 1024 * 1024
LARGEST_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
"""6 MB, and what the platform allows on top for its own envelope: AWS's message names 6291556 bytes."""


@dataclass(frozen=True)
class Invocation:
    """What an invocation came to.

    `payload` is what the handler returned, as JSON. When `function_error` is set ("Unhandled") it is
    `{"errorMessage", "errorType", "requestId", "stackTrace"}`; errors of the platform have the first two only.
    `log_tail` is the last 4 KB of the log.
    """

    payload: bytes
    function_error: str | None
    log_tail: bytes


def platform_error(error_type: str, message: str) -> bytes:
    """The payload of an error that the platform made, not the function."""
    return json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode()


def timed_out(request_id: str, timeout_seconds: float) -> bytes:
    """The payload of an invocation that took too long."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds"
    return platform_error("Sandbox.Timedout", message)


def exit_reason(status: int) -> str:
    """How the platform names the end of a runtime process, from its wait status (the words are Go's)."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = _SIGNAL_WORDS.get(number) or signal.strsignal(number) or f"signal {number}"
        core = " (core dumped)" if os.WCOREDUMP(status) else ""
        return f"Runtime exited with error: signal: {name.lower()}{core}"
    code = os.WEXITSTATUS(status)
    return f"Runtime exited with error: exit status {code}" if code else "Runtime exited without providing a reason"


_SIGNAL_WORDS: dict[int, str] = {
    signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted", signal.SIGKILL: "killed",
    signal.SIGTERM: "terminated", signal.SIGBUS: "bus error", signal.SIGFPE: "floating point exception",
}  # fmt: skip


def exited(request_id: str, status: int) -> bytes:
    """The payload of an invocation whose process ended."""
    return platform_error("Runtime.ExitError", f"RequestId: {request_id} Error: {exit_reason(status)}")


def response_too_large() -> bytes:
    """The payload that replaces a response beyond the limit."""
    message = f"Response payload size exceeded maximum allowed payload size ({LARGEST_RESPONSE_BYTES} bytes)."
    return platform_error("Function.ResponseSizeTooLarge", message)
