"""The `Condition` element of IAM policies (IAM User Guide, "Condition operators" and "Multivalued context keys")."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.appsync.auth.patterns import Context, plain, substitute, wildcard
from local.errors import NotEmulated

Comparison = Callable[[str, str], bool]


@dataclass(frozen=True)
class Condition:
    """One key of one operator. Its values are alternatives; all conditions of a statement must hold."""

    key: str
    values: tuple[str, ...]
    compare: Comparison
    negated: bool
    if_exists: bool
    quantifier: str  # "", "forallvalues" or "foranyvalue"
    null: bool = False

    def holds(self, context: Context) -> bool:
        """Whether the request context satisfies it."""
        found = context.get(self.key)
        if self.null:
            return any((value.lower() == "true") is (found is None) for value in self.values)
        if found is None:
            return self.if_exists or self.negated or self.quantifier == "forallvalues"
        actual = [found] if isinstance(found, str) else found
        matches = (self._matches(item, context) for item in actual)
        return any(matches) if self.quantifier == "foranyvalue" else all(matches)

    def _matches(self, actual: str, context: Context) -> bool:
        found = any(self._compare(actual, substitute(value, context)) for value in self.values)
        return found is not self.negated

    def _compare(self, actual: str, expected: str) -> bool:
        try:
            return self.compare(actual, expected)
        except ValueError:  # not a number, date or address: no match, as in IAM
            return False


def conditions(element: Mapping[str, Any], variables: bool) -> tuple[Condition, ...]:
    """Compile a `Condition` element; `variables` tells whether the policy's version has policy variables.

    Raises:
        NotEmulated: an operator is unknown.
    """
    return tuple(
        _condition(operator, key, value, variables) for operator, keys in element.items() for key, value in keys.items()
    )


def _condition(operator: str, key: str, value: Any, variables: bool) -> Condition:
    quantifier, _, name = operator.lower().rpartition(":")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    values = tuple(_text(item) for item in (value if isinstance(value, list) else [value]))
    if not variables:
        values = tuple(item.replace("${", "${$}{") for item in values)
    if name == "null":
        return Condition(key.lower(), values, _equals, negated=False, if_exists=False, quantifier="", null=True)
    if name not in _OPERATORS or quantifier not in {"", "forallvalues", "foranyvalue"}:
        raise NotEmulated(f"the policy condition operator {operator}", "the local IAM evaluation does not know it")
    compare, negated = _OPERATORS[name]
    return Condition(key.lower(), values, compare, negated, if_exists, quantifier)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _equals(actual: str, expected: str) -> bool:
    return actual == plain(expected)


def _equals_ignore_case(actual: str, expected: str) -> bool:
    return actual.lower() == plain(expected).lower()


def _like(actual: str, expected: str) -> bool:
    return wildcard(expected).fullmatch(actual) is not None


def _number(order: Callable[[float, float], bool]) -> Comparison:
    return lambda actual, expected: order(float(actual), float(expected))


def _date(order: Callable[[float, float], bool]) -> Comparison:
    return lambda actual, expected: order(_epoch(actual), _epoch(expected))


def _epoch(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _address(actual: str, expected: str) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False)


_OPERATORS: dict[str, tuple[Comparison, bool]] = {
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_ignore_case, False),
    "stringnotequalsignorecase": (_equals_ignore_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "arnequals": (_like, False),  # IAM treats ArnEquals and ArnLike alike
    "arnlike": (_like, False),
    "arnnotequals": (_like, True),
    "arnnotlike": (_like, True),
    "bool": (_equals_ignore_case, False),
    "ipaddress": (_address, False),
    "notipaddress": (_address, True),
    "numericequals": (_number(float.__eq__), False),
    "numericnotequals": (_number(float.__eq__), True),
    "numericlessthan": (_number(float.__lt__), False),
    "numericlessthanequals": (_number(float.__le__), False),
    "numericgreaterthan": (_number(float.__gt__), False),
    "numericgreaterthanequals": (_number(float.__ge__), False),
    "dateequals": (_date(float.__eq__), False),
    "datenotequals": (_date(float.__eq__), True),
    "datelessthan": (_date(float.__lt__), False),
    "datelessthanequals": (_date(float.__le__), False),
    "dategreaterthan": (_date(float.__gt__), False),
    "dategreaterthanequals": (_date(float.__ge__), False),
}
