"""Attribute values: from request objects to DynamoDB, and from DynamoDB to plain JSON.

Request objects write numbers as `{"N": 10}` or `{"N": "10"}`, null as `{"NULL": null}` or `{"NULL": true}`, binary as
base64. Results are plain: sets become lists, binary base64, numbers JSON numbers.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from local.appsync.datasources.interface import rejected

WireValue = dict[str, Any]
"""A value as boto3's low-level client takes it: one type letter and its value."""
Item = dict[str, WireValue]

_MAX_INTEGER = 2**63


def to_wire_item(item: Any) -> Item:
    """A map of typed values. Raises DataSourceError (MappingTemplate) for what is none."""
    if not isinstance(item, dict):
        raise _unconvertible(item)
    return {name: to_wire(value) for name, value in item.items()}


def to_wire(value: Any) -> WireValue:
    """One typed value."""
    if not isinstance(value, dict) or len(value) != 1:
        raise _unconvertible(value)
    ((kind, content),) = value.items()
    match kind:
        case "S" if isinstance(content, str):
            return value
        case "N" if (number := _number(content)) is not None:
            return {"N": number}
        case "BOOL" if isinstance(content, bool):
            return value
        case "NULL":
            return {"NULL": True}
        case "L" if isinstance(content, list):
            return {"L": [to_wire(item) for item in content]}
        case "M" if isinstance(content, dict):
            return {"M": to_wire_item(content)}
        case "B" if isinstance(content, str):
            return {"B": _binary(content)}
        case "SS" if isinstance(content, list) and all(isinstance(item, str) for item in content):
            return value
        case "NS" if isinstance(content, list) and all(_number(item) is not None for item in content):
            return {"NS": [_number(item) for item in content]}
        case "BS" if isinstance(content, list):
            return {"BS": [_binary(item) for item in content]}
    raise _unconvertible(value)


def to_plain_item(item: Item | None) -> dict[str, Any] | None:
    """An item as `ctx.result` has it, None for no item."""
    return None if item is None else {name: to_plain(value) for name, value in item.items()}


def to_plain(value: WireValue) -> Any:
    """A value as `ctx.result` has it."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return _from_number(content)
        case "NULL":
            return None
        case "L":
            return [to_plain(item) for item in content]
        case "M":
            return to_plain_item(content)
        case "B":
            return base64.b64encode(content).decode()
        case "NS":
            return [_from_number(item) for item in content]
        case "BS":
            return [base64.b64encode(item).decode() for item in content]
    return list(content) if kind == "SS" else content


def from_wire_item(item: Item) -> dict[str, Any]:
    """An item of key attributes as JSON that `to_wire_item` reads again."""
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value for name, value in item.items()
    }


def _number(content: Any) -> str | None:
    if isinstance(content, bool):
        return None
    if isinstance(content, int):
        return str(content)
    if isinstance(content, float):
        return str(int(content)) if content.is_integer() and abs(content) < 2**53 else repr(content)
    return content if isinstance(content, str) else None


def _from_number(text: str) -> int | float:
    try:
        number = int(text)
    except ValueError:
        return float(text)
    return number if -_MAX_INTEGER <= number < _MAX_INTEGER else float(text)


def _binary(content: Any) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise _unconvertible({"B": content}) from None


def _unconvertible(value: Any) -> Exception:
    text = orjson.dumps(value).decode() if value is not None else "null"
    return rejected(f"Unable to convert {text} to class com.amazonaws.services.dynamodbv2.model.AttributeValue.")
