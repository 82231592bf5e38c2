"""The permissions that a deployment's roles have, one per role, statement and action, and which a use was of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.appsync.auth.patterns import wildcard
from tests.stack.instance import Instance


@dataclass(frozen=True, order=True)
class Permission:
    """One action of one statement. `role` is the logical id; `statement` its place in the policy, from 0."""

    role: str
    policy: str
    statement: int
    action: str
    resources: tuple[str, ...] = field(compare=False)
    leading_keys: tuple[str, ...] = field(default=("*",), compare=False)

    def __str__(self) -> str:
        return f"{self.role} {self.action} ({self.policy}[{self.statement}])"

    def covers(self, use: Use) -> bool:
        """Whether a call is one that it allows; of conditions the partitions of a table count."""
        if wildcard(self.action.lower()).fullmatch(use.action.lower()) is None:
            return False
        named = any(wildcard(each).fullmatch(use.resource) for each in self.resources)
        return named and all(any(wildcard(each).fullmatch(key) for each in self.leading_keys) for key in use.keys)


@dataclass(frozen=True)
class Use:
    """A call that a role was allowed."""

    role: str
    action: str
    resource: str
    keys: tuple[str, ...] = ()


def deployed(instance: Instance) -> list[Permission]:
    """All permissions of the roles of an instance's stacks, with the resources' real names."""
    iam = instance.client("iam")
    found = []
    for logical, name in instance.resources("AWS::IAM::Role").items():
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            document = json.loads(document) if isinstance(document, str) else document
            for index, statement in enumerate(document["Statement"]):
                resources = tuple(_listed(statement["Resource"]))
                keys = tuple(_leading_keys(statement.get("Condition") or {}))
                found += [
                    Permission(logical, policy, index, each, resources, keys) for each in _listed(statement["Action"])
                ]
    return sorted(found)


class Record:
    """What an instance writes of its roles' calls (`local/permissions_used.py`), with the roles' logical ids."""

    def __init__(self, file: Path, roles: Mapping[str, str]) -> None:
        self._file = file
        self._logical = {physical: logical for logical, physical in roles.items()}

    def position(self) -> int:
        """Where the next line begins."""
        return self._file.stat().st_size if self._file.exists() else 0

    def uses(self, since: int) -> set[Use]:
        """The calls after a position."""
        if not self._file.exists():
            return set()
        lines = map(json.loads, self._file.read_bytes()[since:].decode().splitlines())
        found = set()
        for each in lines:
            if role := self._logical.get(each["role"]):
                found.add(Use(role, each["action"], each["resource"], tuple(each["keys"])))
        return found


def used(permissions: Iterable[Permission], uses: Iterable[Use]) -> set[Permission]:
    """The permissions that calls were allowed by. Where several statements allow a call, none of them is needed."""
    found = set()
    by_role: dict[str, list[Permission]] = {}
    for each in permissions:
        by_role.setdefault(each.role, []).append(each)
    for use in uses:
        allowing = [each for each in by_role.get(use.role, ()) if each.covers(use)]
        if len(allowing) == 1:
            found.add(allowing[0])
    return found


def _leading_keys(condition: Mapping[str, Any]) -> Iterator[str]:
    """The partitions that a statement is limited to; `*` without a limit."""
    found = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    yield from ["*"] if found is None else _listed(found)


def _listed(value: Any) -> Iterator[str]:
    yield from [value] if isinstance(value, str) else value
