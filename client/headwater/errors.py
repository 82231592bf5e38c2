"""Everything that the client raises.

    HeadwaterError
    |- NoEndpoint                 nothing says where the API is
    |- Unreachable                the server cannot be reached, or hung up
    |  `- NoCredentials           what to show the server cannot be had now
    |- UnknownTopic               no kind of topic has such a name
    |- UnexpectedAnswer           what the API answered is not as its schema says
    |- MissingChanges             the change log has a hole that does not close
    |- CursorsUnreadable          the file of cursors holds something else
    |- AlreadyObserved            a feed has one observer
    |- NotQueueable               a mutation that the server could not know again
    |- OutboxFull                 the offline queue holds as many mutations as it may
    |- OutboxLocked               another process, or another client, has the offline queue
    |- OutboxUnusable             the file of the offline queue is damaged, or cannot be written
    |- OutboxExpired              a queued mutation is too old to be sent again
    `- GraphQLFailure             the API answered with errors; its subclasses are the `errorType`s of docs/errors.md
       |- InvalidInput           an argument breaks a documented rule
       |- InvalidPageToken       `nextToken` is broken, or of another list
       |- IdempotencyConflict    the `clientMutationId` was used with another input
       |- VersionConflict        the item was changed since its version was read
       |- NotFound               there is nothing of this id
       |- OutOfStock             there are fewer pieces than were asked for
       |- PriceChanged           it costs something else than the total that the call named
       |- TakenOver              another connection has the client's id by now
       |- Unauthorized           no right to this, or credentials that are not valid
       |- TooManyRequests        more mutations than a caller may have in a while; nothing was stored
       |- TryAgain               too busy; nothing was stored
       `- Internal               a defect of the server

An `errorType` without a class here is a plain `GraphQLFailure`, whose `type` tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class HeadwaterError(Exception):
    """Any failure of this client."""


class NoEndpoint(HeadwaterError):
    """Neither the arguments nor an `outputs.json` say where the API is."""


class Unreachable(HeadwaterError):
    """The server cannot be reached, did not answer in time, or closed the connection."""


class NoCredentials(Unreachable):
    """The caller's function that gives tokens has failed, or botocore finds nobody. It is asked again later."""


class UnknownTopic(HeadwaterError):
    """No kind of topic has such a name."""


class UnexpectedAnswer(HeadwaterError):
    """What the API answered is not as the schema of this client says."""


class MissingChanges(HeadwaterError):
    """The change log keeps answering without the change that follows `after`, though a later one has arrived."""

    def __init__(self, after: int) -> None:
        super().__init__(f"the change log has no entry {after + 1}, though later ones exist; resume after {after}")
        self.after = after


class CursorsUnreadable(HeadwaterError):
    """The file of cursors is no such file. To begin anew would leave changes out, so that is for the caller to say."""


class AlreadyObserved(HeadwaterError):
    """A feed hands out each event once: share its Observable (`reactivex.operators.share`), or follow the topic
    twice."""


class NotQueueable(HeadwaterError):
    """The mutation takes no `clientMutationId`, so that nobody could send it again safely; nothing was queued."""


class OutboxFull(HeadwaterError):
    """The offline queue holds as many mutations as it may; nothing was queued."""


class OutboxLocked(HeadwaterError):
    """Another process, or another client of this one, has the offline queue open."""


class OutboxUnusable(HeadwaterError):
    """The file of the offline queue is damaged, or cannot be read or written. It is left as it is: nothing in it is
    dropped. `headwater.salvage` puts a damaged one aside and gives what can still be read of it."""


class OutboxExpired(HeadwaterError):
    """The server may have got the mutation, never answered, and by now no longer knows its `clientMutationId`: sent
    again it could happen twice. Whether it happened can be seen in the data only."""

    def __init__(self, id: str) -> None:  # noqa: A002 - the model's word
        super().__init__(f"mutation {id} was sent too long ago to be sent again: look whether it has happened")
        self.id = id


class GraphQLFailure(HeadwaterError):
    """The API answered with errors.

    Attributes:
        type: the first error's `errorType`; None where AppSync gives none (a document that does not validate).
        info: its `errorInfo`.
        path: its path in the response.
        errors: all error objects, as they came.
        data: the partial result, where there is one.
    """

    def __init__(self, errors: Sequence[Mapping[str, Any]], data: Any = None) -> None:
        first: Mapping[str, Any] = errors[0] if errors else {}
        message = str(first.get("message") or first.get("errorType") or "the API answered with an error")
        super().__init__(message if len(errors) < 2 else f"{message} (and {len(errors) - 1} more)")
        self.type: str | None = first.get("errorType")
        self.info: Any = first.get("errorInfo")
        self.path: Sequence[str | int] | None = first.get("path")
        self.errors = list(errors)
        self.data = data


class InvalidInput(GraphQLFailure):
    """An argument breaks a documented rule; `info["field"]` names it as the schema does."""


class InvalidPageToken(GraphQLFailure):
    """The `nextToken` is broken, or of another list."""


class IdempotencyConflict(GraphQLFailure):
    """The `clientMutationId` was already used with another input."""


class VersionConflict(GraphQLFailure):
    """The item was changed since the version that the call named; `info["version"]` is the present one."""

    @property
    def current(self) -> Any:
        """The item as the server has it, in the mutation's selection; None where the API did not give it."""
        return self.errors[0].get("data") if self.errors else None


class NotFound(GraphQLFailure):
    """There is nothing of the id that `info["field"]` names."""


class OutOfStock(GraphQLFailure):
    """There are fewer pieces than were asked for; `info["lines"]` tells of each product how many there are."""


class PriceChanged(GraphQLFailure):
    """What is ordered costs something else than the call named; `info["total"]` is the present total in cents."""


class TakenOver(GraphQLFailure):
    """The client's id was registered again since this lease was given: another connection has it."""


class Unauthorized(GraphQLFailure):
    """The caller may not do this, or its credentials are not valid."""


class TooManyRequests(GraphQLFailure):
    """The caller has had its mutations for now: the next one in `info["retryAfterMs"]` at the earliest."""


class TryAgain(GraphQLFailure):
    """The server was too busy and stored nothing."""


class Internal(GraphQLFailure):
    """A defect of the server."""


BY_TYPE: dict[str, type[GraphQLFailure]] = {
    "InvalidInput": InvalidInput,
    "InvalidPageToken": InvalidPageToken,
    "IdempotencyConflict": IdempotencyConflict,
    "VersionConflict": VersionConflict,
    "NotFound": NotFound,
    "OutOfStock": OutOfStock,
    "PriceChanged": PriceChanged,
    "TakenOver": TakenOver,
    "Unauthorized": Unauthorized,
    "TooManyRequests": TooManyRequests,
    "TryAgain": TryAgain,
    "Internal": Internal,
    # AppSync's own name for refused credentials (HTTP 401, connection_error).
    "UnauthorizedException": Unauthorized,
}

# What AppSync and the services behind it answer under load or while failing: the same call may succeed later.
_TRANSIENT = frozenset(
    {
        "TryAgain",
        "TooManyRequests",
        "TooManyRequestsException",
        "ThrottlingException",
        "LimitExceededError",
        "InternalFailure",
        "InternalFailureException",
        "ExecutionTimeout",
        "Lambda:ExecutionTimeoutException",
        "Lambda:TooManyRequestsException",
    }
)


def failure(errors: Any, data: Any = None) -> GraphQLFailure:
    """The typed exception for a response's `errors`: a list, or one object as AppSync sends for some frames."""
    listed = errors if isinstance(errors, list) else [errors]
    objects = [error if isinstance(error, Mapping) else {"message": str(error)} for error in listed]
    kind = objects[0].get("errorType") if objects else None
    return BY_TYPE.get(str(kind), GraphQLFailure)(objects, data)


def is_transient(error: HeadwaterError) -> bool:
    """Whether the same call may succeed later without anything being changed."""
    if isinstance(error, GraphQLFailure):
        code = error.errors[0].get("errorCode") if error.errors else None  # of a connection_error
        return error.type in _TRANSIENT or (isinstance(code, int) and (code == 429 or code >= 500))
    return isinstance(error, Unreachable)
