"""What is deployed: every stack with its resources as the CloudFormation engine resolved them."""

from __future__ import annotations

from typing import Any

from ministack.services import cloudformation

from local.ministack.mends import unknown_types


def _resource(logical_id: str, record: dict[str, Any]) -> dict[str, Any]:
    kind = record.get("ResourceType", "")
    return {
        "logicalId": logical_id,
        "type": kind,
        "physicalId": record.get("PhysicalResourceId", ""),
        "properties": record.get("Properties") or {},
        "attributes": record.get("Attributes") or {},
        "status": record.get("ResourceStatus", ""),
        "emulated": not unknown_types.is_recorded_only(kind),
    }


def stacks() -> list[dict[str, Any]]:
    """All stacks that exist, parents before their nested stacks (a deleted one is left out)."""
    found = []
    for stack in cloudformation._stacks.all_values():
        if stack.get("StackStatus") == "DELETE_COMPLETE":
            continue
        found.append(
            {
                "name": stack.get("StackName", ""),
                "id": stack.get("StackId", ""),
                "parent": stack.get("_parent_stack_name"),
                "status": stack.get("StackStatus", ""),
                "parameters": {
                    name: parameter.get("Value", "")
                    for name, parameter in (stack.get("_resolved_params") or {}).items()
                    if not parameter.get("NoEcho")
                },
                "resources": [
                    _resource(logical_id, record) for logical_id, record in (stack.get("_resources") or {}).items()
                ],
                "outputs": {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs") or []},
            }
        )
    found.sort(key=lambda stack: (stack["parent"] is not None, stack["name"]))
    return found
