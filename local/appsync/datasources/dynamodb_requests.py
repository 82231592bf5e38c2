"""Reading request objects: members that must be there, and expressions with their names and values."""

from __future__ import annotations

from typing import Any

import orjson

from local.appsync.datasources.dynamodb_values import to_wire_item
from local.appsync.datasources.interface import rejected

Arguments = dict[str, Any]
"""Arguments of a boto3 client method."""


def required(request: dict[str, Any], name: str, path: str = "$") -> Any:
    """A member that AppSync insists on."""
    value = request.get(name)
    if value is None:
        raise rejected(f"Value for field '{path}[{name}]' not found.")
    return value


def expression(value: Any, path: str) -> dict[str, Any]:
    """`{expression, expressionNames, expressionValues}`, also as the JSON text that util.transform makes."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise rejected(f"Unable to convert {value} to Object.") from None
    if not isinstance(value, dict):
        raise rejected(f"Value for field '{path}[expression]' not found.")
    required(value, "expression", path)
    return value


def add_expression(arguments: Arguments, name: str, value: Any, path: str) -> dict[str, Any]:
    """Puts an expression under a boto3 argument and joins its names and values with those that are there already."""
    given = expression(value, path)
    arguments[name] = str(given["expression"])
    add_names_and_values(arguments, given, path)
    return given


def add_names_and_values(arguments: Arguments, given: dict[str, Any], path: str) -> None:
    """Joins names and values; the expressions of one request share them, so a name cannot stand for two things."""
    _join(arguments, "ExpressionAttributeNames", given.get("expressionNames") or {}, path)
    _join(arguments, "ExpressionAttributeValues", to_wire_item(given.get("expressionValues") or {}), path)


def add_projection(arguments: Arguments, request: dict[str, Any], path: str = "$") -> None:
    """`projection: {expression, expressionNames}`."""
    if request.get("projection") is not None:
        add_expression(arguments, "ProjectionExpression", request["projection"], f"{path}[projection]")


def _join(arguments: Arguments, name: str, entries: dict[str, Any], path: str) -> None:
    if not entries:  # DynamoDB refuses empty maps
        return
    held: dict[str, Any] = arguments.setdefault(name, {})
    for key, value in entries.items():
        if held.setdefault(key, value) != value:
            raise rejected(f"{key} in '{path}' is already used with another value by the same request.")
