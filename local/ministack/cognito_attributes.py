"""User attributes against a pool's schema and what an app client may write.

https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cognito

_FOR_ADMINISTRATORS = frozenset({"email_verified", "phone_number_verified"})


class AttributeProblem(Exception):
    """Attributes that Cognito does not take. `code` is its error's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check(
    pool: dict[str, Any],
    attributes: Mapping[str, str],
    *,
    client: Mapping[str, Any] | None = None,
    creating: bool = False,
    complete: bool = False,
) -> None:
    """Check attributes that are about to be written; None as a value stands for one that is deleted.

    `client` is the app client when the user writes, None when an administrator does. `creating` allows those that
    never change later; `complete` asks for all that the schema requires. Raises AttributeProblem.
    """
    schema = {each["Name"]: each for each in cognito._ensure_schema_attributes(pool)["SchemaAttributes"]}
    for name, value in attributes.items():
        definition = schema.get(name)
        if definition is None:
            raise _unfit(f"Type for attribute {{{name}}} could not be determined")
        if client is not None:
            _check_client(client, name)
        if not creating and definition.get("Mutable") is False:
            raise AttributeProblem("InvalidParameterException", f"user.{name}: Attribute cannot be updated.\n")
        _check_value(name, value, definition)
    if complete:
        aliases = set(pool.get("UsernameAttributes") or ())
        for name, definition in schema.items():
            if definition.get("Required") and name != "sub" and not attributes.get(name) and name not in aliases:
                raise _unfit(f"{name}: The attribute is required\n")


def _check_client(client: Mapping[str, Any], name: str) -> None:
    writable = client.get("WriteAttributes") or ()
    if name in _FOR_ADMINISTRATORS or (writable and name not in writable):
        raise AttributeProblem("NotAuthorizedException", "A client attempted to write unauthorized attribute")


def _check_value(name: str, value: str | None, definition: Mapping[str, Any]) -> None:
    if value is None:
        return
    kind = definition.get("AttributeDataType", "String")
    if kind == "Number":
        limits = definition.get("NumberAttributeConstraints") or {}
        try:
            number = float(value)
        except ValueError:
            raise _unfit(f"{name}: Attribute must be a number\n") from None
        if limits.get("MinValue") not in (None, "") and number < float(limits["MinValue"]):
            raise _unfit(f"{name}: Number must be no smaller than {limits['MinValue']}\n")
        if limits.get("MaxValue") not in (None, "") and number > float(limits["MaxValue"]):
            raise _unfit(f"{name}: Number must be no larger than {limits['MaxValue']}\n")
    elif kind == "String":
        limits = definition.get("StringAttributeConstraints") or {}
        if limits.get("MinLength") not in (None, "") and len(value) < int(limits["MinLength"]):
            raise _unfit(f"{name}: String must be no shorter than {limits['MinLength']} characters\n")
        if limits.get("MaxLength") not in (None, "") and len(value) > int(limits["MaxLength"]):
            raise _unfit(f"{name}: String must be no longer than {limits['MaxLength']} characters\n")
    elif kind == "Boolean" and value.lower() not in ("true", "false"):
        raise _unfit(f"{name}: Attribute must be true or false\n")


def _unfit(text: str) -> AttributeProblem:
    return AttributeProblem("InvalidParameterException", f"Attributes did not conform to the schema: {text}")
