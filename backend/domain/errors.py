"""The closed list of errors that a field answers with, by `errorType`; docs/errors.md explains each to clients.

DomainError
├── InvalidInput          an argument breaks a documented rule
├── InvalidPageToken      `nextToken` is broken, or of another list
├── IdempotencyConflict   the `clientMutationId` was used with another input
├── VersionConflict       the item has another version than the caller has seen
├── NotFound              there is nothing of this id
├── OutOfStock            there are fewer pieces than are asked for
├── PriceChanged          it costs something else than the caller has seen
├── TakenOver             another connection has the client's id by now
├── Unauthorized          the caller has no right to this field or topic
├── TooManyRequests       the caller makes more mutations than it may
├── TryAgain              too busy now: the same call later
└── Internal              a defect of ours; the log has the details
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class DomainError(Exception):
    """What a caller is told. `info` becomes `errorInfo`, whatever the selection set; of `data`, which is a value of the
    field, the caller gets what the selection set has."""

    type: ClassVar[str]

    def __init__(self, message: str, info: Mapping[str, Any] | None = None, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.info = info
        self.data = data


class InvalidInput(DomainError):
    """An argument breaks a rule. `field` names it as in the schema (`input.text`)."""

    type = "InvalidInput"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} {rule}", {"field": field})


class InvalidPageToken(DomainError):
    """A `nextToken` that this list did not give out."""

    type = "InvalidPageToken"

    def __init__(self) -> None:
        super().__init__("nextToken is not of this list: take it from a page with the same arguments.")


class IdempotencyConflict(DomainError):
    """A `clientMutationId` that was already used for something else."""

    type = "IdempotencyConflict"

    def __init__(self, client_mutation_id: str) -> None:
        super().__init__(
            f"clientMutationId {client_mutation_id!r} was used with another input: choose a new one.",
            {"field": "input.clientMutationId"},
        )


class VersionConflict(DomainError):
    """A conditional edit of an item that was changed since the caller read it.

    Args:
        version: the item's present one.
        current: the item as it is, as the field would answer it; only where the caller may read it.
        more: what else `info` tells, where the item is none that the field answers.
    """

    type = "VersionConflict"

    def __init__(self, version: int, current: Mapping[str, Any] | None = None, **more: Any) -> None:
        info = {"field": "input.version", "version": version, **more}
        super().__init__(f"It has version {version} by now: read it again.", info, current)


class NotFound(DomainError):
    """A mutation of something that does not exist. `field` names the argument with its id."""

    type = "NotFound"

    def __init__(self, field: str) -> None:
        super().__init__(f"There is nothing with this {field}.", {"field": field})


class OutOfStock(DomainError):
    """There are fewer pieces of some products than are asked for.

    Args:
        field: the argument that asks for them.
        lines: each with `productId`, `requested` and `available`; of a product that is gone 0 are available.
    """

    type = "OutOfStock"

    def __init__(self, field: str, lines: Sequence[Mapping[str, Any]]) -> None:
        wanting = ", ".join(f"{each['productId']} ({each['available']} of {each['requested']})" for each in lines)
        super().__init__(f"Not enough is left of {wanting}.", {"field": field, "lines": list(lines)})


class PriceChanged(DomainError):
    """What is ordered costs something else than the total that the caller has seen.

    Args:
        total: what it costs now, in cents.
        lines: those whose price is another than in the cart, each with `productId` and its `price` of now in cents.
    """

    type = "PriceChanged"

    def __init__(self, total: int, lines: Sequence[Mapping[str, Any]]) -> None:
        info = {"field": "input.total", "total": total, "lines": list(lines)}
        super().__init__(f"It costs {total} cents by now: order again with that total.", info)


class TakenOver(DomainError):
    """A lease of a client that does not count any more: the client's id was registered again since."""

    type = "TakenOver"

    def __init__(self) -> None:
        super().__init__("The client's id was registered anew since: this connection has it no more.")


class Unauthorized(DomainError):
    """Worded and typed as AppSync's own refusal, so that clients handle one kind."""

    type = "Unauthorized"

    def __init__(self, field: str) -> None:
        type_name, _, field_name = field.partition(".")
        super().__init__(f"Not Authorized to access {field_name} on type {type_name}")


class TooManyRequests(DomainError):
    """The caller has used up its mutations for now. `retry_after_ms`: there is one again after that time."""

    type = "TooManyRequests"

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(
            f"Too many mutations: the next one in {retry_after_ms} ms at the earliest.",
            {"retryAfterMs": retry_after_ms},
        )


class TryAgain(DomainError):
    """The database throttled or kept conflicting until the time was over."""

    type = "TryAgain"

    def __init__(self) -> None:
        super().__init__("Too busy at the moment: try again, with the same clientMutationId if it has one.")


class Internal(DomainError):
    """Stands for any unexpected exception; its text stays in the log."""

    type = "Internal"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side.")
