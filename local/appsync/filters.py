"""Subscription filters: argument matching, enhanced filters, invalidation filters (sheet 6).

A filter is an OR of groups, a group an AND of rules on payload fields. What a group asks with `eq` becomes its index
key; only the rest has to be evaluated per event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

GROUPS = 10
RULES_PER_GROUP = 10
VALUES_IN = 5
VALUES_CONTAINS_ANY = 20
PATH_LENGTH = 256
PATH_LEVELS = 5

Test = Callable[[Any], bool]
Key = tuple[str, Any]


class FilterError(Exception):
    """A filter that AppSync does not take; the message names the field and the operator."""


def key_of(value: Any) -> Key | None:
    """A scalar as a dictionary key in which true, 1 and "1" differ but 1 and 1.0 do not; None for lists and objects."""
    if value is None:
        return ("null", None)
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float):
        return ("number", value)
    return ("string", value) if isinstance(value, str) else None


def value_at(payload: Any, path: tuple[str, ...]) -> Any:
    """The payload's value at a dotted path; None where there is none."""
    for name in path:
        if not isinstance(payload, dict):
            return None
        payload = payload.get(name)
    return payload


@dataclass(frozen=True)
class Rule:
    """One condition as it was given."""

    path: tuple[str, ...]
    operator: str
    value: Any


@dataclass(frozen=True)
class Group:
    """One alternative of a filter: equalities for the index, further tests on the payload."""

    equal: tuple[tuple[tuple[str, ...], Key], ...]  # (path, key) sorted by path
    tests: tuple[tuple[tuple[str, ...], Test], ...]
    rules: tuple[Rule, ...] = ()  # those that `tests` test, in the same order

    def holds(self, payload: Any) -> bool:
        """Whether the tests beyond the equalities hold."""
        return all(test(value_at(payload, path)) for path, test in self.tests)

    def matches(self, payload: Any) -> bool:
        """Whether the whole group holds, without an index."""
        return all(key_of(value_at(payload, path)) == key for path, key in self.equal) and self.holds(payload)

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The whole group, for people to read."""
        return tuple(Rule(path, "eq", value) for path, (_, value) in self.equal) + self.rules

    def broken(self, payload: Any) -> list[Rule]:
        """The rules that do not hold."""
        equalities = [Rule(path, "eq", key[1]) for path, key in self.equal if key_of(value_at(payload, path)) != key]
        return equalities + [
            rule for rule, (path, test) in zip(self.rules, self.tests, strict=True) if not test(value_at(payload, path))
        ]


def argument_filter(arguments: Mapping[str, Any]) -> list[Group]:
    """Each given argument must equal the payload's top-level field of its name; explicit null means null or absent.

    A list or object argument can equal nothing, so that such a subscription gets nothing.
    """
    equal = []
    for name, value in sorted(arguments.items()):
        key = key_of(value)
        if key is None:
            return []
        equal.append(((name,), key))
    return [Group(tuple(equal), ())]


def enhanced_filter(definition: Mapping[str, Any]) -> list[Group]:
    """The groups of `{filterGroup: [{filters: [{fieldName, operator, value}]}]}`. Raises FilterError."""
    groups = definition.get("filterGroup")
    if not isinstance(groups, list) or not groups:
        raise FilterError("A subscription filter needs a non-empty list 'filterGroup'.")
    if len(groups) > GROUPS:
        raise FilterError(f"A subscription filter has {len(groups)} groups; the limit is {GROUPS}.")
    return [_group(group) for group in groups]


def _group(definition: Any) -> Group:
    rules = definition.get("filters") if isinstance(definition, dict) else None
    if not isinstance(rules, list) or not rules:
        raise FilterError("Each element of 'filterGroup' needs a non-empty list 'filters'.")
    if len(rules) > RULES_PER_GROUP:
        raise FilterError(f"A filter group has {len(rules)} filters; the limit is {RULES_PER_GROUP}.")
    equal: dict[tuple[str, ...], Key] = {}
    tests: list[tuple[tuple[str, ...], Test]] = []
    described: list[Rule] = []
    for rule in rules:
        name, operator, value = _parts(rule)
        path = tuple(name.split("."))
        if len(path) > PATH_LEVELS:
            continue  # deeper rules are ignored
        key = key_of(value)
        if operator == "eq" and key is not None and path not in equal:
            equal[path] = key
        else:
            tests.append((path, _test(name, operator, value)))
            described.append(Rule(path, operator, value))
    return Group(tuple(sorted(equal.items())), tuple(tests), tuple(described))


def _parts(rule: Any) -> tuple[str, str, Any]:
    if not isinstance(rule, dict) or not isinstance(rule.get("fieldName"), str) or "operator" not in rule:
        raise FilterError("Each filter needs 'fieldName', 'operator' and 'value'.")
    if len(rule["fieldName"]) > PATH_LENGTH:
        raise FilterError(f"The field path of a filter is over {PATH_LENGTH} characters long.")
    return rule["fieldName"], rule["operator"], rule.get("value")


def _test(name: str, operator: str, value: Any) -> Test:
    """The test of one rule; a field that is null or missing fails every one of them."""
    if operator in ("in", "notIn", "containsAny", "between"):
        _check_list(name, operator, value)
    builder = OPERATORS.get(operator)
    if builder is None:
        raise FilterError(f"Filter on '{name}': unknown operator '{operator}'.")
    test = builder(value)
    return lambda found: found is not None and test(found)


def _check_list(name: str, operator: str, value: Any) -> None:
    limit = {"in": VALUES_IN, "notIn": VALUES_IN, "containsAny": VALUES_CONTAINS_ANY, "between": 2}[operator]
    if not isinstance(value, list) or len(value) > limit or (operator == "between" and len(value) != 2):
        wanted = "a list of two values" if operator == "between" else f"a list of at most {limit} values"
        raise FilterError(f"Filter on '{name}': '{operator}' takes {wanted}.")


def _equals(found: Any, value: Any) -> bool:
    return key_of(found) == key_of(value) if key_of(value) is not None else bool(found == value)


def _ordered(found: Any, value: Any) -> bool:
    """Whether two values have an order: two numbers or two strings."""
    kinds = {kind for kind, _ in filter(None, (key_of(found), key_of(value)))}
    return key_of(found) is not None and kinds in ({"number"}, {"string"})


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    return isinstance(found, list) and any(_equals(item, value) for item in found)


OPERATORS: Mapping[str, Callable[[Any], Test]] = {
    "eq": lambda value: lambda found: _equals(found, value),
    "ne": lambda value: lambda found: not _equals(found, value),
    "le": lambda value: lambda found: _ordered(found, value) and found <= value,
    "lt": lambda value: lambda found: _ordered(found, value) and found < value,
    "ge": lambda value: lambda found: _ordered(found, value) and found >= value,
    "gt": lambda value: lambda found: _ordered(found, value) and found > value,
    "contains": lambda value: lambda found: _contains(found, value),
    "notContains": lambda value: lambda found: not _contains(found, value),
    "beginsWith": lambda value: (
        lambda found: isinstance(found, str) and isinstance(value, str) and found.startswith(value)
    ),
    "in": lambda values: lambda found: any(_equals(found, value) for value in values),
    "notIn": lambda values: lambda found: not any(_equals(found, value) for value in values),
    "between": lambda bounds: (
        lambda found: _ordered(found, bounds[0]) and _ordered(found, bounds[1]) and bounds[0] <= found <= bounds[1]
    ),
    "containsAny": lambda values: (
        lambda found: isinstance(found, list) and any(_equals(item, value) for item in found for value in values)
    ),
}
