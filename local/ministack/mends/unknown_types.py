"""CloudFormation resource types that MiniStack does not know: accepted and recorded, with nothing behind them."""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

Provisioned = tuple[str, dict[str, Any]]
"""A resource's physical id and its attributes."""


@functools.cache
def _schemas() -> Path:
    spec = importlib.util.find_spec("cfnlint")  # found, not imported: cfn-lint takes a second to load
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cfn-lint is missing; it is installed with aws-sam-cli. Run `make install`.")
    return Path(spec.origin).parent / "data" / "schemas"


@functools.cache
def _known_types() -> Mapping[str, str]:
    """Every resource type of CloudFormation (us-east-1, which has them all) and the file name of its schema."""
    types: dict[str, str] = json.loads((_schemas() / "providers" / "us-east-1.json").read_text())
    return types


@functools.cache
def _schema(resource_type: str) -> Mapping[str, Any]:
    file = _schemas() / "resources" / f"{_known_types()[resource_type]}.json"
    schema: dict[str, Any] = json.loads(file.read_text())
    return schema


def is_recorded_only(resource_type: str) -> bool:
    """Whether resources of this type are only recorded: they get an id and attributes, and nothing behind them."""
    handlers = provisioners._RESOURCE_HANDLERS
    return not dict.__contains__(handlers, resource_type) and resource_type in handlers


def _property_names(pointers: list[str]) -> list[str]:
    return [pointer.removeprefix("/properties/") for pointer in pointers]


def _attributes(resource_type: str, name: str) -> dict[str, Any]:
    """Values for the type's read-only properties: an ARN where one is due, the name elsewhere."""
    service = resource_type.split("::")[1].lower()
    kind = resource_type.split("::")[2].lower()
    arn = f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}/{name}"
    return {
        attribute.replace("/", "."): arn if attribute.lower().endswith("arn") else name
        for attribute in _property_names(_schema(resource_type).get("readOnlyProperties", []))
    }


def _record(resource_type: str, logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Provisioned:
    identifiers = _property_names(_schema(resource_type).get("primaryIdentifier", []))
    given = [str(properties[name]) for name in identifiers if isinstance(properties.get(name), (str, int))]
    name = "|".join(given) if given else str(provisioners._physical_name(stack_name, logical_id))
    return name, _attributes(resource_type, name)


def _handler(resource_type: str) -> dict[str, Any]:
    def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Provisioned:
        return _record(resource_type, logical_id, properties, stack_name)

    def update(
        physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str, logical_id: str
    ) -> Provisioned:
        del physical_id, old
        return _record(resource_type, logical_id, new, stack_name)

    def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
        """There is nothing behind it."""

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


class _Handlers(dict[str, Any]):
    """MiniStack's table of handlers, with one made up for each further type that CloudFormation has.

    A misspelled type stays unknown, and so is refused as on AWS.
    """

    def __contains__(self, resource_type: object) -> bool:
        return dict.__contains__(self, resource_type) or (
            isinstance(resource_type, str)
            and not resource_type.startswith("AWS::CloudFormation::")
            and resource_type in _known_types()
        )

    def __missing__(self, resource_type: str) -> dict[str, Any]:
        if resource_type in self:
            return _handler(resource_type)
        raise KeyError(resource_type)

    def get(self, resource_type: str, default: Any = None) -> Any:
        try:
            return self[resource_type]
        except KeyError:
            return default


def record_unknown_types() -> None:
    """One resource of a type that MiniStack does not know fails the whole change set."""
    provisioners._RESOURCE_HANDLERS = _Handlers(provisioners._RESOURCE_HANDLERS)
