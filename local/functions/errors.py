"""Why an invocation was refused before any code ran. What the code itself does wrong is in `Invocation.function_error`.

FunctionsError
├── FunctionNotFound
├── TooManyRequests
├── RequestTooLarge
└── CannotStart
"""

from __future__ import annotations


class FunctionsError(Exception):
    """An invocation was refused. `code` and `status` are those of Lambda's Invoke API."""

    code = "ServiceException"
    status = 500


class FunctionNotFound(FunctionsError):
    """No such function, version or alias."""

    code = "ResourceNotFoundException"
    status = 404


class TooManyRequests(FunctionsError):
    """Throttled. `reason` is Lambda's."""

    code = "TooManyRequestsException"
    status = 429

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class RequestTooLarge(FunctionsError):
    """The event is larger than Lambda takes."""

    code = "RequestTooLargeException"
    status = 413


class CannotStart(FunctionsError):
    """The function exists but cannot be run here: its code, a layer or its role cannot be had."""
