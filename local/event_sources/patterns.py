"""EventBridge patterns: compiled once, then asked of every record.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from local.errors import NotEmulated

Predicate = Callable[[Any], bool]


class Number(NamedTuple):
    """A number as it was written: "300, 300.0, and 3.0e2 are not considered equal"."""

    text: str


class _Missing:
    """Stands for a field that is not there."""


_MISSING = _Missing()
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_LOWER, _UPPER = {">", ">="}, {"<", "<="}
LARGEST_NUMBER = 5.0e9
"""Numeric matching works "between -5.0e9 and +5.0e9 inclusive"."""


def loads(text: str) -> Any:
    """JSON, with its numbers as they are written. Raises ValueError."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def compile_pattern(pattern: Mapping[str, Any]) -> Predicate:
    """A predicate of events. Raises NotEmulated for what is no pattern, and for operators that are not known."""
    fields: list[tuple[str, Predicate]] = []
    alternatives: list[Predicate] = []
    for key, value in pattern.items():
        if key == "$or" and isinstance(value, list) and all(isinstance(branch, Mapping) for branch in value):
            if len(value) < 2:
                raise NotEmulated(f"Filter {_shown({key: value})}", "$or takes two patterns or more")
            alternatives = [compile_pattern(branch) for branch in value]
        elif key == "$or":
            raise NotEmulated(f"Filter {_shown({key: value})}", "$or takes a list of patterns")
        elif isinstance(value, Mapping):
            fields.append((key, _nested(compile_pattern(value), value)))
        elif isinstance(value, list):
            fields.append((key, _leaf(value)))
        else:
            raise NotEmulated(f"Filter {_shown({key: value})}", "a field takes a list or a nested pattern")

    def matches(event: Any) -> bool:
        if not isinstance(event, Mapping):
            return False
        if not all(check(event.get(key, _MISSING)) for key, check in fields):
            return False
        return not alternatives or any(check(event) for check in alternatives)

    return matches


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)


def _nested(check: Predicate, pattern: Mapping[str, Any]) -> Predicate:
    absent = _satisfied_by_absence(pattern)

    def matches(value: Any) -> bool:
        # Every field of a nested pattern has to match in the same element of a list.
        if isinstance(value, list):
            return any(matches(element) for element in value)
        return check(value) if isinstance(value, Mapping) else absent

    return matches


def _satisfied_by_absence(pattern: Mapping[str, Any]) -> bool:
    """`{"exists": false}` holds as well when an object on the way to the field is missing."""
    for key, value in pattern.items():
        if key == "$or":
            if not any(_satisfied_by_absence(branch) for branch in value):
                return False
        elif isinstance(value, Mapping):
            if not _satisfied_by_absence(value):
                return False
        elif not _leaf(value)(_MISSING):
            return False
    return True


def _leaf(choices: list[Any]) -> Predicate:
    checks = [_choice(choice) for choice in choices]

    def matches(value: Any) -> bool:
        if isinstance(value, list):
            # A list in the event matches when one of its elements does; an empty one has no value at all.
            return any(matches(element) for element in value) if value else any(check(_MISSING) for check in checks)
        return any(check(value) for check in checks)

    return matches


def _choice(choice: Any) -> Predicate:
    if isinstance(choice, Mapping):
        if len(choice) != 1:
            raise NotEmulated(f"Filter operator {_shown(choice)}", "one operator at a time")
        name, argument = next(iter(choice.items()))
        if name not in _OPERATORS:
            raise NotEmulated(f"Filter operator {name}", f"known are {', '.join(sorted(_OPERATORS))}")
        try:
            return _OPERATORS[name](argument)
        except (TypeError, ValueError, KeyError) as error:
            raise NotEmulated(f"Filter operator {_shown(choice)}", "it does not take that") from error
    if isinstance(choice, list):
        raise NotEmulated(f"Filter value {_shown(choice)}", "values are strings, numbers, booleans and null")
    return lambda value: _equal(value, choice)


def _equal(value: Any, choice: Any) -> bool:
    if isinstance(choice, Number):
        return _number_text(value) == choice.text
    # True is 1 in Python and nowhere else.
    return value == choice and isinstance(value, bool) == isinstance(choice, bool)


def _number_text(value: Any) -> str | None:
    if isinstance(value, Number):
        return value.text
    return json.dumps(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(argument: Any, fold: Callable[[str], str] = lambda text: text) -> str:
    if not isinstance(argument, str) or not argument:
        raise TypeError(argument)
    return fold(argument)


def _affix(test: Callable[[str, str], bool]) -> Callable[[Any], Predicate]:
    def build(argument: Any) -> Predicate:
        if isinstance(argument, Mapping):
            if len(argument) != 1:
                raise ValueError(argument)
            folded = _text(argument["equals-ignore-case"], str.casefold)
            return lambda value: isinstance(value, str) and test(value.casefold(), folded)
        text = _text(argument)
        return lambda value: isinstance(value, str) and test(value, text)

    return build


def _equals_ignore_case(argument: Any) -> Predicate:
    if not isinstance(argument, str):
        raise TypeError(argument)
    folded = argument.casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


_WILDCARD_PARTS = re.compile(r"\\[*\\]|\\|\*|[^*\\]+")


def _wildcard(argument: Any) -> Predicate:
    """Only * is special; a backslash takes its meaning away, and its own. Two stars in a row are refused, as by AWS."""
    expression = ""
    parts = _WILDCARD_PARTS.findall(_text(argument))
    for before, part in zip(["", *parts], parts, strict=False):
        if part == "\\" or part == before == "*":
            raise ValueError(argument)
        expression += ".*" if part == "*" else re.escape(part[1:] if part.startswith("\\") else part)
    compiled = re.compile(expression, re.DOTALL)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _anything_but(argument: Any) -> Predicate:
    """Also of strings that start, end or look in some way. A missing field is not anything."""
    if isinstance(argument, Mapping):
        name, inner = next(iter(argument.items()))
        if name not in {"prefix", "suffix", "equals-ignore-case", "wildcard"} or len(argument) != 1:
            raise ValueError(argument)
        checks = [_OPERATORS[name](one) for one in (inner if isinstance(inner, list) else [inner])]
        return lambda value: isinstance(value, str) and not any(check(value) for check in checks)
    excluded = argument if isinstance(argument, list) else [argument]
    if not excluded or not all(isinstance(one, str | Number | bool | None) for one in excluded):
        raise ValueError(argument)
    return lambda value: (
        value is not _MISSING and not isinstance(value, Mapping) and not any(_equal(value, one) for one in excluded)
    )


def _numeric(argument: Any) -> Predicate:
    """One comparison, or a range: a lower and an upper bound."""
    if not isinstance(argument, list) or len(argument) not in {2, 4}:
        raise ValueError(argument)
    if not all(isinstance(one, Number) for one in argument[1::2]):
        raise TypeError(argument)
    bounds = [
        (_COMPARISONS[name], float(number.text)) for name, number in zip(argument[::2], argument[1::2], strict=True)
    ]
    if any(abs(bound) > LARGEST_NUMBER for _, bound in bounds):
        raise ValueError(argument)
    if len(bounds) == 2 and not (argument[0] in _LOWER and argument[2] in _UPPER and bounds[0][1] < bounds[1][1]):
        raise ValueError(argument)

    # A DynamoDB number is a string ({"N": "5"}), which no numeric comparison matches: Lambda's guide says so too.
    # https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
    def matches(value: Any) -> bool:
        text = _number_text(value)
        return text is not None and all(compare(float(text), bound) for compare, bound in bounds)

    return matches


def _cidr(argument: Any) -> Predicate:
    network = ipaddress.ip_network(_text(argument))

    def matches(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return matches


def _exists(argument: Any) -> Predicate:
    if not isinstance(argument, bool):
        raise TypeError(argument)

    # Only leaves exist: a nested object does not.
    def matches(value: Any) -> bool:
        return (value is not _MISSING and not isinstance(value, Mapping)) == argument

    return matches


_OPERATORS: dict[str, Callable[[Any], Predicate]] = {
    "prefix": _affix(str.startswith),
    "suffix": _affix(str.endswith),
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "exists": _exists,
}
