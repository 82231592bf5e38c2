"""Which probes need which permissions: recorded while they run, and found out by taking permissions away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

from tests.permissions.probes import KEPT, PROBES, Probe
from tests.permissions.table import Permission, Record, Use, used
from tests.permissions.world import World
from tests.stack.instance import Instance

Needs = Mapping[str, set[Permission]]
"""By the name of a probe."""

UNEVALUATED = (
    "logs:",
    "xray:",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)
"""What nobody asks for here: functions' logs are files, and the event sources read streams and queues as the runner."""

POLLED = {"ExpirePresenceRole": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")}
"""The roles of functions that a queue is mapped to. Others, which take messages themselves, are asked for the right."""


def recorded(
    instance: Instance, file: Path, permissions: Iterable[Permission], probes: Iterable[Probe] = PROBES
) -> Needs:
    """Run probes, which must pass, and tell what each needs of its own roles' rights: what it used, and of what
    containers keep (`KEPT`) what it says."""
    permissions = list(permissions)
    record = Record(file, instance.resources("AWS::IAM::Role"))
    needs = {}
    for probe in probes:
        before = record.position()
        failure = failed(instance, probe)
        assert failure is None, f"{probe.name} fails with all permissions: {failure}"
        uses: set[Use] = {each for each in record.uses(before) if each.role in probe.roles and each.action not in KEPT}
        kept = {each for each in permissions if each.role in probe.roles and each.action in probe.kept}
        needs[probe.name] = used(permissions, uses) | kept
    return needs


def failed(instance: Instance, probe: Probe) -> str | None:
    """Why a probe fails; None when it passes."""
    try:
        probe.run(World(instance))
    except Exception as error:  # noqa: BLE001 - refused calls surface in many ways, and each is what is asked for
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def failures(instance: Instance, probes: Iterable[Probe] = PROBES) -> dict[str, str]:
    """The probes that fail, and why."""
    return {probe.name: why for probe in probes if (why := failed(instance, probe)) is not None}


def expected(needs: Needs, removed: Iterable[Permission]) -> set[str]:
    """The probes that must fail without some permissions."""
    gone = set(removed)
    return {name for name, needed in needs.items() if needed & gone}


def superfluous(needs: Needs, permissions: Iterable[Permission]) -> list[Permission]:
    """The permissions that no probe used, of those that are evaluated here."""
    needed = set().union(*needs.values())
    return [each for each in permissions if each not in needed and is_evaluated(each)]


def is_evaluated(permission: Permission) -> bool:
    """Whether a call that needs it fails here without it."""
    return not permission.action.startswith((*UNEVALUATED, *POLLED.get(permission.role, ())))


def without(document: Mapping[str, Any], policy: str, removed: Iterable[Permission]) -> dict[str, Any] | None:
    """A policy document without the actions of some permissions; None when nothing is left of it."""
    gone = {(each.statement, each.action) for each in removed if each.policy == policy}
    statements = []
    for index, statement in enumerate(document["Statement"]):
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        left = [each for each in actions if (index, each) not in gone]
        if left:
            statements.append({**statement, "Action": left} if len(left) < len(actions) else statement)
    return {**document, "Statement": statements} if statements else None


def remove_from_templates(project: Path, removed: Iterable[Permission]) -> None:
    """Write the templates of a copy of the project anew, without some permissions."""
    by_role: dict[str, list[Permission]] = {}
    for each in removed:
        by_role.setdefault(each.role, []).append(each)
    for file in [project / "template.yaml", *sorted((project / "stacks").glob("*.yaml"))]:
        template = yaml_parse(file.read_text())
        touched = by_role.keys() & template["Resources"].keys()
        for role in touched:
            properties = template["Resources"][role]["Properties"]
            policies = [
                {**each, "PolicyDocument": left}
                for each in properties["Policies"]
                if (left := without(each["PolicyDocument"], each["PolicyName"], by_role[role])) is not None
            ]
            properties.pop("Policies")
            if policies:
                properties["Policies"] = policies
        if touched:
            file.write_text(json.dumps(template, default=str))  # JSON is YAML
