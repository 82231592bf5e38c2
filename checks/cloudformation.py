"""The project's templates as data: parsed with CloudFormation's tags, and after the SAM transform, both offline."""

import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from checks.project import templates


@dataclass(frozen=True)
class Resource:
    """One resource of a template: where it is written, its logical id, its type and its whole definition."""

    template: str
    logical_id: str
    type: str
    definition: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        return dict(self.definition.get("Properties") or {})

    def __str__(self) -> str:
        return f"{self.template}: {self.logical_id} ({self.type})"


def parse(path: Path) -> dict[str, Any]:
    """The template with short tags in their long form: `!Sub x` is {"Fn::Sub": "x"}."""
    from samcli.yamlhelper import yaml_parse

    return dict(yaml_parse(path.read_text()))


def resources(root: Path) -> list[Resource]:
    """All resources of all templates, as they are written."""
    return list(_resources(root, parse))


def transformed_resources(root: Path) -> list[Resource]:
    """All resources of all templates after the SAM transform: what CloudFormation creates and counts."""
    return list(_resources(root, transformed))


def _resources(root: Path, read: Any) -> Iterator[Resource]:
    for path in templates(root):
        for logical_id, definition in read(path)["Resources"].items():
            yield Resource(path.relative_to(root).as_posix(), logical_id, definition["Type"], definition)


def transformed(path: Path) -> dict[str, Any]:
    """The template as the SAM transform leaves it, with parameters at their defaults.

    Raises samcli's InvalidSamDocumentException when the transform refuses the template.
    """
    from samcli.lib.translate.sam_template_validator import SamTemplateValidator

    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the transform wants a region, but asks it nothing

    class NoManagedPolicies:
        """The transform looks up managed policies by name over the network; the templates name them by ARN."""

        def load(self) -> dict[str, str]:
            return {}

    validator = SamTemplateValidator(copy.deepcopy(parse(path)), NoManagedPolicies())
    return dict(yaml.safe_load(validator.get_translated_template_if_valid()))


def intrinsics(value: Any, name: str) -> Iterator[Any]:
    """Every argument of the intrinsic function `name` (`Ref`, `Fn::Sub`) anywhere inside a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            yield from intrinsics(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from intrinsics(inner, name)
