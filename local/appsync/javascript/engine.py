"""The engine: one JavaScript realm that all resolver code of a data plane runs in.

A realm belongs to the thread that made it; the data plane compiles and runs on its event loop's thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from local.appsync.javascript.outcome import Outcome

Handler = Literal["request", "response"]


class Code:
    """A module's handlers."""

    name: str
    has_request: bool
    has_response: bool

    def run(self, handler: Handler, context: Mapping[str, Any], *, auth_type: str | None = None) -> Outcome:
        """Runs a handler on a context of plain JSON values; never raises for what the code does.

        `context` has AppSync's members: arguments, identity, source, stash, result, prev, error, request, info, env
        (absent ones are null). `auth_type` is what `util.authType()` answers.
        """
        raise NotImplementedError


class JavaScript:
    """Compiles code; share one per data plane."""

    def compile(self, code: str, name: str) -> Code:
        """Checks and loads a module; `name` is its file in messages. Raises CodeError, NotEmulated."""
        raise NotImplementedError
