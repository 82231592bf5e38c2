"""How Python answers a field: AppSync's event in, the envelope `{data}` or `{error}` out.

A plain table of functions instead of Powertools' AppSyncResolver: every field needs the caller, the envelope and one
place that hides defects from clients, and the table says by itself which fields a function answers. Powertools' batch
resolution also turns an item's error into null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from domain.caller import Caller, from_identity
from domain.errors import DomainError, Internal, TryAgain
from domain.table import TableError
from domain.threads import Threads

# A field's coordinate -> what answers it: called with the caller and the field's arguments as snake_case keywords, and
# when it is no root field with `source`, the object that it is a member of.
Fields = Mapping[str, Callable[..., Any]]

# Lets a caller pass to a field, or raises a DomainError.
Gate = Callable[[Caller, str], None]


class Log(Protocol):
    """Where the reasons go: a standard logger, or Powertools'."""

    def warning(self, msg: object, *args: object, exc_info: BaseException) -> None:
        """Log what the caller can help."""

    def exception(self, msg: object, *args: object) -> None:
        """Log a defect, with the exception that is being handled."""


def answer(event: Mapping[str, Any], fields: Fields, log: Log, *gates: Gate) -> dict[str, Any]:
    """Answer a field for `resolvers/appsync/lambda.js` and `subscription.js`, which make the event and take the answer.

    The gates are asked in turn, before the field: whether the caller's session still counts (`domain.sessions`), and
    whether it makes too many mutations (`domain.rate_limit`).

    Never raises: what goes wrong becomes `{"error": {type, message, data, info}}`.
    """
    coordinate = f"{event['info']['parentTypeName']}.{event['info']['fieldName']}"
    try:
        caller: Caller = from_identity(event.get("identity"))
        for admit in gates:
            admit(caller, coordinate)
        arguments = keywords(event["arguments"])
        if source := event.get("source"):  # of a field that is not a root field: what it is a member of
            arguments["source"] = source
        return {"data": fields[coordinate](caller, **arguments)}
    except DomainError as error:
        if isinstance(error, TryAgain):
            log.warning("%s answers %s", coordinate, error.type, exc_info=error)
        return _error(error)
    except TableError as error:
        log.warning("%s cannot read", coordinate, exc_info=error)
        return _error(TryAgain())
    except Exception:
        log.exception("%s failed", coordinate)
        return _error(Internal())


def answer_each(
    events: Sequence[Mapping[str, Any]], fields: Fields, log: Log, *gates: Gate, threads: Threads = map
) -> list[dict[str, Any]]:
    """Answer a field of several objects at once, for `resolvers/appsync/lambda_batch.js`: an envelope for each event.

    They fail one by one: the error of one is in its own envelope, and the others have their data.
    """
    return list(threads(lambda event: answer(event, fields, log, *gates), events))


def keywords(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`{"roomId": "lobby"}` as `{"room_id": "lobby"}`; members of inputs keep their names."""
    return {re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name): value for name, value in arguments.items()}


def _error(error: DomainError) -> dict[str, Any]:
    return {"error": {"type": error.type, "message": error.message, "data": error.data, "info": error.info}}
