"""Errors of the data plane, in the shapes that AppSync sends.

RequestError                    the operation never ran; HTTP answers with `status` (sheet 1.3)
    MalformedQueryError              400 MalformedHttpRequestException: the text is no GraphQL
    MissingOperationNameError        400 BadRequestException: several operations, none named
OperationError                  the operation never ran; answered 200 with `data: null` (validation, variables)
FieldError                      one field failed: util.error, a data source, authorization, a limit
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from local.errors import NotEmulated

Path = tuple[Any, Any] | None
"""A response path as a linked list: `(path of the parent, key or index)`; None is the root. Cheap to extend."""

Locations = list[dict[str, Any]]


class RequestError(Exception):
    """A request that is refused as a whole. `body` is its JSON object as AppSync writes it."""

    status = 400
    error_type = "BadRequestException"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The `errors` list of the transport-level body."""
        return [{"errorType": self.error_type, "message": self.message}]


class MalformedQueryError(RequestError):
    """The query text does not parse. Sources dispute whether AWS answers 400 or 200 (sheet 1.3)."""

    error_type = "MalformedHttpRequestException"

    def __init__(self, detail: str = "") -> None:
        super().__init__("Unable to parse GraphQL query.")
        self.detail = detail  # graphql-core's words, for logs


class MissingOperationNameError(RequestError):
    """Several operations in the document and no `operationName`."""

    def __init__(self) -> None:
        super().__init__("Missing operation name.")


class OperationError(Exception):
    """The operation cannot run: the answer is `data: null` with these error objects."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(error["message"]) for error in errors))
        self.errors = list(errors)


class FieldError(Exception):
    """A field's failure: the field becomes null and one error object is added. `type` is `errorType`."""

    def __init__(self, message: str, type: str | None = None, data: Any = None, info: Any = None) -> None:  # noqa: A002 - AppSync's word
        super().__init__(message)
        self.message = message
        self.type = type
        self.data = data
        self.info = info


def unauthorized(type_name: str, field_name: str) -> FieldError:
    """A caller without the right to a field; `util.unauthorized()` says the same."""
    return FieldError(f"Not Authorized to access {field_name} on type {type_name}", "Unauthorized")


def not_emulated(error: NotEmulated) -> FieldError:
    """A feature that is refused instead of approximated."""
    return FieldError(f"{error.feature} is not emulated: {error.reason}", "NotEmulated")


def path_list(path: Path) -> list[str | int]:
    """The path as GraphQL writes it: response keys and list indexes from the root."""
    keys: list[str | int] = []
    while path is not None:
        path, key = path
        keys.append(key)
    keys.reverse()
    return keys


def path_text(path: Path) -> str:
    """The path as graphql-java writes it inside messages: `/posts[3]/title`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f"/{key}" for key in path_list(path))


def location(line: int, column: int) -> dict[str, Any]:
    """An entry of `locations`."""
    return {"line": line, "column": column, "sourceName": None}


def field_error(error: FieldError, path: Path, locations: Locations) -> dict[str, Any]:
    """The error object of a failed field, keys in AppSync's order (sheet 1.4)."""
    return {
        "path": path_list(path),
        "data": error.data,
        "errorType": error.type,
        "errorInfo": error.info,
        "locations": locations,
        "message": error.message,
    }


def completion_error(message: str, path: Path) -> dict[str, Any]:
    """The error object of a value that does not fit the schema: no type, `locations` null."""
    return {"path": path_list(path), "locations": None, "message": message}


def null_violation(type_text: str, parent: str, path: Path) -> dict[str, Any]:
    """A null where the schema promises a value. `type_text` is the type's name without its `!`."""
    return completion_error(
        f"Cannot return null for non-nullable type: '{type_text}' within parent '{parent}' ({path_text(path)})", path
    )


def operation_error(message: str, locations: Locations | None = None) -> dict[str, Any]:
    """The error object of an operation that never ran: no `errorType` key."""
    return {"path": None, "locations": locations, "message": message}
