"""Which source folders a deployed function was built from, so that an edit runs without a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local.cloud import Stack
from local.deploy import Template


def source_map(template: Template, stack_name: str, stacks: list[Stack]) -> Mapping[str, list[Path]]:
    """Source folders by function name: the function's own, then its layers'. Only folders that exist on this disk."""
    by_name = {stack.name: stack for stack in stacks}
    by_id = {stack.id: stack for stack in stacks}
    found: dict[str, list[Path]] = {}
    layer_folders = {name: path for part in template.walk() for name, path in part.code().items()}

    def visit(part: Template, stack: Stack) -> None:
        own = part.code()
        for resource in stack.resources:
            nested = part.nested.get(resource.logical_id)
            if nested and resource.physical_id in by_id:
                visit(nested, by_id[resource.physical_id])
            elif resource.type == "AWS::Lambda::Function" and resource.logical_id in own:
                found[resource.physical_id] = [own[resource.logical_id]]
                found[resource.physical_id] += _layers(part, resource.logical_id, layer_folders)

    if stack_name in by_name:
        visit(template, by_name[stack_name])
    return found


def _layers(part: Template, function: str, folders: Mapping[str, Path]) -> list[Path]:
    # A layer of another stack comes in as a parameter of the layer's own logical id (`Layers: [!Ref CodeLayer]`).
    return [folders[name] for name in part.layers(function) if name in folders]
