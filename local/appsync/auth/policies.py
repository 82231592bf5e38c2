"""IAM policy evaluation: does a set of identity policies allow an action on a resource?

After the IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements": an explicit deny wins, then an
allow, else the implicit deny. AppSync has no resource-based policies; boundaries and session policies are further
sets that must allow too (`principals.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.appsync.auth.conditions import Condition, conditions
from local.appsync.auth.patterns import Context, substitute, wildcard

ACTION = "appsync:GraphQL"


class PolicyError(ValueError):
    """A policy document cannot be evaluated; the message names the element."""


@dataclass(frozen=True)
class _Statement:
    allow: bool
    actions: tuple[re.Pattern[str], ...]
    not_action: bool
    resources: tuple[str, ...]
    not_resource: bool
    variables: bool
    conditions: tuple[Condition, ...]

    def applies(self, action: str, resource: str, context: Context) -> bool:
        if any(pattern.fullmatch(action) for pattern in self.actions) is self.not_action:
            return False
        named = any(self._pattern(item, context).fullmatch(resource) for item in self.resources)
        return named is not self.not_resource and all(condition.holds(context) for condition in self.conditions)

    def _pattern(self, resource: str, context: Context) -> re.Pattern[str]:
        return wildcard(substitute(resource, context) if self.variables else resource)


class Policies:
    """The compiled identity policies of one principal."""

    def __init__(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Compile policy documents.

        Raises:
            PolicyError: an element is malformed.
            NotEmulated: a condition operator is unknown: guessing would grant or deny silently.
        """
        self._statements = [statement for document in documents for statement in _statements(document)]

    def allow(self, action: str, resource: str, context: Context) -> bool:
        """Whether `action` on the ARN `resource` is allowed and not denied."""
        allowed = False
        for statement in self._statements:
            if statement.applies(action, resource, context):
                if not statement.allow:
                    return False
                allowed = True
        return allowed


def field_arn(api_arn: str, type_name: str, field_name: str) -> str:
    """The resource of a root field: `arn:aws:appsync:region:account:apis/<id>/types/<Type>/fields/<Field>`."""
    return f"{api_arn}/types/{type_name}/fields/{field_name}"


def _statements(document: Mapping[str, Any]) -> list[_Statement]:
    variables = document.get("Version") == "2012-10-17"
    raw = document.get("Statement", [])
    return [_statement(item, variables) for item in (raw if isinstance(raw, list) else [raw])]


def _statement(statement: Any, variables: bool) -> _Statement:
    if not isinstance(statement, Mapping) or statement.get("Effect") not in {"Allow", "Deny"}:
        raise PolicyError(f"a policy statement needs the Effect Allow or Deny: {statement!r}")
    action_key = _one_of(statement, "Action", "NotAction")
    resource_key = _one_of(statement, "Resource", "NotResource")
    return _Statement(
        allow=statement["Effect"] == "Allow",
        actions=tuple(wildcard(item, ignore_case=True) for item in _texts(statement[action_key])),
        not_action=action_key == "NotAction",
        resources=_texts(statement[resource_key]),
        not_resource=resource_key == "NotResource",
        variables=variables,
        conditions=conditions(statement.get("Condition") or {}, variables),
    )


def _one_of(statement: Mapping[str, Any], *names: str) -> str:
    present = [name for name in names if name in statement]
    if len(present) != 1:
        raise PolicyError(f"a policy statement needs exactly one of {' and '.join(names)}: {statement!r}")
    return present[0]


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise PolicyError(f"a policy element must be text or a list of texts: {value!r}")
    return tuple(items)
