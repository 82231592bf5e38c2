"""What the event source mappings had invoked lately: which records, when, and what came of it."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from uuid import uuid4

from local.appsync.journal_report import iso
from local.functions import FunctionsError, Invocation

INVOCATIONS = 1_000
EVENT_IDS = 50_000  # in all of them together
LOG_LINES = 6
MOST_ERROR = 2_000

# Quotes inside a JSON string are escaped: these can only be members of the records themselves.
_EVENT_ID = re.compile(rb'"eventID":\s?"([^"\\]+)"')
_SEQUENCE_NUMBER = re.compile(rb'"SequenceNumber":\s?"([^"\\]+)"')
_FAILURE = re.compile(rb'"itemIdentifier":\s?"([^"\\]+)"')
_PLATFORM_LINES = ("START ", "END ", "REPORT ", "INIT_START ")


class Invoker(Protocol):
    """Who runs functions: `local.functions.Functions`."""

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation: ...


class Attempt:
    """One invocation, running or ended. Times are epoch seconds."""

    __slots__ = ("ended_at", "error", "event_ids", "failed_from", "function_arn", "log", "request_id", "started_at")

    def __init__(self, function_arn: str, request_id: str, event_ids: Sequence[str]) -> None:
        self.function_arn = function_arn
        self.request_id = request_id
        self.event_ids = event_ids
        self.started_at = time.time()
        self.ended_at: float | None = None
        self.error: str | None = None
        self.failed_from: int | None = None  # the first record that was reported as failed
        self.log = b""


class Invocations:
    """An Invoker in front of another one, which remembers the invocations with records of a DynamoDB stream."""

    def __init__(self, functions: Invoker) -> None:
        self._functions = functions
        self._attempts: deque[Attempt] = deque()
        self._ids = 0

    async def invoke(self, function_arn: str, event: bytes, *, request_id: str | None = None) -> Invocation:
        """Run a function; raises what the other one raises."""
        event_ids = [each.decode() for each in _EVENT_ID.findall(event)]
        if not event_ids:
            return await self._functions.invoke(function_arn, event, request_id=request_id)
        attempt = Attempt(function_arn, request_id or str(uuid4()), event_ids)
        self._remember(attempt)
        try:
            answer = await self._functions.invoke(function_arn, event, request_id=attempt.request_id)
        except FunctionsError as error:
            attempt.error, attempt.failed_from = f"{error.code}: {error}", 0
            raise
        except BaseException:
            attempt.error, attempt.failed_from = "the invocation was cancelled", 0
            raise
        else:
            _judge(attempt, event, answer)
            return answer
        finally:
            attempt.ended_at = time.time()

    def _remember(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)
        self._ids += len(attempt.event_ids)
        while len(self._attempts) > INVOCATIONS or (self._ids > EVENT_IDS and len(self._attempts) > 1):
            self._ids -= len(self._attempts.popleft().event_ids)

    def about(self, event_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """By event id, the last invocation with its record, how many there were, and how it fared in that one."""
        wanted = set(event_ids)
        found: dict[str, dict[str, Any]] = {}
        for attempt in reversed(self._attempts):
            for position, event_id in enumerate(attempt.event_ids):
                if event_id not in wanted:
                    continue
                if event_id in found:
                    found[event_id]["attempts"] += 1
                else:
                    found[event_id] = _answer(attempt, position) | {"attempts": 1}
        return found

    def last_failure(self, function_arn: str) -> dict[str, Any] | None:
        """The last invocation of a function, if it failed."""
        name = function_arn.partition(":function:")[2]
        last = next(
            (each for each in reversed(self._attempts) if name in each.function_arn and each.ended_at is not None), None
        )
        return _answer(last, len(last.event_ids) - 1) if last is not None and last.failed_from is not None else None


def _judge(attempt: Attempt, event: bytes, answer: Invocation) -> None:
    attempt.log = answer.log_tail
    if answer.function_error:
        attempt.failed_from, attempt.error = 0, _error(answer.payload)
        return
    failures = set(_FAILURE.findall(answer.payload))
    if failures:
        numbers = _SEQUENCE_NUMBER.findall(event)
        attempt.failed_from = next((place for place, number in enumerate(numbers) if number in failures), 0)
        attempt.error = "the function reported it as failed"


def _error(payload: bytes) -> str:
    try:
        content = json.loads(payload)
        text = f"{content.get('errorType')}: {content.get('errorMessage')}"
    except (ValueError, AttributeError):
        text = payload.decode(errors="replace")
    return text[:MOST_ERROR]


def _answer(attempt: Attempt, position: int) -> dict[str, Any]:
    """`outcome` of a record: RUNNING, OK, FAILED, or BEHIND a failed one of its batch, with which it comes again."""
    if attempt.ended_at is None:
        outcome = "RUNNING"
    elif attempt.failed_from is None or position < attempt.failed_from:
        outcome = "OK"
    else:
        outcome = "FAILED" if position == attempt.failed_from or attempt.failed_from == 0 else "BEHIND"
    return {
        "function": attempt.function_arn,
        "requestId": attempt.request_id,
        "startedAt": iso(attempt.started_at),
        "endedAt": iso(attempt.ended_at),
        "records": len(attempt.event_ids),
        "position": position,
        "outcome": outcome,
        "error": attempt.error if outcome != "OK" else None,
        "log": log_lines(attempt.log) if outcome != "OK" else [],
    }


def log_lines(tail: bytes) -> list[str]:
    """The last lines of an invocation's log that tell something: of structured ones, warnings and errors only."""
    lines = []
    for line in tail.decode(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            if line.strip() and not line.startswith(_PLATFORM_LINES):
                lines.append(line)
            continue
        if isinstance(entry, dict) and entry.get("level") in {"WARNING", "ERROR", "CRITICAL"}:
            lines.append(_structured(entry))
    return lines[-LOG_LINES:]


def _structured(entry: dict[str, Any]) -> str:
    """A line of Powertools' logger: the message, and the last line of the exception's trace."""
    message = entry.get("message")
    trace = str(entry.get("exception") or "").strip().splitlines()
    text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    return f"{entry['level']} {text}" + (f" ({trace[-1].strip()})" if trace else "")
