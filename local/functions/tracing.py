"""The X-Ray trace of what runs now: a request to AppSync and every function that it invokes have one in common.

https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from __future__ import annotations

import re
import secrets
import time
from contextvars import ContextVar

_ROOT = re.compile(r"(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)", re.IGNORECASE)


class Trace:
    """One trace; `given` is a client's own header, whose root is taken over if it is one.

    The root is made when it is first asked for: most requests never ask.
    """

    __slots__ = ("_given", "_root")

    def __init__(self, given: str | None = None) -> None:
        self._given = given
        self._root: str | None = None

    @property
    def header(self) -> str | None:
        """What the answer says of it: nothing as long as nobody asked for the trace."""
        return f"Root={self._root}" if self._root is not None else None

    def segment(self) -> str:
        """The header of a further invocation: unsampled, for there is no X-Ray here."""
        if self._root is None:
            found = _ROOT.search(self._given) if self._given else None
            self._root = found[1] if found else f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        return f"Root={self._root};Parent={secrets.token_hex(8)};Sampled=0"


CURRENT: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""Set by whoever takes in a request."""


def segment() -> str:
    """The trace header of an invocation: of the current trace, or of a new one where there is none."""
    return (CURRENT.get() or Trace()).segment()
