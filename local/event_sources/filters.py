"""Filter criteria of event source mappings: EventBridge patterns on a record.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.errors import NotEmulated

Predicate = Callable[[Any], bool]

_MISSING = object()
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def compile_filters(patterns: Sequence[str]) -> Predicate:
    """A predicate of records: any of the patterns matches, or there are none.

    Raises:
        NotEmulated: a pattern is no pattern, or has an operator that is not known.
    """
    compiled = []
    for text in patterns:
        try:
            pattern = json.loads(text)
        except ValueError as error:
            raise NotEmulated(f"Filter pattern {text}", f"it is no JSON: {error}") from error
        if not isinstance(pattern, Mapping):
            raise NotEmulated(f"Filter pattern {text}", "a pattern is an object")
        compiled.append(_object(pattern))
    return (lambda record: any(matches(record) for matches in compiled)) if compiled else lambda record: True  # noqa: ARG005


def _object(pattern: Mapping[str, Any]) -> Predicate:
    fields: list[tuple[str, Predicate]] = []
    alternatives: list[Predicate] = []
    for key, value in pattern.items():
        if key == "$or":
            if not isinstance(value, list) or not all(isinstance(branch, Mapping) for branch in value):
                raise NotEmulated(f"Filter {json.dumps({key: value})}", "$or takes a list of patterns")
            alternatives = [_object(branch) for branch in value]
        elif isinstance(value, Mapping):
            fields.append((key, _nested(_object(value), value)))
        elif isinstance(value, list):
            fields.append((key, _leaf(value)))
        else:
            raise NotEmulated(f"Filter {json.dumps({key: value})}", "a field takes a list or a nested pattern")

    def matches(record: Any) -> bool:
        if not isinstance(record, Mapping):
            return False
        if not all(check(record.get(key, _MISSING)) for key, check in fields):
            return False
        return not alternatives or any(check(record) for check in alternatives)

    return matches


def _nested(check: Predicate, pattern: Mapping[str, Any]) -> Predicate:
    def matches(value: Any) -> bool:
        if value is _MISSING:
            return _satisfied_by_absence(pattern)
        if isinstance(value, list):
            return any(check(element) for element in value)
        return check(value)

    return matches


def _satisfied_by_absence(pattern: Mapping[str, Any]) -> bool:
    """`{"exists": false}` holds as well when an object on the way to the field is missing."""
    for value in pattern.values():
        if isinstance(value, Mapping):
            if not _satisfied_by_absence(value):
                return False
        elif not isinstance(value, list) or not _leaf(value)(_MISSING):
            return False
    return True


def _leaf(choices: list[Any]) -> Predicate:
    checks = [_choice(choice) for choice in choices]

    def matches(value: Any) -> bool:
        # A list in the event matches when one of its elements does.
        values = value if isinstance(value, list) and value else [value]
        return any(check(element) for check in checks for element in values)

    return matches


def _choice(choice: Any) -> Predicate:
    if isinstance(choice, Mapping):
        if len(choice) != 1:
            raise NotEmulated(f"Filter operator {json.dumps(choice)}", "one operator at a time")
        name, argument = next(iter(choice.items()))
        if name not in _OPERATORS:
            raise NotEmulated(f"Filter operator {name}", f"known are {', '.join(sorted(_OPERATORS))}")
        try:
            return _OPERATORS[name](argument)
        except (TypeError, ValueError, KeyError) as error:
            raise NotEmulated(f"Filter operator {json.dumps(choice)}", "it does not take that") from error
    if isinstance(choice, list):
        raise NotEmulated(f"Filter value {json.dumps(choice)}", "values are strings, numbers, booleans and null")
    return lambda value: value is not _MISSING and _equal(value, choice)


def _equal(value: Any, choice: Any) -> bool:
    # True is 1 in Python and nowhere else.
    return value == choice and isinstance(value, bool) == isinstance(choice, bool)


def _text(argument: Any, fold: Callable[[str], str] = lambda text: text) -> str:
    if not isinstance(argument, str):
        raise TypeError(argument)
    return fold(argument)


def _affix(test: Callable[[str, str], bool]) -> Callable[[Any], Predicate]:
    def build(argument: Any) -> Predicate:
        if isinstance(argument, Mapping):
            folded = _text(argument["equals-ignore-case"], str.casefold)
            return lambda value: isinstance(value, str) and test(value.casefold(), folded)
        text = _text(argument)
        return lambda value: isinstance(value, str) and test(value, text)

    return build


def _equals_ignore_case(argument: Any) -> Predicate:
    folded = _text(argument, str.casefold)
    return lambda value: isinstance(value, str) and value.casefold() == folded


def _wildcard(argument: Any) -> Predicate:
    # Only * is special; \* is a star.
    parts = [re.escape(part.replace("\\*", "*")) for part in re.split(r"(?<!\\)\*", _text(argument))]
    expression = re.compile(".*".join(parts), re.DOTALL)
    return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None


def _anything_but(argument: Any) -> Predicate:
    if isinstance(argument, Mapping):
        name, inner = next(iter(argument.items()))
        if name not in {"prefix", "suffix", "equals-ignore-case", "wildcard"} or len(argument) != 1:
            raise ValueError(argument)
        checks = [_OPERATORS[name](one) for one in (inner if isinstance(inner, list) else [inner])]
        return lambda value: isinstance(value, str) and not any(check(value) for check in checks)
    excluded = argument if isinstance(argument, list) else [argument]
    return lambda value: value is not _MISSING and not any(_equal(value, one) for one in excluded)


def _numeric(argument: Any) -> Predicate:
    if not isinstance(argument, list) or len(argument) not in {2, 4}:
        raise ValueError(argument)
    bounds = [(_COMPARISONS[argument[i]], float(argument[i + 1])) for i in range(0, len(argument), 2)]

    # A DynamoDB number is a string ({"N": "5"}), which no numeric comparison matches: Lambda's guide says so too.
    def matches(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and all(compare(value, bound) for compare, bound in bounds)

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
    "exists": _exists,
}
