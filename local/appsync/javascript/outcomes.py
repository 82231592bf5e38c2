"""From what the engine answered to an Outcome."""

from __future__ import annotations

import re
from typing import Any

from local.appsync.javascript.outcome import CacheEviction, EarlyReturn, HandlerError, Invalidation, Outcome
from local.appsync.javascript.transformation import FIRST_LINE, Script

MAX_RESPONSE_HEADER_BYTES = 4096

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAME = re.compile(r"\(?<input>:(\d+):(\d+)\)?")
# Header names of the response that code cannot set (Developer Guide, util.http.addResponseHeader).
_RESERVED_PREFIXES = ("x-amzn-", "x-amz-")
_RESERVED = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "date", "host", "keep-alive", "server"}
    | {"transfer-encoding", "upgrade", "via", "access-control-allow-origin", "access-control-expose-headers"}
)


def position(report: str) -> tuple[str, int, int]:
    """The first line of an exception's text; line and column of its innermost frame in user code, 0 without one."""
    first, _, frames = report.partition("\n")
    for frame in _FRAME.finditer(frames):
        if int(frame[1]) >= FIRST_LINE:
            return first, int(frame[1]), int(frame[2])
    return first, 0, 0


def read(result: dict[str, Any], script: Script) -> Outcome:
    """The outcome of a run that was not started again."""
    outcome = Outcome(value=result.get("value"), returned="undefined" not in result)
    outcome.stash = result.get("stash")
    outcome.arguments = result.get("arguments")
    outcome.appended_errors = [_entry(entry) for entry in result.get("appended", ())]
    outcome.subscription_filter = result.get("filter")
    outcome.invalidation_filter = result.get("invalidationFilter")
    outcome.invalidations = [
        Invalidation(i["subscriptionField"], i["payload"]) for i in result.get("invalidations", ())
    ]
    outcome.cache_evictions = [
        CacheEviction(e["typeName"], e["fieldName"], e["keys"]) for e in result.get("evictions", ())
    ]
    outcome.logs = result.get("logs", [])
    _read_headers(outcome, result.get("headers", ()))
    _read_signal(outcome, result, script)
    return outcome


def _read_signal(outcome: Outcome, result: dict[str, Any], script: Script) -> None:
    detail = result.get("detail")
    match result.get("signal"):
        case "error":
            outcome.error = _entry(detail or {})
        case "unauthorized":
            outcome.unauthorized = True
        case "earlyReturn":
            outcome.early_return = EarlyReturn((detail or {})["skipTo"])
        case "exception":
            outcome.error = _exception(detail or {}, script)


def _exception(detail: dict[str, Any], script: Script) -> HandlerError:
    name, message = detail["name"], detail["message"]
    _, line, column = position("\n" + detail["stack"])
    where = "code.js"
    if line:
        line, column = script.position(line, column)
        where = f"code.js:{line}:{column}"
    if name == "NotEmulated":
        return HandlerError(f"{where}: {message}", name)
    return HandlerError(f"{where}: {name}: {message}", "Code")


def _read_headers(outcome: Outcome, headers: list[list[str]] | tuple[()]) -> None:
    size = 0
    for name, value in headers:
        lower = name.lower()
        size += len(name.encode()) + len(value.encode())
        if lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES) or not _TOKEN.fullmatch(name):
            problem = f"The response header {name} cannot be set."
        elif "\r" in value or "\n" in value:
            problem = f"The value of the response header {name} has a line break."
        elif size > MAX_RESPONSE_HEADER_BYTES:
            problem = "The response headers are larger than 4 KB."
        else:
            outcome.response_headers[name] = value
            continue
        outcome.appended_errors.append(HandlerError(problem, "ResponseHeaderError"))


def _entry(entry: dict[str, Any]) -> HandlerError:
    message = entry.get("message")
    text = message if message is not None else "null"
    return HandlerError(text, entry.get("type"), entry.get("data"), entry.get("errorInfo"))
