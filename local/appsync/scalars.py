"""The scalars of AppSync, in both directions, with AppSync's messages (sheet 5).

Three directions: `parse` takes a variable's JSON value, `literal` a literal of the document, `serialize` what a
resolver returned. The built-in scalars follow graphql-java's lenient rules, which AppSync shows: a string "100" for an
Int field comes out as 100, the id literal `100` arrives as "100" (sheet 11.23).
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from graphql import (
    BooleanValueNode,
    FloatValueNode,
    GraphQLScalarType,
    IntValueNode,
    StringValueNode,
    ValueNode,
    value_from_ast_untyped,
)

from local.appsync.encoding import encode


class ScalarError(ValueError):
    """A value that is not one of the scalar's; the message is AppSync's."""


Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Scalar:
    """One scalar. Each function raises ScalarError; `literal` only says whether a literal has the right form."""

    name: str
    parse: Convert
    serialize: Convert
    literals: tuple[type[ValueNode], ...]

    def literal(self, node: ValueNode) -> Any:
        """The value of a literal, checked."""
        if not isinstance(node, self.literals):
            raise ScalarError(f"Expected type '{self.name}'.")
        if isinstance(node, IntValueNode):
            # An id or float may be written as an integer; only a timestamp is wider than 32 bits.
            return node.value if self.name == "ID" else self.parse(int(node.value))
        return self.parse(value_from_ast_untyped(node))

    def graphql_type(self) -> GraphQLScalarType:
        """The scalar for graphql-core, whose validation and introspection need one."""

        def parse_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> Any:
            return self.literal(node)

        return GraphQLScalarType(
            self.name, serialize=self.serialize, parse_value=self.parse, parse_literal=parse_literal
        )


def java_class(value: Any) -> str:
    """The class name that AppSync's messages show for a JSON value."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer" if -(2**31) <= value < 2**31 else "Long" if -(2**63) <= value < 2**63 else "BigInteger"
    if isinstance(value, float):
        return "Double"
    if isinstance(value, str):
        return "String"
    return "LinkedHashMap" if isinstance(value, dict) else "ArrayList" if isinstance(value, list) else "null"


def java_text(value: Any, levels: int = 50) -> str:
    """`toString()` of a JSON value in Java, as it appears in messages and in String fields: `{a=1}`, `[1, 2]`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple) and levels == 0:
        return "..."
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(item, levels - 1)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(java_text(item, levels - 1) for item in value) + "]"
    return str(value)


def _mismatch(name: str, value: Any) -> ScalarError:
    return ScalarError(f"Expected type '{name}' but was '{java_class(value)}'.")


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _int(value: Any) -> int:
    if type(value) is int and -2147483648 <= value <= 2147483647:
        return value
    number = _decimal(value)
    if number is None or number != number.to_integral_value() or not -2147483648 <= number <= 2147483647:
        raise _mismatch("Int", value)
    return int(number)


def _float(value: Any) -> float | int:
    if type(value) is float and math.isfinite(value):
        return value
    number = _decimal(value)
    # A text may hold a number that is finite, but too large for a float.
    if number is None or not math.isfinite(float(number)):
        raise _mismatch("Float", value)
    # Whole numbers keep their JSON form: JavaScript and DynamoDB know one kind of number.
    return value if type(value) is int else float(number)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, int | float | Decimal):
        return value != 0
    raise _mismatch("Boolean", value)


def _string_in(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list) or value is None:
        raise _mismatch("String", value)
    return java_text(value)


def _text(value: Any) -> str:
    return java_text(value)


def _id(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | float | dict | list) or value is None:
        raise _mismatch("ID", value)
    return str(value)


def _parse_json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            pass
    raise ScalarError(f"Unable to parse {java_text(value)} as valid JSON.")


def _serialize_json(value: Any) -> str:
    try:
        return encode(value).decode()
    except (TypeError, ValueError) as error:
        raise ScalarError(f"Unable to serialize `{java_text(value)}` as a valid JSON Object.") from error


OFFSET = r"(?:Z|[+-](?:0\d|1\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)"
CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{0,9})?)?"
DATE = re.compile(rf"(-?\d{{4}})-(\d{{2}})-(\d{{2}}){OFFSET}?")
TIME = re.compile(rf"{CLOCK}{OFFSET}?")
DATE_TIME = re.compile(rf"(-?\d{{4}})-(\d{{2}})-(\d{{2}})T{CLOCK}{OFFSET}")
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{LABEL}(?:\.{LABEL})*")
URL = re.compile(r"(?:(?:https?|ftp)://[^\s/?#]+|(?:file|jar|mailto):)[^\s]*", re.IGNORECASE)
NANP = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")


def _is_day(match: re.Match[str] | None) -> bool:
    if match is None:
        return False
    year, month, day = map(int, match.groups())
    if 1 <= month <= 12 and 1 <= day <= 28:
        return True
    try:
        # Years before 1 are allowed but unknown to Python; the calendar repeats every 400 years.
        date(year % 400 + 400, month, day)
    except ValueError:
        return False
    return True


def _is_url(text: str) -> bool:
    if not URL.fullmatch(text):
        return False
    path = text.split("://", 1)[-1].split("?", 1)[0].split("#", 1)[0]
    return "//" not in path


def _is_phone(text: str) -> bool:
    digits = re.sub(r"[ \-().]", "", text)
    if digits.startswith("+1"):
        return NANP.fullmatch(digits[1:]) is not None
    if digits.startswith("+"):
        return re.fullmatch(r"\+[2-9]\d{6,14}", digits) is not None
    return NANP.fullmatch(digits) is not None


def _is_ip_address(text: str) -> bool:
    address, slash, prefix = text.partition("/")
    if slash and not prefix.isdigit():
        return False  # Python would also take a netmask
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return bool(address)


def _checked_string(name: str, noun: str, object_name: str, valid: Callable[[str], bool]) -> Scalar:
    """A scalar whose values stay strings, unchanged in both directions."""

    def parse(value: Any) -> str:
        if isinstance(value, str) and valid(value):
            return value
        raise ScalarError(f"Unable to parse `{java_text(value)}` as a valid {noun}.")

    def serialize(value: Any) -> str:
        if isinstance(value, str) and valid(value):
            return value
        raise ScalarError(f"Unable to serialize `{java_text(value)}` as a valid {object_name}.")

    return Scalar(name, parse, serialize, (StringValueNode,))


TIMESTAMP_HINT = (
    "Ensure that the value provided is an Integer that lies within the limits specified in this scalar's description."
)


def _timestamp(verb: str) -> Convert:
    def convert(value: Any) -> int:
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
            return value
        raise ScalarError(f"Unable to {verb} `{java_text(value)}` as a valid timestamp. {TIMESTAMP_HINT}")

    return convert


BUILT_IN = {
    scalar.name: scalar
    for scalar in (
        Scalar("Int", _int, _int, (IntValueNode,)),
        Scalar("Float", _float, _float, (IntValueNode, FloatValueNode)),
        Scalar("Boolean", _boolean, _boolean, (BooleanValueNode,)),
        Scalar("String", _string_in, _text, (StringValueNode,)),
        Scalar("ID", _id, _text, (StringValueNode, IntValueNode)),
    )
}

AWS = {
    scalar.name: scalar
    for scalar in (
        _checked_string("AWSDate", "date", "Date Object", lambda text: _is_day(DATE.fullmatch(text))),
        _checked_string("AWSTime", "time", "Time Object", lambda text: TIME.fullmatch(text) is not None),
        _checked_string("AWSDateTime", "DateTime", "DateTime Object", lambda text: _is_day(DATE_TIME.fullmatch(text))),
        Scalar("AWSTimestamp", _timestamp("parse"), _timestamp("serialize"), (IntValueNode,)),
        _checked_string("AWSEmail", "email", "Email", lambda text: EMAIL.fullmatch(text) is not None),
        Scalar("AWSJSON", _parse_json, _serialize_json, (StringValueNode,)),
        _checked_string("AWSPhone", "phone number", "phone number", _is_phone),
        _checked_string("AWSURL", "URL", "URL Object", _is_url),
        _checked_string("AWSIPAddress", "IP address", "IP Address", _is_ip_address),
    )
}

SCALARS = BUILT_IN | AWS
